//! Small squares of the gallery's pictures, of which a mosaic is laid. They are kept in memory, and forgotten
//! when their picture is not shown any more.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::builtin::filters::resize;
use crate::builtin::plane::{Colour, Plane};
use crate::builtin::stages::{Stages, StyleError};
use crate::intake::formats;
use crate::intake::limits::Limits;
use crate::job::GalleryId;
use crate::shared_pictures::SharedPictures;

/// Side of a thumbnail: as large as the largest tile of a mosaic.
pub(super) const SIDE_PX: usize = 40;
/// Of the newest pictures; together about 1.5 MB.
const THUMBNAILS_MAX: usize = 300;

/// A square of a picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Thumbnail {
    /// [`SIDE_PX`] rows of as many pixels.
    pixels: Vec<[u8; 3]>,
}

impl Thumbnail {
    pub(super) fn picture(&self) -> Colour {
        let level = |level: u8| f32::from(level) / 255.0;
        Plane {
            width: SIDE_PX,
            height: SIDE_PX,
            pixels: self.pixels.iter().map(|pixel| pixel.map(level)).collect(),
        }
    }

    pub(super) fn of(jpeg: &[u8]) -> Result<Self, StyleError> {
        let limits = Limits {
            longest_side_px: 4 * SIDE_PX as u32,
            ..Limits::RESULT
        };
        let decoded = formats::decode_jpeg(jpeg, &limits);
        let raster = decoded.map_err(|error| StyleError::Failed(error.to_string()))?;
        let picture = Plane::of_raster(&raster.raster);
        let side = picture.width.min(picture.height);
        // Faces are more often above the middle of an upright picture than below.
        let (left, top) = ((picture.width - side) / 2, (picture.height - side) / 3);
        let square = picture.cropped(left, top, side, side);
        let small = resize(&square, SIDE_PX, SIDE_PX)?.clamped();
        let byte = |level: f32| (level * 255.0 + 0.5) as u8;
        Ok(Self {
            pixels: small.pixels.iter().map(|pixel| pixel.map(byte)).collect(),
        })
    }
}

/// The thumbnails of the gallery.
pub(super) struct Thumbnails {
    /// `None`: the booth is not open yet.
    gallery: Mutex<Option<Arc<dyn SharedPictures>>>,
    /// Whether visitors see the gallery now.
    is_gallery_open: Arc<AtomicBool>,
    made: Mutex<HashMap<GalleryId, Arc<Thumbnail>>>,
}

impl Thumbnails {
    pub(super) fn new(is_gallery_open: Arc<AtomicBool>) -> Self {
        Self {
            gallery: Mutex::default(),
            is_gallery_open,
            made: Mutex::default(),
        }
    }

    pub(super) fn use_gallery(&self, gallery: Arc<dyn SharedPictures>) {
        *self.gallery.lock().unwrap_or_else(PoisonError::into_inner) = Some(gallery);
    }

    /// The number of pictures that thumbnails may be made of now.
    pub(super) fn available(&self) -> usize {
        let shown = self.shown().1;
        self.forget_others(&shown);
        shown.len()
    }

    /// The thumbnails of the newest pictures, at most `most`. A picture that cannot be read has none.
    pub(super) fn read(
        &self,
        most: usize,
        stages: &Stages,
    ) -> Result<Vec<Arc<Thumbnail>>, StyleError> {
        let (gallery, shown) = self.shown();
        self.forget_others(&shown);
        let mut thumbnails = Vec::new();
        for id in shown.into_iter().take(most.min(THUMBNAILS_MAX)) {
            stages.check()?;
            let known = self.made().get(&id).cloned();
            let thumbnail = known.or_else(|| {
                let jpeg = gallery.as_ref()?.jpeg(id)?;
                let made = Arc::new(Thumbnail::of(&jpeg).ok()?);
                self.made().insert(id, Arc::clone(&made));
                Some(made)
            });
            thumbnails.extend(thumbnail);
        }
        Ok(thumbnails)
    }

    fn shown(&self) -> (Option<Arc<dyn SharedPictures>>, Vec<GalleryId>) {
        let gallery = self.gallery.lock().unwrap_or_else(PoisonError::into_inner);
        let gallery = gallery.clone();
        let is_open = self.is_gallery_open.load(Ordering::Relaxed);
        let shown = match &gallery {
            Some(gallery) if is_open => gallery.shown(),
            _ => Vec::new(),
        };
        (gallery, shown)
    }

    fn forget_others(&self, shown: &[GalleryId]) {
        let shown: HashSet<_> = shown.iter().take(THUMBNAILS_MAX).collect();
        self.made().retain(|id, _| shown.contains(id));
    }

    fn made(&self) -> MutexGuard<'_, HashMap<GalleryId, Arc<Thumbnail>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::intake::tests::samples;

    /// A gallery in memory.
    #[derive(Default)]
    pub(crate) struct MemoryGallery {
        pub(crate) pictures: Mutex<Vec<(GalleryId, Vec<u8>)>>,
        read: AtomicUsize,
    }

    impl MemoryGallery {
        pub(crate) fn of(pictures: impl IntoIterator<Item = Vec<u8>>) -> Arc<Self> {
            let pictures = pictures.into_iter().map(|jpeg| (GalleryId::random(), jpeg));
            Arc::new(Self {
                pictures: Mutex::new(pictures.collect()),
                read: AtomicUsize::new(0),
            })
        }
    }

    impl SharedPictures for MemoryGallery {
        fn shown(&self) -> Vec<GalleryId> {
            let pictures = self.pictures.lock().expect("sound");
            pictures.iter().map(|(id, _)| *id).collect()
        }

        fn jpeg(&self, id: GalleryId) -> Option<Vec<u8>> {
            self.read.fetch_add(1, Ordering::SeqCst);
            let pictures = self.pictures.lock().expect("sound");
            let found = pictures.iter().find(|(one, _)| *one == id);
            found.map(|(_, jpeg)| jpeg.clone())
        }
    }

    fn jpeg(side: usize) -> Vec<u8> {
        samples::jpeg(&samples::scene(side, side + 20), 90)
    }

    #[test]
    fn thumbnails_are_read_once_and_forgotten_with_their_picture() {
        let is_open = Arc::new(AtomicBool::new(true));
        let thumbnails = Thumbnails::new(Arc::clone(&is_open));
        let read = |most| {
            thumbnails
                .read(most, &Stages::default())
                .expect("read")
                .len()
        };
        assert_eq!((thumbnails.available(), read(10)), (0, 0));
        let broken = b"no picture".to_vec();
        let gallery = MemoryGallery::of([jpeg(30), jpeg(200), broken, jpeg(700)]);
        thumbnails.use_gallery(Arc::clone(&gallery) as Arc<dyn SharedPictures>);
        assert_eq!((thumbnails.available(), read(2), read(10)), (4, 2, 3));
        let reads = gallery.read.load(Ordering::SeqCst);
        assert_eq!(reads, 4, "each was read once");
        let withdrawn = gallery.pictures.lock().expect("sound").remove(0).0;
        assert_eq!((thumbnails.available(), read(10)), (3, 2));
        assert!(!thumbnails.made().contains_key(&withdrawn));
        is_open.store(false, Ordering::Relaxed);
        assert_eq!((thumbnails.available(), read(10)), (0, 0));
        assert!(thumbnails.made().is_empty(), "nothing of a closed gallery");
    }
}
