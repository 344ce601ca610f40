//! A ComfyUI server as a stylist. Followed by its WebSocket for speed and by its queue and history for
//! truth; needs nothing newer than the servers of January 2025.

mod answers;
mod blank;
mod check;
mod client;
mod endpoint;
mod erase;
mod errand;
mod events;
mod features;
mod files;
mod follow;
#[doc(hidden)]
pub mod fuzz;
mod memo;
mod pace;
mod plain;
mod probe;
mod refusal;
mod run;
mod send;
mod socket;
mod stylist;
mod traces;

pub use self::check::{Survey, WorkflowCheck};
pub use self::endpoint::{ComfyuiSettings, SettingsError};
pub use self::pace::Pace;
pub use self::probe::survey;
pub use self::stylist::Comfyui;
