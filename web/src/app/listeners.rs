//! Who needs tracks and no pictures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A lookout's pictures a second: a person is noticed within 300 ms.
const LOOKOUT_FPS: u32 = 5;

/// Counts those who listen.
#[derive(Debug, Default)]
pub(crate) struct TrackListeners {
    /// Clients of `/api/tracks`.
    clients: AtomicU32,
    /// Displays that are blank until somebody comes.
    lookouts: AtomicU32,
}

/// Counts a listener until it is dropped.
pub(crate) struct TracksLease {
    listeners: Arc<TrackListeners>,
    is_lookout: bool,
}

impl TrackListeners {
    pub(crate) fn are_there(&self) -> bool {
        let counts = [&self.clients, &self.lookouts];
        counts.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// The pictures a second that suffice for all of them; `None`: each one counts.
    pub(crate) fn most_fps(&self) -> Option<u32> {
        let has_clients = self.clients.load(Ordering::Relaxed) > 0;
        let has_lookouts = self.lookouts.load(Ordering::Relaxed) > 0;
        (has_lookouts && !has_clients).then_some(LOOKOUT_FPS)
    }

    pub(crate) fn listen(self: &Arc<Self>, is_lookout: bool) -> TracksLease {
        let lease = TracksLease {
            listeners: Arc::clone(self),
            is_lookout,
        };
        lease.count().fetch_add(1, Ordering::Relaxed);
        lease
    }
}

impl TracksLease {
    fn count(&self) -> &AtomicU32 {
        match self.is_lookout {
            true => &self.listeners.lookouts,
            false => &self.listeners.clients,
        }
    }
}

impl Drop for TracksLease {
    fn drop(&mut self) {
        self.count().fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pictures_suffice_while_only_a_blank_screen_listens() {
        let listeners = Arc::new(TrackListeners::default());
        assert!(!listeners.are_there());
        let lookout = listeners.listen(true);
        assert!(listeners.are_there());
        assert_eq!(listeners.most_fps(), Some(LOOKOUT_FPS));
        let client = listeners.listen(false);
        assert_eq!(listeners.most_fps(), None);
        drop(client);
        assert_eq!(listeners.most_fps(), Some(LOOKOUT_FPS));
        drop(lookout);
        assert!(!listeners.are_there() && listeners.most_fps().is_none());
    }
}
