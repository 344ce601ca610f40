//! The photo booth of the whole program, with the built-in styles.

mod backup;
mod client;
mod errors;
mod gallery;
mod jobs;
mod join;
mod keepsake;
mod languages;
mod restart;
mod server_styles;
mod stop;
mod visitors;
