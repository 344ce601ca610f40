//! What comes in: the viewer's checks and its answers to ours.

use std::time::Instant;

use super::check::{Asked, ROLE_CONFLICT};
use super::{IceAgent, Outstanding, Received, Role};
use crate::transport::runs::Path;
use crate::transport::stun::{Class, Message};

impl IceAgent {
    /// Takes a STUN message that came by `path`.
    pub(crate) fn receive(&mut self, now: Instant, message: &Message<'_>, path: Path) -> Received {
        match message.class {
            Class::Request => match self.checks.asked(message) {
                Some(asked) => {
                    self.take_check(now, message, path, asked);
                    Received::Taken
                }
                None => Received::Foreign,
            },
            Class::Success | Class::Error => self.take_answer(now, message, path),
            // A keep-alive: nothing is learnt from it (RFC 8445 11).
            Class::Indication => Received::Foreign,
        }
    }

    fn take_check(&mut self, now: Instant, message: &Message<'_>, path: Path, asked: Asked) {
        self.was_checked = true;
        if self.known(path).is_none_or(|pair| !pair.is_proven()) {
            self.allowance.earn(path, message.length());
        }
        if asked.is_unknown {
            let refusal = self.checks.unknown(message);
            return self.send(path, refusal);
        }
        if let Some(theirs) = asked.conflict {
            // RFC 8445 7.3.1.1: the larger tie-breaker controls.
            let keeps =
                (self.checks.tie_breaker >= theirs) == (self.checks.role == Role::Controlling);
            if keeps {
                let refusal = self.checks.refusal(message, ROLE_CONFLICT);
                return self.send(path, refusal);
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
            self.consider(now, index);
        } else {
            pair.trigger();
            self.send_checks(now);
        }
    }

    fn take_answer(&mut self, now: Instant, message: &Message<'_>, path: Path) -> Received {
        let mut awaited = self.outstanding.iter();
        let known = awaited.position(|out| out.transaction == message.transaction);
        let Some(index) = known.filter(|_| self.checks.is_answered_by(message)) else {
            return Received::Foreign;
        };
        let Some(asked) = self.outstanding.remove(index) else {
            return Received::Foreign;
        };
        // What must be understood and is not makes the answer worthless (RFC 8489 6.3.3), and one from
        // elsewhere than the check went to proves no path (RFC 8445 7.2.5.2.1).
        if message.unknown().next().is_some() || asked.path != path {
            return Received::Taken;
        }
        let found = self.pairs.iter().position(|pair| pair.path == path);
        match (message.class, found) {
            (Class::Success, Some(index)) => self.take_proof(now, index, asked),
            (Class::Error, Some(index)) if message.error_code() == Some(ROLE_CONFLICT.0) => {
                // RFC 8445 7.2.5.1.
                if self.checks.role == asked.role {
                    self.checks.role = asked.role.other();
                    self.checks.tie_breaker = rand::random();
                }
                self.pairs[index].trigger();
                self.send_checks(now);
                Received::Taken
            }
            _ => Received::Taken,
        }
    }

    fn take_proof(&mut self, now: Instant, index: usize, asked: Outstanding) -> Received {
        let pair = &mut self.pairs[index];
        let first = !pair.is_proven();
        self.was_checked = true;
        pair.note_answer(now);
        let path = pair.path;
        if self.checks.role == Role::Controlling && self.selected.is_none() {
            // RFC 8445 8.1.1: a check that worked is repeated with the nomination.
            if asked.nominates {
                pair.nominated_at = Some(now);
            } else {
                pair.trigger();
            }
        }
        self.allowance.refill();
        self.heard(now, path);
        self.consider(now, index);
        self.send_checks(now);
        if first {
            Received::Proof
        } else {
            Received::Taken
        }
    }
}
