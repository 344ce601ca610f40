//! From the thread that listens to the one that serves the viewer.
//!
//! One thread reads the socket and takes connections: what viewers send is little beside what they
//! are sent (a few reports and checks a second against some hundred packets), and a port that one
//! socket holds cannot be taken by a second program unnoticed, as with `SO_REUSEPORT`.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::BytesMut;

use crate::demux::ViewerKey;
use crate::peer::Arriving;
use crate::tcp_port::Connection;

/// What may wait for a thread: a second of a thousand viewers' reports.
const WAITING_MAX: usize = 4096;

/// Something of a viewer that another thread serves.
pub(super) enum Handed {
    Datagram {
        key: ViewerKey,
        way: Arriving,
        bytes: BytesMut,
    },
    /// A connection that has shown whose it is; what showed it follows as a datagram.
    Connection(ViewerKey, Box<Connection>),
}

/// The thread of one shard, as the one that listens sees it.
pub(super) struct Neighbour {
    sender: SyncSender<Handed>,
    waker: Arc<mio::Waker>,
    to_wake: bool,
}

impl Neighbour {
    pub(super) fn new(waker: Arc<mio::Waker>) -> (Self, Receiver<Handed>) {
        // overflow: counted, by the caller of `hand`.
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let neighbour = Self {
            sender,
            waker,
            to_wake: false,
        };
        (neighbour, receiver)
    }

    /// Hands something over; [`Self::wake`] says so. `false`: its thread is behind or gone, and this
    /// is lost as on the wire.
    pub(super) fn hand(&mut self, handed: Handed) -> bool {
        self.to_wake = true;
        // overflow: counted by the caller.
        self.sender.try_send(handed).is_ok()
    }

    /// Wakes the thread if anything was handed over: once for a whole batch.
    pub(super) fn wake(&mut self) {
        if std::mem::take(&mut self.to_wake) {
            super::wake(&self.waker);
        }
    }
}
