//! The pictures of a video file, one after the other as fast as they are asked for.

use std::path::Path;
use std::time::Duration;

use opencv::core::Mat;
use opencv::videoio::{self, VideoCaptureTrait, VideoCaptureTraitConst};

use super::{Stream, address_of, readable, to_i420};
use crate::convert::{PixelAspect, Squarer};
use crate::error::CaptureError;
use crate::picture::{PicturePool, PooledPicture};
use crate::sources::kind::file_name;

/// For files that do not tell their rate.
const USUAL_FPS: f64 = 25.0;

/// Reads a video file.
pub struct VideoReader {
    name: String,
    stream: Stream,
    squarer: Squarer,
    aspect: Option<PixelAspect>,
    pool: PicturePool,
    decoded: Mat,
    pictures: u64,
}

impl VideoReader {
    /// Opens a video file that FFmpeg can read.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let name = file_name(&path.to_string_lossy());
        let unplayable = |detail: String| CaptureError::Video {
            name: name.clone(),
            detail,
        };
        readable(path).map_err(unplayable)?;
        let stream = address_of(path)
            .and_then(|file| Stream::open(&file))
            .map_err(unplayable)?
            .ok_or_else(|| unplayable("it is no video that FFmpeg can read".to_owned()))?;
        Ok(Self {
            name,
            stream,
            squarer: Squarer::default(),
            aspect: None,
            pool: PicturePool::new(2),
            decoded: Mat::default(),
            pictures: 0,
        })
    }

    /// Pictures a second.
    #[must_use]
    pub fn fps(&self) -> f64 {
        let told = self.stream.fps;
        if (0.1..=1000.0).contains(&told) {
            told
        } else {
            USUAL_FPS
        }
    }

    /// How many pictures the file says that it has.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        let told = self
            .stream
            .capture
            .get(videoio::CAP_PROP_FRAME_COUNT)
            .ok()?;
        (told >= 1.0).then_some(told as u64)
    }

    /// The next picture, with square pixels, and its time since the start; `None` at the end.
    pub fn read(&mut self) -> Result<Option<(PooledPicture, Duration)>, CaptureError> {
        if !self.stream.capture.read(&mut self.decoded).unwrap_or(false) {
            return Ok(None);
        }
        let at = Duration::from_secs_f64(self.pictures as f64 / self.fps());
        self.pictures += 1;
        let stream = &self.stream;
        let aspect = *self.aspect.get_or_insert_with(|| stream.pixel_aspect());
        let picture = to_i420(&self.decoded, &self.pool)
            .and_then(|picture| self.squarer.squared(picture, aspect, &self.pool));
        let picture = picture.map_err(|detail| CaptureError::Video {
            name: self.name.clone(),
            detail,
        })?;
        Ok(Some((picture, at)))
    }
}
