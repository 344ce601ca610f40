//! Video files and RTSP or HTTP streams, through OpenCV (FFmpeg).

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Vector};
use opencv::videoio::{self, VideoCapture, VideoCaptureTrait, VideoCaptureTraitConst};

use crate::camera_http::{CameraHttp, content_type};
use crate::convert::{Raster, bgr24};
use crate::error::CaptureError;
use crate::outlet::{Opened, Outlet};
use crate::pace::Pacer;
use crate::picture::{I420, PictureError};
use crate::pixel_aspect::{PixelAspect, Squarer};
use crate::pool::PooledPicture;
use crate::rtsp_answer;

/// FFmpeg gives up opening an address after this.
const OPEN_MS: i32 = 8000;
/// FFmpeg gives up waiting for a packet after this. The card is up long before.
const READ_MS: i32 = 4000;

/// How often a file of a single picture is shown, and looked after whether it has changed.
const STILL_INTERVAL: Duration = Duration::from_millis(200);

/// Plays a file, again and again with `again`.
pub(crate) fn run_file(path: &Path, again: bool, outlet: &mut Outlet) -> Result<(), CaptureError> {
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    let unplayable = |detail: String| CaptureError::Video {
        name: name.clone(),
        detail,
    };
    // With a folder in front FFmpeg takes nothing before a colon for a protocol.
    let absolute = std::path::absolute(path).map_err(|error| unplayable(error.to_string()))?;
    let file = absolute
        .to_str()
        .ok_or_else(|| unplayable("its path is no UTF-8".to_owned()))?;
    let mut pacer: Option<Pacer> = None;
    while outlet.wanted() {
        // FFmpeg would only say "no".
        let written = readable(path).map_err(unplayable)?;
        // Opened anew for each turn: seeking to the start is not exact in every container.
        let stream = Stream::open(file)
            .map_err(unplayable)?
            .ok_or_else(|| unplayable("it is no video that FFmpeg can read".to_owned()))?;
        let pacer = pacer.get_or_insert_with(|| Pacer::new(stream.fps));
        stream.announce(&format!("video {name}"), outlet);
        let played = stream.play(Some(pacer), outlet);
        match (played.pictures, again) {
            (0, _) => return Err(unplayable("it has no pictures".to_owned())),
            (_, false) => return Err(CaptureError::VideoEnded),
            (1, true) => hold(played.first, outlet, || {
                readable(path).is_ok_and(|now| now == written)
            }),
            (_, true) => {}
        }
    }
    Ok(())
}

/// When the file was written and its length; why it cannot be played.
fn readable(path: &Path) -> Result<(Option<SystemTime>, u64), String> {
    let about = File::open(path)
        .and_then(|file| file.metadata())
        .map_err(|error| error.to_string())?;
    if about.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if about.is_file() && about.len() == 0 {
        return Err("it is empty".to_owned());
    }
    Ok((about.modified().ok(), about.len()))
}

/// Shows one picture for as long as the file `is_same`.
fn hold(picture: Option<PooledPicture>, outlet: &mut Outlet, is_same: impl Fn() -> bool) {
    let Some(picture) = picture else { return };
    while outlet.wanted() && is_same() {
        let due = Instant::now() + STILL_INTERVAL;
        outlet.pause_until(due);
        let copy = outlet.pool().copy_of(&picture);
        outlet.publish(copy, due);
    }
}

/// Plays an address. A live stream is shown as it comes; a file behind an address and a playlist,
/// which come in bursts, are paced by their timestamps.
pub(crate) fn run_url(url: &str, name: String, outlet: &mut Outlet) -> Result<(), CaptureError> {
    let stream = Stream::open(url).map_err(|detail| CaptureError::NoStream {
        name: name.clone(),
        detail,
    })?;
    let stream = stream.ok_or_else(|| why_closed(url, &name))?;
    stream.announce(&name, outlet);
    let playlist = url
        .split(['?', '#'])
        .next()
        .is_some_and(|path| path.ends_with(".m3u8"));
    let mut pacer = Pacer::new(stream.fps);
    let pacing = (stream.is_finite || playlist).then_some(&mut pacer);
    stream.play(pacing, outlet);
    if outlet.wanted() {
        let detail = "no more pictures came".to_owned();
        return Err(CaptureError::StreamEnded { name, detail });
    }
    Ok(())
}

/// FFmpeg has refused an address without a word: asks there for the reason.
fn why_closed(url: &str, name: &str) -> CaptureError {
    let name = name.to_owned();
    let mut detail = "FFmpeg cannot read what it sends".to_owned();
    let asked = match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("http" | "https") => CameraHttp::new(url, name.clone()).get().map(|answer| {
            let kind = content_type(&answer);
            if kind.starts_with("multipart/") || kind.starts_with("image/") {
                detail += "; write mjpeg: before its address";
            }
        }),
        Some("rtsp") => rtsp_answer::ask(url, &name),
        _ => {
            let detail = "it is no video that FFmpeg can read, or nobody answers".to_owned();
            return CaptureError::Unreachable { name, detail };
        }
    };
    asked
        .err()
        .unwrap_or(CaptureError::NoStream { name, detail })
}

