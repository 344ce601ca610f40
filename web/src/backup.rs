//! Backups of what the program keeps: one file, written while a station runs or not, and restored while none runs.
//!
//! [`kept`] lists what is kept and where. [`writing`] makes the archive, which ends with its [`manifest`]; [`checking`]
//! reads an archive that anybody may have made; [`restoring`] stages its content beside what is kept, and [`swap`]
//! replaces the one by the other, whenever the program is killed. `docs/backup.md` is for the owner.

pub(crate) mod checking;
pub(crate) mod error;
pub(crate) mod kept;
pub(crate) mod manifest;
pub(crate) mod new_file;
pub(crate) mod restoring;
pub(crate) mod state_lock;
pub(crate) mod swap;
pub(crate) mod writing;

#[cfg(test)]
mod tests;
