//! The RTP stream of one viewer: its own payload type, SSRC, sequence numbers and timestamps for payloads
//! that all viewers share.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp::header::{EXTENSION_PROFILE_ONE_BYTE, Extension, Header};
use rtc::rtp::packet::Packet;

use super::packet_ring::{RingFrame, RingPacket};
use super::resend::{Originals, ResendLog};
use crate::encode::encoder::RenditionId;
use crate::encode::frame_queue::EncodedFrame;
use crate::metrics::ResendOutcome;
use crate::rtp::clock::ReportClock;

/// Segments that are kept. Each begins with a pause or a change of rendition; NACKs for packets of older
/// segments come too late to be of use.
const SEGMENTS_MAX: usize = 8;
const VIDEO_CLOCK_HZ: f64 = 90_000.0;
/// Frames that carry a changed playout delay, in case some are lost.
const DELAY_REPEATS: u8 = 4;

/// What was negotiated for this viewer's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamTerms {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    /// SSRC and payload type of the retransmission stream (RFC 4588).
    pub(crate) rtx: Option<(u32, u8)>,
    pub(crate) playout_delay_id: Option<u8>,
    /// Id of the header extension with the transport-wide number.
    pub(crate) transport_id: Option<u8>,
    /// Whether keyframes are sent at intervals, too: the receiver negotiated neither PLI nor FIR, or it records or
    /// forwards the stream.
    pub(crate) needs_regular_keyframes: bool,
}

/// Gives a packet its transport-wide sequence number, from the length of its payload and the sequence number of the media
/// in it; `None`: it gets none.
pub(crate) type Stamp<'a> = dyn FnMut(usize, u16) -> Option<u16> + 'a;

/// A keyframe that left this long ago has arrived or is itself requested again. Packets of the pictures
/// before it are then no longer resent, since the path has room for the keyframe only.
const KEYFRAME_ARRIVES: Duration = Duration::from_millis(250);

/// Sends a packet: its header and its payload.
pub(crate) type Sink<'a> = dyn FnMut(&Header, &[u8]) + 'a;

/// Sequence numbers from `own` on stand for the packets of the rendition's ring from `ring` on.
#[derive(Debug, Clone, Copy)]
struct Segment {
    own: u64,
    ring: u64,
    rendition: RenditionId,
}

/// The RTP stream of one viewer.
#[derive(Debug)]
pub(crate) struct RtpStream {
    terms: StreamTerms,
    /// The next extended sequence number; its low 16 bits go on the wire.
    next: u64,
    next_rtx: u16,
    timestamp_offset: u32,
    segments: VecDeque<Segment>,
    resends: ResendLog,
    /// Extended number of the newest keyframe's first packet, and when its last one left if it has.
    keyframe: Option<(u64, Option<Instant>)>,
    /// `None` where a retransmission stream was negotiated.
    originals: Option<Originals>,
    /// Totals for sender reports (RFC 3550 6.4.1).
    sent_packets: u32,
    sent_payload_bytes: u32,
    delay: Duration,
    /// Frames that are still to carry it.
    delay_repeats: u8,
}

impl RtpStream {
    /// A stream whose numbers start at random values (RFC 3550 5.1).
    pub(crate) fn new(terms: StreamTerms, random: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = random.to_be_bytes();
        Self {
            terms,
            // One cycle up, so that numbers before the first one never underflow.
            next: (1 << 16) + u64::from(u16::from_be_bytes([a, b])),
            next_rtx: u16::from_be_bytes([c, d]),
            timestamp_offset: u32::from_be_bytes([e, f, g, h]),
            segments: VecDeque::new(),
            resends: ResendLog::default(),
            keyframe: None,
            originals: terms.rtx.is_none().then(Originals::default),
            sent_packets: 0,
            sent_payload_bytes: 0,
            delay: Duration::ZERO,
            delay_repeats: 0,
        }
    }

    pub(crate) fn terms(&self) -> StreamTerms {
        self.terms
    }

    /// How long the viewer should delay pictures.
    pub(crate) fn set_delay(&mut self, delay: Duration) {
        if self.delay != delay {
            (self.delay, self.delay_repeats) = (delay, DELAY_REPEATS);
        }
    }

