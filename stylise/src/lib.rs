//! A snapshot or a selfie to a stylised picture: jobs that survive a restart, and the two kinds of
//! stylists that do them. Knows no camera, no WebRTC and no HTTP server.

mod apart;
mod away;
mod bench;
mod booth;
mod builtin;
mod clock;
pub mod comfyui;
mod desk;
mod erasing;
mod error;
mod expiry;
mod follow;
#[cfg(test)]
mod fuzz;
mod inner;
mod intake;
mod janitor;
mod job;
mod life;
mod live;
mod metrics;
mod pictures;
mod queue;
mod recovery;
mod reserve;
#[cfg(test)]
mod scratch;
pub mod share;
mod shared;
mod station_time;
mod store;
mod style;
mod stylist;
mod updates;
mod view;
mod wait;
mod worker;
pub mod workflow;

pub use booth::{Booth, Settings};
pub use builtin::Builtin;
pub use error::BoothError;
pub use intake::{Fault, Intake, IntakeError, Limits};
pub use job::{JobId, JobIdError, State};
pub use metrics::BoothMetrics;
pub use style::{MadeBy, Style};
pub use stylist::{Desk, Order, Progress, Stylist, Ticket, Trouble};
pub use view::{
    GalleryId, GalleryIdError, JobView, Refusal, Removed, RequestKey, Shown, Submission, Submitted,
    WaitsFor, Which,
};
