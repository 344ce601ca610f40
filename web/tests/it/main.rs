//! The whole program from outside, one file a topic.
#![allow(clippy::print_stdout)] // what was skipped and what was measured

mod bad_input;
mod booth;
mod doors;
mod eval;
mod feed;
mod https;
mod origins;
mod painted_boxes;
mod player;
mod publishing;
mod scripts;
mod station;
mod strictness;
mod supervision;
mod surroundings;
mod tidy;
mod whip;
