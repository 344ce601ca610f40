//! Datagrams on their way in: whose they are, and what they change; what viewers report and ask for.

use std::time::Instant;

use super::{Audience, Out};
use crate::congestion::Control;
use crate::encode::encoder::RenditionId;
use crate::fanout::outlet::Refusal;
use crate::metrics::{IgnoredCause, ResendOutcome, count};
use crate::rtp::rtcp::Feedback;
use crate::transport::demux::{Kind, Origin, ViewerKey, classify};
use crate::transport::peer::PacketSource;
use crate::transport::runs::Path;
use crate::transport::stun::{Class, Message};

impl Audience {
    /// Whose a datagram is that came in, of whichever shard. A check is nobody's until its password is
    /// seen to be right.
    pub(crate) fn whose(&self, way: PacketSource, bytes: &[u8]) -> Option<ViewerKey> {
        let kind = classify(bytes);
        let from = (way.protocol, way.from);
        let key = match kind {
            Kind::Stun(message) if message.class == Class::Request => self.checks(&message, from),
            _ => self.ledger.directory().demux.route(kind, from),
        };
        if key.is_none() {
            // overflow: counted. Nothing that a stranger sends leaves a trace.
            let cause = match kind {
                Kind::Garbage => IgnoredCause::Garbage,
                _ => IgnoredCause::Stranger,
            };
            count(&self.metrics.ignored, cause, 1);
        }
        key
    }

    /// Takes a datagram of one of this shard. `true`: it shows that where it came from is the viewer's
    /// own.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        key: ViewerKey,
        way: PacketSource,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> bool {
        let kind = classify(bytes);
        let mut proven = false;
        if let Some(viewer) = self.viewers.get_mut(&key) {
            proven = viewer.peer.receive(now, kind, way, bytes);
            self.heed_move(now, key);
            self.heed_feedback(now, key);
        } else if let Some(peer) = self.publishing.peer(key) {
            proven = peer.receive(now, kind, way, bytes);
        }
        if proven {
            let from = (way.protocol, way.from);
            self.ledger.directory().demux.prove(key, from);
        }
        self.note_presence(now, key);
        self.settle(now, key, out);
        proven
    }

    /// Whose a check is, with the address it came from claimed.
    fn checks(&self, check: &Message<'_>, from: Origin) -> Option<ViewerKey> {
        let named = self.ledger.directory().demux.find_by_username(check);
        let (key, names) = named?;
        // Not under the lock.
        if !names.is_authentic(check, self.crypto.crypto()) {
            return None;
        }
        self.ledger.directory().demux.claim(key, from);
        Some(key)
    }

    /// Takes the end of a connection that carried this path.
    pub(crate) fn close_path(
        &mut self,
        now: Instant,
        key: ViewerKey,
        path: Path,
        out: &mut Out<'_>,
    ) {
        let viewer = self.viewers.get_mut(&key).map(|viewer| &mut viewer.peer);
        if let Some(peer) = viewer.or_else(|| self.publishing.peer(key)) {
            peer.close_path(now, path);
            self.settle(now, key, out);
        }
    }

    /// What was sent over a path that did not work any more is lost: a keyframe mends the picture
    /// sooner than asking for each packet. What was known of the old network says nothing of the new.
    fn heed_move(&mut self, now: Instant, key: ViewerKey) {
        if let Some(viewer) = self.viewers.get_mut(&key)
            && viewer.peer.take_moved()
        {
            viewer.control = Control::new(now, viewer.control.choice());
            self.ledger.want_keyframe(viewer.rendition);
        }
    }
}

fn outcome_of(refusal: Option<Refusal>) -> ResendOutcome {
    match refusal {
        None => ResendOutcome::Sent,
        Some(Refusal::Gone) => ResendOutcome::Gone,
        Some(Refusal::Passed) => ResendOutcome::Passed,
        Some(Refusal::Repeat) => ResendOutcome::Repeat,
        Some(Refusal::Exhausted) => ResendOutcome::Exhausted,
        Some(Refusal::OverBudget) => ResendOutcome::OverBudget,
    }
}

impl Audience {
    pub(super) fn heed_feedback(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let streams = &self.streams;
        let (mut pleas, mut heard, mut changed) = (0, false, false);
        for feedback in viewer.peer.feedback() {
            match feedback {
                Feedback::Pli => {
                    self.metrics.plis.inc();
                    pleas += 1;
                }
                Feedback::Fir => {
                    self.metrics.firs.inc();
                    pleas += 1;
                }
                Feedback::Nack(numbers) => {
                    self.metrics.nacks.inc();
                    viewer.control.alarm(now);
                    for number in numbers {
                        let find = |rendition: RenditionId, number| {
                            streams[rendition.index()].ring.packet(number)
                        };
                        let outcome = outcome_of(viewer.resend(now, number, find));
                        // What was sent again in vain will not be asked for in a plea for seconds.
                        pleas += usize::from(outcome == ResendOutcome::Exhausted);
                        count(&self.metrics.resends, outcome, 1);
                    }
                }
                Feedback::Report(reception) => {
                    viewer.loss = Some(reception.loss);
                    let fresh = !viewer.control.has_just_resumed(now);
                    let round_trip = reception.round_trip(self.clock.ntp_middle(now));
                    let round_trip = round_trip.filter(|_| fresh);
                    viewer.round_trip = round_trip.or(viewer.round_trip);
                    viewer.control.report(now, reception.loss, round_trip);
                }
                Feedback::Transport(acknowledgements) => {
                    self.metrics.transport_feedbacks.inc();
                    heard = true;
                    changed |= viewer.control.feedback(now, &acknowledgements);
                }
            }
        }
        if pleas > 0 {
            viewer.control.alarm(now);
            if viewer.started {
                viewer.freeze.began(now);
            }
            if viewer.pleads(now) {
                self.ledger.want_keyframe(viewer.rendition);
            }
        }
        if heard {
            self.heed_ceiling(now, key, changed);
        }
        self.ask_for_keyframes(now);
    }
}
