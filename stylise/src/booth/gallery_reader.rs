//! The gallery as stylists read it.

use std::sync::{Arc, Weak};

use crate::booth::shared::Shared;
use crate::job::GalleryId;
use crate::shared_pictures::SharedPictures;

/// Weak, since the booth owns the stylists.
pub(super) struct GalleryReader(Weak<Shared>);

impl GalleryReader {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(shared))
    }
}

impl SharedPictures for GalleryReader {
    fn shown(&self) -> Vec<GalleryId> {
        let Some(shared) = self.0.upgrade() else {
            return Vec::new();
        };
        let state = shared.lock();
        let shown = state.store.gallery(state.gallery_filter(false));
        let shown = shown.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read the gallery for a style");
            Vec::new()
        });
        let is_there = |job| !state.erased_in_memory.contains(job);
        let there = shown.iter().filter(|(job, _)| is_there(job));
        there.map(|(_, shown)| shown.id).collect()
    }

    fn jpeg(&self, id: GalleryId) -> Option<Vec<u8>> {
        let shared = self.0.upgrade()?;
        let state = shared.lock();
        let (_, file, _) = state.store.shown(id, state.gallery_filter(false)).ok()??;
        drop(state);
        // It may have been erased meanwhile.
        shared.pictures.read(&file).ok()?
    }
}
