//! `carrier models`
