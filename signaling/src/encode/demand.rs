//! Who watches what. Work that nobody watches stops; this is where every stage looks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use super::encoder::RenditionId;

/// The watchers of this process, written by the engine and the HTTP side, read by the compose thread.
///
/// Counters are relaxed atomics: a reader that misses a change is woken right after it.
#[derive(Debug, Default)]
pub struct Demand {
    viewers: [AtomicU32; RenditionId::LIMIT],
    /// Stream leases: who takes a rendition without being the engine's viewer.
    streams: [AtomicU32; RenditionId::LIMIT],
    /// What the owner wants each rendition to have. 0: the rendition's own.
    nominal_bps: [AtomicU32; RenditionId::LIMIT],
    /// What its viewers can take. 0: the nominal bitrate.
    target_bps: [AtomicU32; RenditionId::LIMIT],
    pictures: AtomicU32,
    /// One bit per rendition. Requests coalesce until the compose thread takes them.
    keyframes: AtomicU32,
    compose: Mutex<Option<Waker>>,
}

/// Held while somebody wants composed pictures: MJPEG, a snapshot, the screen.
#[derive(Debug)]
pub struct PictureLease {
    demand: Arc<Demand>,
}

/// Held while somebody beside the engine's viewers takes a rendition: counts as one viewer.
#[derive(Debug)]
pub struct StreamLease {
    demand: Arc<Demand>,
    rendition: RenditionId,
}

impl Demand {
    /// Nobody watches yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// The word of a part of the engine: so many of its viewers take `rendition` now, and so many did
    /// before. Gives how many of all parts do.
    pub fn change_viewers(&self, rendition: RenditionId, before: u32, now: u32) -> u32 {
        // Wrapping, so that a change downwards is one operation, too.
        let change = now.wrapping_sub(before);
        let all = self.viewers[rendition.index()].fetch_add(change, Ordering::Relaxed);
        let left = all.wrapping_add(change);
        if all == 0 && left > 0 {
            self.wake_compose();
        }
        left
    }

    /// Stream leases of one rendition.
    pub(crate) fn stream_leases(&self, rendition: RenditionId) -> u32 {
        self.streams[rendition.index()].load(Ordering::Relaxed)
    }

    /// Viewers of one rendition, stream leases included.
    #[must_use]
    pub fn viewers(&self, rendition: RenditionId) -> u32 {
        let index = rendition.index();
        self.viewers[index].load(Ordering::Relaxed) + self.streams[index].load(Ordering::Relaxed)
    }

    /// Says that somebody beside the engine's viewers takes `rendition` until the lease is dropped.
    #[must_use]
    pub fn watch_stream(self: &Arc<Self>, rendition: RenditionId) -> StreamLease {
        if self.streams[rendition.index()].fetch_add(1, Ordering::Relaxed) == 0 {
            self.wake_compose();
        }
        StreamLease {
            demand: Arc::clone(self),
            rendition,
        }
    }

    /// Says that somebody wants composed pictures until the lease is dropped. An idle compose thread
    /// composes the newest frame at once.
    #[must_use]
    pub fn watch_picture(self: &Arc<Self>) -> PictureLease {
        if self.pictures.fetch_add(1, Ordering::Relaxed) == 0 {
            self.wake_compose();
        }
        PictureLease {
            demand: Arc::clone(self),
        }
    }

    /// How many picture leases are held.
    #[must_use]
    pub fn picture_watchers(&self) -> u32 {
        self.pictures.load(Ordering::Relaxed)
    }

    /// Whether composing serves anybody at all.
    #[must_use]
    pub fn somebody_watches(&self) -> bool {
        self.picture_watchers() > 0
            || self
                .viewers
                .iter()
                .chain(&self.streams)
                .any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Asks for a keyframe (PLI, FIR, a join the cache cannot serve). Requests coalesce; the compose
    /// thread spaces what it forces, see [`crate::encode::keyframes`].
    pub fn request_keyframe(&self, rendition: RenditionId) {
        let bit = 1 << rendition.index();
        if self.keyframes.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            self.wake_compose();
        }
    }

