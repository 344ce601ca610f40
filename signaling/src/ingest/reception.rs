//! Turns a publisher's packets into access units, and decides what to request from it. Pure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::rtp::packet::Packet;

use super::access_unit::{AccessUnit, Assembler, MediaPacket, UnitError};
use super::metrics::{UnitDrop, WhipMetrics};
use super::reorder::{Element, Insertion, Reorder};
use super::unit_queue::{Pushed, UnitSender};
use crate::encode::keyframes::PliSender;
use crate::metrics::count;

/// After this long without packets another SSRC is accepted, because the encoder was restarted.
const STREAM_CHANGE: Duration = Duration::from_secs(1);

/// Negotiated payload types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaParams {
    pub(crate) payload_type: u8,
    pub(crate) rtx_payload_type: Option<u8>,
}

/// Feedback to send to the publisher.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// Media SSRC of the stream.
    pub(crate) ssrc: u32,
    /// Sequence numbers for a NACK (retransmission request).
    pub(crate) nacks: Vec<u16>,
    pub(crate) keyframe: bool,
}

/// The media stream of a publisher.
pub(crate) struct Reception {
    params: MediaParams,
    stream: Option<Stream>,
    assembler: Assembler,
    pli: PliSender,
    units: UnitSender,
    metrics: Arc<WhipMetrics>,
    unsupported_logged: bool,
}

struct Stream {
    ssrc: u32,
    heard_at: Instant,
    order: Reorder<MediaPacket>,
}

impl Reception {
    pub(crate) fn new(params: MediaParams, units: UnitSender, metrics: Arc<WhipMetrics>) -> Self {
        Self {
            params,
            stream: None,
            assembler: Assembler::default(),
            pli: PliSender::default(),
            units,
            metrics,
            unsupported_logged: false,
        }
    }

    /// When media was last received.
    pub(crate) fn heard_at(&self) -> Option<Instant> {
        self.stream.as_ref().map(|stream| stream.heard_at)
    }

    /// Call after the path has changed: packets and requests on the old path are lost, and a keyframe arrives
    /// sooner than their retransmissions.
    pub(crate) fn on_path_change(&mut self) {
        self.pli.want_anew();
    }

    /// Handles a packet. Other payload types are ignored.
    pub(crate) fn packet(&mut self, now: Instant, packet: Packet) {
        let header = &packet.header;
        let media = |payload| MediaPacket {
            timestamp: header.timestamp,
            marker: header.marker,
            payload,
            arrived_at: now,
        };
        if header.payload_type == self.params.payload_type {
            self.select_stream(now, header.ssrc);
            let Some(stream) = self.stream.as_mut().filter(|s| s.ssrc == header.ssrc) else {
                return;
            };
            stream.heard_at = now;
            let insertion =
                stream
                    .order
                    .insert(now, header.sequence_number, media(packet.payload.clone()));
            self.metrics
                .recovered
                .inc_by(u64::from(insertion == Insertion::Recovered));
        } else if Some(header.payload_type) == self.params.rtx_payload_type {
            // RFC 4588 4: the original sequence number, then the original payload. Otherwise it is padding.
            let (Some((number, _)), Some(stream)) =
                (packet.payload.split_first_chunk::<2>(), &mut self.stream)
            else {
                return;
            };
            let number = u16::from_be_bytes(*number);
            if stream.order.is_missing(number) {
                stream
                    .order
                    .insert(now, number, media(packet.payload.slice(2..)));
                self.metrics.recovered.inc();
            }
        } else {
            return;
        }
        self.metrics.packets.inc();
        self.tick(now);
    }

    /// Handles the passing of time: gives up packets that are overdue.
    pub(crate) fn tick(&mut self, now: Instant) {
        while let Some(element) = self.stream.as_mut().and_then(|s| s.order.pop(now)) {
            match element {
                Element::Packet(packet) => self.assemble(now, &packet),
                Element::Gap(lost) => {
                    self.metrics.lost.inc_by(lost);
                    self.assembler.lost();
                    self.pli.want();
                }
            }
        }
    }

