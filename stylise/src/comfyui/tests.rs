//! Feeds damaged messages and answers to the parsers.

use crate::comfyui::remote_order::OrderNames;
use crate::comfyui::{answers, events, server_error};

/// Passes bytes to every parser of server data.
fn server_bytes(data: &[u8]) {
    let _ = events::parse_binary(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = events::parse_text(text);
        let _ = server_error::ServerError::read(400, text);
    }
    let names = OrderNames {
        client: "c".to_owned(),
        order: "a".to_owned(),
    };
    let _ = answers::queue_place(data, &names);
    let _ = answers::history_entry_of_client(data, &names);
    let _ = answers::pictures_of_order(data, "a", "a.jpg");
    let _ = answers::history_entry(data, "a");
    let _ = answers::uploaded(data);
    let _ = answers::accepted(data, "60");
}

#[test]
fn damaged_messages_do_not_panic() {
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
