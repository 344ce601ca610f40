//! Who may start a round, and when the station starts one by itself.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::targets::TargetsError;
use crate::text::GameText;

/// Somebody is in view once a person was followed for this long.
const IN_VIEW_FOR: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GameKind {
    ObjectHunt,
    LeftOrRight,
    RedLight,
    HowMany,
    GroupPhoto,
    /// With other stations: the first find wins a target.
    Duel,
    /// With other stations, in turns.
    Relay,
}

impl GameKind {
    /// With other stations.
    pub const SHARED: [Self; 2] = [Self::Duel, Self::Relay];
    /// At one station.
    pub const ALL: [Self; 5] = [
        Self::ObjectHunt,
        Self::LeftOrRight,
        Self::RedLight,
        Self::HowMany,
        Self::GroupPhoto,
    ];

    /// The last part of its text keys.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::ObjectHunt => "object-hunt",
            Self::LeftOrRight => "left-or-right",
            Self::RedLight => "red-light",
            Self::HowMany => "how-many",
            Self::GroupPhoto => "group-photo",
            Self::Duel => "duel",
            Self::Relay => "relay",
        }
    }

    /// The game's name.
    #[must_use]
    pub fn title(self) -> GameText {
        GameText::key(format!("play.{}", self.slug()))
    }

    /// What to do, in a sentence.
    #[must_use]
    pub fn rules(self) -> GameText {
        GameText::key(format!("play.{}.rules", self.slug()))
    }

    /// Whether several stations play it together.
    #[must_use]
    pub fn is_shared(self) -> bool {
        Self::SHARED.contains(&self)
    }

    /// Whether it takes pictures: such a game needs somebody who wants it, and a privacy mode that allows pictures.
    pub(crate) fn is_for_pictures(self) -> bool {
        self == Self::GroupPhoto
    }
}

/// Who or what starts a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StartedBy {
    /// With the control page or the screen's keys.
    Owner,
    /// With a phone.
    Visitor,
    /// The station itself, while nobody uses it.
    Attraction,
}

/// What the owner allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRules {
    /// In the order in which the attraction mode goes through them.
    pub offered: Vec<GameKind>,
    pub visitors_may_start: bool,
    /// The station starts a round by itself when nobody has interacted for this long and somebody is in view. `None`: never.
    pub attraction_after: Option<Duration>,
    /// Between the end of a round and the next one that is not the owner's.
    pub pause: Duration,
}

impl Default for StartRules {
    fn default() -> Self {
        Self {
            offered: GameKind::ALL.to_vec(),
            visitors_may_start: true,
            attraction_after: None,
            pause: Duration::from_secs(5),
        }
    }
}

/// Why no round was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error("this game is not offered")]
    NotOffered,
    #[error("visitors may not start a round")]
    VisitorsMayNot,
    #[error("another round is running")]
    RoundRunning,
    #[error("the next round can be started in {} s", .wait.as_secs() + 1)]
    TooSoon { wait: Duration },
    #[error(transparent)]
    Targets(#[from] TargetsError),
    #[error("the file of questions has none")]
    NoQuestions,
    #[error("the model finds neither persons nor faces")]
    NoPersons,
    #[error("the privacy mode allows no pictures")]
    NoPictures,
    #[error("no other carrier is connected")]
    NoPartners,
}

impl StartError {
    /// For visitors.
    #[must_use]
    pub fn text(&self) -> GameText {
        GameText::key(match self {
            Self::NotOffered => "play.start.not-offered",
            Self::VisitorsMayNot => "play.start.visitors-may-not",
            Self::RoundRunning => "play.start.round-running",
            Self::TooSoon { wait } => {
                let seconds = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
                return GameText::key("play.start.too-soon").with("count", seconds);
            }
            Self::Targets(_) => "play.start.targets",
            Self::NoQuestions => "play.start.no-questions",
            Self::NoPersons => "play.start.no-persons",
            Self::NoPictures => "play.start.no-pictures",
            Self::NoPartners => "play.start.no-partners",
        })
    }
}

/// When the next round may begin. Pure.
#[derive(Debug)]
pub(crate) struct StartSchedule {
    quiet_since: Instant,
    last_end: Option<Instant>,
    in_view_since: Option<Instant>,
    /// Games that the attraction mode has tried.
    tried: usize,
}

impl StartSchedule {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            quiet_since: now,
            last_end: None,
            in_view_since: None,
            tried: 0,
        }
    }

    /// Somebody used a page, a key or the booth.
    pub(crate) fn interacted(&mut self, now: Instant) {
        self.quiet_since = now;
    }

    pub(crate) fn round_ended(&mut self, now: Instant) {
        self.quiet_since = now;
        self.last_end = Some(now);
    }

    pub(crate) fn saw(&mut self, is_somebody_in_view: bool, now: Instant) {
        self.in_view_since = match self.in_view_since {
            Some(since) if is_somebody_in_view => Some(since),
            _ => is_somebody_in_view.then_some(now),
        };
    }

    /// `running`: who started the round that is running. A visitor may take the place of one that nobody asked for.
    pub(crate) fn may_start(
        &self,
        by: StartedBy,
        game: GameKind,
        rules: &StartRules,
        running: Option<StartedBy>,
        now: Instant,
    ) -> Result<(), StartError> {
        if !game.is_shared() && !rules.offered.contains(&game) {
            return Err(StartError::NotOffered);
        }
        if by == StartedBy::Owner {
            return Ok(());
        }
        if by == StartedBy::Visitor && !rules.visitors_may_start {
            return Err(StartError::VisitorsMayNot);
        }
        match running {
            Some(StartedBy::Attraction) if by == StartedBy::Visitor => return Ok(()),
            Some(_) => return Err(StartError::RoundRunning),
            None => {}
        }
        let since_end = |end| now.saturating_duration_since(end);
        let waited = self.last_end.map_or(rules.pause, since_end);
        if waited < rules.pause {
            let wait = rules.pause - waited;
            return Err(StartError::TooSoon { wait });
        }
        Ok(())
    }

    /// The games to try, the next in turn first, when it is time for the attraction mode.
    pub(crate) fn attraction(&mut self, rules: &StartRules, now: Instant) -> Vec<GameKind> {
        let is_since = |since: Instant, limit| now.saturating_duration_since(since) >= limit;
        let is_due = rules.attraction_after.is_some_and(|after| {
            is_since(self.quiet_since, after)
                && self
                    .in_view_since
                    .is_some_and(|since| is_since(since, IN_VIEW_FOR))
        });
        if !is_due {
            return Vec::new();
        }
        let may = |game: &GameKind| !game.is_for_pictures();
        let mut games: Vec<_> = rules.offered.iter().copied().filter(may).collect();
        if !games.is_empty() {
            let first = self.tried % games.len();
            games.rotate_left(first);
            self.tried = self.tried.wrapping_add(1);
        }
        games
    }
}

#[cfg(test)]
mod tests;
