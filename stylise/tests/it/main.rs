//! The booth with stand-in stylists, on a real disk, and the client of ComfyUI. One file a topic.

#![allow(clippy::print_stderr)]

mod away;
mod comfyui;
mod erasing;
mod jobs;
mod kill;
mod rig;
mod sharing;
mod supervision;
