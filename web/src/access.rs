//! Who may do what: tokens, cookies and sessions, and limits per client address.
//!
//! In: the headers and the address of a request. Out: [`Rights`](rights::Rights), a
//! [`Visitor`](visitor::Visitor), or a place for a viewer.

pub(crate) mod admin;
pub(crate) mod admin_sessions;
pub(crate) mod admission;
pub(crate) mod credentials;
pub(crate) mod guesses;
pub(crate) mod rights;
pub(crate) mod session_table;
pub(crate) mod viewer_token;
pub(crate) mod visitor;

/// 128 random bits in hexadecimal.
pub(crate) fn random_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
