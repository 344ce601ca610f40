//! What is written down of an order beside its ticket: what the server calls it, and where its pictures
//! lie there.

use serde::{Deserialize, Serialize};

use super::events::PictureRef;
use crate::stylist::Ticket;

/// In the ticket's memo, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memo {
    /// The photo was about to be sent, and no order yet.
    pub(super) only_photo: bool,
    /// The order's name at a server that gives names itself, as ComfyUI did before July 2025.
    pub(super) order: Option<String>,
    /// The visitor's photo, as the server calls it. Kept once the server renamed it.
    pub(super) photo: Option<PictureRef>,
    /// The result, once it is known where it lies.
    pub(super) result: Option<PictureRef>,
}

impl Memo {
    /// An unreadable one is of another version, and tells nothing.
    pub(super) fn of(ticket: &Ticket) -> Self {
        let text = ticket.memo.as_deref().unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(super) fn onto(&self, ticket: &mut Ticket) {
        ticket.memo = (*self != Self::default())
            .then(|| serde_json::to_string(self).ok())
            .flatten();
    }
}

/// The names of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// Ours for the order, and for the client that its events go to.
    pub(super) client: String,
    /// The server's own.
    pub(super) order: String,
}

impl Names {
    pub(super) fn of(ticket: &Ticket) -> Self {
        let client = ticket.id.to_string();
        let order = Memo::of(ticket).order.unwrap_or_else(|| client.clone());
        Self { client, order }
    }
}

/// What the photo of an order is called before the server says otherwise.
pub(super) fn photo_of(ticket: &Ticket) -> PictureRef {
    Memo::of(ticket).photo.unwrap_or_else(|| PictureRef {
        filename: format!("carrier-{}.jpg", ticket.id),
        subfolder: String::new(),
        kind: "temp".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_ticket_carries_its_memo_and_an_old_one_has_none() {
        let mut ticket = Ticket {
            id: Uuid::from_u128(1),
            sends: 1,
            memo: None,
        };
        assert_eq!(Memo::of(&ticket), Memo::default());
        assert_eq!(
            photo_of(&ticket).filename,
            format!("carrier-{}.jpg", ticket.id)
        );
        let mut memo = Memo {
            order: Some("theirs".to_owned()),
            ..Memo::default()
        };
        memo.onto(&mut ticket);
        assert_eq!(Memo::of(&ticket), memo);
        let names = Names::of(&ticket);
        assert_eq!(
            (names.client, names.order.as_str()),
            (ticket.id.to_string(), "theirs")
        );
        memo.order = None;
        memo.onto(&mut ticket);
        assert_eq!(ticket.memo, None);
        ticket.memo = Some("from the future".to_owned());
        assert_eq!(Memo::of(&ticket), Memo::default());
    }
}
