//! The steps of a viewer's join, as spans of a trace; and the step at which it failed. Pure.

use std::time::Instant;

use capture::trace::{TraceContext, TraceSpan};

use crate::metrics::{JoinFailure, LeaveReason};

/// When each step of a join ended. The steps follow each other, so that each begins where the one before ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JoinSteps {
    /// The span of the request with the offer.
    pub(crate) trace: Option<TraceContext>,
    pub(crate) offered_at: Instant,
    pub(crate) answered_at: Instant,
    /// The first ICE check came.
    pub(crate) checked_at: Option<Instant>,
    /// ICE found a path.
    pub(crate) path_at: Option<Instant>,
    /// The DTLS handshake is done.
    pub(crate) connected_at: Option<Instant>,
}

impl JoinSteps {
    /// Why a viewer that leaves had no picture; `None`: nobody is to blame.
    pub(crate) fn failure(&self, reason: LeaveReason, is_displaced: bool) -> Option<JoinFailure> {
        match reason {
            LeaveReason::Shutdown => None,
            LeaveReason::Deleted | LeaveReason::Closed | LeaveReason::Lost => {
                Some(JoinFailure::Left)
            }
            LeaveReason::NeverConnected if is_displaced => Some(JoinFailure::Displaced),
            LeaveReason::NeverConnected if self.path_at.is_some() => Some(JoinFailure::Handshake),
            LeaveReason::NeverConnected if self.checked_at.is_some() => Some(JoinFailure::NoPath),
            LeaveReason::NeverConnected => Some(JoinFailure::NoCheck),
        }
    }

    /// The spans of a join that ended at `end`, with the first keyframe or without.
    pub(crate) fn spans(&self, end: Instant, failure: Option<JoinFailure>) -> Vec<TraceSpan> {
        let Some(request) = self.trace else {
            return Vec::new();
        };
        let mut join = TraceSpan::part_of(request, "carrier.join", (self.offered_at, end));
        join.error = failure.map(JoinFailure::explanation);
        let ends = [
            ("carrier.join.negotiate", Some(self.answered_at)),
            ("carrier.join.ice", self.path_at),
            ("carrier.join.dtls", self.connected_at),
            (
                "carrier.join.first_keyframe",
                Some(end).filter(|_| failure.is_none()),
            ),
        ];
        let (mut spans, mut begin) = (Vec::with_capacity(1 + ends.len()), self.offered_at);
        for (name, ended) in ends {
            let mut step = TraceSpan::part_of(join.context, name, (begin, ended.unwrap_or(end)));
            step.error = join.error.filter(|_| ended.is_none());
            spans.push(step);
            let Some(ended) = ended else { break };
            begin = ended;
        }
        spans.push(join);
        spans
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn steps(start: Instant) -> JoinSteps {
        JoinSteps {
            trace: Some(TraceContext::root()),
            offered_at: start,
            answered_at: start + MS,
            checked_at: Some(start + 2 * MS),
            path_at: Some(start + 5 * MS),
            connected_at: Some(start + 20 * MS),
        }
    }

    #[test]
    fn a_join_is_divided_into_its_steps() {
        let start = Instant::now();
        let steps = steps(start);
        let spans = steps.spans(start + 50 * MS, None);
        let (join, parts) = spans.split_last().expect("some");
        let request = steps.trace.expect("given");
        assert_eq!(join.parent, Some(request.span_id));
        assert_eq!((join.start, join.end), (start, start + 50 * MS));
        let told: Vec<_> = parts
            .iter()
            .map(|span| (span.name.as_ref(), span.start - start, span.end - start))
            .collect();
        assert_eq!(
            told,
            [
                ("carrier.join.negotiate", Duration::ZERO, MS),
                ("carrier.join.ice", MS, 5 * MS),
                ("carrier.join.dtls", 5 * MS, 20 * MS),
                ("carrier.join.first_keyframe", 20 * MS, 50 * MS),
            ]
        );
        for part in parts {
            assert_eq!(part.parent, Some(join.context.span_id));
            assert_eq!(part.context.trace_id, request.trace_id);
            assert_eq!(part.error, None);
        }
        let untraced = JoinSteps {
            trace: None,
            ..steps
        };
        assert!(untraced.spans(start, None).is_empty());
    }

    #[test]
    fn a_failed_join_ends_with_the_step_that_failed() {
        let start = Instant::now();
        let mut steps = steps(start);
        let reasons = [
            JoinFailure::Handshake,
            JoinFailure::NoPath,
            JoinFailure::NoCheck,
        ];
        for (undone, expected) in reasons.into_iter().enumerate() {
            match undone {
                0 => steps.connected_at = None,
                1 => steps.path_at = None,
                _ => steps.checked_at = None,
            }
            let failure = steps.failure(LeaveReason::NeverConnected, false);
            assert_eq!(failure, Some(expected));
            let spans = steps.spans(start + 50 * MS, failure);
            let failed: Vec<_> = spans.iter().filter(|span| span.error.is_some()).collect();
            assert_eq!(failed.len(), 2, "the step and the join");
            let step = if undone == 0 { "dtls" } else { "ice" };
            assert_eq!(failed[0].name, format!("carrier.join.{step}"));
            assert_eq!(failed[0].end, start + 50 * MS);
        }
        let failure = |reason, displaced| steps.failure(reason, displaced);
        assert_eq!(
            failure(LeaveReason::NeverConnected, true),
            Some(JoinFailure::Displaced)
        );
        assert_eq!(
            failure(LeaveReason::Deleted, false),
            Some(JoinFailure::Left)
        );
        assert_eq!(failure(LeaveReason::Shutdown, false), None);
    }
}
