//! The loop that accepts connections, and the task of each.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service;

use super::caller::Caller;
use super::metrics::{CloseCause, ConnectionMetrics, Outcome, TlsMetrics};
use super::table::{ConnectionId, ConnectionTable, Entry};

/// The most connections at a time. An idle one costs about 20 kB.
const CONNECTIONS_MAX: usize = 2048;
/// Descriptors that cameras, files, databases, media sockets and ComfyUI need.
const DESCRIPTORS_KEPT: usize = 256;
/// A request's head is at most so large.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes that wait in the kernel for a slow reader. Few, so that each progress of the reader is seen.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// Between two tries to accept while the system refuses.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// The log says at most this often that there is no room.
const SAY_AGAIN: Duration = Duration::from_mins(10);

/// What bounds connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// At a time.
    connections_max: usize,
    /// For the head of a request, from the connection's start or the end of the last answer.
    head_within: Duration,
    /// For a TLS handshake: two round trips and a signature, on a network that loses packets.
    handshake_within: Duration,
    /// A reader that takes nothing for so long is gone. A slow one takes some of what waits sooner.
    write_silence: Duration,
}

impl Limits {
    /// For a process that may open so many descriptors.
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

type TimedStream = Pin<Box<TimeoutStream<TcpStream>>>;

/// Every open connection of every listener.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    limits: Limits,
    table: Mutex<ConnectionTable<Arc<Notify>>>,
    said_at: Mutex<Option<Instant>>,
    metrics: ConnectionMetrics,
    tls_metrics: TlsMetrics,
}

impl Connections {
    pub(crate) fn new(limits: Limits, metrics: ConnectionMetrics, tls_metrics: TlsMetrics) -> Self {
        Self(Arc::new(Shared {
            limits,
            table: Mutex::new(ConnectionTable::new(limits.connections_max)),
            said_at: Mutex::default(),
            metrics,
            tls_metrics,
        }))
    }

    /// Serves `router` on `listener`, over TLS where there is a configuration for it. Runs until it is dropped.
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
        let stream = timed(stream, self.0.limits.write_silence);
        let router = router.clone();
        tokio::spawn(async move {
            let served = async {
                match acceptor {
                    None => serve_http(stream, caller, router, &place).await,
                    Some(acceptor) => {
                        if let Some(stream) = shake_hands(stream, &acceptor, &place).await {
                            serve_http(stream, caller, router, &place).await;
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

    /// Room for a connection, for as long as what this returns is held.
    fn place(&self, from: IpAddr, close: Arc<Notify>) -> Option<Place> {
        let shared = &self.0;
        let mut table = shared.table();
        let (entry, limit) = (table.admit(from, close, Instant::now()), table.limit());
        let id = match entry {
            Entry::Admitted(id) => id,
            Entry::InPlaceOf { id, closed } => {
                closed.close.notify_one();
                shared.metrics.count_closed(CloseCause::Displaced);
                shared.say_once(|| {
                    tracing::warn!(
                        limit,
                        address = %closed.address,
                        held = closed.held,
                        "the limit of HTTP connections is reached: the oldest idle ones of the address that holds most are closed"
                    );
                });
                id
            }
            Entry::Refused => {
                shared.metrics.count_closed(CloseCause::Refused);
                shared.say_once(|| {
                    tracing::warn!(
                        limit,
                        "the limit of HTTP connections is reached and all are busy: new ones are refused"
                    );
                });
                return None;
            }
        };
        shared.metrics.open.set(table.len() as i64);
        let shared = Arc::clone(shared);
        Some(Place { id, shared })
    }

    /// No descriptors, or a connection that broke before it was accepted.
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
            shared.metrics.count_closed(CloseCause::Displaced);
        }
        shared.say_once(|| {
            tracing::warn!(%error, "cannot accept HTTP connections: idle ones are closed");
        });
        tokio::time::sleep(ACCEPT_AGAIN).await;
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, ConnectionTable<Arc<Notify>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say_once(&self, say: impl FnOnce()) {
        let now = Instant::now();
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.is_none_or(|at| now.duration_since(at) >= SAY_AGAIN) {
            *said_at = Some(now);
            say();
        }
    }
}

/// One connection's entry in the table, which ends when this is dropped.
struct Place {
    id: ConnectionId,
    shared: Arc<Shared>,
}

impl Place {
    /// A request is at work, until what this returns is dropped.
    fn request(&self) -> RequestAtWork {
        let (id, shared) = (self.id, Arc::clone(&self.shared));
        shared.table().begin_request(id, Instant::now());
        RequestAtWork { id, shared }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        table.close(self.id);
        self.shared.metrics.open.set(table.len() as i64);
    }
}

struct RequestAtWork {
    id: ConnectionId,
    shared: Arc<Shared>,
}

impl Drop for RequestAtWork {
    fn drop(&mut self) {
        self.shared.table().end_request(self.id, Instant::now());
    }
}

/// Counted when it is dropped.
struct Handshake {
    outcome: Outcome,
    metrics: TlsMetrics,
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.metrics.count(self.outcome);
    }
}

async fn shake_hands(
    stream: TimedStream,
    acceptor: &TlsAcceptor,
    place: &Place,
) -> Option<TlsStream<TimedStream>> {
    let mut handshake = Handshake {
        // What holds until another end comes: the task is dropped when it makes room.
        outcome: Outcome::Displaced,
        metrics: place.shared.tls_metrics.clone(),
    };
    let within = place.shared.limits.handshake_within;
    match timeout(within, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            handshake.outcome = Outcome::Done;
            return Some(stream);
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            handshake.outcome = Outcome::Failed;
        }
        Err(_) => handshake.outcome = Outcome::Late,
    }
    None
}

async fn serve_http<S>(stream: S, caller: Caller, router: Router, place: &Place)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(caller));
        let at_work = place.request();
        let answer = router.clone().call(request);
        async move {
            let answer = answer.await?;
            // The request is at work until its answer is sent or given up.
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
            place.shared.metrics.count_closed(CloseCause::Idle);
        }
        tracing::debug!(%error, "an HTTP connection ended");
    }
}

/// Bounds how long silence lasts in both directions. An option that the system refuses costs a late
/// end, never the connection.
fn timed(stream: TcpStream, write_silence: Duration) -> TimedStream {
    // Signalling and MJPEG parts are small writes that must not wait for more.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(&stream);
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(20))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    let _ = socket.set_tcp_keepalive(&probes);
    // Unacknowledged for so long: without this a stream to a phone that left keeps its place for a quarter
    // of an hour, until TCP itself gives up.
    let _ = socket.set_tcp_user_timeout(Some(write_silence));
    let _ = socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_silence));
    Box::pin(stream)
}

#[cfg(test)]
mod tests;
