//! The links towards the viewers: one for all of them, or one for each.

use std::time::Instant;

use lossy_link::{Conditions, Link};

use super::conditions::Network;
use super::receiver::Datagram;

type Down = Link<(usize, Datagram)>;

pub(super) struct Bottlenecks(Vec<Down>);

impl Bottlenecks {
    pub(super) fn new(network: &Network, seed: u64) -> Self {
        let count = match network.is_shared {
            true => 1,
            false => network.viewers as u64,
        };
        // Different ones lose different packets.
        let link = |number| Link::new(network.down, seed + number * 500);
        Self((0..count).map(link).collect())
    }

    pub(super) fn change_rate(&mut self, now: Instant, rate_bps: Option<u64>) {
        for link in &mut self.0 {
            let conditions = Conditions {
                rate_bps,
                ..*link.conditions()
            };
            link.change(now, conditions);
        }
    }

    pub(super) fn of(&mut self, viewer: usize) -> &mut Down {
        let count = self.0.len();
        &mut self.0[viewer % count]
    }

    /// What has arrived at a viewer.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Instant, (usize, Datagram))> {
        self.0.iter_mut().find_map(|link| link.take(now))
    }
}
