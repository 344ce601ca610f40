//! Handovers: one-time secrets by which a visitor's phone takes over the job that was made at a shared device. In memory
//! only: after a restart the device asks for a new one. Pure, except for the random secrets.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use stylise::JobId;
use uuid::Uuid;

/// A handover can be redeemed for this long, and repeated by its redeemer for as long again.
pub(crate) const HANDOVER_VALID: Duration = Duration::from_mins(10);
/// Bounds the memory.
const HANDOVERS_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Handovers(HashMap<Uuid, Handover>);

#[derive(Debug)]
struct Handover {
    job: JobId,
    expires_at: Instant,
    /// The key that its redeemer chose.
    taken_by: Option<Uuid>,
}

/// Unknown, expired, or redeemed by somebody else.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this code was used already or is too old: ask for a new one at the photo booth")]
pub(crate) struct HandoverError;

impl Handovers {
    /// A new handover, which ends the job's earlier open ones.
    pub(crate) fn make(&mut self, job: JobId, now: Instant) -> Uuid {
        self.0.retain(|_, handover| {
            now < handover.expires_at && (handover.job != job || handover.is_taken())
        });
        if self.0.len() >= HANDOVERS_MAX {
            // overflow: newest-wins, uncounted: only a client that asks for handovers all the time gets here.
            let oldest = self
                .0
                .iter()
                .min_by_key(|(_, handover)| handover.expires_at);
            if let Some(oldest) = oldest.map(|(secret, _)| *secret) {
                self.0.remove(&oldest);
            }
        }
        let secret = Uuid::new_v4();
        let handover = Handover {
            job,
            expires_at: now + HANDOVER_VALID,
            taken_by: None,
        };
        self.0.insert(secret, handover);
        secret
    }

    /// The job of a handover, which ends with this. Its redeemer may repeat the request with the same key, because the
    /// answer may be lost.
    pub(crate) fn redeem(
        &mut self,
        secret: Uuid,
        by: Uuid,
        now: Instant,
    ) -> Result<JobId, HandoverError> {
        let handover = self.0.get_mut(&secret).ok_or(HandoverError)?;
        let is_first = handover.taken_by.is_none();
        if now >= handover.expires_at || handover.taken_by.is_some_and(|taker| taker != by) {
            return Err(HandoverError);
        }
        if is_first {
            handover.taken_by = Some(by);
            handover.expires_at = now + HANDOVER_VALID;
        }
        Ok(handover.job)
    }

    /// Whether a handover was redeemed, or can still be; `None`: neither.
    pub(crate) fn is_taken(&self, secret: Uuid, now: Instant) -> Option<bool> {
        let handover = self
            .0
            .get(&secret)
            .filter(|handover| now < handover.expires_at)?;
        Some(handover.is_taken())
    }
}

impl Handover {
    fn is_taken(&self) -> bool {
        self.taken_by.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_handover_is_redeemed_once_and_its_redeemer_may_repeat_it() {
        let (mut handovers, now) = (Handovers::default(), Instant::now());
        let (job, phone, other) = (JobId::random(), Uuid::new_v4(), Uuid::new_v4());
        let secret = handovers.make(job, now);
        assert_eq!(handovers.is_taken(secret, now), Some(false));
        assert_eq!(handovers.redeem(secret, phone, later(now, 30)), Ok(job));
        assert_eq!(handovers.redeem(secret, phone, later(now, 31)), Ok(job));
        assert_eq!(
            handovers.redeem(secret, other, later(now, 32)),
            Err(HandoverError)
        );
        assert_eq!(handovers.is_taken(secret, later(now, 33)), Some(true));
    }

    #[test]
    fn handovers_expire() {
        let (mut handovers, now) = (Handovers::default(), Instant::now());
        let secret = handovers.make(JobId::random(), now);
        let end = now + HANDOVER_VALID;
        assert_eq!(handovers.is_taken(secret, end), None);
        assert_eq!(
            handovers.redeem(secret, Uuid::new_v4(), end),
            Err(HandoverError)
        );
    }

    #[test]
    fn a_new_handover_ends_the_open_one_of_the_same_job_only() {
        let (mut handovers, now) = (Handovers::default(), Instant::now());
        let (job, phone) = (JobId::random(), Uuid::new_v4());
        let (first, other) = (
            handovers.make(job, now),
            handovers.make(JobId::random(), now),
        );
        let second = handovers.make(job, now);
        assert_ne!(first, second);
        assert_eq!(handovers.redeem(first, phone, now), Err(HandoverError));
        assert_eq!(handovers.redeem(second, phone, now), Ok(job));
        let third = handovers.make(job, now);
        assert_eq!(
            handovers.is_taken(second, now),
            Some(true),
            "a redeemed one stays"
        );
        assert_eq!(handovers.redeem(third, Uuid::new_v4(), now), Ok(job));
        assert_eq!(handovers.is_taken(other, now), Some(false));
    }

    #[test]
    fn the_number_of_handovers_is_limited() {
        let (mut handovers, now) = (Handovers::default(), Instant::now());
        let oldest = handovers.make(JobId::random(), now);
        let made: Vec<Uuid> = (0..HANDOVERS_MAX as u64)
            .map(|n| handovers.make(JobId::random(), now + Duration::from_millis(n + 1)))
            .collect();
        assert_eq!(handovers.0.len(), HANDOVERS_MAX);
        assert_eq!(handovers.is_taken(oldest, now), None);
        assert!(
            made.iter()
                .all(|one| handovers.is_taken(*one, now).is_some())
        );
    }
}
