//! Webcams, through nokhwa.
//!
//! nokhwa waits for a picture without a time limit (libv4l-rs#16), so a second handle on the device
//! node is polled before each picture but the first. A thread that still hangs, hangs in the driver; the
//! supervisor then abandons it.

mod devices;
mod v4l2;

use std::time::{Duration, Instant};

use nokhwa::Camera;
use nokhwa::utils::{
    CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};

use super::camera::{CameraChoice, Mode, PixelFormat, Wanted, ranked};
use super::kind::{Request, SourceKind, not_empty};
use super::output::{OpenedSource, SourceOutput};
use super::stall::{STALL, StallLimits};
use crate::convert::{Range, Raster, nv12, yuyv};
use crate::error::CaptureError;
use crate::jpeg::JpegDecoder;
use crate::picture::{PicturePool, PooledPicture};
use devices::only;
use v4l2::{BUSY, Node};

pub use devices::{Device, devices, named};

/// How long one poll for a picture takes at most, so that a cancelled attempt ends soon.
const POLL: Duration = Duration::from_millis(200);
/// How many of the best modes are tried, because some drivers refuse modes that they list.
const MODES_TRIED: usize = 4;

pub(super) static KIND: SourceKind = SourceKind {
    label: "webcam",
    keyword: Some("webcam"),
    forms: "webcam, webcam:ID (see `carrier devices`)",
    needs: "a camera",
    example: "webcam:0",
    parse: not_empty,
    plain_name: |id| match id {
        "" => "camera".to_owned(),
        id => format!("camera {id}"),
    },
    // A camera that falls silent gives pictures again only after it is opened again.
    limits: StallLimits::new(Duration::from_secs(8), STALL),
    run,
};

fn run(request: &Request, output: &mut SourceOutput) -> Result<(), CaptureError> {
    let listed = devices()?;
    let mut errors = Vec::new();
    for device in candidates(&listed, &request.camera)? {
        let taken = |by| CaptureError::CameraTaken {
            name: device.name.clone(),
            by,
        };
        // Held until the camera is closed.
        let claimed = output.claim_device(&device.id).map_err(taken);
        let opened = claimed.and_then(|claim| Ok((open(device, &request.wanted)?, claim)));
        match opened {
            Ok(((camera, mode), _claim)) => return read(camera, device, mode, output),
            Err(error) => {
                tracing::debug!(camera = device.name, %error, detail = error.detail(), "camera cannot be opened");
                errors.push((device.index, error));
            }
        }
    }
    // The reason on the card must not change with the camera that was tried last.
    let first = errors.into_iter().min_by_key(|(index, _)| *index);
    Err(first.map_or(CaptureError::NoCamera, |(_, error)| error))
}

fn candidates<'a>(
    listed: &'a [Device],
    choice: &CameraChoice,
) -> Result<Vec<&'a Device>, CaptureError> {
    let missing = |id: &String| CaptureError::CameraMissing { id: id.clone() };
    match choice {
        CameraChoice::Any { first } => {
            let mut any: Vec<&Device> = listed.iter().collect();
            if !any.is_empty() {
                let first = first % any.len();
                any.rotate_left(first);
            }
            Ok(any)
        }
        CameraChoice::Named(id) => Ok(vec![named(listed, id).ok_or_else(|| missing(id))?]),
        CameraChoice::Same { id, name } => {
            let same = listed.iter().find(|device| device.id == *id);
            let same = same.or_else(|| only(listed, |device| device.name == *name));
            Ok(vec![same.ok_or(CaptureError::CameraUnplugged)?])
        }
    }
}

fn open(device: &Device, wanted: &Wanted) -> Result<(Camera, Mode), CaptureError> {
    let modes = ranked(&device.modes, wanted);
    if modes.is_empty() && !device.modes.is_empty() {
        return Err(failed(device, "no mode has a usable size and frame rate"));
    }
    if modes.is_empty() {
        let name = device.name.clone();
        return Err(CaptureError::CameraFormats {
            name,
            offered: offered(device),
        });
    }
    let mut last_error = failed(device, "no mode was granted");
    for mode in modes.iter().take(MODES_TRIED) {
        match open_mode(device, mode) {
            Ok(Some((camera, granted))) => {
                if granted != *mode {
                    tracing::warn!(camera = device.name, asked = %mode, %granted, "the camera granted another mode");
                }
                return Ok((camera, granted));
            }
            Ok(None) => {}
            Err(error @ CaptureError::CameraFailed { .. }) => last_error = error,
            Err(error) => return Err(error),
        }
    }
    Err(last_error)
}

fn open_mode(device: &Device, mode: &Mode) -> Result<Option<(Camera, Mode)>, CaptureError> {
    let busy = || CaptureError::CameraBusy {
        name: device.name.clone(),
    };
    let refused = |error: std::io::Error| match error.raw_os_error() {
        Some(BUSY) => busy(),
        _ if error.kind() == std::io::ErrorKind::PermissionDenied => {
            CaptureError::CameraPermission {
                path: device.path.clone(),
            }
        }
        _ => failed(device, error),
    };
    let node = Node::open(&device.path).map_err(refused)?;
    let granted = node.prepare(mode).map_err(refused)?;
    // Closed before nokhwa opens the node: see `Node::prepare`.
    drop(node);
    let Some(granted) = granted else {
        return Ok(None);
    };
    let size = Resolution::new(granted.width, granted.height);
    let format = CameraFormat::new(size, frame_format(granted.format), granted.fps);
    let formats = [format.format()];
    let request = RequestedFormat::with_formats(RequestedFormatType::Exact(format), &formats);
    let index = CameraIndex::Index(device.index);
    let mut camera = Camera::new(index, request).map_err(|error| failed(device, error))?;
    camera.open_stream().map_err(|error| {
        let text = error.to_string();
        match text.contains(&format!("(os error {BUSY})")) {
            true => busy(),
            false => failed(device, text),
        }
    })?;
    Ok(Some((camera, granted)))
}

