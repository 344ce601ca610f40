//! Erases an order on the server: removes it from the queue or interrupts it, overwrites its pictures
//! (ComfyUI cannot delete files), checks that, and deletes its history entry.

use std::io::Cursor;
use std::thread;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Luma};

use crate::comfyui::answers::{QueuePlace, pictures_of_order};
use crate::comfyui::client::{BackgroundCall, Client};
use crate::comfyui::events::PictureRef;
use crate::comfyui::remote_order::{OrderNames, RemoteDetails, photo_file};
use crate::comfyui::server_error::CallError;
use crate::stylist::RemoteOrder;

/// Time for a sampler to notice an interrupt and for a server to come back. [`crate::Stylist::forget`] does
/// the rest.
const WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(300);

/// What is left of an order on the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remaining {
    Nothing,
    /// Pictures that the server does not allow to be overwritten.
    Pictures,
    /// The order was asked to stop and still runs.
    Order,
}

/// One attempt. Never stops another order.
fn erase(client: &Client, remote: &RemoteOrder) -> Result<Remaining, CallError> {
    let mut names = OrderNames::of(remote);
    match client.queue_place(&names)? {
        Some((order, QueuePlace::Pending { .. })) => client.unqueue(&order)?,
        Some((order, QueuePlace::Running)) => client.interrupt(&order)?,
        None => {
            if let Some((order, _)) = client.ended(&names)? {
                names.order = order;
            }
            let left = erase_pictures(client, remote, &names)?;
            client.erase_history(&names.order)?;
            return Ok(left);
        }
    }
    Ok(Remaining::Order)
}

/// Overwrites the photo and all derived pictures of the history entry, which is deleted last.
fn erase_pictures(
    client: &Client,
    remote: &RemoteOrder,
    names: &OrderNames,
) -> Result<Remaining, CallError> {
    let photo = photo_file(remote);
    let history = client.history(&names.order)?;
    let mut pictures =
        pictures_of_order(&history, &names.order, &photo.filename).unwrap_or_default();
    pictures.extend(RemoteDetails::of(remote).result);
    pictures.push(photo);
    pictures.dedup();
    let mut left = Remaining::Nothing;
    for picture in &pictures {
        if overwrite_with_blank(client, picture)? == OverwriteResult::Refused {
            tracing::warn!(
                server = client.endpoint.shown(),
                folder = picture.kind,
                "a visitor's picture stays on the ComfyUI server, which does not allow overwriting"
            );
            left = Remaining::Pictures;
        }
    }
    Ok(left)
}

/// Repeats attempts until nothing is left or the time is over.
pub(super) fn erase_within(
    client: &Client,
    remote: &RemoteOrder,
    within: Duration,
) -> Result<Remaining, CallError> {
    let until = Instant::now() + within;
    loop {
        let left = erase(client, remote);
        if matches!(left, Ok(Remaining::Nothing | Remaining::Pictures)) || Instant::now() >= until {
            return left;
        }
        thread::sleep(PAUSE);
    }
}

/// Erases an order on a background thread. `sending`: a request of the order that may still be under way.
pub(super) fn withdraw_in_background<T: Send + 'static>(
    client: &Client,
    remote: &RemoteOrder,
    sending: Option<BackgroundCall<T>>,
) {
    let (client, remote) = (client.clone(), remote.clone());
    let thread = thread::Builder::new().name("comfyui-withdraw".to_owned());
    let started = thread.spawn(move || {
        if let Some(sending) = sending {
            let timeouts = &client.endpoint.timeouts;
            let answered = sending.wait(timeouts.upload + timeouts.connect);
            if !matches!(answered, Some(Ok(_) | Err(CallError::Refused { .. }))) {
                thread::sleep(timeouts.unconfirmed);
            }
        }
        let _ = erase_within(&client, &remote, WITHIN);
    });
    if let Err(error) = started {
        tracing::warn!(%error, "cannot start a thread to withdraw an order");
    }
}

/// The result of overwriting a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OverwriteResult {
    /// The picture is gone; this was checked.
    Verified,
    /// The server, or a proxy in front of it, does not allow it.
    Refused,
}

/// Replaces a picture by a grey pixel.
pub(super) fn overwrite_with_blank(
    client: &Client,
    picture: &PictureRef,
) -> Result<OverwriteResult, CallError> {
    overwrite(client, picture, &point(GREY))
}

/// Whether the server allows pictures to be overwritten, tried with a test picture.
pub(super) fn can_overwrite(client: &Client) -> Result<bool, CallError> {
    let own = PictureRef {
        filename: "carrier-check.jpg".to_owned(),
        subfolder: String::new(),
        kind: "temp".to_owned(),
    };
    for shade in [GREY / 2, GREY] {
        if overwrite(client, &own, &point(shade))? == OverwriteResult::Refused {
            return Ok(false);
        }
    }
    Ok(true)
}

fn overwrite(client: &Client, at: &PictureRef, with: &[u8]) -> Result<OverwriteResult, CallError> {
    let put = match client.upload(at, with) {
        // A server that answers other calls but breaks off this one twice refuses it.
        Err(CallError::Unreachable(_)) => match client.upload(at, with) {
            Err(CallError::Unreachable(why)) => {
                client
                    .check_reachable()
                    .map_err(|_| CallError::Unreachable(why))?;
                return Ok(OverwriteResult::Refused);
            }
            again => again,
        },
        first => first,
    };
    match put {
        Ok(_) => {}
        Err(error @ CallError::Unreachable(_)) => return Err(error),
        Err(CallError::Refused { status, .. }) if is_passing(status) => {
            return Err(CallError::Unreachable(format!("HTTP {status}")));
        }
        Err(_) => return Ok(OverwriteResult::Refused),
    }
    match client.picture(at) {
        Ok(there) if there == with => Ok(OverwriteResult::Verified),
        Err(CallError::Refused { status: 404, .. }) => Ok(OverwriteResult::Verified),
        Err(error @ CallError::Unreachable(_)) => Err(error),
        _ => Ok(OverwriteResult::Refused),
    }
}

/// Status codes of a proxy whose server is not ready.
fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

const GREY: u8 = 128;

fn point(shade: u8) -> Vec<u8> {
    let point = image::GrayImage::from_pixel(1, 1, Luma([shade]));
    let mut jpeg = Cursor::new(Vec::new());
    // Cannot fail in memory.
    let _ = DynamicImage::from(point).write_to(&mut jpeg, ImageFormat::Jpeg);
    jpeg.into_inner()
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_replacement_is_a_tiny_jpeg() {
        let jpeg = point(GREY);
        assert!(jpeg.len() < 1000, "{}", jpeg.len());
        let read = image::load_from_memory(&jpeg).expect("a JPEG");
        assert_eq!((read.width(), read.height()), (1, 1));
        assert_ne!(jpeg, point(GREY / 2));
    }
}
