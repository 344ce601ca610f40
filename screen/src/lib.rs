//! The laptop's own screen: the feed, codes to scan, counts and the state of the station, without a
//! desktop through the kernel's mode setting (KMS), or in a window.
//!
//! In: composed pictures and a [`ScreenState`], both through [`ScreenHost`]. Out: pixels on an [`ScreenOutput`].
//!
//! The way of a picture: `run/turns.rs` takes the newest one and the state; `layout.rs` (pure) makes a display list
//! from the state and the size; `picture.rs` scales the feed and copies the painted panels into one I420
//! picture of the display's size; the output converts it row by row into its own buffer.
//!
//! This crate never names the network, models or WebRTC.

mod ambient;
mod backlight;
mod blanking;
mod brightness;
mod choose;
mod counts;
mod enlarge;
mod host;
mod kms;
mod layout;
mod orientation;
mod output;
mod paint;
mod picture;
mod pin;
mod run;
mod state;
#[cfg(feature = "window")]
mod window;

pub use ambient::AutoTheme;
pub use choose::{Chosen, FoundOutputs, GraphicsCard, OutputChoice, cards_below, choose};
pub use host::{Authority, DisplaySettings, KeyAnswer, ScreenHost, Watching};
pub use kms::console::{RestoreConsole, restore_console};
pub use layout::{Corner, DisplayList, Item, Panel, layout};
pub use orientation::{Orientation, Rotation};
pub use output::{Key, OutputEvent, ScreenError, ScreenOutput};
pub use picture::{DrawError, ScreenPicture};
pub use pin::{PinNotice, PinQuestion};
pub use run::{ScreenHandle, ScreenSetup, spawn};
pub use state::{Code, CodeMatrix, Count, ScreenState, StatusItem, Theme, VisitorPicture};
