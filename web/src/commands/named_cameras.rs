//! Which device each entry of `[[cameras]]` is, for `carrier devices` and `carrier doctor`.

use std::path::PathBuf;

use capture::{Device, SourceSpec, Y4mInput, device_named};

use crate::config::{CameraEntry, ConfigError};

/// What an entry's source is now.
#[derive(Debug)]
pub(crate) enum CameraFound<'a> {
    Device(&'a Device),
    /// The first camera that no other source has.
    AnyDevice,
    /// The camera is not plugged in.
    NoDevice,
    /// An entry before it is the same device.
    SameDevice(&'a Device, &'a str),
    NoFile(PathBuf),
    /// Nothing of this machine.
    Elsewhere,
    Wrong(ConfigError),
}

/// Each entry with what it is.
pub(crate) fn find<'a>(
    cameras: &'a [CameraEntry],
    devices: &'a [Device],
) -> Vec<(&'a CameraEntry, CameraFound<'a>)> {
    let mut known: Vec<(&CameraEntry, CameraFound<'a>)> = Vec::new();
    for camera in cameras {
        let found = match camera.source_spec() {
            Err(error) => CameraFound::Wrong(error),
            Ok(SourceSpec::Webcam { id: None }) if devices.is_empty() => CameraFound::NoDevice,
            Ok(SourceSpec::Webcam { id: None }) => CameraFound::AnyDevice,
            Ok(SourceSpec::Webcam { id: Some(id) }) => match device_named(devices, &id) {
                None => CameraFound::NoDevice,
                Some(device) => {
                    let is_it = |found: &CameraFound<'a>| matches!(found, CameraFound::Device(other) if *other == device);
                    let first = known.iter().find(|(_, found)| is_it(found));
                    match first {
                        Some((other, _)) => CameraFound::SameDevice(device, &other.name),
                        None => CameraFound::Device(device),
                    }
                }
            },
            Ok(SourceSpec::File(path) | SourceSpec::Y4m(Y4mInput::Path(path)))
                if !path.exists() =>
            {
                CameraFound::NoFile(path)
            }
            Ok(_) => CameraFound::Elsewhere,
        };
        known.push((camera, found));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_is_a_device_of_its_own() {
        let device = |index: u32, id: &str| Device {
            id: id.to_owned(),
            path: format!("/dev/video{index}").into(),
            index,
            name: format!("Camera {id}"),
            modes: Vec::new(),
            other_formats: Vec::new(),
        };
        let devices = [device(0, "usb-1"), device(2, "usb-2")];
        let entry = |name: &str, source: &str| CameraEntry {
            name: name.to_owned(),
            source: source.to_owned(),
            ..CameraEntry::default()
        };
        let cameras = [
            entry("front", "webcam:usb-1"),
            entry("again", "/dev/video0"),
            entry("back", "webcam:2"),
            entry("gone", "webcam:7"),
            entry("any", "webcam"),
            entry("file", "/nowhere/clip.mp4"),
            entry("net", "rtsp://10.0.0.5/"),
            entry("odd", "nothing"),
        ];
        let found = find(&cameras, &devices);
        let found: Vec<&CameraFound<'_>> = found.iter().map(|(_, found)| found).collect();
        assert!(matches!(found[0], CameraFound::Device(device) if device.index == 0));
        assert!(matches!(found[1], CameraFound::SameDevice(_, "front")));
        assert!(matches!(found[2], CameraFound::Device(device) if device.index == 2));
        assert!(matches!(found[3], CameraFound::NoDevice));
        assert!(matches!(found[4], CameraFound::AnyDevice));
        assert!(matches!(found[5], CameraFound::NoFile(_)));
        assert!(matches!(found[6], CameraFound::Elsewhere));
        assert!(matches!(found[7], CameraFound::Wrong(_)));
    }
}
