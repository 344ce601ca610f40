//! What a publisher sends, from packets to access units, and what it is asked for. Pure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::rtp::packet::Packet;

use super::access_unit::{AccessUnit, Assembler, MediaPacket, Unusable};
use super::metrics::{UnitDrop, WhipMetrics};
use super::reorder::{Arrival, Reorder, Turn};
use super::unit_queue::{Pushed, UnitSender};
use crate::encode::keyframes::KeyframeGate;
use crate::metrics::count;

/// A stream that was silent for this long may be followed by one with another SSRC: an encoder that
/// started anew.
const STREAM_CHANGE: Duration = Duration::from_secs(1);

/// How the stream is numbered, as negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaTerms {
    pub(crate) payload_type: u8,
    pub(crate) rtx_payload_type: Option<u8>,
}

/// What to ask the publisher for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// Of the stream that the requests are about.
    pub(crate) ssrc: u32,
    /// Sequence numbers to send again.
    pub(crate) again: Vec<u16>,
    pub(crate) keyframe: bool,
}

/// The one stream of a publisher.
pub(crate) struct Reception {
    terms: MediaTerms,
    stream: Option<Stream>,
    assembler: Assembler,
    gate: KeyframeGate,
    units: UnitSender,
    metrics: Arc<WhipMetrics>,
    unfit_said: bool,
}

struct Stream {
    ssrc: u32,
    heard_at: Instant,
    order: Reorder<MediaPacket>,
}

impl Reception {
    pub(crate) fn new(terms: MediaTerms, units: UnitSender, metrics: Arc<WhipMetrics>) -> Self {
        Self {
            terms,
            stream: None,
            assembler: Assembler::default(),
            gate: KeyframeGate::default(),
            units,
            metrics,
            unfit_said: false,
        }
    }

    /// When media was last heard.
    pub(crate) fn heard_at(&self) -> Option<Instant> {
        self.stream.as_ref().map(|stream| stream.heard_at)
    }

    /// The path has changed: what was sent by the old one is lost, requests of ours included. A
    /// keyframe is there sooner than all of it.
    pub(crate) fn note_move(&mut self) {
        self.gate.want_anew();
    }

    /// Takes a packet. What is neither our video nor its retransmission is left out.
    pub(crate) fn packet(&mut self, now: Instant, packet: Packet) {
        let header = &packet.header;
        let media = |payload| MediaPacket {
            timestamp: header.timestamp,
            marker: header.marker,
            payload,
            arrived_at: now,
        };
        if header.payload_type == self.terms.payload_type {
            self.select_stream(now, header.ssrc);
            let Some(stream) = self.stream.as_mut().filter(|s| s.ssrc == header.ssrc) else {
                return;
            };
            stream.heard_at = now;
            let arrival =
                stream
                    .order
                    .insert(now, header.sequence_number, media(packet.payload.clone()));
            self.metrics
                .recovered
                .inc_by(u64::from(arrival == Arrival::Recovered));
        } else if Some(header.payload_type) == self.terms.rtx_payload_type {
            // RFC 4588 4: the original number, then the original payload. Without them it is padding.
            let (Some((number, _)), Some(stream)) =
                (packet.payload.split_first_chunk::<2>(), &mut self.stream)
            else {
                return;
            };
            let number = u16::from_be_bytes(*number);
            if stream.order.lacks(number) {
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

    /// Lets time pass: what was waited for in vain is given up.
    pub(crate) fn tick(&mut self, now: Instant) {
        while let Some(turn) = self.stream.as_mut().and_then(|s| s.order.pop(now)) {
            match turn {
                Turn::Packet(packet) => self.assemble(now, &packet),
                Turn::Gap(lost) => {
                    self.metrics.lost.inc_by(lost);
                    self.assembler.lost();
                    self.gate.want();
                }
            }
        }
    }

    /// What to ask for now; `None`: nothing.
    pub(crate) fn requests(&mut self, now: Instant) -> Option<Requests> {
        if self.units.is_broken() {
            self.gate.want();
        }
        let stream = self.stream.as_mut()?;
        let requests = Requests {
            ssrc: stream.ssrc,
            again: stream.order.ask(now),
            keyframe: self.gate.ask(now),
        };
        self.metrics.nacks.inc_by(requests.again.len() as u64);
        self.metrics.plis.inc_by(u64::from(requests.keyframe));
        (requests.keyframe || !requests.again.is_empty()).then_some(requests)
    }

    /// When [`Self::tick`] and [`Self::requests`] are next due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let stream = self.stream.as_ref()?;
        stream.order.due().into_iter().chain(self.gate.due()).min()
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
                Ok(unit) => self.hand_over(now, unit),
                Err(reason) => self.note_unusable(reason),
            }
        }
    }

