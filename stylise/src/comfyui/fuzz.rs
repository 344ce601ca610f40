//! What reads bytes of the server, as a function of bytes, for the fuzzer.

use super::{answers, events, refusal};

/// Takes anything: messages of the WebSocket, and answers.
pub fn server_bytes(data: &[u8]) {
    let _ = events::parse_binary(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = events::parse_text(text);
        let _ = refusal::Refusal::read(400, text);
    }
    let _ = answers::place(data, "a");
    let _ = answers::entry(data, "a");
    let _ = answers::uploaded(data);
    let _ = answers::accepted(data, "60");
}
