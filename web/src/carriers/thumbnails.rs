//! Small pictures for other carriers, and of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mesh::{PictureHash, THUMBNAIL_BYTES_MAX, Thumbnails};
use stylise::{CheckedPicture, GalleryId, Limits};

/// Tried one after the other, until the picture is small enough to be sent.
const LONGEST_SIDES_PX: [u32; 4] = [480, 360, 240, 160];
/// Of pictures of others: whatever the header says, no more is decoded.
const UNTRUSTED: Limits = Limits {
    max_bytes: THUMBNAIL_BYTES_MAX,
    max_pixels: 1_000_000,
    longest_side_px: LONGEST_SIDES_PX[0],
};

type ThumbnailsById = BTreeMap<GalleryId, (PictureHash, Arc<[u8]>)>;

/// The thumbnails of the pictures that this station shares. Made once for each.
#[derive(Default)]
pub(super) struct OwnThumbnails {
    by_id: Mutex<ThumbnailsById>,
}

impl OwnThumbnails {
    /// The hash of the thumbnail of `id`, which `read` gives in full size. `None`: it is not there any more.
    pub(super) fn hash(
        &self,
        id: GalleryId,
        read: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Option<PictureHash> {
        let known = self.lock().get(&id).map(|(hash, _)| *hash);
        if known.is_some() {
            return known;
        }
        let jpeg = small(&read()?)?;
        let hash = PictureHash::of(&jpeg);
        self.lock().insert(id, (hash, jpeg.into()));
        Some(hash)
    }

    pub(super) fn keep_only(&self, ids: &[GalleryId]) {
        self.lock().retain(|id, _| ids.contains(id));
    }

    fn lock(&self) -> MutexGuard<'_, ThumbnailsById> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A JPEG that is small enough to be sent.
fn small(jpeg: &[u8]) -> Option<Vec<u8>> {
    LONGEST_SIDES_PX.into_iter().find_map(|longest_side_px| {
        let limits = Limits {
            longest_side_px,
            ..Limits::UPLOAD
        };
        let picture = CheckedPicture::read(jpeg, &limits).ok()?;
        (picture.jpeg().len() <= THUMBNAIL_BYTES_MAX).then(|| picture.jpeg().to_vec())
    })
}

impl Thumbnails for OwnThumbnails {
    fn own(&self, picture: PictureHash) -> Option<Vec<u8>> {
        let kept = self.lock();
        let found = kept.values().find(|(hash, _)| *hash == picture);
        found.map(|(_, jpeg)| jpeg.to_vec())
    }

    fn cleaned(&self, jpeg: Vec<u8>) -> Option<Vec<u8>> {
        let picture = CheckedPicture::read(&jpeg, &UNTRUSTED);
        picture.ok().map(|picture| picture.jpeg().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise: it compresses badly.
    fn noisy_jpeg(width_px: u32, height_px: u32) -> Vec<u8> {
        let noise = |x: u32, y: u32| {
            let mixed = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).rotate_left(13);
            image::Rgb(
                mixed.wrapping_mul(2_246_822_519).to_le_bytes()[..3]
                    .try_into()
                    .expect("3"),
            )
        };
        let picture = image::RgbImage::from_fn(width_px, height_px, noise);
        let mut jpeg = std::io::Cursor::new(Vec::new());
        picture
            .write_to(&mut jpeg, image::ImageFormat::Jpeg)
            .expect("written");
        jpeg.into_inner()
    }

    #[test]
    fn any_picture_becomes_small_enough_and_is_made_once() {
        let own = OwnThumbnails::default();
        let id = GalleryId::random();
        let hash = own
            .hash(id, || Some(noisy_jpeg(1280, 720)))
            .expect("a picture");
        let jpeg = own.own(hash).expect("kept");
        assert!(jpeg.len() <= THUMBNAIL_BYTES_MAX, "{}", jpeg.len());
        assert_eq!(PictureHash::of(&jpeg), hash);
        assert_eq!(own.hash(id, || panic!("made once")), Some(hash));
        own.keep_only(&[]);
        assert_eq!(own.own(hash), None);
    }

    #[test]
    fn a_picture_of_another_carrier_is_decoded_within_limits() {
        let own = OwnThumbnails::default();
        let small = small(&noisy_jpeg(300, 200)).expect("small");
        assert!(own.cleaned(small).is_some());
        assert!(own.cleaned(b"no picture".to_vec()).is_none());
        // A small file with more pixels than a thumbnail has.
        let flat = image::RgbImage::new(2000, 2000);
        let mut jpeg = std::io::Cursor::new(Vec::new());
        flat.write_to(&mut jpeg, image::ImageFormat::Jpeg)
            .expect("written");
        assert!(own.cleaned(jpeg.into_inner()).is_none());
    }
}
