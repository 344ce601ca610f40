//! Which cameras there are, under names that survive renumbering.

use std::fs;
use std::path::{Path, PathBuf};

use super::v4l2::{self, Node};
use crate::error::CaptureError;
use crate::sources::camera::Mode;

/// A camera of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Stable: the name under `/dev/v4l/by-id`, else by-path, else the bus.
    pub id: String,
    /// The node, e.g. `/dev/video0`. Another one after the next plugging in, perhaps.
    pub path: PathBuf,
    /// The node's number.
    pub index: u32,
    /// What the maker calls it.
    pub name: String,
    /// What it can send. Empty when it only has formats that are not read here.
    pub modes: Vec<Mode>,
    /// Formats it has that are not read here.
    pub other_formats: Vec<String>,
}

/// Lists the cameras. Nodes for metadata, output and codecs are left out; a node that may not be
/// opened is an error only when there is no camera besides.
pub fn devices() -> Result<Vec<Device>, CaptureError> {
    let links = links();
    let (mut found, mut forbidden) = (Vec::<Device>::new(), None);
    for (index, path) in v4l2::nodes() {
        match probe(index, &path, &links) {
            Ok(Some(mut device)) => {
                // Two cameras in one housing share their bus: the infra-red one of a laptop.
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
            Err(error) => tracing::debug!(path = %path.display(), %error, "node left out"),
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
    let told = fs::read(format!("/sys/class/video4linux/video{index}/name"));
    let told = told.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    told.ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("Camera {index}"))
}

/// What udev calls a node.
struct Link {
    name: String,
    node: PathBuf,
}

/// By-id first: it names the camera; by-path names the socket.
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

/// The camera that `wanted` names: stable id, path, index, a link of udev's, or a part of the name
/// that only one camera has.
#[must_use]
pub(crate) fn named<'a>(devices: &'a [Device], wanted: &str) -> Option<&'a Device> {
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

/// The only camera of which `test` holds.
pub(crate) fn only(devices: &[Device], test: impl Fn(&Device) -> bool) -> Option<&Device> {
    let mut fitting = devices.iter().filter(|device| test(device));
    fitting.next().filter(|_| fitting.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(index: u32, id: &str, name: &str) -> Device {
        let path = PathBuf::from(format!("/dev/video{index}"));
        let (id, name) = (id.to_owned(), name.to_owned());
        Device {
            id,
            path,
            index,
            name,
            modes: Vec::new(),
            other_formats: Vec::new(),
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
