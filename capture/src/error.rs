//! Everything that can be wrong with a source, in words for the card that viewers see.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::picture::PictureError;

/// Why a source gives no pictures. `Display` is the text of the card; [`CaptureError::detail`] is for
/// the log.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The machine has no camera.
    #[error("No camera found. Waiting for one.")]
    NoCamera,
    /// The camera asked for is not there.
    #[error("Camera \"{id}\" is not plugged in. Waiting for it.")]
    CameraMissing { id: String },
    #[error("Camera unplugged. Waiting for it.")]
    CameraUnplugged,
    #[error("Another program is using the camera \"{name}\". Waiting until it is free.")]
    CameraBusy { name: String },
    /// Another source of this program has it.
    #[error("The camera \"{name}\" is in use as {by}. Give each camera a source of its own.")]
    CameraTaken { name: String, by: String },
    /// The device node may not be opened.
    #[error(
        "No permission to open {path}. Add this user to the group \"video\" and log in again.",
        path = path.display()
    )]
    CameraPermission { path: PathBuf },
    #[error(
        "The camera \"{name}\" offers no format that can be read (MJPEG, YUYV, NV12), only: \
         {offered}"
    )]
    CameraFormats { name: String, offered: String },
    #[error("The camera \"{name}\" does not work. Trying again.")]
    CameraFailed { name: String, detail: String },
    #[error("Cannot play \"{name}\": {detail}")]
    Video { name: String, detail: String },
    /// The end of a file that is not looped. Final.
    #[error("The video ended.")]
    VideoEnded,
    #[error("Cannot reach the {name}. Trying again.")]
    Unreachable { name: String, detail: String },
    #[error("The {name} sends no video stream: {detail}")]
    NoStream { name: String, detail: String },
    /// The stream broke off.
    #[error("The {name} stopped sending. Trying again.")]
    StreamEnded { name: String, detail: String },
    /// The writer of a named pipe has closed it.
    #[error("The program feeding the pipe went away. Waiting for it.")]
    PipeEnded,
    /// The end of standard input, which cannot be opened again. Final.
    #[error("The input ended.")]
    InputEnded,
    /// The y4m stream cannot be read. Final on standard input.
    #[error("{source}")]
    Y4m {
        source: Y4mError,
        /// Whether it can be opened again.
        reopens: bool,
    },
    /// A size that no picture can have.
    #[error("The picture cannot be used: {0}")]
    Picture(#[from] PictureError),
    /// Pictures come, but none can be decoded.
    #[error("The {name} sends pictures that cannot be read: {detail}. Trying again.")]
    Unreadable { name: String, detail: String },
    #[error("The {name} sends no pictures. Waiting for it.")]
    Stalled { name: String },
    /// The limit of abandoned threads, which hang in a driver, is reached.
    #[error("The camera's driver does not answer. Unplug the camera, or restart this program.")]
    DriverHangs,
    /// The source's thread panicked.
    #[error("The {name} failed inside this program. Trying again.")]
    Panicked { name: String },
    /// The system refused a thread.
    #[error("The system is out of threads or memory. Trying again.")]
    Thread(#[source] io::Error),
}

impl CaptureError {
    /// Whether the source has ended and will not be opened again.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::VideoEnded | Self::InputEnded | Self::Y4m { reopens: false, .. }
        )
    }

    /// Details for the log that `Display` does not contain.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::CameraFailed { detail, .. }
            | Self::Unreachable { detail, .. }
            | Self::StreamEnded { detail, .. } => detail.clone(),
            Self::Thread(error) => error.to_string(),
            _ => String::new(),
        }
    }
}

/// The longest line of a y4m stream, in bytes.
pub(crate) const MAX_Y4M_LINE_BYTES: u64 = 1024;

/// What is wrong with a y4m stream.
#[derive(Debug, Error)]
pub enum Y4mError {
    #[error("This y4m file is empty.")]
    Empty,
    #[error("This is no y4m stream: it does not begin with YUV4MPEG2.")]
    NotY4m,
    #[error("The y4m header is longer than {MAX_Y4M_LINE_BYTES} bytes.")]
    LongLine,
    #[error("The y4m header says \"{field}\", which cannot be: {why}.")]
    Field {
        /// The field as written.
        field: String,
        why: &'static str,
    },
    #[error("The y4m header gives no size (W and H).")]
    NoSize,
    /// A pixel format that is not read.
    #[error(
        "y4m pixels of the kind \"{0}\" cannot be read; use 8-bit C420, C422, C444 or Cmono \
         (ffmpeg: -pix_fmt yuv420p)."
    )]
    Colours(String),
    /// The bytes after a picture do not begin another one.
    #[error(
        "The y4m header is wrong: after a picture of {width}x{height} no other begins. Its size or \
         colour format is not that of the pictures."
    )]
    NoFrameMark { width: u32, height: u32 },
    #[error("The y4m stream ended in the middle of a picture.")]
    CutShort,
    #[error("The y4m stream cannot be read: {0}.")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_not_repeated() {
        let (name, detail) = ("camera".to_owned(), "No such file (os error 2)".to_owned());
        let both = |make: fn(String, String) -> CaptureError| make(name.clone(), detail.clone());
        let errors = [
            both(|name, detail| CaptureError::CameraFailed { name, detail }),
            both(|name, detail| CaptureError::Video { name, detail }),
            both(|name, detail| CaptureError::Unreachable { name, detail }),
            both(|name, detail| CaptureError::NoStream { name, detail }),
            both(|name, detail| CaptureError::StreamEnded { name, detail }),
            both(|name, detail| CaptureError::Unreadable { name, detail }),
        ];
        for error in errors {
            let text = format!("{error} {}", error.detail());
            assert_eq!(text.matches("os error 2").count(), 1, "{text}");
        }
    }
}
