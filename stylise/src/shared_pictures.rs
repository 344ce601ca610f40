//! The pictures that visitors agreed to show, as a stylist may read them.

use crate::job::GalleryId;

/// Reads the gallery. Calls may block on the disk.
pub trait SharedPictures: Send + Sync {
    /// The pictures shown now, newest first: agreed to, neither withdrawn nor hidden by the owner.
    fn shown(&self) -> Vec<GalleryId>;

    /// One of them as JPEG; `None` when it is not shown any more.
    fn jpeg(&self, id: GalleryId) -> Option<Vec<u8>>;
}
