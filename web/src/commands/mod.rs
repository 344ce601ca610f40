//! One file a command, and what two of them need.

pub(crate) mod detect;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod models;
mod open_detector;
mod print;
pub(crate) mod run;
pub(crate) mod token;
mod wanted;

pub(crate) use self::print::{OutputError, print};
