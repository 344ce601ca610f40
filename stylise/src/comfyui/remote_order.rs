//! What is stored about an order beside its id: the server's id, and the locations of its pictures.

use serde::{Deserialize, Serialize};

use crate::comfyui::events::PictureRef;
use crate::stylist::RemoteOrder;

/// Stored as JSON in [`RemoteOrder::details`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RemoteDetails {
    /// The photo may have been uploaded, and the order was not sent.
    pub(super) only_photo: bool,
    /// The server's id of the order, if the server assigns ids itself, as ComfyUI did before July 2025.
    pub(super) order: Option<String>,
    /// The location of the photo, if the server changed its name.
    pub(super) photo: Option<PictureRef>,
    /// The location of the result, once known.
    pub(super) result: Option<PictureRef>,
}

impl RemoteDetails {
    /// Unreadable details were written by another version and count as empty.
    pub(super) fn of(remote: &RemoteOrder) -> Self {
        let text = remote.details.as_deref().unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(super) fn store_in(&self, remote: &mut RemoteOrder) {
        remote.details = (*self != Self::default())
            .then(|| serde_json::to_string(self).ok())
            .flatten();
    }
}

/// The ids of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OrderNames {
    /// Our id of the order, which is also its client id for events.
    pub(super) client: String,
    /// The server's id of the order.
    pub(super) order: String,
}

impl OrderNames {
    pub(super) fn of(remote: &RemoteOrder) -> Self {
        let client = remote.id.to_string();
        let order = RemoteDetails::of(remote)
            .order
            .unwrap_or_else(|| client.clone());
        Self { client, order }
    }
}

/// The location of an order's photo, unless the server changed it.
pub(super) fn photo_file(remote: &RemoteOrder) -> PictureRef {
    RemoteDetails::of(remote)
        .photo
        .unwrap_or_else(|| PictureRef {
            filename: format!("carrier-{}.jpg", remote.id),
            subfolder: String::new(),
            kind: "temp".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn details_round_trip_and_unreadable_ones_are_empty() {
        let mut remote = RemoteOrder {
            id: Uuid::from_u128(1),
            sends: 1,
            details: None,
        };
        assert_eq!(RemoteDetails::of(&remote), RemoteDetails::default());
        assert_eq!(
            photo_file(&remote).filename,
            format!("carrier-{}.jpg", remote.id)
        );
        let mut details = RemoteDetails {
            order: Some("theirs".to_owned()),
            ..RemoteDetails::default()
        };
        details.store_in(&mut remote);
        assert_eq!(RemoteDetails::of(&remote), details);
        let names = OrderNames::of(&remote);
        assert_eq!(
            (names.client, names.order.as_str()),
            (remote.id.to_string(), "theirs")
        );
        details.order = None;
        details.store_in(&mut remote);
        assert_eq!(remote.details, None);
        remote.details = Some("from the future".to_owned());
        assert_eq!(RemoteDetails::of(&remote), RemoteDetails::default());
    }
}
