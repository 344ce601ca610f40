//! How many tokens may be guessed, from one address and in all. A wrong token that comes again and again,
//! as from a player with an old one, teaches nothing and counts once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::admission::address_group;

const PER_ADDRESS: Allowance = Allowance {
    at_once: 10.0,
    per_second: 0.2,
};
const IN_ALL: Allowance = Allowance {
    at_once: 100.0,
    per_second: 10.0,
};
/// Bounds the memory. Who has more addresses is held by the limit for all.
const ADDRESSES_MAX: usize = 4096;
/// Wrong tokens of one address that are known when they come again.
const REMEMBERED: usize = 8;
/// After so long without a refusal the next one is logged again.
const EPISODE: Duration = Duration::from_mins(10);

/// So many at once, and so many more each second.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    at_once: f64,
    per_second: f64,
}

#[derive(Debug)]
struct Budget {
    guesses: f64,
    at: Instant,
}

impl Budget {
    fn whole(allowance: Allowance, now: Instant) -> Self {
        Self {
            guesses: allowance.at_once,
            at: now,
        }
    }

    fn renew(&mut self, allowance: Allowance, now: Instant) {
        let passed_s = now.saturating_duration_since(self.at).as_secs_f64();
        self.guesses = (self.guesses + passed_s * allowance.per_second).min(allowance.at_once);
        self.at = now;
    }

    /// How long until there is another guess; none where there is one now.
    fn wait(&self, allowance: Allowance) -> Option<Duration> {
        let missing = 1.0 - self.guesses;
        (missing > 0.0).then(|| Duration::from_secs_f64(missing / allowance.per_second))
    }
}

#[derive(Debug)]
struct Guesser {
    budget: Budget,
    /// Digests of wrong tokens, newest last.
    wrong: Vec<u64>,
}

/// No more guesses for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyGuesses {
    pub(crate) retry_after: Duration,
    /// The first refusal for a while: worth a line in the log.
    pub(crate) is_news: bool,
}

/// Pure: the bookkeeping, on whatever clock `now` is of.
#[derive(Debug)]
struct Book {
    by_address: HashMap<IpAddr, Guesser>,
    in_all: Budget,
    refused_at: Option<Instant>,
}

impl Book {
    fn new(now: Instant) -> Self {
        Self {
            by_address: HashMap::new(),
            in_all: Budget::whole(IN_ALL, now),
            refused_at: None,
        }
    }

    /// Whether a token from this address is looked at. `address` is one address_group.
    fn admit(&mut self, address: IpAddr, now: Instant) -> Result<(), TooManyGuesses> {
        let own = self.by_address.get_mut(&address).and_then(|guesser| {
            guesser.budget.renew(PER_ADDRESS, now);
            guesser.budget.wait(PER_ADDRESS)
        });
        self.in_all.renew(IN_ALL, now);
        // Whoever sits at this machine gets in while others guess.
        let in_all = self.in_all.wait(IN_ALL).filter(|_| !address.is_loopback());
        let Some(retry_after) = own.max(in_all) else {
            return Ok(());
        };
        let is_quiet = |at: Instant| now.saturating_duration_since(at) >= EPISODE;
        let is_news = self.refused_at.is_none_or(is_quiet);
        self.refused_at = Some(now);
        Err(TooManyGuesses {
            retry_after,
            is_news,
        })
    }

    /// A token that was looked at and opens nothing. `digest` stands for it.
    fn wrong(&mut self, address: IpAddr, digest: u64, now: Instant) {
        // overflow: counted: whoever is forgotten has its whole budget again, within the limit for all.
        if self.by_address.len() >= ADDRESSES_MAX && !self.by_address.contains_key(&address) {
            self.forget(now);
        }
        let guesser = self.by_address.entry(address).or_insert_with(|| Guesser {
            budget: Budget::whole(PER_ADDRESS, now),
            wrong: Vec::new(),
        });
        if guesser.wrong.contains(&digest) {
            return;
        }
        if guesser.wrong.len() >= REMEMBERED {
            guesser.wrong.remove(0);
        }
        guesser.wrong.push(digest);
        guesser.budget.guesses -= 1.0;
        self.in_all.guesses -= 1.0;
    }

    /// Makes room: all whose budget is whole again, else the half that has the most left.
    fn forget(&mut self, now: Instant) {
        for guesser in self.by_address.values_mut() {
            guesser.budget.renew(PER_ADDRESS, now);
        }
        self.by_address
            .retain(|_, guesser| guesser.budget.guesses < PER_ADDRESS.at_once);
        if self.by_address.len() < ADDRESSES_MAX {
            return;
        }
        let mut left: Vec<f64> = self.by_address.values().map(|g| g.budget.guesses).collect();
        left.sort_by(f64::total_cmp);
        let median = left.get(left.len() / 2).copied().unwrap_or_default();
        self.by_address
            .retain(|_, guesser| guesser.budget.guesses < median);
        if self.by_address.len() >= ADDRESSES_MAX {
            self.by_address.clear();
        }
    }
}

