//! Handles received checks and responses.

use std::time::Instant;

use super::check::{CheckContents, ROLE_CONFLICT};
use super::{IceAgent, Outstanding, Role, StunResult};
use crate::transport::runs::Path;
use crate::transport::stun::{Class, Message};

impl IceAgent {
    /// Handles a STUN message that arrived on `path`.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        path: Path,
    ) -> StunResult {
        match message.class {
            Class::Request => match self.checks.parse(message) {
                Some(asked) => {
                    self.handle_check(now, message, path, asked);
                    StunResult::Handled
                }
                None => StunResult::Unauthenticated,
            },
            Class::Success | Class::Error => self.handle_response(now, message, path),
            // A keep-alive, which changes nothing (RFC 8445 11).
            Class::Indication => StunResult::Unauthenticated,
        }
    }

    fn handle_check(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        path: Path,
        asked: CheckContents,
    ) {
        self.was_checked = true;
        if self.known(path).is_none_or(|pair| !pair.is_proven()) {
            self.budget.earn(path, message.length());
        }
        if asked.is_unknown {
            let error_response = self.checks.unknown(message);
            return self.send(path, error_response);
        }
        if let Some(theirs) = asked.conflict {
            // RFC 8445 7.3.1.1: the larger tie-breaker controls.
            let keeps =
                (self.checks.tie_breaker >= theirs) == (self.checks.role == Role::Controlling);
            if keeps {
                let error_response = self.checks.error_response(message, ROLE_CONFLICT);
                return self.send(path, error_response);
            }
            self.checks.role = self.checks.role.other();
        }
        let answer = self.checks.answer(message, path.remote);
        self.send(path, answer);
        self.heard(now, path);
        let index = self.pair(path, asked.priority);
        let (role, pair) = (self.checks.role, &mut self.pairs[index]);
        if asked.nominates && role == Role::Controlled {
            pair.nominated_at = Some(now);
        }
        if pair.is_consented(now) {
            self.consider_nomination(now, index);
        } else {
            pair.trigger();
            self.send_checks(now);
        }
    }

    fn handle_response(&mut self, now: Instant, message: &Message<'_>, path: Path) -> StunResult {
        let mut awaited = self.outstanding.iter();
        let known = awaited.position(|out| out.transaction == message.transaction);
        let Some(index) = known.filter(|_| self.checks.is_answered_by(message)) else {
            return StunResult::Unauthenticated;
        };
        let Some(asked) = self.outstanding.remove(index) else {
            return StunResult::Unauthenticated;
        };
        // A response with unknown comprehension-required attributes is ignored (RFC 8489 6.3.3), and one from
        // another address than the check was sent to proves no path (RFC 8445 7.2.5.2.1).
        if message.unknown().next().is_some() || asked.path != path {
            return StunResult::Handled;
        }
        let found = self.pairs.iter().position(|pair| pair.path == path);
        match (message.class, found) {
            (Class::Success, Some(index)) => self.handle_success(now, index, asked),
            (Class::Error, Some(index)) if message.error_code() == Some(ROLE_CONFLICT.0) => {
                // RFC 8445 7.2.5.1.
                if self.checks.role == asked.role {
                    self.checks.role = asked.role.other();
                    self.checks.tie_breaker = rand::random();
                }
                self.pairs[index].trigger();
                self.send_checks(now);
                StunResult::Handled
            }
            _ => StunResult::Handled,
        }
    }

    fn handle_success(&mut self, now: Instant, index: usize, asked: Outstanding) -> StunResult {
        let pair = &mut self.pairs[index];
        let first = !pair.is_proven();
        self.was_checked = true;
        pair.note_answer(now, asked.at);
        let path = pair.path;
        if self.checks.role == Role::Controlling && self.selected.is_none() {
            // RFC 8445 8.1.1: repeat a successful check with the nomination.
            if asked.nominates {
                pair.nominated_at = Some(now);
            } else {
                pair.trigger();
            }
        }
        self.budget.refill();
        self.heard(now, path);
        self.consider_nomination(now, index);
        self.send_checks(now);
        if first {
            StunResult::Validated
        } else {
            StunResult::Handled
        }
    }
}
