//! The photo booth of the whole program, with the built-in styles.

mod backup;
mod client;
mod comfyui_orders;
mod comfyui_stub;
mod errors;
mod gallery;
mod handovers;
mod jobs;
mod join;
mod keepsake;
mod languages;
mod previews;
mod restart;
mod server_styles;
mod sharing;
mod stop;
mod visitors;
