//! What visitors are told when the server fails. The technical words stand in the log, for the owner.

use crate::stylist::Trouble;

pub(super) const AWAY: &str =
    "the picture server is away; your picture is kept, and made when the server is back";
pub(super) const NOTHING: &str = "the picture server can make no style now";
pub(super) const CANNOT: &str = "The picture server cannot make this style now. Try another one. The owner of this station \
                                 finds the reason in its log.";
pub(super) const TOO_LARGE: &str =
    "This style is too large for the picture server's memory. Try another one.";
pub(super) const STOPPED: &str = "The picture was stopped at the picture server. Ask again.";
pub(super) const LOST: &str = "The picture server lost the picture twice. Ask again.";
pub(super) const SLOW: &str =
    "The picture server took too long. Ask again later, or try another style.";
pub(super) const QUEUE: &str =
    "Others kept the picture server busy for too long. Ask again later, or try another style.";

/// No attempt will help.
pub(super) fn failed(visitor: &str, technical: &str) -> Trouble {
    tracing::warn!(technical, "an order of the photo booth failed");
    Trouble::Failed(visitor.to_owned())
}

/// Waiting helps.
pub(super) fn away(technical: &str) -> Trouble {
    tracing::warn!(technical, "the ComfyUI server is away");
    Trouble::Away(AWAY.to_owned())
}
