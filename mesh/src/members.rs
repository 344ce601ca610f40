//! The carriers that this one talks to: each was paired by its owner's hand. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::CarrierId;

/// Bytes of a carrier's name.
pub const NAME_BYTES_MAX: usize = 32;
/// Carriers that one may be paired with.
pub const MEMBERS_MAX: usize = 16;
/// Addresses kept of each.
const ADDRESSES_MAX: usize = 8;

/// A carrier that is paired with this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub name: String,
    /// Where it was found last, or what the owner typed.
    #[serde(default)]
    pub addresses: Vec<SocketAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this carrier is paired with {MEMBERS_MAX} others: revoke one first")]
pub struct MembersFull;

/// The list, as it is kept in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    by_id: BTreeMap<CarrierId, Member>,
}

impl Members {
    pub(crate) fn is_member(&self, id: CarrierId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(crate) fn get(&self, id: CarrierId) -> Option<&Member> {
        self.by_id.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (CarrierId, &Member)> {
        self.by_id.iter().map(|(id, member)| (*id, member))
    }

    pub(crate) fn add(
        &mut self,
        id: CarrierId,
        name: &str,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<(), MembersFull> {
        if !self.is_member(id) && self.by_id.len() >= MEMBERS_MAX {
            return Err(MembersFull);
        }
        let name = name_of(name);
        let addresses = addresses.into_iter().take(ADDRESSES_MAX).collect();
        self.by_id.insert(id, Member { name, addresses });
        Ok(())
    }

    /// `false`: it was none.
    pub(crate) fn revoke(&mut self, id: CarrierId) -> bool {
        self.by_id.remove(&id).is_some()
    }

    /// It calls itself by another name now. `true`: that is new.
    pub(crate) fn rename(&mut self, id: CarrierId, name: &str) -> bool {
        let name = name_of(name);
        match self.by_id.get_mut(&id) {
            Some(member) if member.name != name => {
                member.name = name;
                true
            }
            _ => false,
        }
    }

    /// It was reached at `address`, which comes first from now on. `true`: that is new.
    pub(crate) fn reached_at(&mut self, id: CarrierId, address: SocketAddr) -> bool {
        let Some(member) = self.by_id.get_mut(&id) else {
            return false;
        };
        if member.addresses.first() == Some(&address) {
            return false;
        }
        member.addresses.retain(|known| *known != address);
        member.addresses.insert(0, address);
        member.addresses.truncate(ADDRESSES_MAX);
        true
    }
}

/// A name as it is shown: printable, on one line, not too long.
pub(crate) fn name_of(text: &str) -> String {
    let printable = text.chars().filter(|one| !one.is_control());
    let mut name: String = printable.collect::<String>().trim().to_owned();
    while name.len() > NAME_BYTES_MAX {
        name.pop();
    }
    if name.is_empty() {
        "carrier".clone_into(&mut name);
    }
    name
}

#[cfg(test)]
mod tests {
    use iroh::SecretKey;

    use super::*;

    fn id() -> CarrierId {
        SecretKey::generate().public()
    }

    #[test]
    fn names_are_short_and_printable() {
        assert_eq!(name_of(" north\n\u{7}"), "north");
        assert_eq!(name_of(""), "carrier");
        assert!(name_of(&"ü".repeat(100)).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn who_is_revoked_is_no_member_and_makes_room() {
        let mut members = Members::default();
        let ids: Vec<_> = (0..MEMBERS_MAX).map(|_| id()).collect();
        for id in &ids {
            members.add(*id, "one", []).unwrap();
        }
        let another = id();
        assert_eq!(members.add(another, "two", []), Err(MembersFull));
        members.add(ids[0], "renamed", []).unwrap();
        assert!(members.revoke(ids[0]));
        assert!(!members.revoke(ids[0]));
        assert!(!members.is_member(ids[0]));
        members.add(another, "two", []).unwrap();
    }

    #[test]
    fn the_address_that_works_comes_first() {
        let mut members = Members::default();
        let peer = id();
        let address = |port| SocketAddr::from(([192, 168, 1, 2], port));
        members.add(peer, "p", [address(1), address(2)]).unwrap();
        assert!(members.reached_at(peer, address(2)));
        assert!(!members.reached_at(peer, address(2)));
        assert_eq!(
            members.get(peer).unwrap().addresses,
            [address(2), address(1)]
        );
        for port in 3..40 {
            members.reached_at(peer, address(port));
        }
        assert_eq!(members.get(peer).unwrap().addresses.len(), ADDRESSES_MAX);
    }
}
