//! The media side from outside: compose and encode, and the engine on real sockets with viewers of
//! another WebRTC implementation. One file a topic.

mod churn;
mod client;
mod clip;
mod compose;
mod crowd;
mod encoder;
mod end;
mod hostile;
mod http;
mod isolation;
mod loss;
mod network;
mod publish;
mod rig;
mod studio;
mod supervision;
mod threads;
mod timing;
mod watch;
mod whip;
mod whip_client;
mod wire;
