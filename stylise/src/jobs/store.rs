//! The booth's database (SQLite): jobs, the gallery, orders that servers must still erase, the clock, and counts of
//! objects.

mod connection;
mod counts;
pub(crate) mod database;
pub(crate) mod jobs;
pub(crate) mod row;
pub(crate) mod schema;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
