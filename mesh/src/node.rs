//! The mesh on the network: an endpoint, and the tasks that move messages between it and [`Protocol`].

mod admission;
mod dialling;
mod link;
mod pairing;
#[cfg(test)]
mod tests;
pub(crate) mod thumbnails;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use iroh::endpoint::{Connection, QuicTransportConfig, VarInt, presets};
use iroh::protocol::Router;
use iroh::{Endpoint, RelayMode, RelayUrl};
use tokio::sync::{Notify, mpsc, watch};

use self::admission::Admission;
use self::dialling::Nearby;
use self::link::MeshHandler;
pub use self::pairing::JoinError;
use self::pairing::PairingHandler;
use self::thumbnails::{ThumbnailCache, Thumbnails};
use crate::CarrierId;
use crate::announcement::Presence;
use crate::identity;
use crate::pairing::{PairingCode, PairingLink};
use crate::protocol::view::{CarrierStatus, GalleryItem, RoundView, SharedScore};
use crate::protocol::{Closing, Now, Output, Protocol};
use crate::record::{EventId, PictureHash, RecordBody};
use crate::rounds::{RoundError, RoundKind};
use crate::shared_log::LogFull;
use crate::slug::Slug;
use crate::storage::{Storage, StorageError};
use crate::wire::{self, Message};

/// Messages that wait for a slow connection. A whole log of records fits.
const OUTBOX: usize = 1024;
/// Streams that the other may have open: messages, and thumbnails.
const STREAMS_MAX: u32 = 5;
const RECEIVE_WINDOW_BYTES: u32 = 256 * 1024;
/// Changes of the records are written together.
const SAVE_PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two calls of [`Protocol::tick`].
const TICK_MAX: Duration = Duration::from_secs(5);

/// What the owner configured, and what the program provides.
pub struct MeshSettings {
    /// What others call this carrier.
    pub name: String,
    /// Carriers of one event share; another name begins a new one.
    pub event: String,
    /// For the key, the members and the records.
    pub folder: PathBuf,
    /// The UDP address; with port 0 any free one.
    pub listen: SocketAddr,
    /// Whether carriers on the same network are found by multicast DNS, and this one announces itself.
    pub has_mdns: bool,
    /// The owner's relay, for carriers without a direct path. Without one nothing leaves the network.
    pub relay: Option<RelayUrl>,
    /// This carrier's clock in milliseconds since 1970. It must not leap while the program runs.
    pub clock_ms: Box<dyn Fn() -> u64 + Send + Sync>,
    pub thumbnails: Arc<dyn Thumbnails>,
}

#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the carriers' port {listen} cannot be opened: {why}")]
    Bind { listen: SocketAddr, why: String },
    #[error(
        "carriers cannot be found by multicast DNS: {0}; set [mesh] mdns = false to go without"
    )]
    Mdns(String),
}

