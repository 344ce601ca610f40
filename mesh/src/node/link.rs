//! A connection to another carrier: one stream of messages in each direction, and streams for thumbnails.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use iroh::TransportAddr;
use iroh::endpoint::{Connection, RecvStream, SendStream, VarInt};
use iroh::protocol::{AcceptError, ProtocolHandler};
use tokio::sync::mpsc;

use super::{OUTBOX, OpenLink, Shared, lock, thumbnails};
use crate::CarrierId;
use crate::protocol::{Closing, ConnectionId};
use crate::wire::{self, MESSAGE_BYTES_MAX, Message};

pub(super) const CLOSE_NOT_PAIRED: VarInt = VarInt::from_u32(1);
pub(super) const CLOSE_QUARANTINE: VarInt = VarInt::from_u32(2);
pub(super) const CLOSE_OTHER_EVENT: VarInt = VarInt::from_u32(3);
pub(super) const CLOSE_HOSTILE: VarInt = VarInt::from_u32(4);
pub(super) const CLOSE_REPLACED: VarInt = VarInt::from_u32(5);
pub(super) const CLOSE_SLOW: VarInt = VarInt::from_u32(6);
/// How long the first message may take.
const HELLO_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn close_code(why: Closing) -> VarInt {
    match why {
        Closing::OtherEvent => CLOSE_OTHER_EVENT,
        Closing::Revoked => CLOSE_NOT_PAIRED,
        Closing::Hostile(_) => CLOSE_HOSTILE,
    }
}

/// Takes connections of members.
#[derive(Clone)]
pub(super) struct MeshHandler {
    shared: Weak<Shared>,
}

impl std::fmt::Debug for MeshHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MeshHandler")
    }
}

impl MeshHandler {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let shared = Arc::downgrade(shared);
        Self { shared }
    }
}

