//! The backlight of a built-in display, through the kernel's files; where those may not be written, through logind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the kernel lists backlights.
pub(crate) const CLASS: &str = "/sys/class/backlight";

/// Restores its brightness when it is dropped.
#[derive(Debug)]
pub(crate) struct Backlight {
    folder: PathBuf,
    most: u32,
    before: u32,
    has_changed: bool,
    route: BacklightRoute,
}

/// How the brightness is set.
#[derive(Debug)]
enum BacklightRoute {
    File,
    /// Asks logind, which permits it to the user of the session at the display.
    Logind(Option<Child>),
    /// Neither is permitted.
    None,
}

impl Backlight {
    /// The backlight that controls the display best, by the kernel's advice: firmware before platform before raw.
    pub(crate) fn find(class: &Path) -> Option<Self> {
        let entries = fs::read_dir(class).ok()?;
        let mut folders: Vec<(usize, PathBuf)> = entries
            .filter_map(|entry| {
                let folder = entry.ok()?.path();
                let kind = fs::read_to_string(folder.join("type")).unwrap_or_default();
                let order = ["firmware", "platform"];
                let place = order.iter().position(|other| *other == kind.trim());
                Some((place.unwrap_or(order.len()), folder))
            })
            .collect();
        folders.sort();
        folders.into_iter().find_map(|(_, folder)| {
            let most = number(&folder.join("max_brightness")).filter(|most| *most > 0)?;
            Some(Self {
                before: number(&folder.join("brightness"))?,
                folder,
                most,
                has_changed: false,
                route: BacklightRoute::File,
            })
        })
    }

    pub(crate) fn percent(&self) -> u8 {
        let percent = u64::from(self.before) * 100 / u64::from(self.most);
        percent.min(100) as u8
    }

    /// Takes effect at once, or, through logind, soon after.
    pub(crate) fn set(&mut self, percent: u8) {
        self.has_changed = true;
        let level = u64::from(self.most) * u64::from(percent.min(100)) / 100;
        // Above 0, the dimmest level is still light.
        let least = u64::from(percent > 0);
        self.set_level(level.max(least) as u32);
    }

    fn set_level(&mut self, level: u32) {
        if let BacklightRoute::File = self.route {
            let Err(error) = fs::write(self.folder.join("brightness"), level.to_string()) else {
                return;
            };
            tracing::debug!(%error, "the backlight's file cannot be written; logind is asked");
            self.route = BacklightRoute::Logind(None);
        }
        if let BacklightRoute::Logind(last) = &mut self.route {
            // One after the other, so that the last one counts.
            let refused = last.take().is_some_and(|mut last| {
                let ended = last.wait();
                !ended.is_ok_and(|ended| ended.success())
            });
            match ask_logind(&self.folder, level) {
                Ok(asked) if !refused => *last = Some(asked),
                _ => {
                    tracing::warn!(
                        "the brightness of {} cannot be set: neither its file nor logind permits it (docs/screen.md \
                         has a udev rule)",
                        self.folder.display()
                    );
                    self.route = BacklightRoute::None;
                }
            }
        }
    }
}

impl Drop for Backlight {
    fn drop(&mut self) {
        if self.has_changed {
            self.set_level(self.before);
        }
        if let BacklightRoute::Logind(Some(last)) = &mut self.route {
            let _ = last.wait();
        }
    }
}

fn ask_logind(folder: &Path, level: u32) -> std::io::Result<Child> {
    let name = folder.file_name().unwrap_or_default();
    Command::new("busctl")
        .args(["--quiet", "--timeout=1", "call", "org.freedesktop.login1"])
        .arg("/org/freedesktop/login1/session/auto")
        .args(["org.freedesktop.login1.Session", "SetBrightness"])
        .args(["ssu", "backlight"])
        .arg(name)
        .arg(level.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn number(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, lights: &[(&str, &str, u32)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("screen-{name}-{}", std::process::id()));
        for (light, kind, most) in lights {
            let folder = root.join(light);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("type"), kind).expect("a file");
            fs::write(folder.join("max_brightness"), format!("{most}\n")).expect("a file");
            fs::write(folder.join("brightness"), format!("{}\n", most / 2)).expect("a file");
        }
        root
    }

    #[test]
    fn the_brightness_is_set_in_parts_of_the_most_and_restored() {
        let root = folder(
            "backlight",
            &[("acpi_video0", "raw", 10), ("panel", "firmware", 400)],
        );
        let level = || number(&root.join("panel/brightness")).expect("a number");
        let mut backlight = Backlight::find(&root).expect("one");
        assert_eq!((backlight.percent(), level()), (50, 200), "firmware first");
        for (percent, wanted) in [(100, 400), (10, 40), (0, 0)] {
            backlight.set(percent);
            assert_eq!(level(), wanted);
        }
        drop(backlight);
        assert_eq!(level(), 200);
        fs::remove_dir_all(&root).expect("removed");
    }

    #[test]
    fn the_dimmest_level_above_nothing_is_light() {
        let root = folder("dim", &[("panel", "raw", 7)]);
        Backlight::find(&root).expect("one").set(5);
        let mut backlight = Backlight::find(&root).expect("one");
        backlight.set(5);
        assert_eq!(number(&root.join("panel/brightness")), Some(1));
        drop(backlight);
        fs::remove_dir_all(&root).expect("removed");
    }

    #[test]
    fn files_that_lie_are_no_backlight() {
        assert!(Backlight::find(Path::new("/nowhere")).is_none());
        let root = folder("lying", &[("panel", "raw", 0)]);
        assert!(Backlight::find(&root).is_none());
        fs::remove_dir_all(&root).expect("removed");
    }
}
