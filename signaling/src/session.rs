//! WHEP and WHIP over HTTP as plain values. In: offers, fragments and requests on running sessions. Out: HTTP
//! replies ([`reply`]). The HTTP server maps its routes to [`whep`] and [`whip`].
//!
//! [`negotiation`] turns an offer into a viewer or a publisher for the engine; [`patch`] handles the requests
//! on a running session that both protocols share.

mod negotiation;
mod patch;
mod reply;
pub mod whep;
pub mod whip;
