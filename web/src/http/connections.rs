//! Accepts connections and serves each in a task of its own, with time-outs.
//!
//! This is hyper directly, not `axum::serve` or `axum-server`: those have neither the time-outs nor a
//! way to close idle connections of the address that has most.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use socket2::TcpKeepalive;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::http::Caller;
use crate::http::send_progress::{CountedAnswers, CountedSocket, SendProgress};
use crate::http::table::{AdmitOutcome, ConnectionId, ConnectionTable};
use crate::http::timed_stream::TimedStream;
use crate::metrics::{CloseCause, HandshakeOutcome, Metrics};

/// Limit of connections. An idle one costs about 20 kB.
const CONNECTIONS_MAX: usize = 2048;
/// Descriptors reserved for cameras, files, databases, media sockets and ComfyUI.
const DESCRIPTORS_KEPT: usize = 256;
/// Limit of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Limit of unsent bytes in the kernel (TCP_NOTSENT_LOWAT): a slow reader gets what is newest, not what waited for it.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// Pause after a failed `accept`.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
/// Interval between warnings about the connection limit.
const WARN_INTERVAL: Duration = Duration::from_mins(10);

#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    connections_max: usize,
    /// Time-out for a request's head, since the connection opened or the last answer ended.
    head_within: Duration,
    /// Time-out for a TLS handshake: two round trips and a signature, with packet loss.
    handshake_within: Duration,
    /// Write time-out: a connection whose peer acknowledges nothing for this long is closed.
    write_silence: Duration,
}

impl ConnectionLimits {
    /// For a process with this limit of descriptors.
    pub(crate) fn for_descriptors(descriptors: usize) -> Self {
        let left = descriptors.saturating_sub(DESCRIPTORS_KEPT);
        Self {
            connections_max: left.clamp(64, CONNECTIONS_MAX),
            head_within: Duration::from_secs(30),
            handshake_within: Duration::from_secs(10),
            write_silence: Duration::from_secs(60),
        }
    }
}

/// The open connections of all listeners.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    limits: ConnectionLimits,
    table: Mutex<ConnectionTable<Arc<Notify>>>,
    warned_at: Mutex<Option<Instant>>,
    metrics: Metrics,
}

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits, metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            limits,
            table: Mutex::new(ConnectionTable::new(limits.connections_max)),
            warned_at: Mutex::default(),
            metrics,
        }))
    }

    /// Serves `router` on `listener`, over TLS if `tls` is given. Runs until it is dropped.
    pub(crate) async fn serve(
        &self,
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        router: Router,
    ) {
        let acceptor = tls.map(TlsAcceptor::from);
        loop {
            match listener.accept().await {
                Ok((stream, from)) => self.begin(stream, from, acceptor.clone(), &router),
                Err(error) => self.accept_failed(&error).await,
            }
        }
    }

    fn begin(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        acceptor: Option<TlsAcceptor>,
        router: &Router,
    ) {
        let close = Arc::new(Notify::new());
        let Some(place) = self.place(from.ip(), Arc::clone(&close)) else {
            return;
        };
        let caller = Caller {
            ip: from.ip(),
            tls: acceptor.is_some(),
        };
        let progress = SendProgress::of(stream);
        let stream = with_timeouts(&progress, self.0.limits.write_silence);
        let router = router.clone();
        tokio::spawn(async move {
            let served = async {
                match acceptor {
                    None => serve_http(stream, caller, progress, router, &place).await,
                    Some(acceptor) => {
                        if let Some(stream) = tls_handshake(stream, &acceptor, &place).await {
                            serve_http(stream, caller, progress, router, &place).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = served => {}
                () = close.notified() => {}
            }
        });
    }

    /// Admits a connection; `None`: refused.
    fn place(&self, from: IpAddr, close: Arc<Notify>) -> Option<ConnectionGuard> {
        let shared = &self.0;
        let mut table = shared.table();
        let (entry, limit) = (table.admit(from, close, Instant::now()), table.limit());
        let id = match entry {
            AdmitOutcome::Admitted(id) => id,
            AdmitOutcome::Evicting { id, closed } => {
                closed.close.notify_one();
                shared.count_closed(CloseCause::Displaced);
                shared.warn_rarely(|| {
                    tracing::warn!(
                        limit,
                        address = %closed.address,
                        held = closed.held,
                        "the limit of HTTP connections is reached: the oldest idle ones of the address with the most are closed"
                    );
                });
                id
            }
            AdmitOutcome::Refused => {
                shared.count_closed(CloseCause::Refused);
                shared.warn_rarely(|| {
                    tracing::warn!(
                        limit,
                        "the limit of HTTP connections is reached and all are busy: new ones are refused"
                    );
                });
                return None;
            }
        };
        shared.metrics.http_connections.set(table.len() as i64);
        let shared = Arc::clone(shared);
        Some(ConnectionGuard { id, shared })
    }

    /// `accept` failed: there are no descriptors, or the connection was aborted before.
    async fn accept_failed(&self, error: &io::Error) {
        let broken = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
        ];
        if broken.contains(&error.kind()) {
            return;
        }
        let shared = &self.0;
        if let Some(closed) = shared.table().shed_idle() {
            closed.close.notify_one();
            shared.count_closed(CloseCause::Displaced);
        }
        shared.warn_rarely(|| {
            tracing::warn!(%error, "cannot accept HTTP connections: idle ones are closed");
        });
        tokio::time::sleep(ACCEPT_RETRY).await;
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, ConnectionTable<Arc<Notify>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_closed(&self, cause: CloseCause) {
        let closed = &self.metrics.http_connections_closed;
        closed.get_or_create(&[("cause", cause)]).inc();
    }

    fn warn_rarely(&self, say: impl FnOnce()) {
        let now = Instant::now();
        let mut warned_at = self
            .warned_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| now.duration_since(at) >= WARN_INTERVAL) {
            *warned_at = Some(now);
            say();
        }
    }
}

/// One connection's entry in the table, removed on drop.
struct ConnectionGuard {
    id: ConnectionId,
    shared: Arc<Shared>,
}

impl ConnectionGuard {
    /// Marks the connection as busy, until the guard is dropped.
    fn request(&self) -> RequestGuard {
        let (id, shared) = (self.id, Arc::clone(&self.shared));
        shared.table().begin_request(id, Instant::now());
        RequestGuard { id, shared }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        table.close(self.id);
        self.shared.metrics.http_connections.set(table.len() as i64);
    }
}

struct RequestGuard {
    id: ConnectionId,
    shared: Arc<Shared>,
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.shared.table().end_request(self.id, Instant::now());
    }
}

