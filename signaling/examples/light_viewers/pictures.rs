//! Determines which pictures a decoder could have shown, and their height. Pure.
//!
//! A picture is shown when all its packets and all packets since a keyframe have arrived. After a permanent gap
//! the next complete keyframe is shown.

use std::collections::BTreeMap;

use crate::keyframe;

/// Maximum buffered packets: 20 s of video.
const WAITING_MAX: usize = 4096;

#[derive(Debug)]
struct Packet {
    empty: bool,
    marker: bool,
    /// Picture height in pixels if a keyframe starts here.
    keyframe_height: Option<u32>,
}

/// The stream before a decoder.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    waiting: BTreeMap<u64, Packet>,
    /// Sequence number at which the next picture starts; `None` before the first.
    next: Option<u64>,
    height_px: u32,
}

impl Pictures {
    /// Adds a packet and returns the heights of the pictures it completes.
    pub(crate) fn take(&mut self, number: u64, marker: bool, payload: &[u8]) -> Vec<u32> {
        if self.next.is_some_and(|next| number < next) {
            return Vec::new();
        }
        let packet = Packet {
            empty: payload.is_empty(),
            marker,
            keyframe_height: keyframe::height_px(payload),
        };
        self.waiting.insert(number, packet);
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_first();
        }
        let mut shown = Vec::new();
        while let Some(height) = self.following().or_else(|| self.later_keyframe()) {
            shown.push(height);
        }
        shown
    }

    /// Whether received pictures wait for a missing packet.
    pub(crate) fn has_gap(&self) -> bool {
        let waiting = self.waiting.keys().next();
        waiting.is_some_and(|first| self.next != Some(*first)) || self.next.is_none()
    }

    /// Shows the picture after the last one, if it is complete.
    fn following(&mut self) -> Option<u32> {
        let first = self.next?;
        let last = self.whole_from(first)?;
        Some(self.show(first, last))
    }

    fn later_keyframe(&mut self) -> Option<u32> {
        let begins = |(number, packet): (&u64, &Packet)| packet.keyframe_height.map(|_| *number);
        let starts: Vec<u64> = self.waiting.iter().filter_map(begins).collect();
        let whole = |first: &u64| self.whole_from(*first).map(|last| (*first, last));
        let (first, last) = starts.iter().rev().find_map(whole)?;
        Some(self.show(first, last))
    }

    /// The last packet of the picture that starts at `first`, if it is complete. Packets without payload are
    /// padding.
    fn whole_from(&self, first: u64) -> Option<u64> {
        let there = self.waiting.range(first..).zip(first..);
        let mut unbroken = there.take_while(|((number, _), expected)| *number == expected);
        unbroken.find_map(|((number, packet), _)| {
            let ends = packet.marker && !packet.empty;
            ends.then_some(*number)
        })
    }

    fn show(&mut self, first: u64, last: u64) -> u32 {
        let mut heights = self.waiting.range(first..=last);
        if let Some(height) = heights.find_map(|(_, packet)| packet.keyframe_height) {
            self.height_px = height;
        }
        self.waiting = self.waiting.split_off(&(last + 1));
        self.next = Some(last + 1);
        self.height_px
    }
}
