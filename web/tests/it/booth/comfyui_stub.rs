//! An HTTP server in place of ComfyUI. Has no WebSocket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

/// Status and body of an answer.
pub(super) type StubAnswer = (u16, Vec<u8>);

/// Starts a server whose answers depend on method, path and body; returns its address.
pub(super) fn start(
    answer: impl Fn(&str, &str, &[u8]) -> StubAnswer + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || serve(&stream, &*answer));
        }
    });
    format!("http://{address}")
}

fn serve(mut stream: &TcpStream, answer: &impl Fn(&str, &str, &[u8]) -> StubAnswer) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split([' ', '?']);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let (name, value) = header.trim().split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        if header.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (status, body) = answer(method, path, &body);
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    // Reads the rest of a body that came in chunks: closing with unread bytes would reset the connection.
    stream.shutdown(Shutdown::Write).ok()?;
    reader.read_to_end(&mut Vec::new()).ok()?;
    Some(())
}

pub(super) fn json_answer(body: &Value) -> StubAnswer {
    (200, body.to_string().into_bytes())
}

/// What a server with an empty queue tells a survey, which accepts every node and file.
pub(super) fn answer_survey(method: &str, path: &str) -> Option<StubAnswer> {
    let body = match (method, path) {
        ("GET", "/system_stats") => json!({"system": {"comfyui_version": "0.33.0"}}),
        ("GET", "/queue") => json!({"queue_running": [], "queue_pending": []}),
        ("GET", path) => {
            let class = path.strip_prefix("/object_info/")?;
            json!({class: {"input": {}, "output_node": class == "PreviewImage"}})
        }
        _ => return None,
    };
    Some(json_answer(&body))
}