/// Counts its outcome on drop.
struct Handshake<'a> {
    outcome: HandshakeOutcome,
    metrics: &'a Metrics,
}

impl Drop for Handshake<'_> {
    fn drop(&mut self) {
        let labels = [("outcome", self.outcome)];
        self.metrics.tls_handshakes.get_or_create(&labels).inc();
    }
}

async fn tls_handshake(
    stream: TimedStream,
    acceptor: &TlsAcceptor,
    place: &ConnectionGuard,
) -> Option<TlsStream<TimedStream>> {
    let mut handshake = Handshake {
        // Unless it ends otherwise: a connection that is closed to make room drops this task.
        outcome: HandshakeOutcome::Displaced,
        metrics: &place.shared.metrics,
    };
    let within = place.shared.limits.handshake_within;
    match timeout(within, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            handshake.outcome = HandshakeOutcome::Done;
            return Some(stream);
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            handshake.outcome = HandshakeOutcome::Failed;
        }
        Err(_) => handshake.outcome = HandshakeOutcome::Late,
    }
    None
}

async fn serve_http<S>(
    stream: S,
    caller: Caller,
    progress: SendProgress,
    router: Router,
    place: &ConnectionGuard,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let stream = CountedAnswers::new(stream, progress.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(caller));
        request.extensions_mut().insert(progress.clone());
        let at_work = place.request();
        let answer = router.clone().call(request);
        async move {
            let answer = answer.await?;
            // The request is busy until its answer is sent or given up.
            Ok::<_, Infallible>(answer.map(|body| {
                body.map_frame(move |frame| {
                    let _held = &at_work;
                    frame
                })
            }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(place.shared.limits.head_within)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        if error.is_timeout() {
            place.shared.count_closed(CloseCause::Idle);
        }
        tracing::debug!(%error, "an HTTP connection ended");
    }
}

/// Sets time-outs for both directions. A refused socket option is ignored: dead connections are then
/// noticed later.
fn with_timeouts(progress: &SendProgress, write_silence: Duration) -> TimedStream {
    let socket = progress.socket();
    // Signalling and MJPEG parts are small writes: Nagle's algorithm would delay them.
    let _ = socket.set_tcp_nodelay(true);
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(20))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    let _ = socket.set_tcp_keepalive(&probes);
    progress.limit_unsent(UNSENT_BYTES_MAX);
    TimedStream::new(CountedSocket(progress.clone()), write_silence)
}

#[cfg(test)]
mod tests;
