//! The list of cameras, with ids that stay the same when device nodes are renumbered.

use std::fs;
use std::path::{Path, PathBuf};

use super::v4l2::{self, Node};
use crate::error::CaptureError;
use crate::sources::camera::Mode;

/// A camera of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Stable id: the name below `/dev/v4l/by-id`, else below `by-path`, else the bus.
    pub id: String,
    /// The node, e.g. `/dev/video0`. It may change when the camera is plugged in again.
    pub path: PathBuf,
    pub index: u32,
    /// The manufacturer's name for it.
    pub name: String,
    /// Empty when it has only unsupported formats.
    pub modes: Vec<Mode>,
    /// Its unsupported formats.
    pub other_formats: Vec<String>,
}

/// Lists the cameras, without nodes for metadata, output and codecs. A node that this user may not
/// open is an error only when no camera is found.
pub fn devices() -> Result<Vec<Device>, CaptureError> {
    let links = links();
    let (mut found, mut forbidden) = (Vec::<Device>::new(), None);
    for (index, path) in v4l2::nodes() {
        match probe(index, &path, &links) {
            Ok(Some(mut device)) => {
                // Two cameras in one housing, such as the infra-red one of a laptop, share their bus.
                let twins = found.iter().filter(|other| other.id == device.id).count();
                if twins > 0 {
                    device.id = format!("{}#{twins}", device.id);
                }
                found.push(device);
            }
            Ok(None) => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                forbidden = Some(path);
            }
            Err(error) => tracing::debug!(path = %path.display(), %error, "device node skipped"),
        }
    }
    match forbidden {
        Some(path) if found.is_empty() => Err(CaptureError::CameraPermission { path }),
        _ => Ok(found),
    }
}

fn probe(index: u32, path: &Path, links: &[Link]) -> std::io::Result<Option<Device>> {
    let node = Node::open(path)?;
    let identity = node.identity()?;
    if !identity.is_camera {
        return Ok(None);
    }
    let (modes, other_formats) = node.modes()?;
    if modes.is_empty() && other_formats.is_empty() {
        return Ok(None);
    }
    let link = links.iter().find(|link| link.node == path);
    let id = link.map_or(identity.bus, |link| link.name.clone());
    let path = path.to_owned();
    Ok(Some(Device {
        id,
        path,
        index,
        name: name(index),
        modes,
        other_formats,
    }))
}

fn name(index: u32) -> String {
    let name = fs::read(format!("/sys/class/video4linux/video{index}/name"));
    let name = name.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    name.ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("Camera {index}"))
}

/// A link that udev made to a node.
struct Link {
    name: String,
    node: PathBuf,
}

/// `by-id` comes first because it identifies the camera, while `by-path` identifies the socket.
fn links() -> Vec<Link> {
    let folders = ["/dev/v4l/by-id", "/dev/v4l/by-path"];
    let entries = folders
        .into_iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    entries
        .flat_map(|entries| {
            let mut links: Vec<Link> = entries
                .flatten()
                .filter_map(|entry| {
                    let name = entry.file_name().into_string().ok()?;
                    Some(Link {
                        name,
                        node: entry.path().canonicalize().ok()?,
                    })
                })
                .collect();
            links.sort_by(|a, b| a.name.cmp(&b.name));
            links
        })
        .collect()
}

/// The camera that `wanted` names by its stable id, path, index, one of udev's links, or a part of its
/// name that no other camera has.
#[must_use]
pub fn named<'a>(devices: &'a [Device], wanted: &str) -> Option<&'a Device> {
    let exact = devices.iter().find(|device| {
        device.id == wanted
            || device.path == Path::new(wanted)
            || wanted.parse() == Ok(device.index)
    });
    exact
        .or_else(|| only(devices, |device| linked(wanted, &device.path)))
        .or_else(|| {
            let wanted = wanted.to_lowercase();
            only(devices, |device| {
                device.name.to_lowercase().contains(&wanted)
            })
        })
}

fn linked(link: &str, node: &Path) -> bool {
    link.starts_with("/dev/v4l/") && fs::canonicalize(link).is_ok_and(|target| target == node)
}

/// The camera for which `test` is true, if it is the only one.
pub(crate) fn only(devices: &[Device], test: impl Fn(&Device) -> bool) -> Option<&Device> {
    let mut fitting = devices.iter().filter(|device| test(device));
    fitting.next().filter(|_| fitting.next().is_none())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A camera without a supported format.
    pub(crate) fn device(index: u32, id: &str, name: &str) -> Device {
        let path = PathBuf::from(format!("/dev/video{index}"));
        let (id, name) = (id.to_owned(), name.to_owned());
        Device {
            id,
            path,
            index,
            name,
            modes: Vec::new(),
            other_formats: vec!["H.264".to_owned()],
        }
    }

    #[test]
    fn a_camera_is_found_by_any_of_its_names() {
        let devices = [
            device(0, "usb-Integrated_Camera-video-index0", "Integrated Camera"),
            device(2, "usb-046d_C920-video-index0", "HD Pro Webcam C920"),
        ];
        let found = |wanted| named(&devices, wanted).map(|device| device.index);
        assert_eq!(found("usb-046d_C920-video-index0"), Some(2));
        assert_eq!(found("/dev/video2"), Some(2));
        assert_eq!(found("0"), Some(0));
        assert_eq!(found("c920"), Some(2));
        assert_eq!(found("cam"), None, "both have it");
        assert_eq!(found("1"), None);
        assert_eq!(found("/dev/v4l/by-id/none"), None);
    }

    #[test]
    fn this_machine_can_be_asked() {
        // Cameras or none: no panic, and every id is its own.
        let Ok(mut devices) = devices() else { return };
        let count = devices.len();
        devices.sort_by(|a, b| a.id.cmp(&b.id));
        devices.dedup_by(|a, b| a.id == b.id);
        assert_eq!(devices.len(), count);
    }
}
