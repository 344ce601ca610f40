//! A viewer: str0m on its own socket.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use lossy_link::Link;
use str0m::media::{Direction, KeyframeRequestKind};
use str0m::rtp::Extension;
use str0m::{Event, Rtc};

use crate::remote_end::{End, EndOutput, is_media};
use crate::studio::{Studio, epoch, id_of};
use crate::timing::HANG_TIMEOUT;
use crate::wire::Wire;

/// A received packet; a retransmission counts as its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) number: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) keyframe: bool,
    pub(crate) frame: u64,
    /// From the creation of the frame to the arrival of the packet.
    pub(crate) age: Duration,
    /// The playout delay extension is 0, 0.
    pub(crate) no_delay: bool,
}

pub(crate) struct Client {
    end: End,
    pub(crate) offer: String,
    pub(crate) location: Option<String>,
    pub(crate) offered_at: Instant,
    pub(crate) connected_at: Option<Instant>,
    pub(crate) first_packet_at: Option<Instant>,
    /// When the last packet of the first keyframe arrived.
    pub(crate) first_picture_at: Option<Instant>,
    pub(crate) got: Vec<Got>,
    pub(crate) closed: bool,
    /// Received media datagrams, including those dropped on purpose.
    media_seen: u64,
    /// Drops one of this many received media datagrams; 0: none.
    pub(crate) lose_every: u64,
    pub(crate) lost: u64,
    received: u64,
    sent: u64,
    /// Drops the datagrams with these numbers, of those received and of those sent.
    pub(crate) lose_received: Range<u64>,
    pub(crate) lose_sent: Range<u64>,
    /// Simulated path from the station, if any.
    pub(crate) path: Option<Link<(Vec<u8>, SocketAddr)>>,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::on(Wire::udp("127.0.0.1"))
    }

    pub(crate) fn on(wire: Wire) -> Self {
        let config = Rtc::builder()
            .clear_codecs()
            .enable_h264(true)
            .set_extension(6, Extension::PlayoutDelay)
            .set_rtp_mode(true)
            .set_rtcp_report_interval_video(Duration::from_millis(200));
        let end = End::new(config, wire, Direction::RecvOnly);
        Self {
            offer: end.offer.clone(),
            end,
            location: None,
            offered_at: Instant::now(),
            connected_at: None,
            first_packet_at: None,
            first_picture_at: None,
            got: Vec::new(),
            closed: false,
            media_seen: 0,
            lose_every: 0,
            lost: 0,
            received: 0,
            sent: 0,
            lose_received: 0..0,
            lose_sent: 0..0,
            path: None,
        }
    }

    /// Posts the offer and applies the answer.
    pub(crate) fn join(&mut self, studio: &Studio) {
        self.offered_at = Instant::now();
        let reply = studio.post(&self.offer);
        assert_eq!(reply.status, 201, "{}", reply.body);
        self.location = reply.header("Location").map(str::to_owned);
        self.accept(&reply.body);
    }

    /// Applies an answer.
    pub(crate) fn accept(&mut self, answer: &str) {
        self.end.accept(answer);
    }

    pub(crate) fn joined(studio: &Studio) -> Self {
        let mut client = Self::new();
        client.join(studio);
        client
    }

    /// Moves to another network; the old socket is closed.
    pub(crate) fn move_to(&mut self, wire: Wire) {
        self.end.move_to(wire);
    }

    /// Restarts ICE by PATCH and returns the entity tag of the answer.
    pub(crate) fn restart(&mut self, studio: &Studio) -> String {
        let fragment = self.end.restart_fragment();
        let id = id_of(self.location.as_deref().expect("joined")).to_owned();
        let kind = Some("application/trickle-ice-sdpfrag");
        let reply = studio.patch(&id, Some("\"*\""), kind, &fragment);
        assert_eq!(reply.status, 200, "{}", reply.body);
        self.end.accept_restart(&reply.body);
        reply.header("ETag").expect("a tag").to_owned()
    }

    pub(crate) fn request_keyframe(&mut self, kind: KeyframeRequestKind) {
        let mut direct = self.end.rtc.direct_api();
        let stream = direct.stream_rx_by_mid(self.end.mid, None);
        stream.expect("a stream").request_keyframe(kind);
    }

    /// Sends raw bytes from the viewer's address.
    pub(crate) fn send_raw(&mut self, bytes: &[u8], port: u16) {
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        self.end.send_raw(bytes, to);
    }

    /// Number of packets missing between the first and the last. A packet that a busy machine lost is
    /// retransmitted, and arrives after its successors.
    pub(crate) fn missing(&self) -> u64 {
        let mut numbers: Vec<u64> = self.got.iter().map(|got| got.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => last - first + 1 - numbers.len() as u64,
            _ => 0,
        }
    }

    /// Closes with a DTLS close_notify.
    pub(crate) fn close(&mut self) {
        self.end.rtc.close().expect("open");
        self.turn();
    }

    /// Handles everything that is pending.
    pub(crate) fn turn(&mut self) {
        loop {
            while self.step() {}
            let Some((datagram, from)) = self.end.receive() else {
                break;
            };
            self.arrive(&datagram, from);
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

    /// Handles one output of the library. Returns `false` if there is none.
    fn step(&mut self) -> bool {
        match self.end.next() {
            None => return false,
            Some(EndOutput::Send(out)) => {
                self.sent += 1;
                if !self.lose_sent.contains(&(self.sent - 1)) {
                    self.end.send(&out);
                }
            }
            Some(EndOutput::Note(event)) => self.note(*event),
        }
        true
    }

    fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        self.received += 1;
        if self.lose_received.contains(&(self.received - 1)) {
            return;
        }
        if is_media(datagram) {
            self.media_seen += 1;
            if self.lose_every > 0 && self.media_seen.is_multiple_of(self.lose_every) {
                self.lost += 1;
                return;
            }
        }
        self.end.take(datagram, from);
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
                let (marker, keyframe) = (packet.header.marker, payload[0] == 1);
                if marker && keyframe {
                    self.first_picture_at.get_or_insert_with(Instant::now);
                }
                self.got.push(Got {
                    number: *packet.seq_no,
                    timestamp: packet.header.timestamp,
                    marker,
                    keyframe,
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

/// Runs viewers until `done`.
pub(crate) fn run(clients: &mut [Client], what: &str, mut done: impl FnMut(&[Client]) -> bool) {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        clients.iter_mut().for_each(Client::turn);
        if done(clients) {
            return;
        }
        assert!(Instant::now() < until, "it hangs: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs viewers for a time.
pub(crate) fn run_for(clients: &mut [Client], time: Duration) {
    let until = Instant::now() + time;
    run(clients, "time passes", |_| Instant::now() >= until);
}
