//! A viewer: str0m on a socket of its own.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use lossy_link::Link;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::Extension;
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::studio::{Studio, epoch};

/// A packet of the stream, as the viewer sees it; a retransmission counts as what it repairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) number: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) keyframe: bool,
    pub(crate) frame: u64,
    /// From the frame's making to the packet's arrival.
    pub(crate) age: Duration,
    /// The playout delay extension says 0, 0.
    pub(crate) no_delay: bool,
}

pub(crate) struct Client {
    rtc: Rtc,
    socket: UdpSocket,
    addr: SocketAddr,
    mid: Mid,
    pending: Option<SdpPendingOffer>,
    pub(crate) offer: String,
    pub(crate) location: Option<String>,
    pub(crate) offered_at: Instant,
    pub(crate) connected_at: Option<Instant>,
    pub(crate) first_packet_at: Option<Instant>,
    pub(crate) got: Vec<Got>,
    pub(crate) closed: bool,
    /// Datagrams of media that came, dropped ones included.
    media_seen: u64,
    /// Every so many datagrams of media are lost on the way in; 0: none.
    pub(crate) lose_every: u64,
    pub(crate) lost: u64,
    /// What the station's datagrams pass on their way here, if anything.
    pub(crate) path: Option<Link<(Vec<u8>, SocketAddr)>>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        // Many viewers share this thread: what comes while it sees to the others has to wait. The
        // kernel gives what it allows.
        let buffer = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        buffer.expect("a plain socket");
        socket.set_nonblocking(true).expect("a plain socket");
        let addr = socket.local_addr().expect("bound");
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_h264(true)
            .set_extension(6, Extension::PlayoutDelay)
            .set_rtp_mode(true)
            .set_rtcp_report_interval_video(Duration::from_millis(200))
            .build(Instant::now());
        let host = Candidate::host(addr, "udp").expect("an address");
        rtc.add_local_candidate(host);
        let mut change = rtc.sdp_api();
        let mid = change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let (offer, pending) = change.apply().expect("an offer");
        Self {
            rtc,
            socket,
            addr,
            mid,
            pending: Some(pending),
            offer: offer.to_sdp_string(),
            location: None,
            offered_at: Instant::now(),
            connected_at: None,
            first_packet_at: None,
            got: Vec::new(),
            closed: false,
            media_seen: 0,
            lose_every: 0,
            lost: 0,
            path: None,
        }
    }

    /// Posts the offer and takes the answer.
    pub(crate) fn join(&mut self, studio: &Studio) {
        self.offered_at = Instant::now();
        let reply = studio.post(&self.offer);
        assert_eq!(reply.status, 201, "{}", reply.body);
        self.location = reply.header("Location").map(str::to_owned);
        self.accept(&reply.body);
    }

    /// Takes an answer.
    pub(crate) fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("SDP");
        let pending = self.pending.take().expect("joined once");
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        accepted.expect("an acceptable answer");
    }

    pub(crate) fn joined(studio: &Studio) -> Self {
        let mut client = Self::new();
        client.join(studio);
        client
    }

    pub(crate) fn ask_for_keyframe(&mut self, kind: KeyframeRequestKind) {
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_rx_by_mid(self.mid, None);
        stream.expect("a stream").request_keyframe(kind);
    }

    /// Sends bytes from the viewer's own address.
    pub(crate) fn send_raw(&self, bytes: &[u8], port: u16) {
        let sent = self.socket.send_to(bytes, ("127.0.0.1", port));
        sent.expect("loopback takes all");
    }

    /// Closes with a goodbye on the wire.
    pub(crate) fn close(&mut self) {
        self.rtc.close().expect("open");
        self.turn();
    }

    /// Does whatever can be done now.
    pub(crate) fn turn(&mut self) {
        let mut buffer = [0_u8; 2000];
        loop {
            while self.step() {}
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => self.arrive(&buffer[..length], from),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the viewer's socket: {error}"),
            }
        }
        while let Some((_, (datagram, from))) = self
            .path
            .as_mut()
            .and_then(|path| path.take(Instant::now()))
        {
            self.take(&datagram, from);
            while self.step() {}
        }
    }

    fn arrive(&mut self, datagram: &[u8], from: SocketAddr) {
        match &mut self.path {
            Some(path) => {
                let size = datagram.len();
                path.offer(Instant::now(), size, (datagram.to_vec(), from));
            }
            None => self.take(datagram, from),
        }
    }

    /// One output of the library. `false`: it waits.
    fn step(&mut self) -> bool {
        match self.rtc.poll_output().expect("a sound library") {
            Output::Timeout(at) => {
                let now = Instant::now();
                if at > now {
                    return false;
                }
                let due = Input::Timeout(now);
                self.rtc.handle_input(due).expect("time passes");
            }
            Output::Transmit(out) => {
                // The engine may be gone already.
                let _ = self.socket.send_to(&out.contents, out.destination);
            }
            Output::Event(event) => self.note(event),
        }
        true
    }

    fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        let media = datagram
            .first()
            .is_some_and(|byte| (128..192).contains(byte));
        let rtcp = datagram
            .get(1)
            .is_some_and(|kind| (192..224).contains(kind));
        if media && !rtcp {
            self.media_seen += 1;
            if self.lose_every > 0 && self.media_seen.is_multiple_of(self.lose_every) {
                self.lost += 1;
                return;
            }
        }
        let Ok(received) = Receive::new(Protocol::Udp, from, self.addr, datagram) else {
            return;
        };
        let input = Input::Receive(Instant::now(), received);
        self.rtc.handle_input(input).expect("a sound datagram");
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected_at = Some(Instant::now()),
            Event::Closed => self.closed = true,
            Event::RtpPacket(packet) => {
                self.first_packet_at.get_or_insert_with(Instant::now);
                let payload = &packet.payload;
                let frame = payload[1..9].try_into().expect("eight bytes");
                let made = payload[9..17].try_into().expect("eight bytes");
                let made = Duration::from_micros(u64::from_be_bytes(made));
                let delay = &packet.header.ext_vals;
                self.got.push(Got {
                    number: *packet.seq_no,
                    timestamp: packet.header.timestamp,
                    marker: packet.header.marker,
                    keyframe: payload[0] == 1,
                    frame: u64::from_be_bytes(frame),
                    age: epoch().elapsed().saturating_sub(made),
                    no_delay: [delay.play_delay_min, delay.play_delay_max]
                        .iter()
                        .all(|delay| delay.is_some_and(|delay| delay.numer() == 0)),
                });
            }
            _ => {}
        }
    }
}

/// Runs viewers until `done` of them all, 15 s at most.
pub(crate) fn run(clients: &mut [Client], what: &str, mut done: impl FnMut(&[Client]) -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    loop {
        clients.iter_mut().for_each(Client::turn);
        if done(clients) {
            return;
        }
        assert!(Instant::now() < until, "not within 15 s: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs viewers for a while.
pub(crate) fn run_for(clients: &mut [Client], time: Duration) {
    let until = Instant::now() + time;
    run(clients, "time passes", |_| Instant::now() >= until);
}
