//! Detects the first complete keyframe of a stream. Pure.

use std::collections::HashMap;

const TYPE_MASK: u8 = 0x1f;
const STAP_A: u8 = 24;
const SPS: u8 = 7;

/// The received packets of one picture.
#[derive(Debug, Default)]
struct Picture {
    first: Option<u64>,
    last: Option<u64>,
    packets: u64,
}

/// Follows a stream until all packets of its first keyframe have arrived.
#[derive(Debug, Default)]
pub(crate) struct FirstKeyframe {
    pictures: HashMap<u32, Picture>,
    complete: bool,
}

impl FirstKeyframe {
    /// Adds a packet. Returns `true` for the one that completes the first keyframe.
    pub(crate) fn take(
        &mut self,
        number: u64,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> bool {
        if self.complete {
            return false;
        }
        let picture = self.pictures.entry(timestamp).or_default();
        picture.packets += 1;
        if begins_keyframe(payload) {
            picture.first = Some(number);
        }
        if marker {
            picture.last = Some(number);
        }
        let whole = picture.first.zip(picture.last);
        self.complete = whole.is_some_and(|(first, last)| picture.packets == last - first + 1);
        if self.complete {
            self.pictures.clear();
        }
        self.complete
    }
}

/// Parameter sets precede each keyframe, alone or in an aggregate (RFC 6184 5.7.1).
fn begins_keyframe(payload: &[u8]) -> bool {
    let kind = |byte: Option<&u8>| byte.map(|byte| byte & TYPE_MASK);
    match kind(payload.first()) {
        Some(SPS) => true,
        Some(STAP_A) => kind(payload.get(3)) == Some(SPS),
        _ => false,
    }
}