struct Stream {
    capture: VideoCapture,
    fps: f64,
    /// Whether it has an end.
    is_finite: bool,
}

impl Stream {
    /// `None` when FFmpeg cannot open it, for whatever reason.
    fn open(address: &str) -> Result<Option<Self>, String> {
        let params = Vector::from_slice(&[
            videoio::CAP_PROP_OPEN_TIMEOUT_MSEC,
            OPEN_MS,
            videoio::CAP_PROP_READ_TIMEOUT_MSEC,
            READ_MS,
        ]);
        // Turned pictures (phones write them) are set upright by default; asking for it here is an
        // error in OpenCV 4.6.
        let capture = VideoCapture::from_file_with_params(address, videoio::CAP_FFMPEG, &params)
            .map_err(|error| error.message)?;
        let get = |property| capture.get(property).unwrap_or_default();
        if !capture.is_opened().unwrap_or(false) {
            return Ok(None);
        }
        let side = |property| get(property).max(0.0) as u32;
        let width = side(videoio::CAP_PROP_FRAME_WIDTH);
        let height = side(videoio::CAP_PROP_FRAME_HEIGHT);
        // Before the first picture is decoded: a huge one would cost gigabytes.
        if width > I420::MAX_SIDE_PX || height > I420::MAX_SIDE_PX {
            return Err(PictureError::TooLarge { width, height }.to_string());
        }
        let fps = get(videoio::CAP_PROP_FPS);
        let is_finite = get(videoio::CAP_PROP_FRAME_COUNT) > 0.0;
        Ok(Some(Self {
            capture,
            fps,
            is_finite,
        }))
    }

    /// The shape of a pixel as shown. Known once a picture was read.
    fn pixel_aspect(&self) -> PixelAspect {
        let get = |property| self.capture.get(property).unwrap_or_default().max(0.0) as u32;
        let aspect = PixelAspect::new(
            get(videoio::CAP_PROP_SAR_NUM),
            get(videoio::CAP_PROP_SAR_DEN),
        );
        // OpenCV has turned the picture, but not its shape.
        match get(videoio::CAP_PROP_ORIENTATION_META) {
            90 | 270 => aspect.turned(),
            _ => aspect,
        }
    }

    fn announce(&self, name: &str, outlet: &mut Outlet) {
        let fps = if self.fps.is_finite() {
            self.fps as f32
        } else {
            0.0
        };
        outlet.opened(Opened {
            source: name.to_owned(),
            fps,
            camera: None,
        });
    }

    /// Plays to the end.
    fn play(mut self, mut pacing: Option<&mut Pacer>, outlet: &mut Outlet) -> Played {
        let mut decoded = Mat::default();
        let mut squarer = Squarer::default();
        let mut aspect = None;
        let mut played = Played::default();
        while outlet.wanted() && self.capture.read(&mut decoded).unwrap_or(false) {
            played.pictures += 1;
            let aspect = *aspect.get_or_insert_with(|| self.pixel_aspect());
            let now = Instant::now();
            let captured_at = pacing.as_deref_mut().map_or(now, |pacer| {
                let ms = self.capture.get(videoio::CAP_PROP_POS_MSEC).unwrap_or(-1.0);
                pacer.due(Duration::try_from_secs_f64(ms / 1000.0).ok(), now)
            });
            let converted = outlet.timed(|| {
                let picture = to_i420(&decoded, outlet)?;
                squarer.squared(picture, aspect, outlet.pool())
            });
            outlet.pause_until(captured_at);
            match converted {
                Ok(picture) => {
                    if played.pictures == 1 {
                        played.first = Some(outlet.pool().copy_of(&picture));
                    }
                    outlet.publish(picture, captured_at);
                }
                Err(error) => outlet.bad_picture(&error),
            }
        }
        played
    }
}

/// What came of playing.
#[derive(Debug, Default)]
struct Played {
    pictures: u64,
    first: Option<PooledPicture>,
}

fn to_i420(picture: &Mat, outlet: &Outlet) -> Result<PooledPicture, String> {
    let side = |length: i32| u32::try_from(length).unwrap_or_default();
    let (width, height) = (side(picture.cols()), side(picture.rows()));
    if picture.channels() != 3 {
        return Err(format!(
            "{} channels where 3 were expected",
            picture.channels()
        ));
    }
    let data = picture.data_bytes().map_err(|error| error.message)?;
    // `data_bytes` gives only pictures without gaps between their rows.
    let raster = Raster {
        data,
        width,
        height,
        stride: width as usize * 3,
    };
    bgr24(&raster, outlet.pool()).map_err(|error| error.to_string())
}
