//! Viewers behind a bad network on a virtual clock: the real sender (media sender, send queue, congestion
//! control, keyframe gates, allocation), a simulated link, frame sizes of the real encoder, and a model of a
//! browser. Deterministic: a seed gives one outcome.
//!
//! `cargo test -p signaling --lib simulation::tests::table -- --ignored --nocapture` prints all conditions;
//! `NETWORK=300` limits it to those with that in their name, and `DETAILS=1` adds what happened with the first seed.

mod bottlenecks;
mod conditions;
mod frame_sizes;
mod outcome;
mod receiver;
mod station;
mod tests;

const MEDIA_SSRC: u32 = 1;
const RTX_SSRC: u32 = 2;
const TRANSPORT_ID: u8 = 3;
const PLAYOUT_DELAY_ID: u8 = 4;
