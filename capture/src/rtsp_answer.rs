//! Asks an RTSP camera why FFmpeg got no pictures: one request, and once more with the login.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use ureq::http::{StatusCode, Uri};

use crate::camera_http::refusal;
use crate::credentials::{Challenged, split_login};
use crate::error::CaptureError;

/// To connect, and for each line of the answer.
const PATIENCE: Duration = Duration::from_secs(2);
const PORT: u16 = 554;
/// An answer's head is longer than this from nobody but a liar.
const MAX_HEAD_BYTES: u64 = 16 << 10;

/// `Ok` when the camera describes what it sends.
pub(crate) fn ask(url: &str, name: &str) -> Result<(), CaptureError> {
    let (address, login) = split_login(url);
    let no_stream = |detail| CaptureError::NoStream {
        name: name.to_owned(),
        detail,
    };
    let unreachable = |error: std::io::Error| CaptureError::Unreachable {
        name: name.to_owned(),
        detail: error.to_string(),
    };
    let mut answer = describe(&address, None).map_err(unreachable)?;
    if answer.status == Some(StatusCode::UNAUTHORIZED)
        && let Some(login) = &login
    {
        let challenges = answer.challenges.iter().map(String::as_str);
        let response = Challenged::new(login.clone(), challenges)
            .and_then(|mut challenged| challenged.respond("DESCRIBE", &address))
            .map_err(no_stream)?;
        answer = describe(&address, Some(&response)).map_err(unreachable)?;
    }
    match answer.status {
        Some(status) if status.is_success() => Ok(()),
        Some(status) => Err(no_stream(refusal(status, login.is_some()))),
        None => Err(no_stream(
            "its answer is not that of an RTSP camera".to_owned(),
        )),
    }
}

#[derive(Debug, Default)]
struct Answer {
    status: Option<StatusCode>,
    challenges: Vec<String>,
}

fn describe(address: &str, authorization: Option<&str>) -> std::io::Result<Answer> {
    let invalid = |error: ureq::http::uri::InvalidUri| std::io::Error::other(error);
    let uri: Uri = address.parse().map_err(invalid)?;
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses = (host, uri.port_u16().unwrap_or(PORT)).to_socket_addrs()?;
    let at = addresses
        .next()
        .ok_or_else(|| std::io::Error::other("its name is not known"))?;
    let mut camera = TcpStream::connect_timeout(&at, PATIENCE)?;
    camera.set_read_timeout(Some(PATIENCE))?;
    camera.set_write_timeout(Some(PATIENCE))?;
    let login = authorization.map_or(String::new(), |value| format!("Authorization: {value}\r\n"));
    let request =
        format!("DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n{login}\r\n");
    camera.write_all(request.as_bytes())?;
    read(BufReader::new(camera.take(MAX_HEAD_BYTES)))
}

fn read(head: impl BufRead) -> std::io::Result<Answer> {
    let mut answer = Answer::default();
    for line in head.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(line.trim_ascii());
        if line.is_empty() {
            break;
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("WWW-Authenticate") => {
                answer.challenges.push(value.trim().to_owned());
            }
            _ => {
                if let Some(rest) = line.strip_prefix("RTSP/1.0 ") {
                    let code = rest.split(' ').next().unwrap_or_default();
                    answer.status = StatusCode::from_bytes(code.as_bytes()).ok();
                }
            }
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_an_answer_is_read_as_cameras_write_it() {
        let head = "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nwww-authenticate: Digest realm=\"a\"\r\n\
            WWW-Authenticate: Basic realm=\"a\"\r\n\r\nmore";
        let answer = read(head.as_bytes()).expect("read");
        assert_eq!(answer.status, Some(StatusCode::UNAUTHORIZED));
        assert_eq!(
            answer.challenges,
            ["Digest realm=\"a\"", "Basic realm=\"a\""]
        );
        for none in ["", "HTTP/1.1 200 OK\r\n\r\n", "RTSP/1.0 zero\r\n"] {
            assert_eq!(read(none.as_bytes()).expect("read").status, None, "{none}");
        }
    }
}
