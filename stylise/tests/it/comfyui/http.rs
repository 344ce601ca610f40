//! The part of HTTP/1.1 that the fake server needs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(super) fn read(stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            let name = name.to_ascii_lowercase();
            request.headers.push((name, value.trim().to_owned()));
        }
        if let Some(length) = request.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            request.body = vec![0; length];
            reader.read_exact(&mut request.body)?;
        } else if request.header("transfer-encoding") == Some("chunked") {
            request.body = chunks(&mut reader)?;
        }
        Ok(request)
    }
}

/// A multipart form with one file.
pub(super) struct Form<'a> {
    /// Headers and contents.
    parts: Vec<(String, &'a [u8])>,
}

impl<'a> Form<'a> {
    pub(super) fn read(request: &'a Request) -> Self {
        let kind = request.header("content-type").expect("it has a type");
        let boundary = kind.split("boundary=").nth(1).expect("it has a boundary");
        let edge = format!("--{}", boundary.trim_matches('"')).into_bytes();
        let mut parts = Vec::new();
        let mut rest = request.body.as_slice();
        while let Some(at) = find(rest, &edge) {
            if let Some(end) = find(&rest[..at], b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&rest[..end]).into_owned();
                parts.push((head, &rest[end + 4..at - 2]));
            }
            rest = &rest[at + edge.len()..];
        }
        Self { parts }
    }

    pub(super) fn text(&self, name: &str) -> &str {
        let name = format!("name=\"{name}\"");
        let part = self.parts.iter().find(|(head, _)| head.contains(&name));
        part.map_or("", |(_, bytes)| std::str::from_utf8(bytes).expect("text"))
    }

    /// The file's name and content.
    pub(super) fn file(&self) -> (&str, &'a [u8]) {
        let named = self.parts.iter().find_map(|(head, bytes)| {
            let name = head.split("filename=\"").nth(1)?.split('"').next()?;
            Some((name, *bytes))
        });
        named.expect("a part with a filename")
    }
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|part| part == what)
}

fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length, 0);
        reader.read_exact(&mut body[start..])?;
        reader.read_line(&mut String::new())?;
        if length == 0 {
            return Ok(body);
        }
    }
}

pub(super) fn answer(mut stream: &TcpStream, status: u16, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} Whatever\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

/// Sends until the client closes the connection.
pub(super) fn answer_endlessly(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"")?;
    let junk = [b'x'; 1 << 16];
    loop {
        stream.write_all(&junk)?;
    }
}
