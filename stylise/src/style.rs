//! What a visitor chooses.

use serde::{Deserialize, Serialize};

/// One style that is offered now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Style {
    /// Its name in requests: lower-case letters, digits and dashes, the same after a restart.
    pub id: String,
    /// What the card says, in English.
    pub title: String,
    /// Who makes it.
    pub made_by: MadeBy,
    /// Whether its maker is not there now: it can be ordered, and is made when the maker is back.
    pub away: bool,
}

/// Which kind of stylist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MadeBy {
    /// The styles built into this program: "made on this laptop".
    Laptop,
    /// A ComfyUI server.
    Comfyui,
}

impl MadeBy {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Laptop => "laptop",
            Self::Comfyui => "comfyui",
        }
    }

    /// As people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Laptop => "this laptop",
            Self::Comfyui => "the picture server",
        }
    }
}
