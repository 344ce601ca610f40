//! Events of the station for other systems: server-sent events, a webhook, MQTT.
//!
//! In: samples of the station's state ([`sampling`]), taken only while somebody follows. Out: changes
//! ([`changes`], pure), numbered and kept for a while ([`recent`], pure). Each follower takes the next event when it
//! is ready for it: nothing waits for a slow one, and one that missed events is given the whole state.

mod changes;
pub(crate) mod destination;
pub(crate) mod event;
pub(crate) mod mqtt;
mod recent;
pub(crate) mod sampling;
pub(crate) mod webhook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::changes::{ChangeDetector, Sample};
use self::event::{EventDetail, StationEvent};
use self::recent::{After, Number, RecentEvents};
use crate::metrics::{EventFollowerKind, Metrics};
use crate::shutter::{now_unix_ms, rfc3339};

/// Events kept for followers that reconnect or are slow.
const KEPT: usize = 256;
/// Connections to `/api/events`: each holds a descriptor.
const CONNECTIONS_MAX: usize = 64;

/// The station's events, and who follows them.
pub(crate) struct Events {
    inner: Mutex<Inner>,
    /// Changes when there is something new.
    news: watch::Sender<()>,
    followers: watch::Sender<usize>,
    places: Arc<Semaphore>,
    metrics: Metrics,
}

struct Inner {
    changes: ChangeDetector,
    recent: RecentEvents,
}

impl Events {
    pub(crate) fn new(metrics: Metrics) -> Arc<Self> {
        let run = format!("{:08x}", rand::random::<u32>());
        Arc::new(Self {
            inner: Mutex::new(Inner {
                changes: ChangeDetector::default(),
                recent: RecentEvents::new(run, KEPT),
            }),
            news: watch::Sender::new(()),
            followers: watch::Sender::new(0),
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            metrics,
        })
    }

    /// Adds the events between the last sample and this one.
    fn add(&self, sample: Sample, now: Instant) {
        let mut inner = self.lock();
        let is_first = inner.changes.told().is_none();
        let changes = inner.changes.compare(sample, now);
        if changes.is_empty() && !is_first {
            return;
        }
        let time = rfc3339(now_unix_ms());
        for detail in changes {
            inner.recent.append(detail, time.clone());
        }
        drop(inner);
        self.news.send_replace(());
    }

    /// Adds an event that is no change of the state, while somebody follows.
    pub(crate) fn tell(&self, detail: EventDetail) {
        if *self.followers.borrow() == 0 {
            return;
        }
        self.lock().recent.append(detail, rfc3339(now_unix_ms()));
        self.news.send_replace(());
    }

    /// A follower that continues after the event `last`, if that is kept; others begin with the whole state.
    pub(crate) fn follow(
        self: &Arc<Self>,
        kind: EventFollowerKind,
        last: Option<&str>,
    ) -> EventFollower {
        self.followers.send_modify(|count| *count += 1);
        EventFollower {
            position: last.and_then(|id| self.lock().recent.position(id)),
            news: self.news.subscribe(),
            kind,
            events: Arc::clone(self),
        }
    }

    /// Admits a connection that follows; `None`: refused.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        // overflow: refused: the client asks for the status instead.
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Waits until somebody follows.
    async fn followed(&self) {
        // The sender is in `self`.
        let _ = self
            .followers
            .subscribe()
            .wait_for(|count| *count > 0)
            .await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as a follower until it is dropped.
pub(crate) struct EventFollower {
    events: Arc<Events>,
    /// Of the last event that it got; `None`: it begins with the whole state.
    position: Option<Number>,
    news: watch::Receiver<()>,
    kind: EventFollowerKind,
}

impl EventFollower {
    /// The next event, as soon as there is one.
    pub(crate) async fn next(&mut self) -> Arc<StationEvent> {
        loop {
            self.news.borrow_and_update();
            if let Some(event) = self.try_next() {
                return event;
            }
            // The sender is in `self.events`.
            let _ = self.news.changed().await;
        }
    }

    fn try_next(&mut self) -> Option<Arc<StationEvent>> {
        let inner = self.events.lock();
        if let Some(position) = self.position {
            match inner.recent.after(position) {
                After::Event(event) => {
                    self.position = Some(position + 1);
                    return Some(event);
                }
                After::Nothing => return None,
                // overflow: newest-wins (it gets the state as it is now)
                After::Missed(count) => {
                    let missed = &self.events.metrics.events_missed;
                    let counter = missed.get_or_create(&[("follower", self.kind)]);
                    counter.inc_by(count);
                }
            }
        }
        let state = inner.changes.told()?.clone();
        let newest = inner.recent.newest();
        self.position = Some(newest);
        Some(Arc::new(StationEvent {
            id: inner.recent.id(newest),
            time: rfc3339(now_unix_ms()),
            detail: EventDetail::State(state),
        }))
    }
}

impl Drop for EventFollower {
    fn drop(&mut self) {
        self.events.followers.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests;
