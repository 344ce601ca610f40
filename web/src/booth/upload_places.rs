//! How many photos come in at a time: in all, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use stylise::{Growth, may_take};

use crate::admission::address_group;

/// Each holds up to 12 MB until its picture is decoded.
const UPLOADS_AT_ONCE: usize = 8;
/// One address has at most six of them.
const ADDRESS_GROWTH: Growth = Growth(2);

/// Gives out places for uploads.
#[derive(Debug, Default)]
pub(crate) struct UploadPlaces(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// The place of one upload. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct UploadPlace {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl UploadPlaces {
    /// A place for an upload from `peer`; none when there is none for that address now.
    // overflow: refused and counted: the client is told when to come again.
    pub(super) fn take(&self, peer: IpAddr) -> Option<UploadPlace> {
        let address = address_group(peer);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = taken.values().sum();
        let held = taken.get(&address).copied().unwrap_or(0);
        if !may_take(held, all, UPLOADS_AT_ONCE, ADDRESS_GROWTH) {
            return None;
        }
        taken.insert(address, held + 1);
        Some(UploadPlace {
            address,
            taken: Arc::clone(&self.0),
        })
    }
}

impl Drop for UploadPlace {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = taken.get_mut(&self.address) {
            *held -= 1;
            if *held == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others_and_places_are_free_again() {
        let places = UploadPlaces::default();
        let take = |text: &str| places.take(text.parse().expect("an address"));
        let hall: Vec<_> = std::iter::from_fn(|| take("192.0.2.1")).collect();
        assert_eq!(hall.len(), 6);
        let home = take("2001:db8::1").expect("room for another address");
        let street = take("192.0.2.9").expect("and for yet another one");
        assert!(take("192.0.2.10").is_none() && take("192.0.2.1").is_none());
        drop((home, street));
        assert!(take("2001:db8::2").is_some());
        drop(hall);
        assert!(places.0.lock().expect("sound").is_empty());
    }
}
