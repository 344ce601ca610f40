//! Which output is taken, and why. Pure, but for [`cards_below`], which reads the kernel's list of displays.

use std::fs;
use std::path::{Path, PathBuf};

/// What the owner asked for, and what is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OutputChoice {
    /// A window where there is a session for it, else a display without one, else nothing.
    Auto,
    Window,
    /// A display through the kernel's mode setting.
    Kms,
    #[default]
    Off,
}

impl OutputChoice {
    /// The choice of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "window" => Some(Self::Window),
            "kms" => Some(Self::Kms),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// What there is to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundOutputs {
    /// This build can open windows.
    pub has_window: bool,
    /// A Wayland or X11 session, as its name.
    pub desktop: Option<&'static str>,
    pub cards: Vec<GraphicsCard>,
}

/// A graphics card and its connected displays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphicsCard {
    /// Such as `/dev/dri/card0`.
    pub device: PathBuf,
    /// Connectors with a display, such as `eDP-1`.
    pub connected: Vec<String>,
    /// Why the device cannot be opened.
    pub refused: Option<String>,
}

/// The output to open, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    pub output: OutputChoice,
    pub reason: String,
}

/// Never returns [`OutputChoice::Auto`].
#[must_use]
pub fn choose(wanted: OutputChoice, found: &FoundOutputs) -> Chosen {
    let chosen = |output, reason: String| Chosen { output, reason };
    match wanted {
        OutputChoice::Off => chosen(OutputChoice::Off, "it is not wanted".to_owned()),
        OutputChoice::Window if !found.has_window => {
            let reason = "this build has no windows (cargo feature `window`)";
            chosen(OutputChoice::Off, reason.to_owned())
        }
        OutputChoice::Window => chosen(OutputChoice::Window, "as configured".to_owned()),
        OutputChoice::Kms => chosen(OutputChoice::Kms, "as configured".to_owned()),
        OutputChoice::Auto => match (found.desktop, found.has_window) {
            (Some(desktop), true) => chosen(
                OutputChoice::Window,
                format!("there is a {desktop} session"),
            ),
            // A desktop has the display.
            (Some(desktop), false) => {
                let reason = format!(
                    "there is a {desktop} session, and this build has no windows (cargo feature `window`)"
                );
                chosen(OutputChoice::Off, reason)
            }
            (None, _) => kms_or_off(&found.cards),
        },
    }
}

fn kms_or_off(cards: &[GraphicsCard]) -> Chosen {
    let with_display = cards.iter().filter(|card| !card.connected.is_empty());
    let mut refusals = Vec::new();
    for card in with_display {
        let device = card.device.display();
        let Some(why) = &card.refused else {
            let connectors = card.connected.join(", ");
            return Chosen {
                output: OutputChoice::Kms,
                reason: format!("no desktop session, and {device} has a display ({connectors})"),
            };
        };
        refusals.push(format!("{device} cannot be opened: {why}"));
    }
    let reason = match (cards, refusals.as_slice()) {
        ([], _) => "neither a desktop session nor a graphics card".to_owned(),
        (_, []) => "no desktop session, and no display is connected".to_owned(),
        _ => refusals.join("; "),
    };
    Chosen {
        output: OutputChoice::Off,
        reason,
    }
}

/// The cards that the kernel lists in `class` (`/sys/class/drm`) with their devices in `devices` (`/dev/dri`).
/// `open` tries a device and says why it cannot be used. Cards with a connected display come first.
#[must_use]
pub fn cards_below(
    class: &Path,
    devices: &Path,
    open: impl Fn(&Path) -> Option<String>,
) -> Vec<GraphicsCard> {
    let Ok(entries) = fs::read_dir(class) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let is_card = |name: &&String| {
        let number = name.strip_prefix("card");
        number.is_some_and(|number| number.chars().all(|sign| sign.is_ascii_digit()))
    };
    let mut cards: Vec<GraphicsCard> = names
        .iter()
        .filter(is_card)
        .map(|name| {
            let device = devices.join(name);
            let connectors = names
                .iter()
                .filter_map(|other| Some((other, other.strip_prefix(name)?.strip_prefix('-')?)));
            let connected = connectors.filter(|(entry, _)| {
                let status = fs::read_to_string(class.join(entry).join("status"));
                status.is_ok_and(|status| status.trim() == "connected")
            });
            GraphicsCard {
                connected: connected.map(|(_, name)| name.to_owned()).collect(),
                refused: open(&device),
                device,
            }
        })
        .collect();
    cards.sort_by_key(|card| card.connected.is_empty());
    cards
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str, connected: &[&str], refused: Option<&str>) -> GraphicsCard {
        GraphicsCard {
            device: Path::new("/dev/dri").join(name),
            connected: connected.iter().map(|&name| name.to_owned()).collect(),
            refused: refused.map(str::to_owned),
        }
    }

    fn found(desktop: Option<&'static str>, cards: Vec<GraphicsCard>) -> FoundOutputs {
        FoundOutputs {
            has_window: true,
            desktop,
            cards,
        }
    }

    #[test]
    fn auto_prefers_a_window_then_a_display_and_says_why() {
        let auto = |found: &FoundOutputs| choose(OutputChoice::Auto, found);
        let display = || vec![card("card1", &["eDP-1"], None)];
        let window = auto(&found(Some("Wayland"), display()));
        assert_eq!(window.output, OutputChoice::Window);
        assert_eq!(window.reason, "there is a Wayland session");
        let kms = auto(&found(None, display()));
        assert_eq!(kms.output, OutputChoice::Kms);
        assert!(kms.reason.contains("/dev/dri/card1") && kms.reason.contains("eDP-1"));
        let mut without = found(Some("X11"), display());
        without.has_window = false;
        assert_eq!(auto(&without).output, OutputChoice::Off);
    }

    #[test]
    fn auto_is_off_without_a_usable_display_and_names_the_obstacle() {
        let off = |cards| {
            let chosen = choose(OutputChoice::Auto, &found(None, cards));
            assert_eq!(chosen.output, OutputChoice::Off);
            chosen.reason
        };
        assert!(off(Vec::new()).contains("graphics card"));
        assert!(off(vec![card("card0", &[], None)]).contains("no display"));
        let refused = off(vec![card(
            "card0",
            &["HDMI-A-1"],
            Some("Permission denied"),
        )]);
        assert!(refused.contains("/dev/dri/card0") && refused.contains("Permission denied"));
    }

    #[test]
    fn a_window_is_refused_by_a_build_without_windows() {
        let chosen = choose(OutputChoice::Window, &FoundOutputs::default());
        assert_eq!(chosen.output, OutputChoice::Off);
        assert!(chosen.reason.contains("cargo feature"));
    }

    #[test]
    fn cards_are_read_from_the_kernels_folder() {
        let root = std::env::temp_dir().join(format!("screen-cards-{}", std::process::id()));
        for (connector, status) in [
            ("card0-VGA-1", "disconnected\n"),
            ("card1-eDP-1", "connected\n"),
            ("card1-HDMI-A-1", "disconnected\n"),
        ] {
            fs::create_dir_all(root.join(connector)).expect("a folder");
            fs::write(root.join(connector).join("status"), status).expect("a file");
        }
        for other in ["card0", "card1", "renderD128", "version"] {
            fs::create_dir_all(root.join(other)).expect("a folder");
        }
        let cards = cards_below(&root, Path::new("/dev/dri"), |_| None);
        fs::remove_dir_all(&root).expect("removed");
        let expected = [card("card1", &["eDP-1"], None), card("card0", &[], None)];
        assert_eq!(cards, expected);
    }
}
