//! The state and the events of the games for pages that follow: each is written once for all of them.

use std::sync::Arc;

use play::GameEvent;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use super::state::PlayState;

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlayNews {
    /// `state` or `game`
    pub(crate) name: &'static str,
    /// JSON
    pub(crate) data: String,
}

impl PlayNews {
    pub(super) fn of_state(state: &PlayState) -> Self {
        Self {
            name: "state",
            // It has no maps with other keys than strings.
            data: serde_json::to_string(state).unwrap_or_default(),
        }
    }

    /// Of moments only what they are about: nothing of frames, tracks and places.
    pub(super) fn of_event(event: &GameEvent) -> Self {
        let mut told = serde_json::to_value(event).unwrap_or_default();
        if let Some(moment) = told.get_mut("moment") {
            keep_caption(moment);
        }
        let strip = told.pointer_mut("/outcome/strip");
        if let Some(Value::Array(moments)) = strip {
            moments.iter_mut().for_each(keep_caption);
        }
        Self {
            name: "game",
            data: told.to_string(),
        }
    }
}

fn keep_caption(moment: &mut Value) {
    if let Value::Object(fields) = moment {
        fields.retain(|name, _| name == "caption");
    }
}

/// The state as it is now.
pub(super) type StateNow = Box<dyn Fn() -> PlayState + Send + Sync>;

/// A connection that follows.
pub(crate) struct PlayFollower {
    news: Sender<Arc<PlayNews>>,
    receiver: Receiver<Arc<PlayNews>>,
    state: StateNow,
    /// The state is to be sent first, and after news were missed.
    needs_state: bool,
    #[expect(dead_code, reason = "dropping it frees the place")]
    place: OwnedSemaphorePermit,
}

impl PlayFollower {
    pub(super) fn new(
        news: Sender<Arc<PlayNews>>,
        state: StateNow,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            receiver: news.subscribe(),
            news,
            state,
            needs_state: true,
            place,
        }
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Option<Arc<PlayNews>> {
        if !std::mem::take(&mut self.needs_state) {
            match self.receiver.recv().await {
                Ok(news) => return Some(news),
                // overflow: newest-wins (it gets the state as it is now)
                Err(RecvError::Lagged(_)) => self.receiver = self.news.subscribe(),
                Err(RecvError::Closed) => return None,
            }
        }
        Some(Arc::new(PlayNews::of_state(&(self.state)())))
    }
}
