//! Which pictures a decoder could have shown, and how high they are. Pure.
//!
//! A picture is shown when all of its packets are there and so are all packets since a keyframe
//! began. After a hole that stays, the next whole keyframe is shown.

use std::collections::BTreeMap;

use crate::parameter_set;

/// Packets kept that nothing could be made of; 20 s of video.
const WAITING_MAX: usize = 4096;

#[derive(Debug)]
struct Packet {
    empty: bool,
    marker: bool,
    /// A keyframe begins here, of this height in pixels.
    keyframe_height: Option<u32>,
}

/// A stream on its way to a decoder.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    waiting: BTreeMap<u64, Packet>,
    /// The number that the next picture begins with; `None`: nothing was shown yet.
    next: Option<u64>,
    height_px: u32,
}

impl Pictures {
    /// Takes a packet. Gives the heights of the pictures that it completed.
    pub(crate) fn take(&mut self, number: u64, marker: bool, payload: &[u8]) -> Vec<u32> {
        if self.next.is_some_and(|next| number < next) {
            return Vec::new();
        }
        let packet = Packet {
            empty: payload.is_empty(),
            marker,
            keyframe_height: parameter_set::height_px(payload),
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

    /// A packet is missing that pictures which came wait for.
    pub(crate) fn has_hole(&self) -> bool {
        let waiting = self.waiting.keys().next();
        waiting.is_some_and(|first| self.next != Some(*first)) || self.next.is_none()
    }

    /// The picture that follows the last one shown, if it is whole.
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

    /// The last packet of the picture that begins at `first`, if all are there. Packets without a
    /// payload are a sender's padding.
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
