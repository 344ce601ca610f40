//! What the screen needs of the program.

use std::time::Duration;

use capture::{Next, PooledPicture};

use crate::output::Key;
use crate::state::ScreenState;

/// What the screen shows and whom it tells of keys. The program provides it, since this crate knows neither
/// detections nor viewers.
pub trait ScreenHost: Send {
    /// Waits for a picture that is newer than the last one, at most `timeout`.
    fn next_picture(&mut self, timeout: Duration) -> Next<PooledPicture>;

    /// Changes when all earlier pictures were taken back: they must not be shown any more.
    fn picture_epoch(&self) -> u64;

    /// What to show beside the picture.
    fn state(&mut self) -> ScreenState;

    /// How to show it.
    fn display(&self) -> DisplaySettings;

    /// Whether somebody is there: in the picture, or a browser that has come since the last call. `true` where nobody
    /// can be seen, since a blank screen would not wake.
    fn is_somebody_there(&mut self) -> bool;

    /// Somebody pressed a key at the screen.
    fn press(&mut self, key: Key, authority: Authority) -> KeyAnswer;

    fn is_pin(&self, typed: &str) -> bool;

    fn set_watching(&mut self, watching: Watching);
}

/// Who presses a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// Whoever stands there.
    Anybody,
    /// Somebody who knows the PIN.
    PinKnown,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAnswer {
    /// It had its effect, or has none.
    Done,
    /// Only somebody who knows the PIN may do this.
    NeedsPin,
}

/// What the screen needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    Nothing,
    /// To know when somebody comes: no pictures.
    People,
    Pictures,
}

/// How the display is used. The program may give other values at any time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DisplaySettings {
    /// Of the backlight; `None`: as it is.
    pub brightness_percent: Option<u8>,
    /// Pictures a second at most; `None`: as many as come.
    pub most_fps: Option<u32>,
    /// The screen is black after so long without anybody there; `None`: never.
    pub blank_after: Option<Duration>,
}
