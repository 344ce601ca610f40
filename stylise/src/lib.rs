//! The photo booth: turns a snapshot or an upload into a stylised picture. Knows no camera, no WebRTC and no
//! HTTP server.
//!
//! A picture takes this way:
//!
//! 1. [`intake`](CheckedPicture) decodes an upload within limits and encodes it anew as a JPEG without metadata.
//! 2. [`booth`](Booth) admits the submission, and writes file and database row before it answers.
//! 3. `jobs` has what a job needs, without threads: queue, wait estimates, expiry, files, database.
//! 4. A worker thread per [`Stylist`] takes the next job: [`Builtin`] makes styles on this machine with OpenCV,
//!    [`comfyui`] sends the picture through a [`workflow`] of a ComfyUI server.
//! 5. [`keepsake`] makes what is saved and printed of a result: in a frame, as a strip.
//! 6. The janitor thread of the booth erases jobs when they expire, also on the ComfyUI server.

mod api;
mod booth;
mod builtin;
pub mod comfyui;
mod counts;
#[cfg(test)]
mod fuzz;
mod intake;
mod isolate;
mod job;
mod jobs;
pub mod keepsake;
mod metrics;
mod people;
mod photo_kind;
mod release_memory;
mod shared_pictures;
mod sharing_rules;
mod stylist;
#[cfg(test)]
mod test_folder;
pub mod workflow;

pub use api::{
    BoothError, GalleryPicture, JobView, PictureKind, Removed, RequestKey, Submission, SubmitError,
    Submitted, WaitsFor, Withheld,
};
pub use booth::{Booth, BoothSettings, Growth, backup, lock as lock_booth, may_take};
pub use builtin::{Builtin, Previews};
pub use counts::{Counts, HEAT_CELLS, HeatMap, HourCount, UnixHour};
pub use intake::{CheckedPicture, IntakeError, IntakeErrorKind, Limits};
pub use job::{GalleryId, JobId, State};
pub use metrics::BoothMetrics;
pub use people::{FindPeople, FocusPoint, People, PictureArea};
pub use photo_kind::PhotoKind;
pub use shared_pictures::SharedPictures;
pub use sharing_rules::SharingRules;
pub use stylist::{JobContext, MadeBy, Order, Progress, RemoteOrder, Style, Stylist, StylistError};
