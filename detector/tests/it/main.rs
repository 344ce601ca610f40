//! The detector against real models, a real runtime and a real socket.

#![allow(clippy::print_stderr)]

mod clip;
mod coco_ap;
mod cost;
mod expected;
mod failures;
mod motion_gate;
mod openvino;
mod pictures;
mod privacy;
mod pulling;
mod recognised;
mod rig;
mod worker;
