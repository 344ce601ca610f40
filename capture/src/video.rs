//! Video files and RTSP or HTTP streams, through OpenCV (FFmpeg).

use std::path::Path;
use std::time::{Duration, Instant};

use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Vector};
use opencv::videoio::{self, VideoCapture, VideoCaptureTrait, VideoCaptureTraitConst};

use crate::convert::{Raster, bgr24};
use crate::error::CaptureError;
use crate::outlet::{Opened, Outlet};
use crate::pace::Pacer;
use crate::picture::{I420, PictureError};

/// FFmpeg gives up opening an address after this.
const OPEN_MS: i32 = 8000;
/// FFmpeg gives up waiting for a packet after this. The card is up long before.
const READ_MS: i32 = 4000;

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
    // FFmpeg would only say "no".
    std::fs::File::open(path).map_err(|error| unplayable(error.to_string()))?;
    let file = path
        .to_str()
        .ok_or_else(|| unplayable("its path is no UTF-8".to_owned()))?;
    let mut pacer: Option<Pacer> = None;
    while outlet.wanted() {
        // Opened anew for each turn: seeking to the start is not exact in every container.
        let stream = Stream::open(file).map_err(unplayable)?;
        let pacer = pacer.get_or_insert_with(|| Pacer::new(stream.fps));
        stream.announce(&format!("video {name}"), outlet);
        let pictures = stream.play(Some(pacer), outlet)?;
        match (pictures, again) {
            (0, _) => return Err(unplayable("it has no pictures".to_owned())),
            (_, false) => return Err(CaptureError::VideoEnded),
            (_, true) => {}
        }
    }
    Ok(())
}

/// Plays an address. A live stream is shown as it comes; a file behind an address and a playlist,
/// which come in bursts, are paced by their timestamps.
pub(crate) fn run_url(url: &str, name: String, outlet: &mut Outlet) -> Result<(), CaptureError> {
    let stream = Stream::open(url).map_err(|detail| CaptureError::Unreachable {
        name: name.clone(),
        detail,
    })?;
    stream.announce(&name, outlet);
    let playlist = url
        .split(['?', '#'])
        .next()
        .is_some_and(|path| path.ends_with(".m3u8"));
    let mut pacer = Pacer::new(stream.fps);
    let pacing = (stream.is_finite || playlist).then_some(&mut pacer);
    stream.play(pacing, outlet)?;
    if outlet.wanted() {
        let detail = "no more pictures came".to_owned();
        return Err(CaptureError::StreamEnded { name, detail });
    }
    Ok(())
}

struct Stream {
    capture: VideoCapture,
    fps: f64,
    /// Whether it has an end.
    is_finite: bool,
}

impl Stream {
    fn open(address: &str) -> Result<Self, String> {
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
            return Err("it is no video that FFmpeg can read, or nobody answers".to_owned());
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
        Ok(Self {
            capture,
            fps,
            is_finite,
        })
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

    /// Plays to the end; the number of pictures that came.
    fn play(
        mut self,
        mut pacing: Option<&mut Pacer>,
        outlet: &mut Outlet,
    ) -> Result<u64, CaptureError> {
        let (mut picture, mut count) = (Mat::default(), 0);
        while outlet.wanted() && self.capture.read(&mut picture).unwrap_or(false) {
            count += 1;
            let now = Instant::now();
            let captured_at = pacing.as_deref_mut().map_or(now, |pacer| {
                let ms = self.capture.get(videoio::CAP_PROP_POS_MSEC).unwrap_or(-1.0);
                pacer.due(Duration::try_from_secs_f64(ms / 1000.0).ok(), now)
            });
            let converted = outlet.timed(|| to_i420(&picture, outlet));
            outlet.pause_until(captured_at);
            match converted {
                Ok(picture) => outlet.publish(picture, captured_at),
                Err(error) => outlet.bad_picture(&error),
            }
        }
        Ok(count)
    }
}

fn to_i420(picture: &Mat, outlet: &Outlet) -> Result<crate::pool::PooledPicture, String> {
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
