//! HTTPS connections: each handshake is a task of its own, bounded in time and number, so that none
//! holds up another.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use tokio::io;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::metrics::{Outcome, TlsMetrics};
use crate::listener::{Caller, prepare};

/// Two round trips and a signature, on a network that loses packets.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Handshakes at a time: 400 phones that come within a second, each with half a second of delay, and
/// still few of the 1024 descriptors that a process has by default.
const HANDSHAKES_MAX: usize = 256;

type Opened = (TlsStream<TcpStream>, SocketAddr);

/// A TCP listener whose connections have shaken hands.
pub(crate) struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<Opened>>,
    /// Oldest first; the finished ones leave when room is made.
    running: VecDeque<AbortHandle>,
    metrics: TlsMetrics,
}

impl TlsListener {
    pub(crate) fn new(tcp: TcpListener, config: Arc<ServerConfig>, metrics: TlsMetrics) -> Self {
        Self {
            tcp,
            acceptor: TlsAcceptor::from(config),
            handshakes: JoinSet::new(),
            running: VecDeque::new(),
            metrics,
        }
    }

    fn begin(&mut self, stream: TcpStream, from: SocketAddr) {
        prepare(&stream);
        self.make_room();
        let shaking = self.acceptor.accept(stream);
        let metrics = self.metrics.clone();
        let handle = self.handshakes.spawn(async move {
            let (outcome, opened) = match timeout(HANDSHAKE_WITHIN, shaking).await {
                Ok(Ok(stream)) => (Outcome::Done, Some((stream, from))),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    (Outcome::Failed, None)
                }
                Err(_) => (Outcome::Late, None),
            };
            metrics.count(outcome);
            opened
        });
        self.running.push_back(handle);
    }

    /// overflow: newest-wins and counted: whoever opens connections and says nothing has the oldest
    /// handshakes, while honest ones are over in a moment.
    fn make_room(&mut self) {
        if self.running.len() < HANDSHAKES_MAX {
            return;
        }
        self.running.retain(|handshake| !handshake.is_finished());
        if self.running.len() >= HANDSHAKES_MAX
            && let Some(oldest) = self.running.pop_front()
        {
            oldest.abort();
            self.metrics.count(Outcome::Displaced);
        }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Opened {
        loop {
            tokio::select! {
                (stream, from) = Listener::accept(&mut self.tcp) => self.begin(stream, from),
                Some(ended) = self.handshakes.join_next() => {
                    if let Ok(Some(opened)) = ended {
                        return opened;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self {
            ip: stream.remote_addr().ip(),
            tls: true,
        }
    }
}
