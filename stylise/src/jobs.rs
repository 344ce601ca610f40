//! What a job goes through, without threads: pure state on a clock that is passed in, and its files and database.

pub(crate) mod estimate;
pub(crate) mod expiry;
pub(crate) mod files;
pub(crate) mod followers;
pub(crate) mod queue;
pub(crate) mod running;
pub(crate) mod store;
pub(crate) mod stylist_state;
