use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;

use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use socket2::{Domain, Socket, Type};
use tokio::runtime::Runtime;

use crate::http::connections::*;

/// The time limit of every wait: it only ends a test that hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);
const LARGE: &[u8] = &[7; 1 << 20];
/// More than the kernel buffers of an answer.
const MEDIUM_BYTES: usize = 200 * 1024;

struct Server {
    at: SocketAddr,
    metrics: Metrics,
    _runtime: Runtime,
}

impl Server {
    fn start(limits: ConnectionLimits) -> Self {
        let endless = || async {
            let pieces = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(LARGE)));
            Body::from_stream(pieces)
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/medium", get(|| async { &LARGE[..MEDIUM_BYTES] }))
            .route("/endless", get(endless));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let at = listener.local_addr().expect("bound");
        let metrics = Metrics::default();
        let connections = Connections::new(limits, metrics.clone());
        runtime.spawn(async move { connections.serve(listener, None, router).await });
        Self {
            at,
            metrics,
            _runtime: runtime,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).expect("connected");
        stream.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
        stream
    }

    fn wait_for_open(&self, wanted: i64) {
        let until = Instant::now() + HANG_TIMEOUT;
        while self.metrics.http_connections.get() != wanted {
            let open = self.metrics.http_connections.get();
            assert!(Instant::now() < until, "{open} are open, not {wanted}");
            sleep(Duration::from_millis(5));
        }
    }
}

/// A client whose receive buffer is smaller than a segment of the loopback interface.
fn connect_with_small_window(to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(8 * 1024).expect("set");
    socket.connect(&to.into()).expect("connected");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
    stream
}

fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("sent");
}

fn ask(stream: &mut TcpStream) -> String {
    send(stream, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// Whether the server closes it, with a reset or an end. A read time-out counts as open.
fn is_closed(mut stream: TcpStream) -> bool {
    let timed_out = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(error) => !timed_out.contains(&error.kind()),
    }
}

fn limits() -> ConnectionLimits {
    ConnectionLimits {
        connections_max: 4,
        head_within: HANG_TIMEOUT * 2,
        handshake_within: HANG_TIMEOUT * 2,
        write_silence: HANG_TIMEOUT * 2,
    }
}

#[test]
fn a_connection_without_a_whole_request_is_closed_in_time() {
    let server = Server::start(ConnectionLimits {
        // Longer than a busy machine delays the request of the test.
        head_within: Duration::from_secs(2),
        ..limits()
    });
    let silent = server.connect();
    let mut half = server.connect();
    send(&mut half, "GET / HTTP/1.1\r\nHost:");
    let mut kept_alive = server.connect();
    assert!(ask(&mut kept_alive).starts_with("HTTP/1.1 200"));
    for stream in [silent, half, kept_alive] {
        assert!(is_closed(stream));
    }
    server.wait_for_open(0);
}

#[test]
fn idle_connections_make_room_for_a_request() {
    let server = Server::start(limits());
    let mut idle: Vec<TcpStream> = (0..12).map(|_| server.connect()).collect();
    let mut honest = server.connect();
    assert!(ask(&mut honest).starts_with("HTTP/1.1 200"));
    assert!(is_closed(idle.swap_remove(0)), "the oldest goes first");
    server.wait_for_open(4);
}

#[test]
fn a_connection_whose_peer_reads_nothing_times_out() {
    let server = Server::start(ConnectionLimits {
        write_silence: Duration::from_secs(2),
        ..limits()
    });
    let mut stuck = server.connect();
    send(&mut stuck, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut first = [0; 64];
    assert!(stuck.read(&mut first).expect("the answer has begun") > 0);
    server.wait_for_open(0);
}

#[test]
fn a_slow_reader_gets_all_of_it() {
    // Shorter than half of the kernel's buffer takes, and longer than a busy machine delays a read of the test.
    let server = Server::start(ConnectionLimits {
        head_within: Duration::from_secs(2),
        write_silence: Duration::from_secs(2),
        ..limits()
    });
    let mut slow = connect_with_small_window(server.at);
    send(&mut slow, "GET /medium HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut part = vec![0; 4 * 1024];
    let mut read = 0;
    while read < MEDIUM_BYTES {
        sleep(Duration::from_millis(150));
        match slow.read(&mut part).expect("it is not cut off") {
            0 => break,
            some => read += some,
        }
    }
    assert!(read >= MEDIUM_BYTES, "{read}: head and body");
    assert!(is_closed(slow), "an idle connection is closed afterwards");
}