impl ProtocolHandler for MeshHandler {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        if let Some(shared) = self.shared.upgrade() {
            serve(shared, connection, false).await;
        }
        Ok(())
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve(shared: Arc<Shared>, connection: Connection, is_dialled: bool) {
    let peer = connection.remote_id();
    // overflow: refused: the connection ends, see `Shared::act`.
    let (outbox, messages) = mpsc::channel(OUTBOX);
    let link = OpenLink {
        connection: connection.clone(),
        outbox,
        is_dialled,
    };
    if !begin(&shared, peer, link) {
        connection.close(CLOSE_REPLACED, b"there is another connection");
        return;
    }
    let why = tokio::select! {
        why = exchange(&shared, &connection, is_dialled, messages) => why,
        closed = connection.closed() => Some(format!("{closed}")),
    };
    let why = why.unwrap_or_else(|| "ended".to_owned());
    tracing::debug!(carrier = %peer.fmt_short(), why, "a connection to a carrier is over");
    connection.close(VarInt::from_u32(0), b"");
    end(&shared, peer, &connection);
}

/// Makes `link` the connection to `peer`. `false`: there is one that stays. Both sides decide alike: the one that the
/// smaller key opened stays, and of two that one side opened the newer one. All under the protocol's lock: nothing is sent
/// over the new connection before its hello.
fn begin(shared: &Arc<Shared>, peer: CarrierId, link: OpenLink) -> bool {
    let is_preferred = link.is_dialled == (shared.endpoint.id() < peer);
    let (address, id) = (
        selected_address(&link.connection),
        link.connection.stable_id(),
    );
    shared.act(|protocol, now| {
        let mut connections = lock(&shared.connections);
        if let Some(old) = connections.get(&peer) {
            let is_open = old.connection.close_reason().is_none();
            if is_open && old.is_dialled != link.is_dialled && !is_preferred {
                return false;
            }
            old.connection
                .close(CLOSE_REPLACED, b"there is another connection");
        }
        connections.insert(peer, link);
        drop(connections);
        protocol.connected(peer, id, now);
        if let Some(address) = address {
            protocol.reached_at(peer, address);
        }
        true
    })
}

fn end(shared: &Arc<Shared>, peer: CarrierId, connection: &Connection) {
    let id = connection.stable_id();
    shared.act(|protocol, _| {
        let mut connections = lock(&shared.connections);
        let is_this = |link: &OpenLink| link.connection.stable_id() == id;
        if connections.get(&peer).is_some_and(is_this) {
            connections.remove(&peer);
        }
        drop(connections);
        protocol.disconnected(peer, id);
    });
    shared.dial.notify_one();
}

/// Where the other one is, without a relay.
fn selected_address(connection: &Connection) -> Option<std::net::SocketAddr> {
    let paths = connection.paths();
    let mut direct = paths.iter().filter_map(|path| match path.remote_addr() {
        TransportAddr::Ip(address) if path.is_selected() => Some(*address),
        _ => None,
    });
    direct.next()
}

/// Messages in both directions, until one of them ends; gives the reason, if there is one.
async fn exchange(
    shared: &Arc<Shared>,
    connection: &Connection,
    is_dialled: bool,
    messages: mpsc::Receiver<Message>,
) -> Option<String> {
    let opened = async {
        if is_dialled {
            connection.open_bi().await
        } else {
            connection.accept_bi().await
        }
    };
    let (send, receive) = match tokio::time::timeout(HELLO_WITHIN, opened).await {
        Ok(Ok(streams)) => streams,
        Ok(Err(error)) => return Some(error.to_string()),
        Err(_) => return Some("the other carrier says nothing".to_owned()),
    };
    tokio::select! {
        error = write(send, messages) => error,
        error = read(shared, (connection.remote_id(), connection.stable_id()), receive) => error,
        error = thumbnails::serve(shared, connection) => error,
    }
}

async fn write(mut send: SendStream, mut messages: mpsc::Receiver<Message>) -> Option<String> {
    while let Some(message) = messages.recv().await {
        let Some(bytes) = wire::encode(&message) else {
            continue;
        };
        if let Err(error) = send.write_all(&bytes).await {
            return Some(error.to_string());
        }
    }
    None
}

async fn read(
    shared: &Arc<Shared>,
    from: (CarrierId, ConnectionId),
    mut receive: RecvStream,
) -> Option<String> {
    let started = Instant::now();
    let mut has_read = false;
    loop {
        let next = read_body(&mut receive);
        let body = if has_read {
            next.await
        } else {
            let left = HELLO_WITHIN.saturating_sub(started.elapsed());
            match tokio::time::timeout(left, next).await {
                Ok(body) => body,
                Err(_) => return Some("the other carrier says nothing".to_owned()),
            }
        };
        has_read = true;
        let message = match body {
            Ok(body) => wire::decode(&body).map(|message| (message, body.len())),
            Err(ReadError::TooLong) => None,
            Err(ReadError::Ended(why)) => return Some(why),
        };
        match message {
            Some((message, bytes)) => {
                shared.act(|protocol, now| protocol.received(from, message, bytes, now));
            }
            None => {
                let why = Closing::Hostile("no message of this protocol");
                shared.act(|protocol, _| protocol.drop_peer(from.0, from.1, why));
                return None;
            }
        }
    }
}

pub(super) enum ReadError {
    TooLong,
    Ended(String),
}

/// The body of the next message.
pub(super) async fn read_body(receive: &mut RecvStream) -> Result<Vec<u8>, ReadError> {
    let ended = |error: String| ReadError::Ended(error);
    let mut length = [0; 4];
    let read = receive.read_exact(&mut length).await;
    read.map_err(|error| ended(error.to_string()))?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MESSAGE_BYTES_MAX {
        return Err(ReadError::TooLong);
    }
    let mut body = vec![0; length];
    let read = receive.read_exact(&mut body).await;
    read.map_err(|error| ended(error.to_string()))?;
    Ok(body)
}
