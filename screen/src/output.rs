//! Where pixels go: a display through the kernel, or a window.

use thiserror::Error;

use crate::orientation::Rotation;
use crate::picture::{DrawError, ScreenPicture};

/// Shows pictures. Owned and called by the screen's thread alone.
pub trait ScreenOutput {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// What it is, for the log.
    fn describe(&self) -> String;

    /// Converts `picture`, which has this output's size, and shows it. `may_show` is asked when the picture is ready
    /// and nobody has seen it yet; after `false` it is not shown.
    ///
    /// # Errors
    /// When the display is gone or somebody else has it; the output has to be opened again.
    fn present(
        &mut self,
        picture: &mut ScreenPicture,
        may_show: &dyn Fn() -> bool,
    ) -> Result<(), ScreenError>;

    /// What happened since the last call. Never waits.
    ///
    /// # Errors
    /// As [`ScreenOutput::present`].
    fn events(&mut self) -> Result<Vec<OutputEvent>, ScreenError>;

    /// The rotation with which pictures are upright, unless the owner wants another.
    fn mounted(&self) -> Rotation {
        Rotation::None
    }

    /// A window becomes one among others.
    fn leave_full_screen(&mut self) {}
}

/// What an output reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputEvent {
    Pressed(Key),
    /// The picture has to be drawn again, perhaps in another size.
    Redraw,
    /// The user closed the window.
    Closed,
}

/// A key with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Closes or opens the camera.
    Shutter,
    /// Takes the next stricter privacy mode.
    Privacy,
    /// Shows the codes large, or small again.
    Codes,
    Brighter,
    Darker,
    /// Shows the next camera.
    NextCamera,
    /// Starts the next game, or stops the one that runs.
    Game,
    /// Of a PIN: 0 to 9.
    Digit(u8),
    /// Removes the last digit.
    Erase,
    Enter,
    /// Takes back a question, else leaves the full screen.
    Escape,
}

impl Key {
    /// The key of a character, as keyboards and terminals send it.
    #[must_use]
    pub fn of(sign: char) -> Option<Self> {
        match sign.to_ascii_lowercase() {
            's' => Some(Self::Shutter),
            'm' => Some(Self::Privacy),
            'q' => Some(Self::Codes),
            '+' => Some(Self::Brighter),
            '-' => Some(Self::Darker),
            'n' => Some(Self::NextCamera),
            'g' => Some(Self::Game),
            '\u{8}' | '\u{7f}' => Some(Self::Erase),
            '\r' | '\n' => Some(Self::Enter),
            '\u{1b}' => Some(Self::Escape),
            digit => Some(Self::Digit(digit.to_digit(10)? as u8)),
        }
    }
}

/// Why an output cannot be opened or used.
#[derive(Debug, Error)]
pub enum ScreenError {
    /// No display is connected to the card.
    #[error("no display is connected to {card}")]
    NoDisplay { card: String },
    /// The kernel refused a call.
    #[error("{what}: {source}")]
    System {
        what: String,
        source: std::io::Error,
    },
    /// The window system refused.
    #[error("{0}")]
    Window(String),
    /// The console was switched to another terminal.
    #[error("{terminal} is on the display")]
    OtherTerminal { terminal: String },
    /// The displays changed, or the size of one.
    #[error("the connected displays changed")]
    Changed,
    /// The picture cannot be drawn in the display's size.
    #[error(transparent)]
    Draw(#[from] DrawError),
}
