//! The photo booth of the real program, with the styles that are made on this laptop.

mod client;
mod errors;
mod gallery;
mod join;
mod languages;
mod restart;
mod server_styles;
mod visitors;
mod whole_way;
