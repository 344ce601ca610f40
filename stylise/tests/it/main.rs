//! The booth with stand-in stylists, on a real disk.

#![allow(clippy::print_stderr)]

mod away;
mod erasing;
mod jobs;
mod kill;
mod rig;
mod sharing;
