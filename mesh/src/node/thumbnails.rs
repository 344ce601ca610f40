//! Thumbnails of pictures that visitors agreed to show on all carriers: asked for by hash, checked, encoded again.
//!
//! They are kept in memory only, for as long as they may be shown.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use iroh::endpoint::{Connection, RecvStream, SendStream};

use super::{Shared, lock};
use crate::CarrierId;
use crate::protocol::view::GalleryItem;
use crate::protocol::{Closing, ConnectionId};
use crate::record::PictureHash;
use crate::wire::THUMBNAIL_BYTES_MAX;

/// Between two requests of one carrier: a whole gallery takes ten seconds.
const SERVE_PAUSE: Duration = Duration::from_millis(50);
const FETCH_WITHIN: Duration = Duration::from_secs(30);
/// Before a thumbnail that did not come is asked for again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// What the program does with pictures. Calls may block.
pub trait Thumbnails: Send + Sync {
    /// The thumbnail of a picture that this carrier shares, as JPEG of at most [`THUMBNAIL_BYTES_MAX`].
    fn own(&self, picture: PictureHash) -> Option<Vec<u8>>;

    /// The picture, decoded defensively and encoded again; `None`: it is no small picture.
    fn cleaned(&self, jpeg: Vec<u8>) -> Option<Vec<u8>>;
}

pub(super) struct ThumbnailCache {
    pictures: Arc<dyn Thumbnails>,
    by_hash: Mutex<BTreeMap<PictureHash, Arc<[u8]>>>,
}

impl ThumbnailCache {
    pub(super) fn new(pictures: Arc<dyn Thumbnails>) -> Self {
        let by_hash = Mutex::default();
        Self { pictures, by_hash }
    }

    pub(super) fn get(&self, picture: PictureHash) -> Option<Arc<[u8]>> {
        lock(&self.by_hash).get(&picture).cloned()
    }

    /// Removes what may not be shown any more.
    fn keep_only(&self, items: &[GalleryItem]) {
        let is_shown = |picture: &PictureHash| items.iter().any(|item| item.picture == *picture);
        lock(&self.by_hash).retain(|picture, _| is_shown(picture));
    }
}

/// Answers requests of the other carrier; gives why that ended.
pub(super) async fn serve(shared: &Arc<Shared>, connection: &Connection) -> Option<String> {
    loop {
        match connection.accept_bi().await {
            Ok((send, receive)) => serve_one(shared, send, receive).await,
            Err(error) => return Some(error.to_string()),
        }
        tokio::time::sleep(SERVE_PAUSE).await;
    }
}

async fn serve_one(shared: &Arc<Shared>, mut send: SendStream, mut receive: RecvStream) {
    let mut hash = [0; 32];
    let asked = tokio::time::timeout(FETCH_WITHIN, receive.read_exact(&mut hash)).await;
    if !matches!(asked, Ok(Ok(()))) {
        return;
    }
    let picture = PictureHash(hash);
    if shared.ask(|protocol, now| protocol.is_shared_here(picture, now)) {
        let pictures = Arc::clone(&shared.thumbnails.pictures);
        let read = tokio::task::spawn_blocking(move || pictures.own(picture)).await;
        if let Some(jpeg) = read.ok().flatten() {
            let _ = tokio::time::timeout(FETCH_WITHIN, send.write_all(&jpeg)).await;
        }
    }
    // Without content: it is not shown here any more.
    let _ = send.finish();
}

enum Fetched {
    Picture(Arc<[u8]>),
    /// It is not there now.
    Nothing,
    /// It is not what its owner said.
    Lie(&'static str),
}

/// Asks for the thumbnails of the gallery that are not here, one after the other, and forgets those that may not be
/// shown any more.
pub(super) async fn fetch_missing(shared: Weak<Shared>) {
    let mut tried: HashMap<PictureHash, Instant> = HashMap::new();
    loop {
        let Some(this) = shared.upgrade() else { return };
        let mut changes = this.changed.subscribe();
        let items = this.ask(crate::protocol::Protocol::gallery);
        this.thumbnails.keep_only(&items);
        let now = Instant::now();
        tried.retain(|_, at| now.saturating_duration_since(*at) < RETRY_AFTER);
        for item in items {
            let is_here = this.thumbnails.get(item.picture).is_some();
            if is_here || tried.contains_key(&item.picture) {
                continue;
            }
            let connection = lock(&this.connections)
                .get(&item.owner)
                .map(|link| link.connection.clone());
            let Some(connection) = connection else {
                continue;
            };
            tried.insert(item.picture, now);
            let fetched = fetch(&this, &connection, item.picture);
            let fetched = tokio::time::timeout(FETCH_WITHIN, fetched).await;
            take(
                &this,
                (item.owner, connection.stable_id()),
                item.picture,
                fetched.unwrap_or(Fetched::Nothing),
            );
        }
        drop(this);
        let changed = tokio::time::timeout(Duration::from_secs(5), changes.changed());
        let _ = changed.await;
    }
}

fn take(
    shared: &Arc<Shared>,
    (owner, connection): (CarrierId, ConnectionId),
    picture: PictureHash,
    fetched: Fetched,
) {
    match fetched {
        Fetched::Picture(jpeg) => {
            // It may have been withdrawn while it was on its way.
            let items = shared.ask(crate::protocol::Protocol::gallery);
            if items.iter().any(|item| item.picture == picture) {
                lock(&shared.thumbnails.by_hash).insert(picture, jpeg);
                shared
                    .changed
                    .send_modify(|changes| *changes = changes.wrapping_add(1));
            }
        }
        Fetched::Nothing => {}
        Fetched::Lie(why) => {
            let why = Closing::Hostile(why);
            shared.act(|protocol, _| protocol.drop_peer(owner, connection, why));
        }
    }
}

async fn fetch(shared: &Arc<Shared>, connection: &Connection, picture: PictureHash) -> Fetched {
    let Ok((mut send, mut receive)) = connection.open_bi().await else {
        return Fetched::Nothing;
    };
    if send.write_all(&picture.0).await.is_err() || send.finish().is_err() {
        return Fetched::Nothing;
    }
    let jpeg = match receive.read_to_end(THUMBNAIL_BYTES_MAX).await {
        Ok(jpeg) => jpeg,
        Err(iroh::endpoint::ReadToEndError::TooLong) => {
            return Fetched::Lie("a thumbnail that is too long");
        }
        Err(_) => return Fetched::Nothing,
    };
    if jpeg.is_empty() {
        return Fetched::Nothing;
    }
    if PictureHash::of(&jpeg) != picture {
        return Fetched::Lie("a thumbnail that is another one");
    }
    let pictures = Arc::clone(&shared.thumbnails.pictures);
    let cleaned = tokio::task::spawn_blocking(move || pictures.cleaned(jpeg)).await;
    match cleaned.ok().flatten() {
        Some(jpeg) => Fetched::Picture(jpeg.into()),
        None => Fetched::Lie("a thumbnail that is no picture"),
    }
}
