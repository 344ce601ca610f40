//! A WHIP server for tests: hand-written HTTP, media through str0m.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lossy_link::{Conditions, Link};
use str0m::change::SdpOffer;
use str0m::media::{KeyframeRequestKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

/// The behaviour of the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// Required token; others get 401.
    pub(crate) token: Option<&'static str>,
    /// Response to an offer instead of an answer: status and a further header line.
    pub(crate) instead: Option<(u16, String)>,
    /// Path prefix where `instead` applies; everywhere when empty.
    pub(crate) at: &'static str,
    /// The `Link` header of an answer.
    pub(crate) link: Option<String>,
    /// Accepts only VP8.
    pub(crate) vp8: bool,
    /// Drops one of this many media datagrams; 0: none.
    pub(crate) lose_every: u64,
    /// The bottleneck of the path to the server.
    pub(crate) rate_bps: Option<u64>,
}

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// A received picture.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedPicture {
    pub(crate) at: Instant,
    pub(crate) access_unit: Vec<u8>,
    /// No packet is missing before it.
    pub(crate) contiguous: bool,
}

#[derive(Default)]
struct Recording {
    requests: Mutex<Vec<Request>>,
    shown: Mutex<Vec<ReceivedPicture>>,
    connected_at: Mutex<Option<Instant>>,
    wants_keyframe: AtomicBool,
    wants_close: AtomicBool,
    lost: AtomicU64,
    ended: AtomicBool,
}

pub(crate) struct WhipServer {
    pub(crate) at: SocketAddr,
    seen: Arc<Recording>,
    thread: Option<JoinHandle<()>>,
}

struct ServerThread {
    behaviour: Behaviour,
    seen: Arc<Recording>,
    listener: TcpListener,
    session: Option<Session>,
}

struct Session {
    rtc: Rtc,
    socket: UdpSocket,
    path: Link<(SocketAddr, Vec<u8>)>,
    mid: Option<Mid>,
    media: u64,
}

impl WhipServer {
    pub(crate) fn open(behaviour: Behaviour) -> Self {
        // A random address of the loopback network: the port stays free while the server is closed.
        let [_, b, c, d] = rand::random::<[u8; 4]>();
        let address = Ipv4Addr::new(127, b.max(1), c, d.clamp(1, 254));
        Self::open_at((address, 0).into(), behaviour)
    }

