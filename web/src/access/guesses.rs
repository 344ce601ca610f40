//! Rate limit of wrong tokens: a token bucket for each address, and one for all. Repeating the same
//! wrong token, as a player with an old one does, counts once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use signaling::fair_share::address_group;

use crate::metrics::{CounterBy, GuessOutcome};

const PER_ADDRESS: BucketSize = BucketSize {
    burst: 10.0,
    per_second: 0.2,
};
const IN_ALL: BucketSize = BucketSize {
    burst: 100.0,
    per_second: 10.0,
};
/// Bounds the memory. An attacker with more addresses is limited by the bucket for all.
const ADDRESSES_MAX: usize = 4096;
/// Wrong tokens remembered for each address.
const REMEMBERED_MAX: usize = 8;
/// After this time without a refusal, the next one is logged again.
const LOG_INTERVAL: Duration = Duration::from_mins(10);

/// Capacity and refill rate of a bucket.
#[derive(Debug, Clone, Copy)]
struct BucketSize {
    burst: f64,
    per_second: f64,
}

#[derive(Debug)]
struct TokenBucket {
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    fn full(size: BucketSize, now: Instant) -> Self {
        Self {
            tokens: size.burst,
            at: now,
        }
    }

    fn refill(&mut self, size: BucketSize, now: Instant) {
        let passed_s = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed_s * size.per_second).min(size.burst);
        self.at = now;
    }

    /// How long until there is a token in the bucket; `None`: there is one now.
    fn wait(&self, size: BucketSize) -> Option<Duration> {
        let missing = 1.0 - self.tokens;
        (missing > 0.0).then(|| Duration::from_secs_f64(missing / size.per_second))
    }
}

#[derive(Debug)]
struct AddressGuesses {
    bucket: TokenBucket,
    /// Digests of wrong tokens, newest last.
    wrong: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyGuessesError {
    pub(crate) retry_after: Duration,
    /// The first refusal for a while: it is logged.
    pub(crate) is_first: bool,
}

/// The buckets. Callers pass the time.
#[derive(Debug)]
struct GuessLimiter {
    by_address: HashMap<IpAddr, AddressGuesses>,
    in_all: TokenBucket,
    refused_at: Option<Instant>,
}

impl GuessLimiter {
    fn new(now: Instant) -> Self {
        Self {
            by_address: HashMap::new(),
            in_all: TokenBucket::full(IN_ALL, now),
            refused_at: None,
        }
    }

    /// Whether a token from this address may be compared.
    fn admit(&mut self, address: IpAddr, now: Instant) -> Result<(), TooManyGuessesError> {
        let own = self.by_address.get_mut(&address).and_then(|guesser| {
            guesser.bucket.refill(PER_ADDRESS, now);
            guesser.bucket.wait(PER_ADDRESS)
        });
        self.in_all.refill(IN_ALL, now);
        // The owner can log in on this machine while others guess.
        let in_all = self.in_all.wait(IN_ALL).filter(|_| !address.is_loopback());
        let Some(retry_after) = own.max(in_all) else {
            return Ok(());
        };
        let is_quiet = |at: Instant| now.saturating_duration_since(at) >= LOG_INTERVAL;
        let is_first = self.refused_at.is_none_or(is_quiet);
        self.refused_at = Some(now);
        Err(TooManyGuessesError {
            retry_after,
            is_first,
        })
    }

    /// Records a wrong token by its digest.
    fn record_wrong(&mut self, address: IpAddr, digest: u64, now: Instant) {
        // overflow: counted: an address that is forgotten has a full bucket again, within the limit for
        // all.
        if self.by_address.len() >= ADDRESSES_MAX && !self.by_address.contains_key(&address) {
            self.forget(now);
        }
        let guesser = self
            .by_address
            .entry(address)
            .or_insert_with(|| AddressGuesses {
                bucket: TokenBucket::full(PER_ADDRESS, now),
                wrong: Vec::new(),
            });
        if guesser.wrong.contains(&digest) {
            return;
        }
        if guesser.wrong.len() >= REMEMBERED_MAX {
            guesser.wrong.remove(0);
        }
        guesser.wrong.push(digest);
        guesser.bucket.tokens -= 1.0;
        self.in_all.tokens -= 1.0;
    }

    /// Forgets addresses whose bucket is full again, else the half with the fullest buckets.
    fn forget(&mut self, now: Instant) {
        for guesser in self.by_address.values_mut() {
            guesser.bucket.refill(PER_ADDRESS, now);
        }
        self.by_address
            .retain(|_, guesser| guesser.bucket.tokens < PER_ADDRESS.burst);
        if self.by_address.len() < ADDRESSES_MAX {
            return;
        }
        let mut left: Vec<f64> = self.by_address.values().map(|g| g.bucket.tokens).collect();
        left.sort_by(f64::total_cmp);
        let median = left.get(left.len() / 2).copied().unwrap_or_default();
        self.by_address
            .retain(|_, guesser| guesser.bucket.tokens < median);
        if self.by_address.len() >= ADDRESSES_MAX {
            self.by_address.clear();
        }
    }
}

#[derive(Debug)]
pub(crate) struct Guesses {
    limiter: Mutex<GuessLimiter>,
    hasher: RandomState,
    counted: CounterBy<GuessOutcome>,
}

impl Guesses {
    pub(crate) fn new(now: Instant, counted: CounterBy<GuessOutcome>) -> Self {
        Self {
            limiter: Mutex::new(GuessLimiter::new(now)),
            hasher: RandomState::new(),
            counted,
        }
    }

