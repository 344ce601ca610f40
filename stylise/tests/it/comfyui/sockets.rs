//! The WebSockets of the fake server.

use std::io;
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::{Error, Message, accept_hdr};

use super::fake_server::Shared;

pub(super) fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let (asked, request) = channel();
    #[expect(clippy::result_large_err, reason = "tungstenite's own type")]
    let read = move |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let query = request.uri().query().unwrap_or_default();
        let id = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("clientId="));
        let origin = request.headers().contains_key("origin");
        let _ = asked.send((id.unwrap_or_default().to_owned(), origin));
        Ok(response)
    };
    let timeout = stream.try_clone()?;
    let mut socket = accept_hdr(stream, read).map_err(io::Error::other)?;
    let (client, origin) = request.recv().map_err(io::Error::other)?;
    assert!(
        !origin,
        "ComfyUI compares an Origin with the Host, and refuses"
    );
    let (to, messages) = channel();
    let silent = {
        let mut state = shared.state();
        if !state.behaviour.silent_sockets {
            state.sockets.push((client.clone(), to));
        }
        state.behaviour.silent_sockets
    };
    if silent {
        thread::sleep(Duration::from_secs(20));
        return Ok(());
    }
    let status = json!({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client}});
    socket
        .send(Message::text(status.to_string()))
        .map_err(io::Error::other)?;
    timeout.set_read_timeout(Some(Duration::from_millis(5)))?;
    loop {
        for message in messages.try_iter() {
            socket.send(message).map_err(io::Error::other)?;
        }
        match socket.read() {
            Ok(Message::Text(text)) => shared.state().greetings.push(text.to_string()),
            Ok(_) => {}
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Ok(()),
        }
    }
}