    pub(crate) fn open_at(at: SocketAddr, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(at).expect("a free port");
        listener.set_nonblocking(true).expect("a plain socket");
        let at = listener.local_addr().expect("bound");
        let seen = Arc::new(Recording::default());
        let mut server = ServerThread {
            behaviour,
            seen: Arc::clone(&seen),
            listener,
            session: None,
        };
        let thread = std::thread::spawn(move || server.run());
        Self {
            at,
            seen,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().expect("not poisoned").clone()
    }

    /// The received requests with this method.
    pub(crate) fn requests_with(&self, method: &str) -> Vec<Request> {
        let mut asked = self.requests();
        asked.retain(|request| request.method == method);
        asked
    }

    pub(crate) fn shown(&self) -> Vec<ReceivedPicture> {
        self.seen.shown.lock().expect("not poisoned").clone()
    }

    pub(crate) fn connected_at(&self) -> Option<Instant> {
        *self.seen.connected_at.lock().expect("not poisoned")
    }

    pub(crate) fn lost(&self) -> u64 {
        self.seen.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn request_keyframe(&self) {
        self.seen.wants_keyframe.store(true, Ordering::Relaxed);
    }

    /// Sends a DTLS close_notify, as a server does that shuts down properly.
    pub(crate) fn close_media(&self) {
        self.seen.wants_close.store(true, Ordering::Relaxed);
    }
}

/// Stops without any message, as after a power cut.
impl Drop for WhipServer {
    fn drop(&mut self) {
        self.seen.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server's thread did not panic");
        }
    }
}

impl ServerThread {
    fn run(&mut self) {
        while !self.seen.ended.load(Ordering::Relaxed) {
            match self.listener.accept() {
                Ok((stream, _)) => self.serve(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("accept: {error}"),
            }
            if let Some(session) = &mut self.session {
                session.turn(&self.seen, self.behaviour.lose_every);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn serve(&mut self, mut stream: TcpStream) {
        stream.set_nonblocking(false).expect("a plain socket");
        let request = read_request(&stream);
        let reply = self.reply(&request);
        self.seen
            .requests
            .lock()
            .expect("not poisoned")
            .push(request);
        // The client may be gone.
        let _ = stream.write_all(reply.as_bytes());
    }

    fn reply(&mut self, request: &Request) -> String {
        let wanted = self.behaviour.token.map(|token| format!("Bearer {token}"));
        let instead = self.behaviour.instead.clone();
        let instead = instead.filter(|_| request.path.starts_with(self.behaviour.at));
        match (request.method.as_str(), instead) {
            ("POST", Some((status, header))) => http(status, &header, ""),
            _ if wanted.is_some() && request.authorization != wanted => http(401, "", ""),
            ("POST", None) => self.answer_offer(request),
            ("PATCH", _) => http(204, "", ""),
            ("DELETE", _) => http(200, "", ""),
            _ => http(405, "", ""),
        }
    }

    fn answer_offer(&mut self, request: &Request) -> String {
        let (session, answer) = Session::answer(&request.body, &self.behaviour);
        self.session = Some(session);
        // Relative to the endpoint, as RFC 9725 allows.
        let mut header = "Location: sessions/7\r\nETag: \"v1\"\r\n".to_owned();
        header.push_str("Content-Type: application/sdp\r\n");
        if let Some(link) = &self.behaviour.link {
            header.push_str(&format!("Link: {link}\r\n"));
        }
        http(201, &header, &answer)
    }
}

impl Session {
    fn answer(offer: &str, behaviour: &Behaviour) -> (Self, String) {
        let vp8 = behaviour.vp8;
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.set_nonblocking(true).expect("a plain socket");
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_h264(!vp8)
            .enable_vp8(vp8)
            .build(Instant::now());
        let addr = socket.local_addr().expect("bound");
        rtc.add_local_candidate(Candidate::host(addr, "udp").expect("an address"));
        let offer = SdpOffer::from_sdp_string(offer).expect("an SDP offer");
        let answer = rtc.sdp_api().accept_offer(offer).expect("acceptable");
        let conditions = Conditions {
            rate_bps: behaviour.rate_bps,
            ..Conditions::default()
        };
        let session = Self {
            rtc,
            socket,
            path: Link::new(conditions, 1),
            mid: None,
            media: 0,
        };
        (session, answer.to_sdp_string())
    }

    fn turn(&mut self, seen: &Recording, lose_every: u64) {
        if seen.wants_keyframe.swap(false, Ordering::Relaxed) {
            let mid = self.mid.expect("connected");
            let mut writer = self.rtc.writer(mid).expect("known");
            let asked = writer.request_keyframe(None, KeyframeRequestKind::Pli);
            asked.expect("negotiated");
        }
        if seen.wants_close.swap(false, Ordering::Relaxed) {
            self.rtc.close().expect("open");
        }
        let mut buffer = [0_u8; 2000];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let datagram = (from, buffer[..length].to_vec());
                    self.path.offer(Instant::now(), length, datagram);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // An ICMP error of a publisher that is gone.
                Err(_) => {}
            }
        }
        while self.step(seen) {}
        while let Some((_, (from, datagram))) = self.path.take(Instant::now()) {
            self.receive(from, &datagram, seen, lose_every);
            while self.step(seen) {}
        }
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8], seen: &Recording, lose_every: u64) {
        let rtp = (128..192).contains(&datagram[0]) && !(192..224).contains(&datagram[1]);
        self.media += u64::from(rtp);
        if rtp && lose_every > 0 && self.media.is_multiple_of(lose_every) {
            seen.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let addr = self.socket.local_addr().expect("bound");
        if let Ok(received) = Receive::new(Protocol::Udp, from, addr, datagram) {
            let input = Input::Receive(Instant::now(), received);
            self.rtc.handle_input(input).expect("a valid datagram");
        }
    }

    fn step(&mut self, seen: &Recording) -> bool {
        match self.rtc.poll_output().expect("the library works") {
            Output::Timeout(at) => {
                let now = Instant::now();
                if at > now {
                    return false;
                }
                let due = Input::Timeout(now);
                self.rtc.handle_input(due).expect("time passes");
            }
            Output::Transmit(out) => {
                let _ = self.socket.send_to(&out.contents, out.destination);
            }
            Output::Event(Event::Connected) => {
                *seen.connected_at.lock().expect("not poisoned") = Some(Instant::now());
            }
            Output::Event(Event::MediaAdded(media)) => self.mid = Some(media.mid),
            Output::Event(Event::MediaData(data)) => {
                seen.shown
                    .lock()
                    .expect("not poisoned")
                    .push(ReceivedPicture {
                        at: Instant::now(),
                        contiguous: data.contiguous,
                        access_unit: data.data.to_vec(),
                    });
            }
            Output::Event(_) => {}
        }
        true
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request");
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let value = |line: &String| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        };
        lines.iter().find_map(value)
    };
    let length = header("content-length").map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the whole body");
    let mut words = lines[0].split(' ').map(str::to_owned);
    Request {
        at: Instant::now(),
        method: words.next().expect("a method"),
        path: words.next().expect("a path"),
        authorization: header("authorization"),
        body: String::from_utf8(body).expect("text"),
    }
}

fn http(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    let headers = headers.trim_end();
    let headers = if headers.is_empty() {
        String::new()
    } else {
        format!("{headers}\r\n")
    };
    format!(
        "HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
