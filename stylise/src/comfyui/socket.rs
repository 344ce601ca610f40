//! The WebSocket that delivers the events of one order, and its reconnection.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::client::{IntoClientRequest, client_with_config};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use crate::comfyui::client::BackgroundCall;
use crate::comfyui::events::{TaggedEvent, parse_binary, parse_text};
use crate::comfyui::server_error::CallError;
use crate::comfyui::settings::Endpoint;
use crate::comfyui::tracker::OrderTracker;
use crate::stylist::JobContext;

/// Previews are small; errors include the inputs of the failed node.
const MESSAGE_MAX_BYTES: usize = 16 << 20;
/// Longest wait for a message per read.
const READ: Duration = Duration::from_millis(200);
/// Pause while there is no socket to read from.
const PAUSE: Duration = Duration::from_millis(100);
/// Asks for previews that carry the order's id. Must be the first message.
const FEATURES: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;

/// The result of one read.
pub(super) enum SocketRead {
    Nothing,
    /// A message that says nothing about the order.
    Traffic,
    Event(TaggedEvent),
    Dead,
}

/// An open WebSocket; closed on drop.
pub(super) struct Socket {
    socket: WebSocket<Box<dyn Stream>>,
    heard_at: Instant,
    pinged_at: Instant,
    ping: Duration,
    silence: Duration,
}

/// A TCP connection, with or without TLS.
trait Stream: io::Read + io::Write + Send {}

impl<T: io::Read + io::Write + Send> Stream for T {}

impl Socket {
    /// Connects and subscribes to the events of one order.
    pub(super) fn open(endpoint: &Endpoint, client_id: &str) -> Result<Self, CallError> {
        let opened = Self::try_open(endpoint, client_id);
        opened.map_err(|error| CallError::Unreachable(error.to_string()))
    }

    fn try_open(endpoint: &Endpoint, client_id: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let tcp = connect(endpoint)?;
        // The same connection, for its timeout.
        let handle = tcp.try_clone()?;
        let stream: Box<dyn Stream> = if endpoint.is_tls() {
            Box::new(secure(endpoint, tcp)?)
        } else {
            Box::new(tcp)
        };
        let mut request = endpoint
            .socket_url(client_id)
            .as_str()
            .into_client_request()?;
        for (name, value) in &endpoint.headers {
            request.headers_mut().append(name, value.clone());
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX_BYTES))
            .max_frame_size(Some(MESSAGE_MAX_BYTES))
            .read_buffer_size(32 << 10);
        let opened = client_with_config(request, stream, Some(config));
        let (mut socket, _) = opened.map_err(|error| error.to_string())?;
        socket.send(Message::text(FEATURES))?;
        handle.set_read_timeout(Some(READ))?;
        let now = Instant::now();
        Ok(Self {
            socket,
            heard_at: now,
            pinged_at: now,
            ping: endpoint.timeouts.ping,
            silence: endpoint.timeouts.silence,
        })
    }

    /// Waits up to [`READ`] for a message.
    pub(super) fn read_event(&mut self) -> SocketRead {
        if self.pinged_at.elapsed() >= self.ping {
            self.pinged_at = Instant::now();
            if self.socket.send(Message::Ping(Vec::new().into())).is_err() {
                return SocketRead::Dead;
            }
        }
        let message = match self.socket.read() {
            Ok(message) => message,
            Err(Error::Io(error)) if is_timeout(&error) => {
                return if self.heard_at.elapsed() >= self.silence {
                    SocketRead::Dead
                } else {
                    SocketRead::Nothing
                };
            }
            Err(_) => return SocketRead::Dead,
        };
        self.heard_at = Instant::now();
        let event = match &message {
            Message::Text(text) => parse_text(text),
            Message::Binary(bytes) => parse_binary(bytes),
            Message::Close(_) => return SocketRead::Dead,
            _ => None,
        };
        event.map_or(SocketRead::Traffic, SocketRead::Event)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }
}

/// The socket or its reconnection. Without a socket an order is followed by polling alone.
pub(super) enum EventSource {
    Opening(BackgroundCall<Socket>, Instant),
    Open(Box<Socket>),
    Closed(Instant),
}

impl EventSource {
    pub(super) fn new(opening: BackgroundCall<Socket>) -> Self {
        Self::Opening(opening, Instant::now())
    }

    /// Waits briefly for the next message and passes it on.
    pub(super) fn deliver_next(&mut self, tracker: &mut OrderTracker, context: &dyn JobContext) {
        match self {
            Self::Opening(opening, since) => match opening.wait(PAUSE) {
                Some(Ok(socket)) => *self = Self::Open(Box::new(socket)),
                Some(Err(_)) => *self = Self::Closed(*since),
                None => {}
            },
            Self::Open(socket) => match socket.read_event() {
                SocketRead::Nothing => {}
                SocketRead::Traffic => tracker.on_traffic(Instant::now()),
                SocketRead::Event(event) => {
                    if let Some(preview) = tracker.on_event(event, Instant::now()) {
                        context.preview(preview);
                    }
                }
                SocketRead::Dead => *self = Self::Closed(Instant::now()),
            },
            Self::Closed(_) => std::thread::sleep(PAUSE),
        }
    }

    pub(super) fn should_reconnect(&self, pause: Duration) -> bool {
        matches!(self, Self::Closed(since) if since.elapsed() >= pause)
    }
}

fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut last = io::Error::other("its name is not known");
    for address in (endpoint.host(), endpoint.port()).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, endpoint.timeouts.connect) {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                // For the handshakes; later reads use a shorter timeout.
                tcp.set_read_timeout(Some(endpoint.timeouts.connect))?;
                tcp.set_write_timeout(Some(endpoint.timeouts.connect))?;
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

fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    [WouldBlock, TimedOut, Interrupted].contains(&error.kind())
}
