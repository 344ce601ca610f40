//! Who belongs to the carriers that this one talks to. Pure.

use std::net::SocketAddr;

use super::{Closing, Output, Protocol};
use crate::CarrierId;
use crate::members::MembersFull;

impl Protocol {
    /// Its owner was here: from now on it is a member.
    pub(crate) fn paired(
        &mut self,
        peer: CarrierId,
        name: &str,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<(), MembersFull> {
        self.members.add(peer, name, addresses)?;
        self.outputs.push_back(Output::SaveMembers);
        self.outputs.push_back(Output::Changed);
        Ok(())
    }

    /// Ends what is shared with `peer`, and removes what came from it. `false`: it was no member.
    pub(crate) fn revoke(&mut self, peer: CarrierId) -> bool {
        if !self.members.revoke(peer) {
            return false;
        }
        self.heard.remove(&peer);
        self.log.forget(peer);
        self.outputs.push_back(Output::SaveMembers);
        self.outputs.push_back(Output::SaveLog);
        self.close(peer, Closing::Revoked);
        true
    }

    /// It was reached at `address`.
    pub(crate) fn reached_at(&mut self, peer: CarrierId, address: SocketAddr) {
        if self.members.reached_at(peer, address) {
            self.outputs.push_back(Output::SaveMembers);
        }
    }
}
