//! One viewer's view of a rendition: its own payload type, SSRC, sequence numbers and timestamps
//! over payloads that all viewers share.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use rtc::rtp::header::{EXTENSION_PROFILE_ONE_BYTE, Extension, Header};
use rtc::rtp::packet::Packet;

use crate::packet_ring::{PacketRing, RingFrame, RingPacket};
use crate::resend::{ResendLog, Verdict};

/// Jumps in a rendition's packet numbers that a viewer's numbering remembers: each is a pause or a
/// change of rendition, and requests for packets from before the eighth last are long out of date.
const SEGMENTS_MAX: usize = 8;
/// Playout delay: minimum and maximum 0, twelve bits each: show every frame at once.
const NO_DELAY: &[u8] = &[0, 0, 0];

/// What this viewer's packets look like, as negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamTerms {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    /// SSRC and payload type of the retransmission stream (RFC 4588).
    pub(crate) rtx: Option<(u32, u8)>,
    pub(crate) playout_delay_id: Option<u8>,
}

/// Own numbers from `own` on are the ring's from `ring` on.
#[derive(Debug, Clone, Copy)]
struct Segment {
    own: u64,
    ring: u64,
}

/// What was sent, for reports (RFC 3550 6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SentCount {
    pub(crate) packets: u32,
    pub(crate) payload_bytes: u32,
}

/// An answer to a retransmission request.
#[derive(Debug)]
pub(crate) enum Resend {
    /// This packet, to be sent now.
    Packet(Box<Packet>),
    /// Nothing, for this reason.
    No(Refusal),
}

/// Why a packet is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Never sent, or no longer kept.
    Gone,
    Repeat,
    Exhausted,
    OverBudget,
}

/// The numbering of one viewer's stream.
#[derive(Debug)]
pub(crate) struct Outlet {
    terms: StreamTerms,
    /// Next sequence number with its cycles; the low 16 bits go on the wire.
    next: u64,
    next_rtx: u16,
    timestamp_offset: u32,
    segments: VecDeque<Segment>,
    resends: ResendLog,
    sent: SentCount,
}

impl Outlet {
    /// An outlet whose numbers start at random places (RFC 3550 5.1).
    pub(crate) fn new(terms: StreamTerms, random: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = random.to_be_bytes();
        Self {
            terms,
            // One cycle up, so that numbers before the first never underflow.
            next: (1 << 16) + u64::from(u16::from_be_bytes([a, b])),
            next_rtx: u16::from_be_bytes([c, d]),
            timestamp_offset: u32::from_be_bytes([e, f, g, h]),
            segments: VecDeque::new(),
            resends: ResendLog::default(),
            sent: SentCount::default(),
        }
    }

    /// The packets of a frame, numbered for this viewer.
    pub(crate) fn packets(&mut self, entry: &RingFrame) -> impl Iterator<Item = Packet> {
        self.follow(entry.first);
        let own = self.next;
        self.next += entry.frame.payloads.len() as u64;
        let count = u32::try_from(entry.frame.payloads.len()).unwrap_or(u32::MAX);
        let bytes = u32::try_from(entry.frame.bytes).unwrap_or(u32::MAX);
        self.sent.packets = self.sent.packets.wrapping_add(count);
        self.sent.payload_bytes = self.sent.payload_bytes.wrapping_add(bytes);
        self.resends.earn(entry.frame.bytes);
        let last = entry.frame.payloads.len().saturating_sub(1);
        let header = self.header(entry.frame.rtp_ticks, entry.frame.keyframe);
        let payloads = entry.frame.payloads.iter().enumerate();
        payloads.map(move |(index, payload)| Packet {
            header: Header {
                sequence_number: wire(own + index as u64),
                marker: index == last,
                ..header.clone()
            },
            payload: payload.clone(),
        })
    }

