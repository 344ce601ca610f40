//! What the screen shows beside the feed.

use std::sync::Arc;

use capture::PooledPicture;

use crate::layout::Corner;
use crate::pin::PinQuestion;

/// Everything that the layout depends on, but the size. When two are equal, nothing is drawn anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScreenState {
    /// The station's name.
    pub name: String,
    /// What is in the picture, in the order in which it is shown.
    pub counts: Vec<Count>,
    /// Whether the camera is closed.
    pub is_closed: bool,
    /// What the privacy mode hides, in plain words; empty: nothing.
    pub privacy: String,
    /// Browsers that watch.
    pub viewers: u32,
    /// The machine's own state (power, network), most important first: the last ones are left out where there is no room.
    pub status: Vec<StatusItem>,
    pub codes: Vec<Code>,
    /// A picture that a visitor agreed to show.
    pub visitor: Option<VisitorPicture>,
    /// The codes fill the screen, instead of a corner.
    pub has_large_codes: bool,
    /// Is asked in the middle of the screen.
    pub pin: Option<PinQuestion>,
    /// Nobody is there: the screen is black.
    pub is_blank: bool,
    pub theme: Theme,
}

/// A short text about the machine, such as "Battery 40 %".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusItem {
    pub text: String,
    /// Somebody should do something: it is shown in another colour and left out last.
    pub is_warning: bool,
}

/// So many objects of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The class in the singular, as the model names it.
    pub label: String,
    pub number: u32,
}

/// A QR code and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// For example "Wi-Fi".
    pub title: String,
    /// What can be typed instead: a network's name, an address.
    pub caption: String,
    pub matrix: Arc<CodeMatrix>,
}

/// A picture of a visitor, and where it is.
#[derive(Debug, Clone)]
pub struct VisitorPicture {
    /// Two with the same name have the same pixels.
    pub name: String,
    pub pixels: Arc<PooledPicture>,
    pub corner: Corner,
}

impl PartialEq for VisitorPicture {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.corner) == (&other.name, other.corner)
    }
}

impl Eq for VisitorPicture {}

/// The modules of a QR code, without its quiet zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeMatrix {
    /// Modules on each side.
    pub width: u32,
    /// `width * width` modules, row by row; missing ones are light.
    pub dark: Vec<bool>,
}

/// The colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on white, for daylight.
    Bright,
    /// Light text on a dark ground.
    #[default]
    Dark,
}

impl Theme {
    /// The theme for an hour of the day: bright from 8 to 18 o'clock.
    #[must_use]
    pub fn at_hour(hour: u8) -> Self {
        match hour {
            8..18 => Self::Bright,
            _ => Self::Dark,
        }
    }
}