/// What became of a token that opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Outcome {
    Wrong,
    Refused,
}

/// Shared by every request.
#[derive(Debug)]
pub(crate) struct Guesses {
    book: Mutex<Book>,
    hasher: RandomState,
    counted: Family<[(&'static str, Outcome); 1], Counter>,
}

impl Guesses {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            book: Mutex::new(Book::new(now)),
            hasher: RandomState::new(),
            counted: Family::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Tokens that open nothing: looked at, or refused unseen";
        registry.register("carrier_token_guesses", help, self.counted.clone());
    }

    /// Whether a token from this address is looked at.
    pub(crate) fn admit(&self, from: IpAddr, now: Instant) -> Result<(), TooManyGuesses> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = book.admit(address_group(from), now);
        if admitted.is_err() {
            self.count(Outcome::Refused);
        }
        admitted
    }

    /// This token was looked at and opens nothing.
    pub(crate) fn wrong(&self, from: IpAddr, token: &str, now: Instant) {
        let digest = self.hasher.hash_one(token);
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.wrong(address_group(from), digest, now);
        self.count(Outcome::Wrong);
    }

    fn count(&self, outcome: Outcome) {
        self.counted.get_or_create(&[("outcome", outcome)]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Guesses until it is refused; how many were looked at.
    fn guess(book: &mut Book, from: IpAddr, tokens: std::ops::Range<u64>, now: Instant) -> usize {
        let looked_at = tokens.take_while(|token| {
            let admitted = book.admit(from, now).is_ok();
            if admitted {
                book.wrong(from, *token, now);
            }
            admitted
        });
        looked_at.count()
    }

    #[test]
    fn an_address_has_a_few_guesses_and_more_with_time() {
        let start = Instant::now();
        let mut book = Book::new(start);
        let from = ip("192.0.2.1");
        assert_eq!(guess(&mut book, from, 0..1000, start), 10);
        let refused = book.admit(from, start).expect_err("used up");
        assert_eq!(refused.retry_after, Duration::from_secs(5));
        let later = start + Duration::from_secs(60);
        assert_eq!(guess(&mut book, from, 1000..2000, later), 10);
        assert!(
            book.admit(ip("192.0.2.2"), later).is_ok(),
            "another address"
        );
    }

    #[test]
    fn all_together_have_a_limit_that_this_machine_does_not_share() {
        let start = Instant::now();
        let mut book = Book::new(start);
        let mut looked_at = 0;
        for host in 0..200 {
            let from = ip(&format!("192.0.2.{host}"));
            looked_at += guess(&mut book, from, 0..10, start);
        }
        assert_eq!(looked_at, 100);
        assert!(book.admit(ip("198.51.100.1"), start).is_err());
        assert!(book.admit(ip("127.0.0.1"), start).is_ok());
        let later = start + Duration::from_secs(1);
        assert!(book.admit(ip("198.51.100.1"), later).is_ok());
    }

    #[test]
    fn the_same_wrong_token_counts_once() {
        let now = Instant::now();
        let mut book = Book::new(now);
        let from = ip("192.0.2.1");
        for _ in 0..1000 {
            assert!(book.admit(from, now).is_ok());
            book.wrong(from, 7, now);
        }
        // Cycling through more than are remembered is guessing.
        let cycled = (0..1000).filter(|n| {
            let admitted = book.admit(from, now).is_ok();
            book.wrong(from, 100 + n % 20, now);
            admitted
        });
        assert!(cycled.count() < 20);
    }

    #[test]
    fn a_refusal_is_news_once_in_a_while() {
        let start = Instant::now();
        let mut book = Book::new(start);
        let from = ip("192.0.2.1");
        guess(&mut book, from, 0..10, start);
        let news = |book: &mut Book, after: u64| {
            let refused = book.admit(from, start + Duration::from_millis(after));
            refused.expect_err("used up").is_news
        };
        assert!(news(&mut book, 0));
        assert!(!news(&mut book, 1) && !news(&mut book, 2));
        let much_later = start + EPISODE + Duration::from_secs(1);
        guess(&mut book, from, 20..40, much_later);
        assert!(
            !book.admit(from, much_later).expect_err("used up").is_news,
            "told by the guesses"
        );
    }

    #[test]
    fn the_book_of_addresses_is_bounded() {
        let start = Instant::now();
        let mut book = Book::new(start);
        for n in 0..20_000_u32 {
            let now = start + Duration::from_millis(u64::from(n));
            book.wrong(IpAddr::V4(n.into()), 1, now);
            assert!(book.by_address.len() <= ADDRESSES_MAX);
        }
    }
}
