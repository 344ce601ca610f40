//! Sources end to end: real pipes, real connections, real files, one process.

mod cameras;
mod mjpeg;
mod recovery;
mod replacing;
mod supervision;
mod timing;
mod video;
mod watching;
mod y4m;
