//! Who may close and open the shutter. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What changed the shutter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// The program started, for the first time or with `start_closed`.
    Start,
    /// A damaged or unreadable state file.
    StateFile,
    Person,
    /// SIGUSR1.
    Signal,
    Schedule,
    Network,
    Idle,
    /// The lid of the machine is closed.
    Lid,
}

impl Cause {
    fn is_rule(self) -> bool {
        matches!(
            self,
            Self::Schedule | Self::Network | Self::Idle | Self::Lid
        )
    }
}

/// The shutter, and who changed it, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShutterState {
    pub(crate) closed: bool,
    pub(crate) by: Cause,
    /// The person, e.g. "terminal".
    pub(crate) who: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) since_unix_ms: u64,
}

impl ShutterState {
    pub(crate) fn new(closed: bool, by: Cause, now_unix_ms: u64) -> Self {
        Self {
            closed,
            by,
            who: None,
            reason: None,
            since_unix_ms: now_unix_ms,
        }
    }
}

/// A rule that demands a closed shutter now, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) rule: Cause,
    pub(crate) reason: String,
}

/// The state with its precedence: what a person closed only a person opens; rules open only what a rule
/// closed; if rules disagree, the shutter is closed. A person who opens it overrules the demands of that
/// moment until each of them has ended.
#[derive(Debug)]
pub(crate) struct Shutter {
    state: ShutterState,
    overruled: Vec<Cause>,
}

impl Shutter {
    pub(crate) fn new(state: ShutterState) -> Self {
        Self {
            state,
            overruled: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> &ShutterState {
        &self.state
    }

    /// A person or a signal decides; `demands` are those of the rules now. `false`: nothing changed.
    pub(crate) fn decide(&mut self, wanted: ShutterState, demands: &[Demand]) -> bool {
        if !wanted.closed {
            self.overruled = demands.iter().map(|demand| demand.rule).collect();
        }
        let is_same = self.state.closed == wanted.closed
            && (!wanted.closed || !self.state.by.is_rule())
            && (wanted.reason.is_none() || wanted.reason == self.state.reason);
        if !is_same {
            self.state = wanted;
        }
        !is_same
    }

    /// Applies the demands of the rules now. `false`: nothing changed.
    pub(crate) fn follow(&mut self, demands: &[Demand], now_unix_ms: u64) -> bool {
        self.overruled
            .retain(|rule| demands.iter().any(|demand| demand.rule == *rule));
        let standing: Vec<&Demand> = demands
            .iter()
            .filter(|demand| !self.overruled.contains(&demand.rule))
            .collect();
        let (closed, by) = (self.state.closed, self.state.by);
        let is_kept_closed = !by.is_rule() || standing.iter().any(|demand| demand.rule == by);
        if closed && is_kept_closed {
            return false;
        }
        self.state = match standing.first() {
            Some(demand) => ShutterState {
                reason: Some(demand.reason.clone()),
                ..ShutterState::new(true, demand.rule, now_unix_ms)
            },
            None if closed => ShutterState::new(false, by, now_unix_ms),
            None => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(rule: Cause) -> Demand {
        let reason = "why".to_owned();
        Demand { rule, reason }
    }

    fn shutter() -> Shutter {
        Shutter::new(ShutterState::new(false, Cause::Start, 0))
    }

    fn by_person(closed: bool) -> ShutterState {
        ShutterState::new(closed, Cause::Person, 5)
    }

    #[test]
    fn a_rule_closes_and_the_same_rule_opens() {
        let mut shutter = shutter();
        let schedule = [demand(Cause::Schedule)];
        assert!(!shutter.follow(&[], 1));
        assert!(shutter.follow(&schedule, 2) && !shutter.follow(&schedule, 3));
        let closed = shutter.state().clone();
        assert!(closed.closed && closed.by == Cause::Schedule && closed.since_unix_ms == 2);
        assert_eq!(closed.reason.as_deref(), Some("why"));
        assert!(shutter.follow(&[], 4) && !shutter.state().closed);
    }

    #[test]
    fn what_a_person_or_a_signal_closed_no_rule_opens() {
        for by in [Cause::Person, Cause::Signal, Cause::Start, Cause::StateFile] {
            let mut shutter = shutter();
            assert!(shutter.decide(ShutterState::new(true, by, 1), &[]));
            assert!(!shutter.follow(&[demand(Cause::Idle)], 2) && !shutter.follow(&[], 3));
            assert!(shutter.state().closed && shutter.state().by == by);
            assert!(shutter.decide(by_person(false), &[]) && !shutter.state().closed);
        }
    }

    #[test]
    fn a_person_takes_over_what_a_rule_closed() {
        let mut shutter = shutter();
        let schedule = [demand(Cause::Schedule)];
        shutter.follow(&schedule, 1);
        assert!(shutter.decide(by_person(true), &schedule));
        assert!(!shutter.follow(&[], 2) && shutter.state().closed);
        assert!(!shutter.decide(by_person(true), &[]), "closed already");
    }

    #[test]
    fn a_person_overrules_a_demand_until_it_has_ended() {
        let mut shutter = shutter();
        let schedule = [demand(Cause::Schedule)];
        shutter.follow(&schedule, 1);
        assert!(shutter.decide(by_person(false), &schedule));
        assert!(!shutter.follow(&schedule, 2), "overruled");
        let both = [demand(Cause::Schedule), demand(Cause::Network)];
        assert!(shutter.follow(&both, 3) && shutter.state().by == Cause::Network);
        assert!(shutter.follow(&schedule, 4) && !shutter.state().closed);
        assert!(
            !shutter.follow(&[], 5) && shutter.follow(&schedule, 6),
            "a new one"
        );
    }

    #[test]
    fn of_several_rules_each_keeps_it_closed() {
        let mut shutter = shutter();
        shutter.follow(&[demand(Cause::Idle)], 1);
        assert!(!shutter.follow(&[demand(Cause::Schedule), demand(Cause::Idle)], 2));
        assert!(shutter.follow(&[demand(Cause::Schedule)], 3));
        let state = shutter.state();
        assert!(state.closed && state.by == Cause::Schedule);
        assert!(shutter.follow(&[], 4) && !shutter.state().closed);
    }
}