    fn hand_over(&mut self, now: Instant, unit: AccessUnit) {
        if unit.keyframe {
            self.gate.came(now);
        }
        if let Pushed::Dropped(dropped) = self.units.push(unit) {
            count(&self.metrics.dropped, UnitDrop::Behind, dropped);
            self.gate.want();
        }
    }

    fn note_unusable(&mut self, reason: Unusable) {
        count(&self.metrics.dropped, reason.into(), 1);
        match reason {
            // Another keyframe would be as unfit.
            Unusable::Unfit(why) if !self.unfit_said => {
                self.unfit_said = true;
                tracing::warn!(%why, "what is published cannot be shown");
            }
            Unusable::Unfit(_) => {}
            Unusable::Malformed(why) => {
                tracing::debug!(%why, "a published picture was malformed");
                self.gate.want();
            }
            Unusable::Damaged | Unusable::NoKeyframe => self.gate.want(),
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
    const TERMS: MediaTerms = MediaTerms {
        payload_type: 96,
        rtx_payload_type: Some(97),
    };

    struct Bench {
        reception: Reception,
        units: UnitReceiver,
        metrics: Arc<WhipMetrics>,
        start: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let (sender, units) = unit_queue();
            let metrics = Arc::new(WhipMetrics::default());
            Self {
                reception: Reception::new(TERMS, sender, Arc::clone(&metrics)),
                units,
                metrics,
                start: Instant::now(),
            }
        }

        /// A picture in one packet, `ms` after the start.
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
            Some((requests.again, requests.keyframe))
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
    fn a_sound_stream_asks_for_nothing() {
        let mut bench = Bench::new();
        bench.picture(0, 7, 1, &KEY);
        bench.picture(33, 7, 2, &DELTA);
        bench.packet(34, 7, 111, 3, &DELTA);
        assert_eq!(bench.requests(34), None);
        assert_eq!(
            (bench.decoded(), bench.reception.due()),
            (vec![true, false], None)
        );
    }

    #[test]
    fn a_retransmission_mends_the_picture_without_a_keyframe() {
        let mut bench = Bench::new();
        bench.picture(0, 7, 1, &KEY);
        bench.picture(33, 7, 3, &DELTA);
        assert_eq!(bench.requests(33), Some((vec![2], false)));
        bench.packet(50, 9, 97, 500, &[0, 9, 0x61, 1]);
        bench.packet(50, 9, 97, 501, &[]);
        assert_eq!(bench.decoded(), [true], "neither asked for nor anything");
        bench.packet(51, 9, 97, 502, &[0, 2, 0x61, 1]);
        assert_eq!(bench.decoded(), [false, false]);
        assert_eq!(bench.requests(200), None);
        assert_eq!(
            (bench.metrics.recovered.get(), bench.metrics.lost.get()),
            (1, 0)
        );
    }

    #[test]
    fn what_is_lost_for_good_costs_a_keyframe_asked_for_with_distance() {
        let mut bench = Bench::new();
        bench.picture(0, 7, 1, &KEY);
        bench.picture(33, 7, 3, &DELTA);
        bench.requests(33);
        bench.reception.tick(bench.start + 134 * MS);
        assert_eq!(bench.decoded(), [true]);
        assert_eq!(bench.requests(134), None, "half a second after a keyframe");
        assert_eq!(bench.requests(500), Some((vec![], true)));
        assert_eq!(bench.requests(600), None);
        bench.picture(700, 7, 4, &KEY);
        assert_eq!((bench.decoded(), bench.metrics.lost.get()), (vec![true], 1));
        assert_eq!(bench.requests(2000), None);
    }

    #[test]
    fn a_stream_that_begins_without_a_keyframe_and_a_decoder_that_failed_ask_for_one() {
        let mut bench = Bench::new();
        bench.picture(0, 7, 1, &DELTA);
        assert_eq!(bench.requests(0), Some((vec![], true)));
        bench.picture(50, 7, 2, &KEY);
        assert_eq!(bench.decoded(), [true]);
        bench.units.broke();
        assert_eq!(bench.requests(600), Some((vec![], true)));
    }

    #[test]
    fn another_stream_is_followed_only_when_the_first_is_silent() {
        let mut bench = Bench::new();
        bench.picture(0, 7, 1, &KEY);
        bench.picture(10, 8, 900, &KEY);
        assert_eq!(bench.decoded(), [true]);
        bench.picture(1000, 8, 901, &DELTA);
        assert_eq!(bench.decoded(), [false; 0]);
        bench.picture(1200, 8, 902, &KEY);
        assert_eq!(bench.decoded(), [true]);
    }
}
