//! What a carrier knows of the others, for pages and the screen. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Now, Output, Protocol};
use crate::CarrierId;
use crate::announcement::Presence;
use crate::record::{PictureHash, RecordBody};
use crate::rounds::HostedRound;
use crate::slug::Slug;

/// How long pictures of a carrier are shown that is not heard of: it may have withdrawn them meanwhile.
pub(crate) const PICTURES_LEASE: Duration = Duration::from_secs(15 * 60);
/// Pictures of others that are shown.
const GALLERY_MAX: usize = 200;
/// Pictures of others that the owner hid.
const HIDDEN_MAX: usize = 5000;
/// No picture of another carrier is shown for longer, whatever it says.
const PICTURE_LIFE_MAX_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// How a carrier can be reached now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarrierState {
    /// There is a connection.
    Connected {
        round_trip_ms: Option<u64>,
    },
    /// Others pass on what it says.
    ThroughOthers,
    Away,
}

/// One paired carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierStatus {
    pub id: CarrierId,
    pub name: String,
    pub state: CarrierState,
    /// What it said last; `None`: nothing since this program started.
    pub presence: Option<Presence>,
    pub heard_ago: Option<Duration>,
    /// Its clock minus this one's.
    pub clock_offset_ms: Option<i64>,
    pub records: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedScore {
    pub owner: CarrierId,
    pub nickname: [Slug; 2],
    pub score: u32,
    /// By its owner's clock.
    pub made_at_ms: u64,
}

/// A picture of another carrier that may be shown now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GalleryItem {
    pub owner: CarrierId,
    pub picture: PictureHash,
    pub caption: Slug,
    pub expires_in_ms: u64,
}

/// A round across carriers that is played here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundView {
    pub host: CarrierId,
    pub round: HostedRound,
    /// This carrier's place among the players.
    pub own_player: usize,
    /// Whether this carrier has found the current target.
    pub has_found: bool,
    /// Until the current target is asked for; negative: since then.
    pub asked_in_ms: i64,
    /// The host's clock minus this one's.
    pub clock_offset_ms: i64,
}

impl Protocol {
    pub(crate) fn statuses(&self, now: Now) -> Vec<CarrierStatus> {
        let status = |(id, member): (CarrierId, &crate::members::Member)| {
            let heard = self.heard.get(&id);
            let heard_ago = heard.map(|heard| now.monotonic.saturating_duration_since(heard.at));
            let link = self.links.get(&id).filter(|link| link.has_greeted);
            let state = match link {
                Some(link) => CarrierState::Connected {
                    round_trip_ms: link.clock.round_trip_ms(),
                },
                None if heard_ago.is_some_and(|ago| ago <= super::ANNOUNCE_EVERY * 2) => {
                    CarrierState::ThroughOthers
                }
                None => CarrierState::Away,
            };
            CarrierStatus {
                id,
                name: member.name.clone(),
                state,
                presence: heard.map(|heard| heard.announcement.presence.clone()),
                heard_ago,
                clock_offset_ms: link.and_then(|link| link.clock.offset_ms()),
                records: self.log.count_of(id),
            }
        };
        self.members.iter().map(status).collect()
    }

    /// The best scores of `game` on all carriers, best first.
    pub(crate) fn scores(&self, game: &Slug, count: usize) -> Vec<SharedScore> {
        let owners = self.members.iter().map(|(id, _)| id).chain([self.own]);
        let mut scores: Vec<SharedScore> = owners
            .flat_map(|owner| {
                let records = self.log.records_of(owner);
                records.filter_map(move |record| match record.body {
                    RecordBody::Score {
                        game: of,
                        nickname,
                        score,
                    } if of == *game => Some(SharedScore {
                        owner,
                        nickname,
                        score,
                        made_at_ms: record.made_at_ms,
                    }),
                    _ => None,
                })
            })
            .collect();
        scores.sort_by_key(|one| (std::cmp::Reverse(one.score), one.made_at_ms, one.owner));
        scores.truncate(count);
        scores
    }

