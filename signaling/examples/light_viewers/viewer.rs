//! One viewer: a WebRTC session without a decoder, on its own socket.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::keyframe::FirstKeyframe;
use crate::pictures::Pictures;

/// Sampling interval of a watching viewer.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// A picture that a decoder could have shown.
pub(crate) struct Shown {
    pub(crate) at: Instant,
    pub(crate) height_px: u32,
}

/// Counters at one moment.
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) bytes: u64,
    pub(crate) round_trip: Option<Duration>,
}

/// A viewer and its measurements.
pub(crate) struct Viewer {
    rtc: Rtc,
    socket: UdpSocket,
    /// Receives with UDP_GRO, so that the kernel does not split datagrams on the station's account.
    whole_runs: Option<UdpSocketState>,
    addr: SocketAddr,
    pending: Option<SdpPendingOffer>,
    due: Option<Instant>,
    offered_at: Option<Instant>,
    keyframe: FirstKeyframe,
    mid: Option<Mid>,
    /// Follows every picture instead of only the first.
    pictures: Option<Pictures>,
    pub(crate) shown: Vec<Shown>,
    pub(crate) samples: Vec<Sample>,
    /// Since the offer.
    pub(crate) connected_after: Option<Duration>,
    pub(crate) picture_after: Option<Duration>,
    /// Extended sequence numbers of the received packets; retransmissions have their original's.
    pub(crate) numbers: Vec<u64>,
    pub(crate) bytes: u64,
    pub(crate) failure: Option<String>,
}

impl Viewer {
    pub(crate) fn new() -> io::Result<Self> {
        Self::with(None)
    }

    /// A viewer that follows every picture.
    pub(crate) fn watching() -> io::Result<Self> {
        Self::with(Some(Pictures::default()))
    }

    fn with(pictures: Option<Pictures>) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let addr = socket.local_addr()?;
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_h264(true)
            .set_rtp_mode(true)
            .set_stats_interval(pictures.is_some().then_some(SAMPLE_INTERVAL))
            .build(Instant::now());
        let host = Candidate::host(addr, "udp").map_err(io::Error::other)?;
        rtc.add_local_candidate(host);
        Ok(Self {
            rtc,
            socket,
            whole_runs: None,
            addr,
            pending: None,
            due: None,
            offered_at: None,
            keyframe: FirstKeyframe::default(),
            mid: None,
            pictures,
            shown: Vec::new(),
            samples: Vec::new(),
            connected_after: None,
            picture_after: None,
            numbers: Vec::new(),
            bytes: 0,
            failure: None,
        })
    }

    /// Switches to UDP_GRO.
    pub(crate) fn enable_gro(&mut self) -> io::Result<()> {
        self.whole_runs = Some(UdpSocketState::new(UdpSockRef::from(&self.socket))?);
        Ok(())
    }

    pub(crate) fn socket(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Creates the offer; times count from here.
    pub(crate) fn offer(&mut self) -> String {
        let mut change = self.rtc.sdp_api();
        let mid = change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        self.mid = Some(mid);
        let sdp = change.apply().map(|(offer, pending)| {
            self.pending = Some(pending);
            offer.to_sdp_string()
        });
        self.offered_at = Some(Instant::now());
        sdp.unwrap_or_default()
    }

    pub(crate) fn answered(&mut self, outcome: &Result<String, String>) {
        let accepted = outcome.clone().and_then(|sdp| {
            let answer = SdpAnswer::from_sdp_string(&sdp).map_err(|error| error.to_string())?;
            let pending = self.pending.take().ok_or("answered twice")?;
            let change = self.rtc.sdp_api();
            change
                .accept_answer(pending, answer)
                .map_err(|error| error.to_string())
        });
        self.failure = accepted.err();
        self.work();
    }

    /// Reads the edge-triggered socket until it is empty.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) {
        loop {
            match self.read(buffer) {
                Ok((length, each, from)) => {
                    for datagram in buffer[..length].chunks(each.max(1)) {
                        self.take(datagram, from);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.failure = Some(error.to_string());
                    return;
                }
            }
        }
    }

    /// Returns the number of bytes, the length of each datagram, and the sender.
    fn read(&self, buffer: &mut [u8]) -> io::Result<(usize, usize, SocketAddr)> {
        let Some(state) = &self.whole_runs else {
            let (length, from) = self.socket.recv_from(buffer)?;
            return Ok((length, length, from));
        };
        let mut metas = [RecvMeta::default()];
        let mut slots = [IoSliceMut::new(buffer)];
        state.recv(UdpSockRef::from(&self.socket), &mut slots, &mut metas)?;
        Ok((metas[0].len, metas[0].stride, metas[0].addr))
    }

    /// Handles timeouts that are due.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.input(Input::Timeout(now));
        }
    }

    /// Sends a DTLS close_notify.
    pub(crate) fn leave(&mut self) {
        if self.rtc.close().is_ok() {
            self.work();
        }
    }

    /// Whether received pictures wait for a missing packet.
    pub(crate) fn has_gap(&self) -> bool {
        self.pictures.as_ref().is_some_and(Pictures::has_gap)
    }

    /// Requests a keyframe. Returns `false` if there is no stream yet.
    pub(crate) fn request_keyframe_pli(&mut self) -> bool {
        let mut direct = self.rtc.direct_api();
        let stream = self.mid.and_then(|mid| direct.stream_rx_by_mid(mid, None));
        let Some(stream) = stream else {
            return false;
        };
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.work();
        true
    }

    fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        self.bytes += datagram.len() as u64;
        if let Ok(received) = Receive::new(Protocol::Udp, from, self.addr, datagram) {
            self.input(Input::Receive(Instant::now(), received));
        }
    }

    fn input(&mut self, input: Input<'_>) {
        match self.rtc.handle_input(input) {
            Ok(()) => self.work(),
            Err(error) => self.failure = Some(error.to_string()),
        }
    }

    fn work(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.due = Some(at);
                    return;
                }
                Ok(Output::Transmit(out)) => {
                    // The station may be gone.
                    let _ = self.socket.send_to(&out.contents, out.destination);
                }
                Ok(Output::Event(event)) => self.note(event),
                Err(error) => {
                    self.failure = Some(error.to_string());
                    self.due = None;
                    return;
                }
            }
        }
    }

    fn note(&mut self, event: Event) {
        let since_offer = || self.offered_at.map(|at| at.elapsed());
        match event {
            Event::Connected => self.connected_after = since_offer(),
            Event::RtpPacket(packet) => {
                let (number, header) = (*packet.seq_no, &packet.header);
                let whole =
                    self.keyframe
                        .take(number, header.timestamp, header.marker, &packet.payload);
                if whole {
                    self.picture_after = since_offer();
                }
                self.numbers.push(number);
                let pictures = self.pictures.as_mut();
                let heights =
                    pictures.map(|pictures| pictures.take(number, header.marker, &packet.payload));
                let at = Instant::now();
                self.shown.extend(
                    heights
                        .into_iter()
                        .flatten()
                        .map(|height_px| Shown { at, height_px }),
                );
            }
            Event::PeerStats(stats) => {
                let pair = stats.selected_candidate_pair;
                self.samples.push(Sample {
                    at: Instant::now(),
                    bytes: self.bytes,
                    round_trip: pair.and_then(|pair| pair.current_round_trip_time),
                });
            }
            _ => {}
        }
    }
}
