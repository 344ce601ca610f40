//! The remote end of a connection in either direction of media: str0m, its SDP and its socket.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpApi, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Receive, Transmit};
use str0m::{Event, Input, Output, Rtc, RtcConfig};

use crate::wire::Wire;

/// An output of the library.
pub(crate) enum EndOutput {
    Send(Transmit),
    Note(Box<Event>),
}

pub(crate) struct End {
    pub(crate) rtc: Rtc,
    pub(crate) mid: Mid,
    wire: Wire,
    pub(crate) offer: String,
    answer: String,
    pending: Option<SdpPendingOffer>,
}

impl End {
    /// An end that offers video in this direction.
    pub(crate) fn new(config: RtcConfig, wire: Wire, direction: Direction) -> Self {
        let mut rtc = config.build(Instant::now());
        rtc.add_local_candidate(wire.candidate());
        let mut change = rtc.sdp_api();
        let mid = change.add_media(MediaKind::Video, direction, None, None, None);
        let (offer, pending) = offered(change);
        Self {
            rtc,
            mid,
            wire,
            offer: offer.to_sdp_string(),
            answer: String::new(),
            pending: Some(pending),
        }
    }

    /// Applies an answer.
    pub(crate) fn accept(&mut self, answer: &str) {
        answer.clone_into(&mut self.answer);
        let answer = SdpAnswer::from_sdp_string(answer).expect("SDP");
        let pending = self.pending.take().expect("answered once");
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        accepted.expect("an acceptable answer");
    }

    /// Moves to another network; the old socket is closed.
    pub(crate) fn move_to(&mut self, wire: Wire) {
        self.wire = wire;
    }

    /// Starts an ICE restart and returns the body of its PATCH.
    pub(crate) fn restart_fragment(&mut self) -> String {
        let mut change = self.rtc.sdp_api();
        change.ice_restart(false);
        let (offer, pending) = offered(change);
        self.pending = Some(pending);
        let kept = ["a=ice-ufrag", "a=ice-pwd", "a=mid", "m="];
        let offer = offer.to_sdp_string();
        offer
            .lines()
            .filter(|line| kept.iter().any(|kind| line.starts_with(kind)))
            .map(|line| format!("{line}\r\n"))
            .collect()
    }

    /// Applies the response to the restart.
    pub(crate) fn accept_restart(&mut self, fragment: &str) {
        let answer = restarted_answer(&self.answer, fragment);
        self.accept(&answer);
        self.rtc.add_local_candidate(self.wire.candidate());
    }

    /// The next output of the library; `None` if there is none for now.
    pub(crate) fn next(&mut self) -> Option<EndOutput> {
        loop {
            match self.rtc.poll_output().expect("the library works") {
                Output::Timeout(at) => {
                    let now = Instant::now();
                    if at > now {
                        return None;
                    }
                    let due = Input::Timeout(now);
                    self.rtc.handle_input(due).expect("time passes");
                }
                Output::Transmit(out) => return Some(EndOutput::Send(out)),
                Output::Event(event) => return Some(EndOutput::Note(Box::new(event))),
            }
        }
    }

    pub(crate) fn send(&mut self, out: &Transmit) {
        self.wire.send(&out.contents, out.destination);
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8], to: SocketAddr) {
        self.wire.send(bytes, to);
    }

    /// The next received datagram.
    pub(crate) fn receive(&mut self) -> Option<(Vec<u8>, SocketAddr)> {
        self.wire.receive()
    }

    pub(crate) fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        let (protocol, to) = (self.wire.protocol(), self.wire.addr());
        let Ok(received) = Receive::new(protocol, from, to, datagram) else {
            return;
        };
        let input = Input::Receive(Instant::now(), received);
        self.rtc.handle_input(input).expect("a valid datagram");
    }
}

fn offered(change: SdpApi<'_>) -> (SdpOffer, SdpPendingOffer) {
    change.apply().expect("a change")
}

/// Whether it is RTP, not RTCP.
pub(crate) fn is_media(datagram: &[u8]) -> bool {
    let within = |at: usize, kinds: std::ops::Range<u8>| {
        datagram.get(at).is_some_and(|byte| kinds.contains(byte))
    };
    within(0, 128..192) && !within(1, 192..224)
}

/// A fragment that trickles a candidate for this offer.
pub(crate) fn trickled(offer: &str) -> String {
    let ufrag = offer
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"))
        .expect("credentials");
    format!(
        "a=ice-ufrag:{ufrag}\r\na=ice-pwd:x\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
         a=candidate:1 1 udp 1 192.0.2.99 9000 typ host\r\n"
    )
}

/// An answer with the credentials and candidates replaced by a fragment's.
fn restarted_answer(answer: &str, fragment: &str) -> String {
    let is_ice = |line: &str| {
        let kinds = ["a=ice-ufrag", "a=ice-pwd", "a=candidate", "a=end-of-c"];
        kinds.iter().any(|kind| line.starts_with(kind))
    };
    let kept = answer.lines().filter(|line| !is_ice(line));
    let new = fragment.lines().filter(|line| is_ice(line));
    kept.chain(new).map(|line| format!("{line}\r\n")).collect()
}
