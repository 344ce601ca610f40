//! Everything that can be wrong with a source, in words that fit on the card a visitor sees.

use std::path::PathBuf;

use thiserror::Error;

use crate::picture::PictureError;
use crate::sources::y4m::Y4mError;

/// Why a source gives no pictures. The text is the card's; [`CaptureError::detail`] is for the log.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The machine has no camera.
    #[error("No camera found. Waiting for one.")]
    NoCamera,
    /// The camera asked for is not there.
    #[error("Camera \"{id}\" is not plugged in. Waiting for it.")]
    CameraMissing {
        /// What was asked for.
        id: String,
    },
    /// The camera went away while it was open.
    #[error("Camera unplugged. Waiting for it.")]
    CameraUnplugged,
    /// Somebody else streams from it.
    #[error("Another program is using the camera \"{name}\". Waiting until it is free.")]
    CameraBusy {
        /// The camera's name.
        name: String,
    },
    /// The device node may not be opened.
    #[error(
        "No permission to open {path}. Add this user to the group \"video\" and log in again.",
        path = path.display()
    )]
    CameraPermission {
        /// The node.
        path: PathBuf,
    },
    /// No format of it is read here.
    #[error(
        "The camera \"{name}\" offers no format that can be read (MJPEG, YUYV, NV12), only: \
         {offered}"
    )]
    CameraFormats {
        /// The camera's name.
        name: String,
        /// What it offers.
        offered: String,
    },
    /// The driver refused something.
    #[error("The camera \"{name}\" does not work. Trying again.")]
    CameraFailed {
        /// The camera's name.
        name: String,
        /// What the driver said.
        detail: String,
    },
    /// The file cannot be opened or has no pictures.
    #[error("Cannot play \"{name}\": {detail}")]
    Video {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The file is over. Final.
    #[error("The video ended.")]
    VideoEnded,
    /// Nobody answers at the address.
    #[error("Cannot reach the {name}. Trying again.")]
    Unreachable {
        /// Host and port in plain words.
        name: String,
        /// What the connection said.
        detail: String,
    },
    /// The address answers, but not with a stream.
    #[error("The {name} sends no video stream: {detail}")]
    NoStream {
        /// Host and port in plain words.
        name: String,
        /// What it sends instead.
        detail: String,
    },
    /// The stream broke off.
    #[error("The {name} stopped sending. Trying again.")]
    StreamEnded {
        /// Host and port in plain words.
        name: String,
        /// What the connection said.
        detail: String,
    },
    /// The writer of a named pipe went away.
    #[error("The program feeding the pipe went away. Waiting for it.")]
    PipeEnded,
    /// Standard input is over, and there is only one. Final.
    #[error("The input ended.")]
    InputEnded,
    /// The y4m stream cannot be read. Final on standard input.
    #[error("{source}")]
    Y4m {
        /// What is wrong with it.
        source: Y4mError,
        /// Whether opening it again can help.
        reopens: bool,
    },
    /// A size that no picture can have.
    #[error("The picture cannot be used: {0}")]
    Picture(#[from] PictureError),
    /// Pictures come, and each of them is broken or of a kind that is not read.
    #[error("The {name} sends pictures that cannot be read: {detail}. Trying again.")]
    Unreadable {
        /// The source in plain words.
        name: String,
        /// What is wrong with them.
        detail: String,
    },
    /// Pictures came and stopped coming, without any error.
    #[error("The {name} sends no pictures. Waiting for it.")]
    Stalled {
        /// The source in plain words.
        name: String,
    },
    /// Too many threads hang in a driver to start another.
    #[error("The camera's driver does not answer. Unplug the camera, or restart this program.")]
    DriverHangs,
    /// A defect in this program or a library, contained to the source's thread.
    #[error("The {name} failed inside this program. Trying again.")]
    Panicked {
        /// The source in plain words.
        name: String,
    },
    /// The system refused a thread.
    #[error("The system is out of threads or memory. Trying again.")]
    Thread(#[source] std::io::Error),
}

impl CaptureError {
    /// Whether no retry can help: the source is over.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::VideoEnded | Self::InputEnded | Self::Y4m { reopens: false, .. }
        )
    }

    /// What the log should add to the plain words, which do not say it.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::CameraFailed { detail, .. }
            | Self::Unreachable { detail, .. }
            | Self::StreamEnded { detail, .. } => detail,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_twice() {
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
            let told = format!("{error} {}", error.detail());
            assert_eq!(told.matches("os error 2").count(), 1, "{told}");
        }
    }
}
