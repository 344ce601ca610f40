//! A publisher's packets, as the fuzzer makes them up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;

use super::input::{byte, chunk};
use crate::ingest::metrics::WhipMetrics;
use crate::ingest::reception::{MediaTerms, Reception};
use crate::ingest::unit_queue::{Taken, unit_queue};

const PACKETS_MAX: usize = 256;
const TICK: Duration = Duration::from_millis(7);
const TERMS: MediaTerms = MediaTerms {
    payload_type: 96,
    rtx_payload_type: Some(97),
};

/// Packets in any order, with any payload: each begins with a byte of choices and how far its number
/// is from the last one's. What comes out is a whole picture each time.
pub(super) fn media(mut data: &[u8]) {
    let (sender, units) = unit_queue();
    let mut reception = Reception::new(TERMS, sender, Arc::new(WhipMetrics::default()));
    let (mut now, mut number, mut timestamp) = (Instant::now(), 0_u16, 0_u32);
    for _ in 0..PACKETS_MAX {
        if data.is_empty() {
            break;
        }
        let choices = byte(&mut data);
        number = number.wrapping_add_signed(i16::from(byte(&mut data).cast_signed()));
        timestamp = timestamp.wrapping_add(u32::from(choices >> 4) * 3000);
        let header = Header {
            marker: choices & 1 != 0,
            payload_type: if choices & 2 != 0 { 97 } else { 96 },
            ssrc: u32::from(choices & 4),
            sequence_number: number,
            timestamp,
            ..Header::default()
        };
        let payload = Bytes::copy_from_slice(chunk(&mut data));
        reception.packet(now, Packet { header, payload });
        if choices & 8 != 0 {
            now += TICK * 40;
        }
        now += TICK;
        reception.tick(now);
        reception.requests(now);
        while let Taken::Unit(unit) = units.take(Duration::ZERO) {
            assert!(unit.bytes.starts_with(&[0, 0, 0, 1]), "Annex B");
            assert!(unit.picture || !unit.keyframe);
        }
    }
}
