//! What requests ask for in their bodies and addresses.

use serde::Deserialize;

/// A page's address, as a link has it.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) token: Option<String>,
}

/// PUT `/api/admin/bitrate`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bitrate {
    pub(super) bitrate_bps: u32,
}

/// PATCH `/api/admin/gallery/{id}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visibility {
    pub(super) hidden: bool,
}

/// PATCH `/api/stylise/{id}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Share {
    pub(super) share: bool,
}
