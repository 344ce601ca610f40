//! WHEP and WHIP over HTTP, as text: in come offers, fragments and requests about running sessions, out
//! go answers ([`reply`]). Whoever serves HTTP maps its routes to [`whep`] and [`whip`].
//!
//! [`negotiation`] turns an offer into a viewer or a publisher for the engine; [`patch`] is what both
//! protocols ask of a running session.

mod negotiation;
mod patch;
mod reply;
pub mod whep;
pub mod whip;
