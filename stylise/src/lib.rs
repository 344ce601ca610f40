//! A snapshot or a selfie to a stylised picture: jobs that survive a restart, and the two kinds of
//! stylists that do them. Knows no camera, no WebRTC and no HTTP server.

mod job;
mod style;
mod stylist;

pub use job::{JobId, JobIdError, State};
pub use style::{MadeBy, Style};
pub use stylist::{Desk, Order, Progress, Stylist, Ticket, Trouble};
