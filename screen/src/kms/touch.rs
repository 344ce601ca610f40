//! Taps on touch screens, read from the kernel's input devices. Without a desktop nobody else passes them on.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// `struct input_event` of a 64-bit kernel: the time, then type, code and value.
const EVENT_BYTES: usize = 24;
const EV_KEY: u16 = 1;
const BTN_TOUCH: u16 = 0x14a;
/// Bit of a device whose surface is the display (`INPUT_PROP_DIRECT`).
const DIRECT: u32 = 1;

/// The touch screens that may be read.
#[derive(Debug)]
pub(super) struct TouchScreens {
    devices: Vec<(PathBuf, File)>,
}

impl TouchScreens {
    /// Those that the kernel lists in `class` (`/sys/class/input`) with their devices in `devices` (`/dev/input`).
    pub(super) fn open(class: &Path, devices: &Path) -> Self {
        let entries = fs::read_dir(class).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let touch = names.filter(|name| name.starts_with("event") && is_touch(&class.join(name)));
        let opened = touch.filter_map(|name| {
            let device = devices.join(name);
            let mut options = OpenOptions::new();
            let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
            let opened = options
                .read(true)
                .custom_flags(nonblocking.cast_signed())
                .open(&device);
            match opened {
                Ok(file) => Some((device, file)),
                Err(error) => {
                    let device = device.display();
                    tracing::info!(
                        "the touch screen {device} cannot be read: {error}; its group is usually `input`"
                    );
                    None
                }
            }
        });
        Self {
            devices: opened.collect(),
        }
    }

    /// Whether somebody has tapped since the last call. Never waits.
    pub(super) fn tapped(&mut self) -> bool {
        let mut has_tapped = false;
        let mut events = [0; 32 * EVENT_BYTES];
        for (_, file) in &mut self.devices {
            // A device that is gone gives errors, one without events none.
            while let Ok(length) = file.read(&mut events) {
                if length == 0 {
                    break;
                }
                has_tapped |= events[..length].chunks_exact(EVENT_BYTES).any(is_tap);
            }
        }
        has_tapped
    }
}

/// A finger that comes down.
fn is_tap(event: &[u8]) -> bool {
    let number = |at: usize| u16::from_ne_bytes([event[at], event[at + 1]]);
    (number(16), number(18)) == (EV_KEY, BTN_TOUCH) && event[20] == 1
}

fn is_touch(event: &Path) -> bool {
    // Words of 64 bits in hexadecimal, the highest first.
    let has_bit = |file: &str, bit: u32| {
        let words = fs::read_to_string(event.join("device").join(file)).unwrap_or_default();
        let word = words.split_whitespace().rev().nth(bit as usize / 64);
        let word = word.and_then(|word| u64::from_str_radix(word, 16).ok());
        word.is_some_and(|word| word >> (bit % 64) & 1 == 1)
    };
    has_bit("properties", DIRECT) && has_bit("capabilities/key", BTN_TOUCH.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut event = vec![0; 16];
        event.extend(kind.to_ne_bytes());
        event.extend(code.to_ne_bytes());
        event.extend(value.to_ne_bytes());
        event
    }

    #[test]
    fn a_finger_that_comes_down_on_a_touch_screen_is_a_tap() {
        let root = std::env::temp_dir().join(format!("screen-touch-{}", std::process::id()));
        let (class, devices) = (root.join("class"), root.join("input"));
        fs::create_dir_all(&devices).expect("a folder");
        for (name, properties, keys, events) in [
            // A touch screen, and a touch pad, whose surface is not the display.
            (
                "event3",
                "2",
                "400 0 0 0 0 0",
                [event(3, 0x35, 9), event(EV_KEY, BTN_TOUCH, 1)],
            ),
            (
                "event4",
                "5",
                "e520 10000 0 0 0 0",
                [event(EV_KEY, BTN_TOUCH, 1), event(0, 0, 0)],
            ),
        ] {
            let device = class.join(name).join("device");
            fs::create_dir_all(device.join("capabilities")).expect("a folder");
            fs::write(device.join("properties"), format!("{properties}\n")).expect("a file");
            fs::write(device.join("capabilities/key"), format!("{keys}\n")).expect("a file");
            fs::write(devices.join(name), events.concat()).expect("a file");
        }
        let mut screens = TouchScreens::open(&class, &devices);
        let opened: Vec<_> = screens
            .devices
            .iter()
            .map(|(path, _)| path.clone())
            .collect();
        assert_eq!(opened, [devices.join("event3")]);
        assert!(screens.tapped());
        assert!(!screens.tapped(), "once");
        fs::remove_dir_all(&root).expect("removed");
    }

    #[test]
    fn a_finger_that_moves_or_goes_is_no_tap() {
        assert!(!is_tap(&event(EV_KEY, BTN_TOUCH, 0)));
        assert!(!is_tap(&event(3, 0x35, 1)));
    }
}