    /// Whether all that `owner` has written is known, as of a moment ago. Until then a withdrawal may be missing.
    fn is_up_to_date(&self, owner: CarrierId, now: Now) -> bool {
        self.heard.get(&owner).is_some_and(|heard| {
            let age = now.monotonic.saturating_duration_since(heard.at);
            age <= PICTURES_LEASE && self.log.count_of(owner) >= heard.announcement.records
        })
    }

    /// The pictures of others that may be shown: agreed to, neither withdrawn nor expired, newest first.
    pub(crate) fn gallery(&self, now: Now) -> Vec<GalleryItem> {
        let mut items: Vec<(u64, GalleryItem)> = Vec::new();
        for (owner, _) in self.members.iter() {
            let Some(heard) = self
                .heard
                .get(&owner)
                .filter(|_| self.is_up_to_date(owner, now))
            else {
                continue;
            };
            let owner_now_ms = now.clock_ms.saturating_add_signed(-heard.offset_ms);
            items.extend(self.shown_of(owner, owner_now_ms));
        }
        items.retain(|(_, item)| !self.hidden.contains(&item.picture));
        items.sort_by_key(|(age_ms, item)| (*age_ms, item.picture));
        items.truncate(GALLERY_MAX);
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// The pictures of `owner` at `now_ms` of its clock, with their age. A picture that was withdrawn and shared again is
    /// shown again.
    fn shown_of(&self, owner: CarrierId, now_ms: u64) -> Vec<(u64, GalleryItem)> {
        let mut withdrawn_at_ms = BTreeMap::<PictureHash, u64>::new();
        let mut shared = Vec::new();
        for record in self.log.records_of(owner) {
            let made_at_ms = record.made_at_ms;
            match record.body {
                RecordBody::Withdrawal { picture } => {
                    let at_ms = withdrawn_at_ms.entry(picture).or_default();
                    *at_ms = made_at_ms.max(*at_ms);
                }
                RecordBody::Picture {
                    picture,
                    caption,
                    expires_at_ms,
                } => {
                    let expires_in_ms = expires_at_ms.saturating_sub(now_ms);
                    let item = GalleryItem {
                        owner,
                        picture,
                        caption,
                        expires_in_ms: expires_in_ms.min(PICTURE_LIFE_MAX_MS),
                    };
                    shared.push((made_at_ms, item));
                }
                RecordBody::Score { .. } => {}
            }
        }
        let is_shown = |(made_at_ms, item): &(u64, GalleryItem)| {
            let withdrawn = withdrawn_at_ms.get(&item.picture);
            item.expires_in_ms > 0
                && now_ms.saturating_sub(*made_at_ms) < PICTURE_LIFE_MAX_MS
                && withdrawn.is_none_or(|at_ms| made_at_ms > at_ms)
        };
        let age_ms = |made_at_ms| now_ms.saturating_sub(made_at_ms);
        let shown = shared.into_iter().filter(is_shown);
        let mut shown: Vec<_> = shown
            .map(|(made_at_ms, item)| (age_ms(made_at_ms), item))
            .collect();
        // Shared twice, it is shown once.
        shown.sort_by_key(|(age_ms, item)| (item.picture, *age_ms));
        shown.dedup_by_key(|(_, item)| item.picture);
        shown
    }

    /// Never shows `picture` here again.
    pub(crate) fn hide(&mut self, picture: PictureHash) {
        if self.hidden.len() < HIDDEN_MAX && self.hidden.insert(picture) {
            self.outputs.push_back(Output::SaveHidden);
            self.outputs.push_back(Output::Changed);
        }
    }

    pub(crate) fn hidden(&self) -> &BTreeSet<PictureHash> {
        &self.hidden
    }

    /// The pictures that this carrier shares now.
    pub(crate) fn own_pictures(&self, now: Now) -> Vec<PictureHash> {
        let shown = self.shown_of(self.own, now.clock_ms);
        shown.into_iter().map(|(_, item)| item.picture).collect()
    }

    /// Whether this carrier shares `picture` now: others may have its thumbnail.
    pub(crate) fn is_shared_here(&self, picture: PictureHash, now: Now) -> bool {
        self.own_pictures(now).contains(&picture)
    }
}