    /// Gives the packets `range` of a frame to `sink`, numbered for this viewer.
    pub(crate) fn packets(
        &mut self,
        now: Instant,
        entry: &RingFrame,
        range: Range<usize>,
        stamp: &mut Stamp<'_>,
        sink: &mut Sink<'_>,
    ) {
        let frame = &entry.frame;
        let payloads = frame.payloads.get(range.clone()).unwrap_or_default();
        self.begin_segment(frame.rendition, entry.first + range.start as u64);
        self.count(payloads);
        let last = frame.payloads.len().saturating_sub(1);
        let mut header = self.header(frame.rtp_ticks, frame.keyframe || self.delay_repeats > 0);
        let shared = header.extensions.len();
        let is_complete = range.end >= frame.payloads.len();
        if is_complete {
            self.delay_repeats = self.delay_repeats.saturating_sub(1);
        }
        if frame.keyframe {
            let first = self.next.saturating_sub(range.start as u64);
            self.keyframe = Some((first, is_complete.then_some(now)));
        }
        for (index, payload) in range.zip(payloads) {
            header.sequence_number = wire(self.next);
            header.marker = index == last;
            header.extensions.truncate(shared);
            let number = header.sequence_number;
            self.number_transport(&mut header, payload.len(), number, stamp);
            if let Some(originals) = &mut self.originals {
                originals.note(self.next, &header);
            }
            self.next += 1;
            sink(&header, payload);
        }
    }

