//! Integration tests of the compose and media side, one file a topic.

mod clip;
mod compose;
mod encoder;
mod rig;
