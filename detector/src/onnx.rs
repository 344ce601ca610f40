//! ONNX Runtime: finding and loading its library, sessions, execution providers. Only the files of
//! this folder name `ort`.
//!
//! In: a model's file and its manifest. Out: the outputs of each run, by name
//! ([`crate::heads::RawOutputs`]).

pub(crate) mod device;
pub(crate) mod model_file;
mod outputs;
pub(crate) mod placement;
mod profile_folder;
pub(crate) mod provider;
pub(crate) mod runtime;
pub(crate) mod session;
pub(crate) mod session_config;
mod signature;
