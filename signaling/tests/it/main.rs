//! Integration tests of the media plane: compose and encode, and the engine on real sockets with viewers of
//! another WebRTC implementation. One file per topic.

mod churn;
mod client;
mod clip;
mod compose;
mod crowd;
mod encoder;
mod filters;
mod frame_sizes;
mod hostile;
mod http;
mod isolation;
mod loss;
mod network;
mod publish;
mod remote_end;
mod rendition;
mod rig;
mod studio;
mod supervision;
mod threads;
mod timing;
mod watch;
mod whip;
mod whip_client;
mod wire;
