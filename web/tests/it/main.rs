//! Tests of the whole program, one file per topic.
#![allow(clippy::print_stdout)] // what was skipped and what was measured

mod bad_input;
mod booth;
mod cameras;
mod carriers;
mod choosing;
mod detecting;
mod environment;
mod eval;
mod events;
mod feed;
mod hotspot;
mod https;
mod lenient_requests;
mod network;
mod origins;
mod own_models;
mod painted_boxes;
mod play;
mod player;
mod power;
mod publishing;
mod screen;
mod scripts;
mod service;
mod settings;
mod shutter;
mod station;
mod supervision;
mod telemetry;
mod tidy;
mod timing;
mod viewer_access;
mod whip;
mod zones;