    /// Whether a token from this address may be compared.
    pub(crate) fn admit(&self, from: IpAddr, now: Instant) -> Result<(), TooManyGuessesError> {
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = limiter.admit(address_group(from), now);
        if admitted.is_err() {
            self.count(GuessOutcome::Refused);
        }
        admitted
    }

    pub(crate) fn record_wrong(&self, from: IpAddr, token: &str, now: Instant) {
        let digest = self.hasher.hash_one(token);
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        limiter.record_wrong(address_group(from), digest, now);
        self.count(GuessOutcome::Wrong);
    }

    fn count(&self, outcome: GuessOutcome) {
        self.counted.get_or_create(&[("outcome", outcome)]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Guesses until it is refused; returns how many tokens were compared.
    fn guess(
        limiter: &mut GuessLimiter,
        from: IpAddr,
        tokens: std::ops::Range<u64>,
        now: Instant,
    ) -> usize {
        let looked_at = tokens.take_while(|token| {
            let admitted = limiter.admit(from, now).is_ok();
            if admitted {
                limiter.record_wrong(from, *token, now);
            }
            admitted
        });
        looked_at.count()
    }

    #[test]
    fn an_address_has_a_few_guesses_and_the_bucket_refills() {
        let start = Instant::now();
        let mut limiter = GuessLimiter::new(start);
        let from = ip("192.0.2.1");
        assert_eq!(guess(&mut limiter, from, 0..1000, start), 10);
        let refused = limiter.admit(from, start).expect_err("used up");
        assert_eq!(refused.retry_after, Duration::from_secs(5));
        let later = start + Duration::from_secs(60);
        assert_eq!(guess(&mut limiter, from, 1000..2000, later), 10);
        assert!(
            limiter.admit(ip("192.0.2.2"), later).is_ok(),
            "another address"
        );
    }

    #[test]
    fn the_limit_for_all_does_not_apply_to_loopback() {
        let start = Instant::now();
        let mut limiter = GuessLimiter::new(start);
        let mut looked_at = 0;
        for host in 0..200 {
            let from = ip(&format!("192.0.2.{host}"));
            looked_at += guess(&mut limiter, from, 0..10, start);
        }
        assert_eq!(looked_at, 100);
        assert!(limiter.admit(ip("198.51.100.1"), start).is_err());
        assert!(limiter.admit(ip("127.0.0.1"), start).is_ok());
        let later = start + Duration::from_secs(1);
        assert!(limiter.admit(ip("198.51.100.1"), later).is_ok());
    }

    #[test]
    fn the_same_wrong_token_counts_once() {
        let now = Instant::now();
        let mut limiter = GuessLimiter::new(now);
        let from = ip("192.0.2.1");
        for _ in 0..1000 {
            assert!(limiter.admit(from, now).is_ok());
            limiter.record_wrong(from, 7, now);
        }
        // Cycling through more tokens than are remembered counts as guessing.
        let cycled = (0..1000).filter(|n| {
            let admitted = limiter.admit(from, now).is_ok();
            limiter.record_wrong(from, 100 + n % 20, now);
            admitted
        });
        assert!(cycled.count() < 20);
    }

    #[test]
    fn a_refusal_is_logged_once_per_episode() {
        let start = Instant::now();
        let mut limiter = GuessLimiter::new(start);
        let from = ip("192.0.2.1");
        guess(&mut limiter, from, 0..10, start);
        let news = |limiter: &mut GuessLimiter, after: u64| {
            let refused = limiter.admit(from, start + Duration::from_millis(after));
            refused.expect_err("used up").is_first
        };
        assert!(news(&mut limiter, 0));
        assert!(!news(&mut limiter, 1) && !news(&mut limiter, 2));
        let much_later = start + LOG_INTERVAL + Duration::from_secs(1);
        guess(&mut limiter, from, 20..40, much_later);
        assert!(
            !limiter
                .admit(from, much_later)
                .expect_err("used up")
                .is_first,
            "told by the guesses"
        );
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let start = Instant::now();
        let mut limiter = GuessLimiter::new(start);
        for n in 0..20_000_u32 {
            let now = start + Duration::from_millis(u64::from(n));
            limiter.record_wrong(IpAddr::V4(n.into()), 1, now);
            assert!(limiter.by_address.len() <= ADDRESSES_MAX);
        }
    }
}