    /// The requests to send now; `None` if there are none.
    pub(crate) fn requests(&mut self, now: Instant) -> Option<Requests> {
        if self.units.needs_keyframe() {
            self.pli.want();
        }
        let stream = self.stream.as_mut()?;
        let requests = Requests {
            ssrc: stream.ssrc,
            nacks: stream.order.nacks_due(now),
            keyframe: self.pli.ask(now),
        };
        self.metrics.nacks.inc_by(requests.nacks.len() as u64);
        self.metrics.plis.inc_by(u64::from(requests.keyframe));
        (requests.keyframe || !requests.nacks.is_empty()).then_some(requests)
    }

    /// When [`Self::tick`] and [`Self::requests`] are due next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let stream = self.stream.as_ref()?;
        stream.order.due().into_iter().chain(self.pli.due()).min()
    }

    fn select_stream(&mut self, now: Instant, ssrc: u32) {
        let keep = self.stream.as_ref().is_some_and(|stream| {
            let silent = now.saturating_duration_since(stream.heard_at) >= STREAM_CHANGE;
            stream.ssrc == ssrc || !silent
        });
        if !keep {
            if self.stream.is_some() {
                self.assembler.lost();
            }
            self.stream = Some(Stream {
                ssrc,
                heard_at: now,
                order: Reorder::default(),
            });
        }
    }

    fn assemble(&mut self, now: Instant, packet: &MediaPacket) {
        let mut made = Vec::new();
        self.assembler.push(packet, &mut |unit| made.push(unit));
        for unit in made {
            match unit {
                Ok(unit) => self.enqueue(now, unit),
                Err(reason) => self.on_unit_error(reason),
            }
        }
    }

    fn enqueue(&mut self, now: Instant, unit: AccessUnit) {
        if unit.keyframe {
            self.pli.came(now);
        }
        if let Pushed::Dropped(dropped) = self.units.push(unit) {
            count(&self.metrics.dropped, UnitDrop::Behind, dropped);
            self.pli.want();
        }
    }

    fn on_unit_error(&mut self, reason: UnitError) {
        count(&self.metrics.dropped, reason.into(), 1);
        match reason {
            // Another keyframe would not be supported either.
            UnitError::Unsupported(why) if !self.unsupported_logged => {
                self.unsupported_logged = true;
                tracing::warn!(%why, "the published format is not supported");
            }
            UnitError::Unsupported(_) => {}
            UnitError::Malformed(why) => {
                tracing::debug!(%why, "a published picture was malformed");
                self.pli.want();
            }
            UnitError::Damaged | UnitError::NoKeyframe => self.pli.want(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rtc::rtp::header::Header;

    use super::super::unit_queue::{Taken, UnitReceiver, unit_queue};
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const PARAMS: MediaParams = MediaParams {
        payload_type: 96,
        rtx_payload_type: Some(97),
    };

    struct Fixture {
        reception: Reception,
        units: UnitReceiver,
        metrics: Arc<WhipMetrics>,
        start: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            let (sender, units) = unit_queue();
            let metrics = Arc::new(WhipMetrics::default());
            Self {
                reception: Reception::new(PARAMS, sender, Arc::clone(&metrics)),
                units,
                metrics,
                start: Instant::now(),
            }
        }

        /// Adds a picture in one packet, `ms` after the start.
        fn picture(&mut self, ms: u32, ssrc: u32, number: u16, payload: &[u8]) {
            self.packet(ms, ssrc, 96, number, payload);
        }

        fn packet(&mut self, ms: u32, ssrc: u32, payload_type: u8, number: u16, payload: &[u8]) {
            let header = Header {
                payload_type,
                ssrc,
                marker: true,
                sequence_number: number,
                timestamp: u32::from(number) * 3000,
                ..Header::default()
            };
            let packet = Packet {
                header,
                payload: Bytes::copy_from_slice(payload),
            };
            self.reception.packet(self.start + ms * MS, packet);
        }

        fn requests(&mut self, ms: u32) -> Option<(Vec<u16>, bool)> {
            let requests = self.reception.requests(self.start + ms * MS)?;
            Some((requests.nacks, requests.keyframe))
        }

        fn decoded(&self) -> Vec<bool> {
            std::iter::from_fn(|| match self.units.take(Duration::ZERO) {
                Taken::Unit(unit) => Some(unit.keyframe),
                _ => None,
            })
            .collect()
        }
    }

    const KEY: [u8; 2] = [0x65, 1];
    const DELTA: [u8; 2] = [0x61, 1];

    #[test]
    fn a_complete_stream_causes_no_requests() {
        let mut fixture = Fixture::new();
        fixture.picture(0, 7, 1, &KEY);
        fixture.picture(33, 7, 2, &DELTA);
        fixture.packet(34, 7, 111, 3, &DELTA);
        assert_eq!(fixture.requests(34), None);
        assert_eq!(
            (fixture.decoded(), fixture.reception.due()),
            (vec![true, false], None)
        );
    }

    #[test]
    fn a_retransmission_repairs_the_picture_without_a_keyframe() {
        let mut fixture = Fixture::new();
        fixture.picture(0, 7, 1, &KEY);
        fixture.picture(33, 7, 3, &DELTA);
        assert_eq!(fixture.requests(33), Some((vec![2], false)));
        fixture.packet(50, 9, 97, 500, &[0, 9, 0x61, 1]);
        fixture.packet(50, 9, 97, 501, &[]);
        assert_eq!(fixture.decoded(), [true], "not requested, and padding");
        fixture.packet(51, 9, 97, 502, &[0, 2, 0x61, 1]);
        assert_eq!(fixture.decoded(), [false, false]);
        assert_eq!(fixture.requests(200), None);
        assert_eq!(
            (fixture.metrics.recovered.get(), fixture.metrics.lost.get()),
            (1, 0)
        );
    }

    #[test]
    fn a_lost_packet_requests_keyframes_at_intervals() {
        let mut fixture = Fixture::new();
        fixture.picture(0, 7, 1, &KEY);
        fixture.picture(33, 7, 3, &DELTA);
        fixture.requests(33);
        fixture.reception.tick(fixture.start + 134 * MS);
        assert_eq!(fixture.decoded(), [true]);
        assert_eq!(
            fixture.requests(134),
            None,
            "within half a second of a keyframe"
        );
        assert_eq!(fixture.requests(500), Some((vec![], true)));
        assert_eq!(fixture.requests(600), None);
        fixture.picture(700, 7, 4, &KEY);
        assert_eq!(
            (fixture.decoded(), fixture.metrics.lost.get()),
            (vec![true], 1)
        );
        assert_eq!(fixture.requests(2000), None);
    }

    #[test]
    fn a_missing_keyframe_and_a_decoder_failure_request_a_keyframe() {
        let mut fixture = Fixture::new();
        fixture.picture(0, 7, 1, &DELTA);
        assert_eq!(fixture.requests(0), Some((vec![], true)));
        fixture.picture(50, 7, 2, &KEY);
        assert_eq!(fixture.decoded(), [true]);
        fixture.units.discard_to_keyframe();
        assert_eq!(fixture.requests(600), Some((vec![], true)));
    }

    #[test]
    fn another_ssrc_is_accepted_only_after_silence() {
        let mut fixture = Fixture::new();
        fixture.picture(0, 7, 1, &KEY);
        fixture.picture(10, 8, 900, &KEY);
        assert_eq!(fixture.decoded(), [true]);
        fixture.picture(1000, 8, 901, &DELTA);
        assert_eq!(fixture.decoded(), [false; 0]);
        fixture.picture(1200, 8, 902, &KEY);
        assert_eq!(fixture.decoded(), [true]);
    }
}