fn read(
    mut camera: Camera,
    device: &Device,
    mode: Mode,
    output: &mut SourceOutput,
) -> Result<(), CaptureError> {
    let node = Node::open(&device.path).map_err(|error| failed(device, error))?;
    let no_memory = |error| CaptureError::Thread(std::io::Error::other(error));
    let mut jpeg = JpegDecoder::new().map_err(no_memory)?;
    let _lease = output.camera_opened(device.path.clone(), device.name.clone());
    output.announce(OpenedSource {
        source: format!("{}, {mode}", device.name),
        fps: mode.fps as f32,
        camera: Some((device.id.clone(), device.name.clone())),
    });
    let lost = |error: String| {
        if !node.is_gone() {
            return failed(device, error);
        }
        tracing::info!(camera = device.name, error, "the camera is gone");
        CaptureError::CameraUnplugged
    };
    // The first call of `frame_raw` starts the stream; before it there is nothing to poll for.
    let mut streaming = false;
    while output.is_wanted() {
        let is_ready = !streaming || node.wait_picture(POLL).map_err(|e| lost(e.to_string()))?;
        if !is_ready {
            continue;
        }
        let bytes = camera.frame_raw().map_err(|e| lost(e.to_string()))?;
        let captured_at = Instant::now();
        streaming = true;
        if output.skip_if_unneeded(captured_at) {
            continue;
        }
        match output.timed(|| decoded(&bytes, mode, &mut jpeg, output.pool())) {
            Ok(picture) => output.publish(picture, captured_at),
            Err(error) => output.count_bad_picture(&error),
        }
    }
    Ok(())
}

/// Turns what the camera sends into I420.
fn decoded(
    bytes: &[u8],
    mode: Mode,
    jpeg: &mut JpegDecoder,
    pool: &PicturePool,
) -> Result<PooledPicture, String> {
    // nokhwa does not tell the driver's stride; cameras send rows without padding.
    let raster = |row_bytes: u32| Raster {
        data: bytes,
        width: mode.width,
        height: mode.height,
        stride: row_bytes as usize,
    };
    let converted = match mode.format {
        PixelFormat::Mjpeg => return jpeg.decode(bytes, pool).map_err(|e| e.to_string()),
        PixelFormat::Yuyv => yuyv(&raster(mode.width * 2), Range::Limited, pool),
        PixelFormat::Nv12 => nv12(&raster(mode.width), Range::Limited, pool),
    };
    converted.map_err(|error| error.to_string())
}

fn frame_format(format: PixelFormat) -> FrameFormat {
    match format {
        PixelFormat::Mjpeg => FrameFormat::MJPEG,
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Nv12 => FrameFormat::NV12,
    }
}

fn failed(device: &Device, detail: impl ToString) -> CaptureError {
    CaptureError::CameraFailed {
        name: device.name.clone(),
        detail: detail.to_string(),
    }
}

fn offered(device: &Device) -> String {
    let mut names: Vec<String> = device
        .modes
        .iter()
        .map(|mode| mode.format.to_string())
        .collect();
    names.dedup();
    names.extend(device.other_formats.iter().cloned());
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::devices::tests::device;
    use super::*;

    fn indexes(listed: &[Device], choice: &CameraChoice) -> Vec<u32> {
        let found = candidates(listed, choice).expect("found");
        found.iter().map(|device| device.index).collect()
    }

    #[test]
    fn each_attempt_begins_with_another_camera() {
        let listed = [device(0, "a", "A"), device(2, "b", "B")];
        assert_eq!(indexes(&listed, &CameraChoice::Any { first: 0 }), [0, 2]);
        assert_eq!(indexes(&listed, &CameraChoice::Any { first: 1 }), [2, 0]);
        assert!(indexes(&[], &CameraChoice::Any { first: 5 }).is_empty());
    }

    #[test]
    fn the_same_camera_is_found_in_another_socket() {
        let same = CameraChoice::Same {
            id: "usb-1".to_owned(),
            name: "C920".to_owned(),
        };
        let moved = [
            device(0, "built-in", "Integrated"),
            device(4, "usb-2", "C920"),
        ];
        assert_eq!(indexes(&moved, &same), [4]);
        let gone = candidates(&moved[..1], &same).expect_err("only another one");
        assert_eq!(gone.to_string(), "Camera unplugged. Waiting for it.");
    }

    #[test]
    fn the_error_of_a_camera_without_a_supported_format_lists_its_formats() {
        let error = open(&device(9, "x", "Odd"), &Wanted::default())
            .err()
            .expect("no mode");
        assert!(error.to_string().contains("H.264"), "{error}");
    }
}
