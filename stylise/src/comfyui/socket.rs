//! The WebSocket of one order, read a moment at a time.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::client::{IntoClientRequest, client_with_config};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use super::client::CallError;
use super::endpoint::Endpoint;
use super::events::{Tagged, parse_binary, parse_text};

/// Previews are small; errors carry the values of the node that failed.
const MESSAGE_MAX_BYTES: usize = 16 << 20;
/// Longest wait for traffic before the caller looks up.
const READ: Duration = Duration::from_millis(200);
/// Asks for previews that say whose they are. Must be the first message.
const FEATURES: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;

/// What a moment brought.
pub(super) enum Heard {
    Nothing,
    /// The server lives, and said nothing of the order.
    Traffic,
    Event(Tagged),
    /// The socket is of no more use.
    Dead,
}

/// Open; closed when it is dropped.
pub(super) struct Socket {
    socket: WebSocket<Stream>,
    heard_at: Instant,
    pinged_at: Instant,
    ping: Duration,
    silence: Duration,
}

enum Stream {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Socket {
    /// Opens it for the events of one order.
    pub(super) fn open(endpoint: &Endpoint, client_id: &str) -> Result<Self, CallError> {
        let failed = |error: &dyn std::fmt::Display| CallError::Unreachable(error.to_string());
        let tcp = connect(endpoint).map_err(|error| failed(&error))?;
        let stream = if endpoint.is_tls() {
            Stream::Secure(Box::new(
                secure(endpoint, tcp).map_err(|error| failed(&error))?,
            ))
        } else {
            Stream::Plain(tcp)
        };
        let url = endpoint.socket_url(client_id);
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| failed(&error))?;
        for (name, value) in &endpoint.headers {
            request.headers_mut().append(name, value.clone());
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX_BYTES))
            .max_frame_size(Some(MESSAGE_MAX_BYTES))
            .read_buffer_size(32 << 10);
        let opened = client_with_config(request, stream, Some(config));
        let (mut socket, _) = opened.map_err(|error| failed(&error))?;
        let sent = socket.send(Message::text(FEATURES));
        sent.map_err(|error| failed(&error))?;
        let read = socket.get_ref().tcp().set_read_timeout(Some(READ));
        read.map_err(|error| failed(&error))?;
        let now = Instant::now();
        Ok(Self {
            socket,
            heard_at: now,
            pinged_at: now,
            ping: endpoint.pace.ping,
            silence: endpoint.pace.silence,
        })
    }

    /// Waits a moment for a message.
    pub(super) fn listen(&mut self) -> Heard {
        if self.pinged_at.elapsed() >= self.ping {
            self.pinged_at = Instant::now();
            if self.socket.send(Message::Ping(Vec::new().into())).is_err() {
                return Heard::Dead;
            }
        }
        let message = match self.socket.read() {
            Ok(message) => message,
            Err(Error::Io(error)) if is_early(&error) => {
                return if self.heard_at.elapsed() >= self.silence {
                    Heard::Dead
                } else {
                    Heard::Nothing
                };
            }
            Err(_) => return Heard::Dead,
        };
        self.heard_at = Instant::now();
        let event = match &message {
            Message::Text(text) => parse_text(text),
            Message::Binary(bytes) => parse_binary(bytes),
            Message::Close(_) => return Heard::Dead,
            _ => None,
        };
        event.map_or(Heard::Traffic, Heard::Event)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }
}

fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut last = io::Error::other("its name is not known");
    for address in (endpoint.host(), endpoint.port()).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, endpoint.pace.connect) {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                // For the handshakes; reading goes by shorter moments afterwards.
                tcp.set_read_timeout(Some(endpoint.pace.connect))?;
                tcp.set_write_timeout(Some(endpoint.pace.connect))?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn secure(
    endpoint: &Endpoint,
    tcp: TcpStream,
) -> Result<StreamOwned<ClientConnection, TcpStream>, Box<dyn std::error::Error>> {
    let mut roots = RootCertStore::empty();
    if endpoint.authorities.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for authority in &endpoint.authorities {
        roots.add(authority.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(endpoint.host())?;
    let connection = ClientConnection::new(Arc::new(config), name)?;
    Ok(StreamOwned::new(connection, tcp))
}

fn is_early(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    [WouldBlock, TimedOut, Interrupted].contains(&error.kind())
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Secure(tls) => &tls.sock,
        }
    }
}

impl io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Secure(tls) => tls.read(buffer),
        }
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Secure(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Secure(tls) => tls.flush(),
        }
    }
}
