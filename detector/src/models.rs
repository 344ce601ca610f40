//! Models: what the manifest tells of them, where their files lie, how they are downloaded.
//!
//! In: the text of `--model`. Out: an [`installed::InstalledModel`], which can be opened.

pub(crate) mod automatic;
pub(crate) mod installed;
pub(crate) mod manifest;
pub(crate) mod measured;
pub(crate) mod places;
pub(crate) mod pull;
pub(crate) mod recognise;
pub(crate) mod signature;
pub(crate) mod store;
pub(crate) mod timing;
