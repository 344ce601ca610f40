//! The booth with fake stylists on a real disk, and the ComfyUI client. One file per topic.

#![allow(clippy::print_stderr)]

mod checks;
mod comfyui;
mod erasing;
mod jobs;
mod kill;
mod outages;
mod rig;
mod sharing;
mod supervision;
