//! Takes an order back: out of the queue, off the work, its pictures overwritten, out of the history.

use std::thread;
use std::time::{Duration, Instant};

use super::answers::Place;
use super::blank::{Blanked, blank};
use super::client::{CallError, Client};
use super::errand::Errand;
use super::memo::{Memo, Names, photo_of};
use super::traces::files_of;
use crate::stylist::Ticket;

/// How long a sampler may take to notice, and a server to come back; what is left then is for
/// [`crate::Stylist::forget`].
const WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(300);

/// Whether anything of an order is left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// Nothing but pictures that the server does not let anybody overwrite.
    Pictures,
    /// Asked to stop, and not yet stopped.
    Order,
}

/// One attempt. Never stops what is not this order.
fn erase(client: &Client, ticket: &Ticket) -> Result<Left, CallError> {
    let mut names = Names::of(ticket);
    match client.place(&names)? {
        Some((order, Place::Pending { .. })) => client.unqueue(&order)?,
        Some((order, Place::Running)) => client.interrupt(&order)?,
        None => {
            if let Some((order, _)) = client.ended(&names)? {
                names.order = order;
            }
            let left = erase_pictures(client, ticket, &names)?;
            client.erase_history(&names.order)?;
            return Ok(left);
        }
    }
    Ok(Left::Order)
}

/// The photo, and all that the history names: its entry goes last.
fn erase_pictures(client: &Client, ticket: &Ticket, names: &Names) -> Result<Left, CallError> {
    let photo = photo_of(ticket);
    let history = client.history(&names.order)?;
    let mut pictures = files_of(&history, &names.order, &photo.filename).unwrap_or_default();
    pictures.extend(Memo::of(ticket).result);
    pictures.push(photo);
    pictures.dedup();
    let mut left = Left::Nothing;
    for picture in &pictures {
        if blank(client, picture)? == Blanked::Refused {
            tracing::warn!(
                server = client.endpoint.shown(),
                folder = picture.kind,
                "a visitor's picture stays on the ComfyUI server: it cannot be overwritten there"
            );
            left = Left::Pictures;
        }
    }
    Ok(left)
}

/// Attempts until nothing is left.
pub(super) fn erase_within(
    client: &Client,
    ticket: &Ticket,
    within: Duration,
) -> Result<Left, CallError> {
    let until = Instant::now() + within;
    loop {
        let left = erase(client, ticket);
        if matches!(left, Ok(Left::Nothing | Left::Pictures)) || Instant::now() >= until {
            return left;
        }
        thread::sleep(PAUSE);
    }
}

/// The same in the background. `sending`: the order may still be on its way.
pub(super) fn withdraw<T: Send + 'static>(
    client: &Client,
    ticket: &Ticket,
    sending: Option<Errand<T>>,
) {
    let (client, ticket) = (client.clone(), ticket.clone());
    let thread = thread::Builder::new().name("comfyui-withdraw".to_owned());
    let started = thread.spawn(move || {
        if let Some(sending) = sending {
            let pace = &client.endpoint.pace;
            let answered = sending.wait(pace.upload + pace.connect);
            if !matches!(answered, Some(Ok(_) | Err(CallError::Refused { .. }))) {
                thread::sleep(pace.on_its_way);
            }
        }
        let _ = erase_within(&client, &ticket, WITHIN);
    });
    if let Err(error) = started {
        tracing::warn!(%error, "an order is left to the ComfyUI server");
    }
}
