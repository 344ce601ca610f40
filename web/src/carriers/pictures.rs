//! Which pictures of the gallery other carriers may show: those whose visitors agreed to it, for as long as they do.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use mesh::{Mesh, PictureHash, RecordBody, Slug};
use stylise::GalleryPicture;

use super::thumbnails::OwnThumbnails;
use crate::app::App;

/// Of this station, the newest ones.
const SHARED_MAX: usize = 64;

/// A picture that is to be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    caption: Slug,
    expires_in_ms: u64,
}

/// Shares what visitors agreed to, and withdraws the rest. Blocks on the disk.
pub(super) fn follow_gallery(app: &App, mesh: &Mesh, thumbnails: &OwnThumbnails) {
    let Ok(booth) = app.booth.get() else { return };
    let is_open = app.settings.present().booth.gallery;
    let shown = match booth.gallery(false) {
        Ok(shown) => shown,
        Err(error) => {
            tracing::warn!(%error, "the gallery cannot be read for other carriers");
            return;
        }
    };
    let agreed = shown
        .into_iter()
        .filter(|one| is_open && one.is_on_carriers);
    let agreed: Vec<GalleryPicture> = agreed.take(SHARED_MAX).collect();
    thumbnails.keep_only(&agreed.iter().map(|one| one.id).collect::<Vec<_>>());
    let now_ms = unix_ms();
    let mut wanted = BTreeMap::new();
    for picture in &agreed {
        let read = || booth.gallery_picture(picture.id, false).ok().flatten();
        let hash = thumbnails.hash(picture.id, read);
        let caption = Slug::try_from(picture.style.as_str());
        if let (Some(hash), Ok(caption)) = (hash, caption) {
            let expires_in_ms = picture.expires_at_unix_ms.saturating_sub(now_ms);
            wanted.insert(
                hash,
                Wanted {
                    caption,
                    expires_in_ms,
                },
            );
        }
    }
    for body in changes(&wanted, &mesh.own_pictures(), mesh.clock_ms()) {
        if let Err(error) = mesh.share(body) {
            tracing::warn!(%error, "a picture is not shared with other carriers");
        }
    }
}

/// What is to be told, withdrawals first.
fn changes(
    wanted: &BTreeMap<PictureHash, Wanted>,
    shared: &[PictureHash],
    clock_ms: u64,
) -> Vec<RecordBody> {
    let gone = shared
        .iter()
        .filter(|picture| !wanted.contains_key(picture));
    let withdrawals = gone.map(|picture| RecordBody::Withdrawal { picture: *picture });
    let new = wanted
        .iter()
        .filter(|(picture, _)| !shared.contains(picture));
    let pictures = new.map(|(picture, one)| RecordBody::Picture {
        picture: *picture,
        caption: one.caption.clone(),
        expires_at_ms: clock_ms.saturating_add(one.expires_in_ms),
    });
    withdrawals.chain(pictures).collect()
}

fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_shared_and_what_is_gone_withdrawn() {
        let [kept, gone, new] = [b"kept", b"gone", b"new!"].map(|text| PictureHash::of(text));
        let one = Wanted {
            caption: Slug::try_from("comic").expect("a key"),
            expires_in_ms: 5000,
        };
        let wanted = BTreeMap::from([(kept, one.clone()), (new, one.clone())]);
        let told = changes(&wanted, &[kept, gone], 1000);
        let shared = RecordBody::Picture {
            picture: new,
            caption: one.caption,
            expires_at_ms: 6000,
        };
        assert_eq!(told, [RecordBody::Withdrawal { picture: gone }, shared]);
        assert!(changes(&wanted, &[kept, new], 1000).is_empty());
    }
}
