//! What reads bytes of the server, as a function of bytes, for the fuzzer.

use super::memo::Names;
use super::{answers, events, refusal, traces};

/// Takes anything: messages of the WebSocket, and answers.
pub fn server_bytes(data: &[u8]) {
    let _ = events::parse_binary(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = events::parse_text(text);
        let _ = refusal::Refusal::read(400, text);
    }
    let names = Names {
        client: "c".to_owned(),
        order: "a".to_owned(),
    };
    let _ = answers::place(data, &names);
    let _ = answers::entry_of_client(data, &names);
    let _ = traces::files_of(data, "a", "a.jpg");
    let _ = answers::entry(data, "a");
    let _ = answers::uploaded(data);
    let _ = answers::accepted(data, "60");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_messages_are_survived() {
        let whole: [&[u8]; 5] = [
            br#"{"type":"progress_state","data":{"nodes":{"4":{"value":1,"max":9,"state":"running"}}}}"#,
            br#"{"a":{"outputs":{"60":{"images":[{"filename":"a"}]}},"status":{"status_str":"error","messages":[["execution_error",{}]]}}}"#,
            br#"{"queue_running":[[1,"a"]],"queue_pending":[[2,"b"],[null,1],3]}"#,
            br#"{"error":{"type":"t"},"node_errors":{"1":{"errors":[{"type":"value_not_in_list","extra_info":{}}]}}}"#,
            b"\x00\x00\x00\x04\x00\x00\x00\x02{}picture",
        ];
        for message in whole {
            server_bytes(message);
            for at in 0..message.len() {
                server_bytes(&message[..at]);
                for byte in [0, b'"', b'{', b'9', 0xFF] {
                    let mut changed = message.to_vec();
                    changed[at] = byte;
                    server_bytes(&changed);
                }
            }
        }
        server_bytes("[".repeat(100_000).as_bytes());
    }
}