    /// Sets what `rendition` is meant to have from the next frame on; 0 returns to its own bitrate.
    pub fn set_nominal_bitrate(&self, rendition: RenditionId, bps: u32) {
        self.nominal_bps[rendition.index()].store(bps, Ordering::Relaxed);
    }

    /// The bitrate set with [`Demand::set_nominal_bitrate`], if one is.
    #[must_use]
    pub fn nominal_bitrate(&self, rendition: RenditionId) -> Option<u32> {
        Some(self.nominal_bps[rendition.index()].load(Ordering::Relaxed)).filter(|bps| *bps > 0)
    }

    /// The engine's word on what the viewers of `rendition` can take; 0: the nominal bitrate.
    pub fn set_target_bitrate(&self, rendition: RenditionId, bps: u32) {
        self.target_bps[rendition.index()].store(bps, Ordering::Relaxed);
    }

    /// What the rate control of `rendition` aims at, if not at the rendition's own bitrate.
    #[must_use]
    pub fn target_bitrate(&self, rendition: RenditionId) -> Option<u32> {
        Some(self.target_bps[rendition.index()].load(Ordering::Relaxed))
            .filter(|bps| *bps > 0)
            .or_else(|| self.nominal_bitrate(rendition))
    }

    /// Takes the keyframe request of one rendition.
    pub(crate) fn take_keyframe_request(&self, rendition: RenditionId) -> bool {
        let bit = 1 << rendition.index();
        self.keyframes.fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }

    /// Whom to wake when an idle compose thread has something to do.
    pub(crate) fn set_compose_waker(&self, waker: Waker) {
        *self.compose.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    fn wake_compose(&self) {
        if let Some(waker) = &*self.compose.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }
}

impl Drop for PictureLease {
    fn drop(&mut self) {
        self.demand.pictures.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        self.demand.streams[self.rendition.index()].fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Wake for Counting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn leases_and_viewers_count_and_the_first_one_wakes() {
        let demand = Demand::new();
        let wakes = Arc::new(Counting::default());
        demand.set_compose_waker(Waker::from(Arc::clone(&wakes)));
        assert!(!demand.somebody_watches());
        let first = demand.watch_picture();
        let second = demand.watch_picture();
        assert_eq!(
            (demand.picture_watchers(), wakes.0.load(Ordering::Relaxed)),
            (2, 1)
        );
        drop((first, second));
        assert!(!demand.somebody_watches());
        assert_eq!(demand.change_viewers(RenditionId::MAIN, 0, 1), 1);
        assert_eq!(
            demand.change_viewers(RenditionId::MAIN, 0, 2),
            3,
            "of another part"
        );
        assert_eq!(demand.change_viewers(RenditionId::MAIN, 1, 0), 2);
        assert!(demand.somebody_watches());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_stream_lease_is_one_viewer_that_the_engine_does_not_overwrite() {
        let demand = Demand::new();
        let lease = demand.watch_stream(RenditionId::MAIN);
        demand.change_viewers(RenditionId::MAIN, 0, 2);
        assert_eq!(demand.viewers(RenditionId::MAIN), 3);
        demand.change_viewers(RenditionId::MAIN, 2, 0);
        assert!(demand.somebody_watches());
        drop(lease);
        assert!(!demand.somebody_watches() && demand.viewers(RenditionId::MAIN) == 0);
    }

    #[test]
    fn keyframe_requests_coalesce_until_taken() {
        let demand = Demand::new();
        let other = RenditionId::new(3).expect("in range");
        (0..5).for_each(|_| demand.request_keyframe(other));
        assert!(!demand.take_keyframe_request(RenditionId::MAIN));
        assert!(demand.take_keyframe_request(other));
        assert!(!demand.take_keyframe_request(other));
    }
}