    /// The answer to a NACK for `sequence_number`: one RTX packet or two copies, or the same packet again
    /// where RTX is not negotiated. `find` looks into a rendition's ring. The error is why nothing is sent.
    pub(crate) fn resend<'ring>(
        &mut self,
        sequence_number: u16,
        find: impl FnOnce(RenditionId, u64) -> Option<RingPacket<'ring>>,
        now: Instant,
        answered_within: Duration,
        is_lossy: bool,
        stamp: &mut Stamp<'_>,
    ) -> Result<Vec<Packet>, ResendOutcome> {
        let found = self.sent_as(sequence_number).and_then(|sent| {
            let packet = find(sent.rendition, sent.ring)?;
            Some((sent, packet))
        });
        let Some((sent, packet)) = found else {
            return Err(ResendOutcome::Gone);
        };
        let arrives = answered_within.max(KEYFRAME_ARRIVES);
        let newer = self.keyframe.filter(|(first, _)| sent.own < *first);
        let has_left = |at: Instant| now.saturating_duration_since(at) >= arrives;
        if newer.is_some_and(|(_, left)| left.is_some_and(has_left)) {
            return Err(ResendOutcome::Passed);
        }
        let original = match &self.originals {
            Some(originals) => match originals.header(sent.own) {
                Some(header) => Some(header.clone()),
                None => return Err(ResendOutcome::Gone),
            },
            None => None,
        };
        // Each ring counts from zero, so the key names the rendition, too.
        let key = sent.ring << 3 | sent.rendition.index() as u64;
        let bytes = packet.payload.len();
        let copies = self
            .resends
            .request(key, bytes, now, answered_within, is_lossy)
            .map_err(|why| match why {
                // The keyframe that is leaving serves as well as another one.
                ResendOutcome::Exhausted if newer.is_some() => ResendOutcome::Passed,
                why => why,
            })?;
        Ok(match original {
            // A receiver would drop a second identical packet.
            Some(header) => vec![Packet {
                header,
                payload: packet.payload.clone(),
            }],
            None => {
                let rtx = |_| self.rtx_packet(sequence_number, &packet, stamp);
                (0..copies).filter_map(rtx).collect()
            }
        })
    }

    /// The rendition of a packet that was sent.
    pub(crate) fn rendition_of(&self, sequence_number: u16) -> Option<RenditionId> {
        self.sent_as(sequence_number).map(|sent| sent.rendition)
    }

    /// A packet that was sent already, as padding for a bandwidth probe. `None` without RTX: a repeated
    /// media packet would be counted as a repaired loss.
    pub(crate) fn padding(
        &mut self,
        packet: &RingPacket<'_>,
        number: u64,
        stamp: &mut Stamp<'_>,
    ) -> Option<Packet> {
        let own = self.own_number(packet.frame.rendition, number)?;
        self.rtx_packet(own, packet, stamp)
    }

    /// The sender report at `now`; its timestamp is extrapolated from the newest frame.
    pub(crate) fn report(
        &self,
        clock: &ReportClock,
        newest: &EncodedFrame,
        now: Instant,
    ) -> SenderReport {
        let since = now.saturating_duration_since(newest.captured_at);
        // A truncating cast of at most a few seconds' ticks.
        let ticks = (since.as_secs_f64() * VIDEO_CLOCK_HZ) as u32;
        SenderReport {
            ssrc: self.terms.ssrc,
            ntp_time: clock.ntp(now),
            rtp_time: self.timestamp(newest.rtp_ticks).wrapping_add(ticks),
            packet_count: self.sent_packets,
            octet_count: self.sent_payload_bytes,
            ..SenderReport::default()
        }
    }

    /// A rendition's ticks as this viewer's timestamp.
    fn timestamp(&self, rtp_ticks: u32) -> u32 {
        rtp_ticks.wrapping_add(self.timestamp_offset)
    }

    /// A packet in the retransmission stream (RFC 4588 4), if there is one.
    fn rtx_packet(
        &mut self,
        sequence_number: u16,
        packet: &RingPacket<'_>,
        stamp: &mut Stamp<'_>,
    ) -> Option<Packet> {
        let (ssrc, payload_type) = self.terms.rtx?;
        let mut header = self.header(packet.frame.rtp_ticks, false);
        self.number_transport(
            &mut header,
            packet.payload.len() + 2,
            sequence_number,
            stamp,
        );
        let mut payload = BytesMut::with_capacity(2 + packet.payload.len());
        payload.put_u16(sequence_number);
        payload.put_slice(packet.payload);
        let rtx_number = self.next_rtx;
        self.next_rtx = rtx_number.wrapping_add(1);
        Some(Packet {
            header: Header {
                ssrc,
                payload_type,
                sequence_number: rtx_number,
                marker: packet.marker,
                ..header
            },
            payload: payload.freeze(),
        })
    }

    /// The header that a frame's packets share. With `delay` each of them carries the playout delay, not
    /// only the first: segmentation offload needs packets of equal length.
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
                    payload: Bytes::copy_from_slice(&playout_delay(self.delay)),
                })
                .into_iter()
                .collect(),
            ..Header::default()
        }
    }

    /// `media`: the sequence number of the media in the packet. A viewer that did not negotiate the transport-wide number
    /// sends no feedback, so that its packets are not recorded either.
    fn number_transport(
        &self,
        header: &mut Header,
        bytes: usize,
        media: u16,
        stamp: &mut Stamp<'_>,
    ) {
        let Some(id) = self.terms.transport_id else {
            return;
        };
        let Some(number) = stamp(bytes, media) else {
            return;
        };
        header.extension = true;
        header.extension_profile = EXTENSION_PROFILE_ONE_BYTE;
        header.extensions.push(Extension {
            id,
            payload: Bytes::copy_from_slice(&number.to_be_bytes()),
        });
    }

    fn count(&mut self, payloads: &[Bytes]) {
        let bytes: usize = payloads.iter().map(Bytes::len).sum();
        let wrapped = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.sent_packets = self.sent_packets.wrapping_add(wrapped(payloads.len()));
        self.sent_payload_bytes = self.sent_payload_bytes.wrapping_add(wrapped(bytes));
        self.resends.earn(bytes);
    }

    /// Begins a segment, unless the ring's numbers continue the present one.
    fn begin_segment(&mut self, rendition: RenditionId, ring: u64) {
        let continues = self.segments.back().is_some_and(|segment| {
            segment.rendition == rendition && segment.ring + (self.next - segment.own) == ring
        });
        if continues {
            return;
        }
        if self.segments.len() >= SEGMENTS_MAX {
            self.segments.pop_front();
        }
        let own = self.next;
        self.segments.push_back(Segment {
            own,
            ring,
            rendition,
        });
    }

    /// Which packet was sent to this viewer as `sequence_number`.
    fn sent_as(&self, sequence_number: u16) -> Option<Segment> {
        // The newest extended number with these low 16 bits.
        let newest = self.next.checked_sub(1)?;
        let back = wire(newest).wrapping_sub(sequence_number);
        let own = newest.checked_sub(u64::from(back))?;
        let mut segments = self.segments.iter().rev();
        let segment = segments.find(|segment| segment.own <= own)?;
        Some(Segment {
            own,
            ring: segment.ring + (own - segment.own),
            rendition: segment.rendition,
        })
    }

    /// The sequence number that a ring's packet has for this viewer, if it was sent in the newest segment.
    fn own_number(&self, rendition: RenditionId, number: u64) -> Option<u16> {
        let segment = self.segments.back()?;
        let own = segment.own + number.checked_sub(segment.ring)?;
        (segment.rendition == rendition && own < self.next).then_some(wire(own))
    }
}

/// The value of the extension: minimum and maximum, twelve bits each, in units of 10 ms. Both zero: show
/// every frame at once. Otherwise the maximum is twice the minimum, for jitter.
fn playout_delay(delay: Duration) -> [u8; 3] {
    let units = |of: Duration| u32::try_from(of.as_millis() / 10).unwrap_or(0).min(0xfff);
    let (least, most) = (units(delay), units(delay * 2));
    let [_, high, middle, low] = (least << 12 | most).to_be_bytes();
    [high, middle, low]
}

/// The low 16 bits, as they go on the wire.
fn wire(number: u64) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests;
