//! The named zones that a track is in.

use std::sync::Arc;

use super::Zone;

/// The named zones that a track is in. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ZoneMarks {
    /// Bit n: the track is in the nth zone.
    bits: u16,
    /// `None`: there are no zones.
    zones: Option<Arc<[Zone]>>,
}

impl ZoneMarks {
    pub(super) fn new(bits: u16, zones: &Arc<[Zone]>) -> Self {
        Self {
            bits,
            zones: (bits != 0).then(|| Arc::clone(zones)),
        }
    }

    /// The zones, in the owner's order.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        let zones = self.zones.iter().flat_map(|zones| zones.iter());
        let is_in = |index: usize| self.bits >> index & 1 == 1;
        let with_index = zones.enumerate();
        with_index.filter_map(move |(index, zone)| is_in(index).then_some(zone))
    }
}
