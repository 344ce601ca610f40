//! Pairing over the network: one connection, one question, one answer.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use iroh::EndpointAddr;
use iroh::endpoint::{Connection, VarInt};
use iroh::protocol::{AcceptError, ProtocolHandler};
use serde::{Deserialize, Serialize};

use super::Shared;
use super::link::{CLOSE_NOT_PAIRED, ReadError, read_body};
use crate::CarrierId;
use crate::members::MembersFull;
use crate::pairing::{self, PairingCode, PairingLink, PairingSide};
use crate::wire;

const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// Both sides say this: first the one whose owner typed the code.
#[derive(Serialize, Deserialize)]
struct PairingMessage {
    name: String,
    proof: [u8; 32],
}

/// Why two carriers are not paired.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(
        "no carrier on this network shows this code: look that it is still shown, or use its link"
    )]
    NotFound,
    #[error("the carrier was not reached: {0}")]
    NotReached(String),
    #[error("the carrier does not take this code: it may be used up or older than five minutes")]
    WrongCode,
    #[error("this is the code of this carrier itself: enter it on the other one")]
    Itself,
    #[error(transparent)]
    Full(#[from] MembersFull),
}

/// Takes connections while a code is shown.
#[derive(Clone)]
pub(super) struct PairingHandler {
    shared: Weak<Shared>,
}

impl std::fmt::Debug for PairingHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairingHandler")
    }
}

impl PairingHandler {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let shared = Arc::downgrade(shared);
        Self { shared }
    }
}

impl ProtocolHandler for PairingHandler {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let Some(shared) = self.shared.upgrade() else {
            return Ok(());
        };
        let answered = tokio::time::timeout(ANSWER_WITHIN, answer(&shared, &connection)).await;
        if answered.ok().flatten().is_none() {
            connection.close(CLOSE_NOT_PAIRED, b"wrong code");
        }
        Ok(())
    }
}

/// `None`: the other one does not know the code.
async fn answer(shared: &Arc<Shared>, connection: &Connection) -> Option<()> {
    let peer = connection.remote_id();
    let (mut send, mut receive) = connection.accept_bi().await.ok()?;
    let body = read_body(&mut receive).await.ok()?;
    let asked: PairingMessage = wire::decode(&body)?;
    let now = Instant::now();
    let code = shared
        .admission
        .use_code(peer, &asked.name, &asked.proof, now)?;
    paired(shared, peer, &asked.name, connection).ok()?;
    let name = shared.name.clone();
    let proof = pairing::proof(code, PairingSide::Shows, shared.endpoint.id(), peer, &name);
    let bytes = wire::encode(&PairingMessage { name, proof })?;
    send.write_all(&bytes).await.ok()?;
    send.finish().ok()?;
    // The other one closes when it has read the answer.
    connection.closed().await;
    Some(())
}

fn paired(
    shared: &Arc<Shared>,
    peer: CarrierId,
    name: &str,
    connection: &Connection,
) -> Result<(), MembersFull> {
    let paths = connection.paths();
    let addresses: Vec<_> = paths
        .iter()
        .filter_map(|path| match path.remote_addr() {
            iroh::TransportAddr::Ip(address) => Some(*address),
            _ => None,
        })
        .collect();
    shared.act(|protocol, _| protocol.paired(peer, name, addresses))?;
    tracing::info!(carrier = %peer.fmt_short(), name, "paired with a carrier");
    shared.dial.notify_one();
    Ok(())
}

/// Pairs with the carrier of a link.
pub(super) async fn join_link(
    shared: &Arc<Shared>,
    link: &PairingLink,
) -> Result<CarrierId, JoinError> {
    if link.id == shared.endpoint.id() {
        return Err(JoinError::Itself);
    }
    let address = EndpointAddr::new(link.id);
    let mut address = link
        .addresses
        .iter()
        .copied()
        .fold(address, EndpointAddr::with_ip_addr);
    if let Some(relay) = &shared.relay {
        address = address.with_relay_url(relay.clone());
    }
    ask(shared, address, link.code).await
}

/// Pairs with the carrier on this network that shows `code`: each one that is not a member is asked.
pub(super) async fn join_nearby(
    shared: &Arc<Shared>,
    code: PairingCode,
) -> Result<CarrierId, JoinError> {
    let strangers = shared.nearby.strangers(|id| shared.admission.is_member(id));
    let asked = strangers
        .into_iter()
        .map(|address| ask(shared, address, code));
    let answers = futures_util::future::join_all(asked).await;
    let mut error = JoinError::NotFound;
    for answer in answers {
        match answer {
            Ok(peer) => return Ok(peer),
            Err(JoinError::Full(full)) => error = full.into(),
            Err(_) => {}
        }
    }
    Err(error)
}

async fn ask(
    shared: &Arc<Shared>,
    address: EndpointAddr,
    code: PairingCode,
) -> Result<CarrierId, JoinError> {
    let peer = address.id;
    let connecting = shared.endpoint.connect(address, wire::PAIRING_ALPN);
    let connection = tokio::time::timeout(CONNECT_WITHIN, connecting).await;
    let connection = connection
        .map_err(|_| JoinError::NotReached("it does not answer".to_owned()))?
        .map_err(|error| JoinError::NotReached(format!("{error:#}")))?;
    let asked = tokio::time::timeout(ANSWER_WITHIN, ask_over(shared, &connection, code)).await;
    let answer = asked.ok().flatten().ok_or(JoinError::WrongCode)?;
    // Nobody else can prove this for these two keys.
    let own = shared.endpoint.id();
    let is_right = pairing::is_proof(
        &answer.proof,
        code,
        PairingSide::Shows,
        peer,
        own,
        &answer.name,
    );
    if !is_right {
        return Err(JoinError::WrongCode);
    }
    paired(shared, peer, &answer.name, &connection)?;
    connection.close(VarInt::from_u32(0), b"paired");
    Ok(peer)
}

async fn ask_over(
    shared: &Arc<Shared>,
    connection: &Connection,
    code: PairingCode,
) -> Option<PairingMessage> {
    let (peer, own) = (connection.remote_id(), shared.endpoint.id());
    let (mut send, mut receive) = connection.open_bi().await.ok()?;
    let name = shared.name.clone();
    let proof = pairing::proof(code, PairingSide::Types, peer, own, &name);
    let bytes = wire::encode(&PairingMessage { name, proof })?;
    send.write_all(&bytes).await.ok()?;
    let body: Result<_, ReadError> = read_body(&mut receive).await;
    wire::decode(&body.ok()?)
}