    /// Answers a request for `sequence_number`: as RTX where negotiated, else the packet once more.
    pub(crate) fn resend(
        &mut self,
        sequence_number: u16,
        ring: &PacketRing,
        now: Instant,
        round_trip: Option<Duration>,
    ) -> Resend {
        let found = self.ring_number(sequence_number).and_then(|number| {
            let packet = ring.packet(number)?;
            Some((number, packet))
        });
        let Some((number, packet)) = found else {
            return Resend::No(Refusal::Gone);
        };
        match self
            .resends
            .ask(number, packet.payload.len(), now, round_trip)
        {
            Verdict::Send => Resend::Packet(Box::new(self.again(sequence_number, &packet))),
            Verdict::Repeat => Resend::No(Refusal::Repeat),
            Verdict::Exhausted => Resend::No(Refusal::Exhausted),
            Verdict::OverBudget => Resend::No(Refusal::OverBudget),
        }
    }

    /// Media sent so far, retransmissions apart.
    pub(crate) fn sent(&self) -> SentCount {
        self.sent
    }

    /// The media's SSRC.
    pub(crate) fn ssrc(&self) -> u32 {
        self.terms.ssrc
    }

    /// A rendition's ticks as this viewer's timestamp.
    pub(crate) fn timestamp(&self, rtp_ticks: u32) -> u32 {
        rtp_ticks.wrapping_add(self.timestamp_offset)
    }

    fn again(&mut self, sequence_number: u16, packet: &RingPacket<'_>) -> Packet {
        let header = self.header(packet.frame.rtp_ticks, false);
        let marker = packet.marker;
        let Some((ssrc, payload_type)) = self.terms.rtx else {
            return Packet {
                header: Header {
                    sequence_number,
                    marker,
                    ..header
                },
                payload: packet.payload.clone(),
            };
        };
        let mut payload = BytesMut::with_capacity(2 + packet.payload.len());
        payload.put_u16(sequence_number);
        payload.put_slice(packet.payload);
        let rtx_number = self.next_rtx;
        self.next_rtx = rtx_number.wrapping_add(1);
        Packet {
            header: Header {
                ssrc,
                payload_type,
                sequence_number: rtx_number,
                marker,
                ..header
            },
            payload: payload.freeze(),
        }
    }

    /// The header that a frame's packets share. The playout delay goes on every packet of a
    /// keyframe and on no other: a receiver keeps it, and equal headers keep the packets of a frame
    /// equally long, which segmentation offload needs.
    fn header(&self, rtp_ticks: u32, delay: bool) -> Header {
        let extension = self.terms.playout_delay_id.filter(|_| delay);
        Header {
            version: 2,
            payload_type: self.terms.payload_type,
            ssrc: self.terms.ssrc,
            timestamp: self.timestamp(rtp_ticks),
            extension: extension.is_some(),
            extension_profile: extension.map_or(0, |_| EXTENSION_PROFILE_ONE_BYTE),
            extensions: extension
                .map(|id| Extension {
                    id,
                    payload: Bytes::from_static(NO_DELAY),
                })
                .into_iter()
                .collect(),
            ..Header::default()
        }
    }

    /// Begins a segment where the ring's numbers do not go on.
    fn follow(&mut self, ring: u64) {
        let goes_on = self
            .segments
            .back()
            .is_some_and(|segment| segment.ring + (self.next - segment.own) == ring);
        if goes_on {
            return;
        }
        if self.segments.len() >= SEGMENTS_MAX {
            self.segments.pop_front();
        }
        let own = self.next;
        self.segments.push_back(Segment { own, ring });
    }

    /// The ring's number of a packet that this viewer knows as `sequence_number`.
    fn ring_number(&self, sequence_number: u16) -> Option<u64> {
        // The newest number sent with these low 16 bits.
        let newest = self.next.checked_sub(1)?;
        let back = wire(newest).wrapping_sub(sequence_number);
        let own = newest.checked_sub(u64::from(back))?;
        let segment = self
            .segments
            .iter()
            .rev()
            .find(|segment| segment.own <= own)?;
        Some(segment.ring + (own - segment.own))
    }
}

/// The low 16 bits, as they go on the wire.
fn wire(number: u64) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests;
