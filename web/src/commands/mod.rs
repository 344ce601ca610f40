//! One file a command.

pub(crate) mod detect;
pub(crate) mod devices;
pub(crate) mod models;
pub(crate) mod run;
