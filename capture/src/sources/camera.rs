//! Which camera is wanted, and which of its modes fits best. Pure.

use std::fmt;
use std::str::FromStr;

use crate::picture::I420;

/// Which camera to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CameraChoice {
    /// Any that works. `first` is the index to begin with, modulo the number of cameras.
    Any { first: usize },
    /// The one that the configuration names.
    Named(String),
    /// The one that was open before: by its stable id, or by its name in another socket.
    Same { id: String, name: String },
}

/// The mode that is wanted of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    /// Only this format; `None` prefers MJPEG, then YUYV, then NV12.
    pub format: Option<PixelFormat>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            fps: 30,
            format: None,
        }
    }
}

/// The supported camera formats, best first: over USB 2, only MJPEG allows 720p30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PixelFormat {
    /// One JPEG per picture.
    Mjpeg,
    /// Packed 4:2:2.
    Yuyv,
    /// Two planes, 4:2:0.
    Nv12,
}

impl PixelFormat {
    /// The V4L2 code.
    #[must_use]
    pub fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Mjpeg => *b"MJPG",
            Self::Yuyv => *b"YUYV",
            Self::Nv12 => *b"NV12",
        }
    }

    /// The format of a V4L2 code.
    #[must_use]
    pub fn from_fourcc(fourcc: [u8; 4]) -> Option<Self> {
        [Self::Mjpeg, Self::Yuyv, Self::Nv12]
            .into_iter()
            .find(|f| f.fourcc() == fourcc)
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mjpeg => "MJPEG",
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
        })
    }
}

impl FromStr for PixelFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Mjpeg, Self::Yuyv, Self::Nv12]
            .into_iter()
            .find(|format| format.to_string().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("unknown pixel format \"{text}\": use mjpeg, yuyv or nv12"))
    }
}

/// A mode of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    pub format: PixelFormat,
    pub width: u32,
    pub height: u32,
    /// Frames per second. Only whole numbers, because nokhwa cannot request others.
    pub fps: u32,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}x{} at {} fps",
            self.format, self.width, self.height, self.fps
        )
    }
}

/// The usable modes, best first.
#[must_use]
pub fn ranked(modes: &[Mode], wanted: &Wanted) -> Vec<Mode> {
    let side = 2..=I420::MAX_SIDE_PX;
    let mut usable: Vec<Mode> = modes
        .iter()
        .copied()
        .filter(|mode| wanted.format.is_none_or(|format| format == mode.format))
        .filter(|mode| side.contains(&mode.width) && side.contains(&mode.height) && mode.fps > 0)
        .collect();
    usable.sort_by(|a, b| cost(a, wanted).total_cmp(&cost(b, wanted)));
    usable.dedup();
    usable
}

/// The distance of a mode from the wanted one; 0 is a match. A lower frame rate costs more than a
/// lower resolution, because a feed of 10 fps looks broken and one of 480p does not. A higher
/// resolution costs a little, because it takes CPU time. The format only breaks ties.
fn cost(mode: &Mode, wanted: &Wanted) -> f64 {
    let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
    let size = area(mode.width, mode.height) / area(wanted.width.max(1), wanted.height.max(1));
    let size_cost = if size < 1.0 {
        1.0 - size
    } else {
        (size - 1.0) * 0.1
    };
    let rate = f64::from(mode.fps) / f64::from(wanted.fps.max(1));
    let rate_cost = if rate < 1.0 {
        1.5 * (1.0 - rate)
    } else {
        (rate - 1.0) * 0.02
    };
    let aspect = |width: u32, height: u32| f64::from(width) / f64::from(height.max(1));
    let shape = aspect(mode.width, mode.height) / aspect(wanted.width.max(1), wanted.height);
    let format_cost = f64::from(mode.format as u8) * 0.001;
    size_cost + rate_cost + 0.3 * shape.ln().abs() + format_cost
}

#[cfg(test)]
mod tests {
    use PixelFormat::{Mjpeg, Nv12, Yuyv};

    use super::*;

    fn mode(format: PixelFormat, width: u32, height: u32, fps: u32) -> Mode {
        Mode {
            format,
            width,
            height,
            fps,
        }
    }

    fn best(modes: &[Mode]) -> Mode {
        ranked(modes, &Wanted::default())[0]
    }

    #[test]
    fn a_usual_webcam_gives_720p30_mjpeg() {
        let modes = [
            mode(Yuyv, 640, 480, 30),
            mode(Yuyv, 1280, 720, 10),
            mode(Mjpeg, 640, 480, 30),
            mode(Mjpeg, 1920, 1080, 30),
            mode(Mjpeg, 1280, 720, 60),
            mode(Mjpeg, 1280, 720, 30),
        ];
        assert_eq!(best(&modes), mode(Mjpeg, 1280, 720, 30));
    }

    #[test]
    fn a_raw_camera_prefers_rate_over_size_and_yuyv_over_nv12() {
        let slow = [mode(Yuyv, 1280, 720, 10), mode(Yuyv, 640, 480, 30)];
        assert_eq!(best(&slow), mode(Yuyv, 640, 480, 30));
        let both = [mode(Nv12, 1280, 720, 30), mode(Yuyv, 1280, 720, 30)];
        assert_eq!(best(&both), mode(Yuyv, 1280, 720, 30));
        let nv12 = Wanted {
            format: Some(Nv12),
            ..Wanted::default()
        };
        assert_eq!(ranked(&both, &nv12), [mode(Nv12, 1280, 720, 30)]);
    }

    #[test]
    fn larger_is_better_than_much_smaller_but_not_four_k() {
        let some = [mode(Mjpeg, 640, 480, 30), mode(Mjpeg, 1920, 1080, 30)];
        assert_eq!(best(&some), mode(Mjpeg, 1920, 1080, 30));
        let huge = [mode(Mjpeg, 3840, 2160, 30), mode(Mjpeg, 960, 540, 30)];
        assert_eq!(best(&huge), mode(Mjpeg, 960, 540, 30));
    }

    #[test]
    fn impossible_modes_are_left_out() {
        let odd = [
            mode(Mjpeg, 0, 0, 30),
            mode(Mjpeg, 20_000, 720, 30),
            mode(Yuyv, 640, 480, 0),
        ];
        assert!(ranked(&odd, &Wanted::default()).is_empty());
        let zero = Wanted {
            width: 0,
            height: 0,
            fps: 0,
            format: None,
        };
        assert_eq!(ranked(&[mode(Yuyv, 640, 480, 30)], &zero).len(), 1);
        assert_eq!("nv12".parse(), Ok(Nv12));
        assert!(
            "h264"
                .parse::<PixelFormat>()
                .expect_err("unknown")
                .contains("mjpeg")
        );
    }
}
