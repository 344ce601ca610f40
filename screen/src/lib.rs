//! The laptop's own screen: the feed, codes to scan, counts and the state of the station, without a
//! desktop through the kernel's mode setting (KMS), or in a window.
//!
//! In: composed pictures and a [`ScreenState`], both through [`Station`]. Out: pixels on an [`Output`].
//!
//! The way of a picture: `run.rs` takes the newest one and the state; `layout.rs` (pure) makes a display list
//! from the state and the size; `picture.rs` scales the feed and copies the painted panels into one I420
//! picture of the display's size; the output converts it row by row into its own buffer.
//!
//! This crate never names the network, models or WebRTC.

mod choose;
mod counts;
mod layout;
mod orientation;
mod output;
mod paint;
mod picture;
mod state;

pub use choose::{Card, Chosen, OutputChoice, Session, cards_below, choose};
pub use layout::{Item, Layout, Panel, layout};
pub use orientation::{Orientation, Rotation};
pub use output::{Key, Output, OutputError, OutputEvent};
pub use picture::{DrawError, ScreenPicture};
pub use state::{Code, CodeMatrix, Count, ScreenState, Theme};
