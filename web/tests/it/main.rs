//! The whole program from outside, one file a topic.

mod bad_input;
mod feed;
mod painted_boxes;
mod scripts;
mod station;
mod tidy;
