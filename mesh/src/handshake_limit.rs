//! How many handshakes may be begun: each costs a signature and memory before the key of the other side is known. Pure.
//!
//! A few attempts pass at once. Beyond them the source address must be validated first (QUIC Retry, RFC 9000 8.1.2), which
//! keeps no state here, and each validated address has a token bucket of its own. So neither a flood of forged addresses
//! nor one from a real address keeps other addresses out.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use crate::token_bucket::TokenBucket;

/// Attempts of all addresses together without address validation.
const UNVALIDATED_BURST: f64 = 20.0;
const UNVALIDATED_PER_S: f64 = 5.0;
/// Attempts of one validated address.
const ADDRESS_BURST: f64 = 20.0;
const ADDRESS_PER_S: f64 = 1.0;
/// Addresses whose buckets are kept: those that are not full.
const ADDRESSES_MAX: usize = 1024;

/// What is done with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Accept,
    /// The other side must repeat it with a token that is sent to its address.
    ValidateAddress,
    Ignore,
}

#[derive(Debug)]
pub(crate) struct HandshakeLimit<Address> {
    unvalidated: TokenBucket,
    of_address: HashMap<Address, TokenBucket>,
}

impl<Address: Eq + Hash> HandshakeLimit<Address> {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            unvalidated: TokenBucket::new(UNVALIDATED_BURST, UNVALIDATED_PER_S, now),
            of_address: HashMap::new(),
        }
    }

    /// An attempt from `address`; `is_validated`: its address was validated.
    pub(crate) fn judge(&mut self, address: Address, is_validated: bool, now: Instant) -> Attempt {
        if !is_validated {
            return match self.unvalidated.take(1.0, now) {
                true => Attempt::Accept,
                false => Attempt::ValidateAddress,
            };
        }
        if self.of_address.len() >= ADDRESSES_MAX {
            self.of_address.retain(|_, bucket| !bucket.is_full(now));
        }
        // overflow: refused: so many addresses at once are a flood.
        if self.of_address.len() >= ADDRESSES_MAX && !self.of_address.contains_key(&address) {
            return Attempt::Ignore;
        }
        let full = || TokenBucket::new(ADDRESS_BURST, ADDRESS_PER_S, now);
        let bucket = self.of_address.entry(address).or_insert_with(full);
        match bucket.take(1.0, now) {
            true => Attempt::Accept,
            false => Attempt::Ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_of_forged_addresses_keeps_nobody_out() {
        let start = Instant::now();
        let mut limit = HandshakeLimit::new(start);
        let attempts = (0..10_000).map(|address| limit.judge(address, false, start));
        let accepted = attempts.filter(|one| *one == Attempt::Accept).count();
        assert_eq!(accepted, 20);
        assert_eq!(limit.judge(7, false, start), Attempt::ValidateAddress);
        assert_eq!(limit.judge(7, true, start), Attempt::Accept, "7 is real");
        assert_eq!(limit.of_address.len(), 1, "forged addresses take no memory");
    }

    #[test]
    fn a_real_address_has_a_burst_and_then_one_a_second() {
        let start = Instant::now();
        let mut limit = HandshakeLimit::new(start);
        let flood = (0..100).map(|_| limit.judge(1, true, start));
        assert_eq!(flood.filter(|one| *one == Attempt::Accept).count(), 20);
        assert_eq!(limit.judge(1, true, start), Attempt::Ignore);
        assert_eq!(limit.judge(2, true, start), Attempt::Accept, "another one");
        let later = start + Duration::from_secs(3);
        let three = [1, 1, 1].map(|address| limit.judge(address, true, later));
        assert_eq!(three, [Attempt::Accept; 3]);
        assert_eq!(limit.judge(1, true, later), Attempt::Ignore);
    }

    #[test]
    fn addresses_are_forgotten_when_their_buckets_are_full_again() {
        let start = Instant::now();
        let mut limit = HandshakeLimit::new(start);
        for address in 0..2000 {
            let expected = match address < ADDRESSES_MAX {
                true => Attempt::Accept,
                false => Attempt::Ignore,
            };
            assert_eq!(limit.judge(address, true, start), expected);
        }
        let later = start + Duration::from_secs(2);
        assert_eq!(limit.judge(5000, true, later), Attempt::Accept);
        assert_eq!(limit.of_address.len(), 1);
    }
}