/// The mesh of this carrier. Clones are the same one.
#[derive(Clone)]
pub struct Mesh {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    endpoint: Endpoint,
    name: String,
    relay: Option<RelayUrl>,
    clock_ms: Box<dyn Fn() -> u64 + Send + Sync>,
    protocol: Mutex<Protocol>,
    connections: Mutex<HashMap<CarrierId, OpenLink>>,
    admission: Arc<Admission>,
    nearby: Nearby,
    thumbnails: ThumbnailCache,
    storage: Storage,
    /// Wakes the task that calls [`Protocol::tick`].
    wake: Notify,
    /// Wakes the task that connects to members.
    dial: Notify,
    changed: watch::Sender<u64>,
    unsaved: Mutex<Unsaved>,
    router: Mutex<Option<Router>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Unsaved {
    members: bool,
    log: bool,
    hidden: bool,
}

/// A connection whose messages are written by a task of its own.
struct OpenLink {
    connection: Connection,
    outbox: mpsc::Sender<Message>,
    /// Whether this carrier opened it.
    is_dialled: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mesh {
    /// Opens the endpoint and starts its tasks on the present runtime of tokio.
    pub async fn start(settings: MeshSettings) -> Result<Self, MeshError> {
        let storage = Storage::open(&settings.folder)?;
        let key = identity::kept_or_made(&storage)?;
        let members = storage.members()?;
        let event = EventId::of_name(&settings.event);
        storage.remove_old_events(event, SystemTime::now());
        let start = storage.count_start()?;
        let log = storage.log(event);
        let admission = Arc::new(Admission::new(key.public(), &members));
        let endpoint = open_endpoint(&settings, key.clone(), Arc::clone(&admission)).await?;
        let nearby = Nearby::new(&endpoint, settings.has_mdns).await?;
        let kept = (members, log, storage.hidden()?);
        let mut protocol = Protocol::new(key, kept, start, rand::random(), Instant::now());
        protocol.set_presence(Presence {
            name: settings.name.clone(),
            ..Presence::default()
        });
        let shared = Arc::new(Shared {
            endpoint: endpoint.clone(),
            name: settings.name,
            relay: settings.relay,
            clock_ms: settings.clock_ms,
            protocol: Mutex::new(protocol),
            connections: Mutex::default(),
            admission,
            nearby,
            thumbnails: ThumbnailCache::new(settings.thumbnails),
            storage,
            wake: Notify::new(),
            dial: Notify::new(),
            changed: watch::Sender::new(0),
            unsaved: Mutex::default(),
            router: Mutex::default(),
        });
        let router = Router::builder(endpoint)
            .incoming_filter(admission::handshake_filter())
            .accept(wire::ALPN, MeshHandler::new(&shared))
            .accept(wire::PAIRING_ALPN, PairingHandler::new(&shared))
            .spawn();
        *lock(&shared.router) = Some(router);
        tokio::spawn(tick(Arc::downgrade(&shared)));
        tokio::spawn(dialling::run(Arc::downgrade(&shared)));
        tokio::spawn(dialling::follow_nearby(Arc::downgrade(&shared)));
        tokio::spawn(thumbnails::fetch_missing(Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    #[must_use]
    pub fn id(&self) -> CarrierId {
        self.shared.endpoint.id()
    }

    /// What the others call this carrier.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The addresses at which this carrier listens.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.shared.endpoint.addr().ip_addrs().copied().collect()
    }

    /// Grows with each change of what is shown.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    pub fn set_presence(&self, presence: Presence) {
        let name = self.shared.name.clone();
        let presence = Presence { name, ..presence };
        self.shared
            .act(|protocol, _| protocol.set_presence(presence));
    }

    /// The classes that the model finds reliably: targets of rounds.
    pub fn set_findable(&self, findable: Vec<Slug>) {
        self.shared
            .act(|protocol, _| protocol.set_findable(findable));
    }

    #[must_use]
    pub fn carriers(&self) -> Vec<CarrierStatus> {
        self.shared.ask(Protocol::statuses)
    }

    /// Shares a score, a picture or a withdrawal with all carriers of the event.
    pub fn share(&self, body: RecordBody) -> Result<(), LogFull> {
        self.shared.act(|protocol, now| protocol.append(body, now))
    }

    /// The best `count` scores of `game`.
    #[must_use]
    pub fn scores(&self, game: &Slug, count: usize) -> Vec<SharedScore> {
        self.shared.ask(|protocol, _| protocol.scores(game, count))
    }

    /// The pictures of others that may be shown, with those thumbnails that are here.
    #[must_use]
    pub fn gallery(&self) -> Vec<GalleryItem> {
        let items = self.shared.ask(Protocol::gallery);
        let is_here = |item: &GalleryItem| self.shared.thumbnails.get(item.picture).is_some();
        items.into_iter().filter(is_here).collect()
    }

    /// The thumbnail of a picture of [`gallery`](Self::gallery) as JPEG. `None`: it may not be shown any more.
    #[must_use]
    pub fn thumbnail(&self, picture: PictureHash) -> Option<Arc<[u8]>> {
        let items = self.shared.ask(Protocol::gallery);
        items.iter().find(|item| item.picture == picture)?;
        self.shared.thumbnails.get(picture)
    }

    /// The pictures that this carrier shares now.
    #[must_use]
    pub fn own_pictures(&self) -> Vec<PictureHash> {
        self.shared.ask(Protocol::own_pictures)
    }

    /// Never shows a picture of another carrier here again.
    pub fn hide(&self, picture: PictureHash) {
        self.shared.act(|protocol, _| protocol.hide(picture));
    }

    /// This carrier's clock, by which pictures expire.
    #[must_use]
    pub fn clock_ms(&self) -> u64 {
        self.shared.now().clock_ms
    }

    pub fn start_round(&self, kind: RoundKind) -> Result<(), RoundError> {
        self.shared
            .act(|protocol, now| protocol.start_round(kind, now))
    }

    pub fn stop_round(&self) {
        self.shared.act(|protocol, _| protocol.stop_round());
    }

    /// The round that is played here.
    #[must_use]
    pub fn round(&self) -> Option<RoundView> {
        self.shared.ask(Protocol::round)
    }

    /// The current target of the round was seen `ago`.
    pub fn target_seen(&self, ago: Duration) {
        let ago_ms = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        self.shared.act(|protocol, now| {
            let at_ms = now.clock_ms.saturating_sub(ago_ms);
            protocol.target_seen(at_ms, now);
        });
    }

    /// Shows a code for another carrier's owner; it is valid once, for [`CODE_VALID`](crate::CODE_VALID).
    #[must_use]
    pub fn show_code(&self) -> PairingLink {
        let code = self.shared.admission.show_code(Instant::now());
        PairingLink {
            code,
            id: self.id(),
            addresses: self.addresses(),
        }
    }

    pub fn hide_code(&self) {
        self.shared.admission.hide_code();
    }

    /// Pairs with the carrier that shows `code` and is found on this network.
    pub async fn join(&self, code: PairingCode) -> Result<CarrierId, JoinError> {
        pairing::join_nearby(&self.shared, code).await
    }

    /// Pairs with the carrier of a link.
    pub async fn join_link(&self, link: &PairingLink) -> Result<CarrierId, JoinError> {
        pairing::join_link(&self.shared, link).await
    }

    /// Ends what is shared with `peer`. `false`: it was not paired.
    pub fn revoke(&self, peer: CarrierId) -> bool {
        self.shared.admission.remove(peer);
        self.shared.act(|protocol, _| protocol.revoke(peer))
    }

    /// The machine has other addresses now, or woke up.
    pub async fn network_changed(&self) {
        self.shared.endpoint.network_change().await;
        self.shared.dial.notify_one();
    }

    /// Writes what is not kept yet, and tells the others.
    pub async fn shut_down(&self) {
        self.shared.save();
        let router = lock(&self.shared.router).take();
        if let Some(router) = router {
            let _ = router.shutdown().await;
        }
    }
}

async fn open_endpoint(
    settings: &MeshSettings,
    key: iroh::SecretKey,
    admission: Arc<Admission>,
) -> Result<Endpoint, MeshError> {
    let failed = |why: String| MeshError::Bind {
        listen: settings.listen,
        why,
    };
    let transport = QuicTransportConfig::builder()
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .build();
    let relay = match settings.relay.clone() {
        Some(url) => RelayMode::custom([url]),
        None => RelayMode::Disabled,
    };
    let builder = Endpoint::builder(presets::Minimal)
        .secret_key(key)
        .relay_mode(relay)
        .transport_config(transport)
        .hooks(admission::AdmissionHook(admission))
        .clear_ip_transports()
        .bind_addr(settings.listen)
        .map_err(|error| failed(error.to_string()))?;
    builder
        .bind()
        .await
        .map_err(|error| failed(format!("{error:#}")))
}

/// Lets time pass, and writes what has changed.
async fn tick(shared: std::sync::Weak<Shared>) {
    let mut saved_at = Instant::now();
    loop {
        let Some(this) = shared.upgrade() else { return };
        if this.endpoint.is_closed() {
            return;
        }
        let next = this.act(|protocol, now| protocol.tick(now));
        if saved_at.elapsed() >= SAVE_PAUSE {
            saved_at = Instant::now();
            let saving = Arc::clone(&this);
            let _ = tokio::task::spawn_blocking(move || saving.save()).await;
        }
        let pause = next.saturating_duration_since(Instant::now()).min(TICK_MAX);
        let has_unsaved = {
            let unsaved = lock(&this.unsaved);
            unsaved.log || unsaved.members || unsaved.hidden
        };
        let pause = if has_unsaved {
            pause.min(SAVE_PAUSE)
        } else {
            pause
        };
        let woken = tokio::time::timeout(pause, this.wake.notified());
        let _ = woken.await;
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Now {
        Now {
            monotonic: Instant::now(),
            clock_ms: (self.clock_ms)(),
        }
    }

    /// Asks the protocol.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Protocol, Now) -> T) -> T {
        let now = self.now();
        ask(&lock(&self.protocol), now)
    }

    /// Acts on the protocol, and does what it says. Messages are handed over under the lock, so that their order stays.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut Protocol, Now) -> T) -> T {
        let now = self.now();
        let mut protocol = lock(&self.protocol);
        let done = act(&mut protocol, now);
        let mut must_wake = false;
        let mut slow = Vec::new();
        while let Some(output) = protocol.next_output() {
            match output {
                Output::Send { to, message } => {
                    let connections = lock(&self.connections);
                    // overflow: refused: a connection that takes nothing for so long is ended.
                    let is_full = connections
                        .get(&to)
                        .is_some_and(|link| link.outbox.try_send(message).is_err());
                    if is_full {
                        slow.push(to);
                    }
                }
                Output::Close { peer, why } => self.close(peer, why),
                Output::SaveMembers => {
                    self.admission.set_members(protocol.members());
                    lock(&self.unsaved).members = true;
                    must_wake = true;
                }
                Output::SaveLog => {
                    lock(&self.unsaved).log = true;
                    must_wake = true;
                }
                Output::SaveHidden => {
                    lock(&self.unsaved).hidden = true;
                    must_wake = true;
                }
                Output::Changed => {
                    self.changed
                        .send_modify(|changes| *changes = changes.wrapping_add(1));
                    must_wake = true;
                }
            }
        }
        for peer in slow {
            if let Some(link) = lock(&self.connections).remove(&peer) {
                protocol.disconnected(peer, link.connection.stable_id());
                link.connection.close(link::CLOSE_SLOW, b"slow");
            }
        }
        drop(protocol);
        if must_wake {
            self.wake.notify_one();
        }
        done
    }

    fn close(&self, peer: CarrierId, why: Closing) {
        if let Closing::Hostile(_) = why {
            self.admission.quarantine(peer, Instant::now());
            tracing::warn!(carrier = %peer.fmt_short(), %why, "a carrier is not talked to for a while");
        } else {
            tracing::info!(carrier = %peer.fmt_short(), %why, "the connection to a carrier ends");
        }
        if let Some(link) = lock(&self.connections).remove(&peer) {
            let reason = why.to_string();
            link.connection
                .close(link::close_code(why), reason.as_bytes());
        }
    }

    /// Writes what has changed. Blocks.
    fn save(&self) {
        let unsaved = std::mem::take(&mut *lock(&self.unsaved));
        let failed = |result: Result<(), StorageError>| {
            if let Err(error) = result {
                tracing::warn!(%error, "what carriers share is not kept");
            }
        };
        if unsaved.members {
            let members = lock(&self.protocol).members().clone();
            failed(self.storage.save_members(&members));
        }
        if unsaved.hidden {
            let hidden = lock(&self.protocol).hidden().clone();
            failed(self.storage.save_hidden(&hidden));
        }
        if unsaved.log {
            let (event, encoded) = {
                let protocol = lock(&self.protocol);
                (protocol.event(), protocol.log().encode())
            };
            failed(self.storage.save_log(event, &encoded));
        }
    }
}
