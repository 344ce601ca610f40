//! Rounds across carriers, as this carrier hosts and plays them. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::{Now, Protocol, difference_ms};
use crate::CarrierId;
use crate::announcement::{Announcement, Presence};
use crate::protocol::view::RoundView;
use crate::rounds::{
    HostedRound, RoundError, RoundHost, RoundKind, RoundPlayer, RoundReport, TARGETS_MAX,
};
use crate::slug::Slug;

/// How long the result of a round is announced.
const RESULT_MS: u64 = 20_000;
/// How often the host looks whether a target is decided.
const DECIDE_EVERY_MS: u64 = 100;
/// A host that is not heard of for this long is gone, and its round with it.
const HOST_AWAY: Duration = Duration::from_secs(45);

#[derive(Default)]
pub(super) struct RoundPlay {
    hosting: Option<RoundHost>,
    over_at_ms: Option<u64>,
    playing: Option<RoundPlayer>,
}

impl RoundPlay {
    pub(super) fn hosted(&self) -> Option<&HostedRound> {
        self.hosting.as_ref().map(RoundHost::round)
    }

    pub(super) fn report(&self) -> Option<&RoundReport> {
        self.playing.as_ref().map(RoundPlayer::report)
    }

    /// What another player says.
    pub(super) fn heard(&mut self, owner: CarrierId, said: &Announcement, now_ms: u64) {
        if let (Some(host), Some(report)) = (&mut self.hosting, &said.report) {
            host.report(owner, report, now_ms);
        }
    }

    /// `true`: the round that this carrier hosts has changed.
    pub(super) fn advance(&mut self, now_ms: u64) -> bool {
        let Some(host) = &mut self.hosting else {
            return false;
        };
        let has_changed = host.advance(now_ms);
        if host.round().is_over() {
            let over_at_ms = *self.over_at_ms.get_or_insert(now_ms);
            if now_ms.saturating_sub(over_at_ms) >= RESULT_MS {
                *self = Self::default();
                return true;
            }
        }
        has_changed
    }

    /// When `advance` is to be called again.
    pub(super) fn next_ms(&self, now_ms: u64) -> Option<u64> {
        let round = self.hosted()?;
        let before_ms = round.asked_at_ms.saturating_sub(now_ms);
        Some(if round.is_over() {
            1000
        } else {
            before_ms.max(DECIDE_EVERY_MS)
        })
    }
}

impl Protocol {
    /// Starts a round with all carriers that are connected and can play.
    pub(crate) fn start_round(&mut self, kind: RoundKind, now: Now) -> Result<(), RoundError> {
        let is_running = self.round(now).is_some_and(|view| !view.round.is_over());
        if is_running {
            return Err(RoundError::Running);
        }
        let mut players = vec![self.own];
        let mut targets: BTreeSet<Slug> = self.findable.iter().cloned().collect();
        for (peer, link) in &self.links {
            let heard = self.heard.get(peer);
            let can_play = heard.is_some_and(|heard| {
                let Presence {
                    is_shutter_closed,
                    is_playing,
                    ..
                } = heard.announcement.presence;
                !is_shutter_closed && !is_playing && heard.announcement.hosted.is_none()
            });
            // One that finds nothing in common does not spoil the round of the others.
            let common = |target: &Slug| link.findable.contains(target);
            if can_play && targets.iter().any(common) {
                players.push(*peer);
                targets.retain(common);
            }
        }
        let mut random = StdRng::seed_from_u64(rand::random());
        let mut targets: Vec<_> = targets.into_iter().collect();
        targets.shuffle(&mut random);
        targets.truncate(TARGETS_MAX);
        let host = RoundHost::new(random.random(), kind, players, targets, now.clock_ms)?;
        self.play = RoundPlay {
            playing: Some(RoundPlayer::new(self.own, host.round().id)),
            hosting: Some(host),
            over_at_ms: None,
        };
        self.announce_now();
        Ok(())
    }

    /// Ends the round that this carrier hosts.
    pub(crate) fn stop_round(&mut self) {
        if self.play.hosting.is_some() {
            self.play = RoundPlay::default();
            self.announce_now();
        }
    }

    /// The current target was in the picture at `at_ms` of this carrier's clock. `true`: a find, which is told.
    pub(crate) fn target_seen(&mut self, at_ms: u64, now: Now) -> bool {
        let Some(view) = self.round(now) else {
            return false;
        };
        let (host, round) = (view.host, view.round);
        let is_this = |player: &&mut RoundPlayer| player.is_of(host, round.id);
        if self.play.playing.as_mut().filter(is_this).is_none() {
            self.play.playing = Some(RoundPlayer::new(host, round.id));
        }
        let Some(player) = &mut self.play.playing else {
            return false;
        };
        let at_host_ms = at_ms.saturating_add_signed(view.clock_offset_ms);
        if !player.found(&round, self.own, at_host_ms) {
            return false;
        }
        if let Some(hosting) = &mut self.play.hosting {
            hosting.report(self.own, player.report(), now.clock_ms);
        }
        self.announce_now();
        true
    }

    /// The round that is played here; its own before those of others.
    pub(crate) fn round(&self, now: Now) -> Option<RoundView> {
        if let Some(round) = self.play.hosted() {
            return Some(self.round_view(self.own, round, 0, now));
        }
        self.heard.iter().find_map(|(host, heard)| {
            let round = heard.announcement.hosted.as_ref()?;
            let age = now.monotonic.saturating_duration_since(heard.at);
            let is_played_here = round.player(self.own).is_some();
            if age > HOST_AWAY || !is_played_here || !round.is_plausible(*host) {
                return None;
            }
            let measured = self.links.get(host).and_then(|link| link.clock.offset_ms());
            let offset_ms = measured.unwrap_or(-heard.offset_ms);
            Some(self.round_view(*host, round, offset_ms, now))
        })
    }

    fn round_view(
        &self,
        host: CarrierId,
        round: &HostedRound,
        clock_offset_ms: i64,
        now: Now,
    ) -> RoundView {
        let host_now_ms = now.clock_ms.saturating_add_signed(clock_offset_ms);
        let player = self.play.playing.as_ref();
        let is_this = player.filter(|player| player.is_of(host, round.id));
        let current = round.current().map(|(index, _)| index);
        let has_found = is_this
            .zip(current)
            .is_some_and(|(player, index)| player.report().finds.contains_key(&index));
        RoundView {
            host,
            own_player: round.player(self.own).unwrap_or(0),
            has_found,
            asked_in_ms: difference_ms(round.asked_at_ms, host_now_ms),
            clock_offset_ms,
            round: round.clone(),
        }
    }
}
