//! Takes an order back: out of the queue, off the work, out of the history.

use std::thread;
use std::time::{Duration, Instant};

use super::answers::{Accepted, Place};
use super::client::{CallError, Client};
use super::errand::Errand;

/// How long a sampler may take to notice, and a server to come back; what is left then is for
/// [`crate::Stylist::forget`].
const WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(300);

/// Whether anything of an order is left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// Asked to stop, and not yet stopped.
    Something,
}

/// One attempt. Never stops what is not this order.
pub(super) fn erase(client: &Client, prompt_id: &str) -> Result<Left, CallError> {
    match client.place(prompt_id)? {
        Place::Pending { .. } => client.unqueue(prompt_id)?,
        Place::Running => client.interrupt(prompt_id)?,
        Place::Absent => {
            client.erase_history(prompt_id)?;
            return Ok(Left::Nothing);
        }
    }
    Ok(Left::Something)
}

/// Attempts until nothing is left.
pub(super) fn erase_within(
    client: &Client,
    prompt_id: &str,
    within: Duration,
) -> Result<Left, CallError> {
    let until = Instant::now() + within;
    loop {
        let left = erase(client, prompt_id);
        if left == Ok(Left::Nothing) || Instant::now() >= until {
            return left;
        }
        thread::sleep(PAUSE);
    }
}

/// The same in the background. `sending`: the order may still be on its way.
pub(super) fn withdraw(client: &Client, prompt_id: String, sending: Option<Errand<Accepted>>) {
    let client = client.clone();
    let thread = thread::Builder::new().name("comfyui-withdraw".to_owned());
    let started = thread.spawn(move || {
        if let Some(sending) = sending {
            let pace = &client.endpoint.pace;
            let answered = sending.wait(pace.upload + pace.connect);
            if !matches!(answered, Some(Ok(_) | Err(CallError::Refused { .. }))) {
                thread::sleep(pace.on_its_way);
            }
        }
        let _ = erase_within(&client, &prompt_id, WITHIN);
    });
    if let Err(error) = started {
        tracing::warn!(%error, "an order is left to the ComfyUI server");
    }
}
