//! For whom pictures are decoded: those who watch, and those who need tracks only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use capture::{CaptureLimit, PictureDemand};
use signaling::Demand;

use crate::power::Power;

/// The pictures a second in which a person is noticed within 300 ms: the tracker needs two for a detection that is not
/// sure.
const PRESENCE_FPS: u32 = 10;

/// All for whom pictures are decoded.
#[derive(Debug)]
pub(crate) struct Watchers {
    pub(crate) demand: Arc<Demand>,
    pub(crate) track_listeners: Arc<TrackListeners>,
    pub(crate) power: Arc<Power>,
}

impl PictureDemand for Watchers {
    fn somebody_watches(&self) -> bool {
        self.demand.somebody_watches() || self.track_listeners.are_there()
    }

    fn limit(&self) -> CaptureLimit {
        self.power.capture_limit()
    }

    fn most_fps(&self) -> Option<u32> {
        let presence = self.track_listeners.most_fps();
        let presence = presence.filter(|_| !self.demand.somebody_watches());
        [self.limit().fps, presence].into_iter().flatten().min()
    }
}

/// Counts those who listen.
#[derive(Debug, Default)]
pub(crate) struct TrackListeners {
    /// Clients of `/api/tracks`.
    clients: AtomicU32,
    /// Displays that are blank until somebody comes.
    presence: AtomicU32,
}

/// Counts a listener until it is dropped.
pub(crate) struct TracksLease {
    listeners: Arc<TrackListeners>,
    is_for_presence: bool,
}

impl TrackListeners {
    pub(crate) fn are_there(&self) -> bool {
        let counts = [&self.clients, &self.presence];
        counts.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// The pictures a second that suffice for all of them; `None`: each one counts.
    pub(crate) fn most_fps(&self) -> Option<u32> {
        let has_clients = self.clients.load(Ordering::Relaxed) > 0;
        let has_presence = self.presence.load(Ordering::Relaxed) > 0;
        (has_presence && !has_clients).then_some(PRESENCE_FPS)
    }

    pub(crate) fn listen(self: &Arc<Self>, is_for_presence: bool) -> TracksLease {
        let lease = TracksLease {
            listeners: Arc::clone(self),
            is_for_presence,
        };
        lease.count().fetch_add(1, Ordering::Relaxed);
        lease
    }
}

impl TracksLease {
    fn count(&self) -> &AtomicU32 {
        match self.is_for_presence {
            true => &self.listeners.presence,
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
    use std::time::Instant;

    use super::*;
    use crate::config::PowerConfig;
    use crate::power::SystemFiles;
    use crate::test_folder::TestFolder;

    #[test]
    fn few_pictures_suffice_while_only_a_blank_screen_listens() {
        let listeners = Arc::new(TrackListeners::default());
        assert!(!listeners.are_there());
        let presence = listeners.listen(true);
        assert!(listeners.are_there());
        assert_eq!(listeners.most_fps(), Some(PRESENCE_FPS));
        let client = listeners.listen(false);
        assert_eq!(listeners.most_fps(), None);
        drop(client);
        assert_eq!(listeners.most_fps(), Some(PRESENCE_FPS));
        drop(presence);
        assert!(!listeners.are_there() && listeners.most_fps().is_none());
    }

    #[test]
    fn a_blank_screen_does_not_decide_what_a_camera_is_asked_for() {
        let folder = TestFolder::new();
        let files = SystemFiles::new(folder.to_path_buf());
        let rules = PowerConfig::default().rules();
        let watchers = Watchers {
            demand: Demand::new(),
            track_listeners: Arc::default(),
            power: Arc::new(Power::new(files, Instant::now(), &rules)),
        };
        let _presence = watchers.track_listeners.listen(true);
        assert_eq!(watchers.limit(), CaptureLimit::NONE);
        assert_eq!(watchers.most_fps(), Some(PRESENCE_FPS));
        let _picture = watchers.demand.watch_picture();
        assert_eq!(watchers.most_fps(), None);
    }
}
