//! Sends one WHEP request over a plain socket.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The offer of one viewer.
pub(crate) struct Offer {
    pub(crate) viewer: usize,
    pub(crate) sdp: String,
}

/// Its outcome: the SDP answer or an error.
pub(crate) struct JoinResult {
    pub(crate) viewer: usize,
    pub(crate) outcome: Result<String, String>,
}

/// Posts an offer.
pub(crate) fn post(station: SocketAddr, offer: &Offer) -> JoinResult {
    JoinResult {
        viewer: offer.viewer,
        outcome: exchange(station, &offer.sdp),
    }
}

fn exchange(station: SocketAddr, sdp: &str) -> Result<String, String> {
    let said = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&station, TIMEOUT).map_err(said)?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(said)?;
    let request = format!(
        "POST /whep HTTP/1.1\r\nHost: {station}\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{sdp}",
        sdp.len()
    );
    stream.write_all(request.as_bytes()).map_err(said)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).map_err(said)?;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    if head.starts_with("HTTP/1.1 201") {
        Ok(body.to_owned())
    } else {
        Err(head.lines().next().unwrap_or("no answer").to_owned())
    }
}
