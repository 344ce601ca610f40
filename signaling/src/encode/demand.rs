//! Who watches what. Each stage looks here and stops work that nobody watches.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use capture::lock;

use super::encoder::RenditionId;
use super::keyframes::KeyframeGate;

/// What is watched, and what the encoders are asked for. Written by the engine and the HTTP side, read by
/// the compose thread and the detector.
///
/// Counters are relaxed atomics: a reader that misses a change is woken after it.
#[derive(Debug, Default)]
pub struct Demand {
    viewers: [AtomicU32; RenditionId::LIMIT],
    /// Stream leases: consumers of a rendition that are not viewers of the engine.
    streams: [AtomicU32; RenditionId::LIMIT],
    /// What the consumer behind the stream leases of each rendition can take. 0: no limit is known.
    stream_bps: [AtomicU32; RenditionId::LIMIT],
    /// The bitrate that the owner set for each rendition. 0: the rendition's own.
    nominal_bps: [AtomicU32; RenditionId::LIMIT],
    /// The bitrate that most of its viewers can take. 0: the nominal bitrate.
    target_bps: [AtomicU32; RenditionId::LIMIT],
    /// Renditions that viewers are not offered now.
    withheld: [AtomicBool; RenditionId::LIMIT],
    /// The highest rate of composed pictures per second. 0: that of the renditions.
    most_fps: AtomicU32,
    pictures: AtomicU32,
    epoch: PictureEpoch,
    /// One per rendition.
    keyframes: [Mutex<KeyframeGate>; RenditionId::LIMIT],
    compose: Mutex<Option<Waker>>,
}

/// Held while somebody needs composed pictures: MJPEG, a snapshot, the photo booth.
#[derive(Debug)]
pub struct PictureLease {
    demand: Arc<Demand>,
}

/// Held by a consumer of a rendition that is not a viewer of the engine; counts as one viewer.
#[derive(Debug)]
pub struct StreamLease {
    demand: Arc<Demand>,
    rendition: RenditionId,
}

impl Demand {
    /// Nothing is watched.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// One engine thread reports that `now` of its viewers watch `rendition`, where `before` did.
    pub fn change_viewers(&self, rendition: RenditionId, before: u32, now: u32) {
        // Wrapping, so that a decrease is one addition, too.
        let change = now.wrapping_sub(before);
        let all = self.viewers[rendition.index()].fetch_add(change, Ordering::Relaxed);
        match (all, all.wrapping_add(change)) {
            (0, 1..) => self.wake_compose(),
            (1.., 0) => {
                self.cancel_keyframe_if_unwatched(rendition);
                // It releases its pictures.
                self.wake_compose();
            }
            _ => {}
        }
    }

    /// Stream leases of one rendition.
    pub(crate) fn stream_leases(&self, rendition: RenditionId) -> u32 {
        self.streams[rendition.index()].load(Ordering::Relaxed)
    }

    /// The bitrate that the consumer behind the stream leases of `rendition` can take; `None`: no limit is known.
    pub(crate) fn set_stream_estimate(&self, rendition: RenditionId, bps: Option<u32>) {
        self.stream_bps[rendition.index()].store(bps.unwrap_or(0), Ordering::Relaxed);
    }

    /// What was set with [`Demand::set_stream_estimate`].
    pub(crate) fn stream_estimate(&self, rendition: RenditionId) -> Option<u32> {
        Some(self.stream_bps[rendition.index()].load(Ordering::Relaxed)).filter(|bps| *bps > 0)
    }

    /// Whether viewers of the engine watch anything, so that the engine sets the encoders' bitrates.
    pub(crate) fn engine_is_watched(&self) -> bool {
        let mut viewers = self.viewers.iter();
        viewers.any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Viewers of one rendition, stream leases included.
    #[must_use]
    pub fn viewers(&self, rendition: RenditionId) -> u32 {
        let index = rendition.index();
        self.viewers[index].load(Ordering::Relaxed) + self.streams[index].load(Ordering::Relaxed)
    }

    /// A consumer that is not a viewer of the engine takes `rendition` until the lease is dropped.
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

    /// Somebody needs composed pictures until the lease is dropped. An idle compose thread composes the
    /// newest frame at once.
    #[must_use]
    pub fn watch_picture(self: &Arc<Self>) -> PictureLease {
        if self.pictures.fetch_add(1, Ordering::Relaxed) == 0 {
            self.wake_compose();
        }
        PictureLease {
            demand: Arc::clone(self),
        }
    }

    /// The number of picture leases.
    #[must_use]
    pub fn picture_watchers(&self) -> u32 {
        self.pictures.load(Ordering::Relaxed)
    }

    /// Whether anybody watches anything.
    #[must_use]
    pub fn somebody_watches(&self) -> bool {
        self.picture_watchers() > 0
            || self
                .viewers
                .iter()
                .chain(&self.streams)
                .any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// The epoch of pictures: what was composed in an earlier one must not be shown any more.
    #[must_use]
    pub fn picture_epoch(&self) -> &PictureEpoch {
        &self.epoch
    }

    /// Nothing composed so far may be shown any more. On return, compose publishes nothing of it. The other
    /// stages are emptied by their owners after that: the engine by [`crate::EngineHandle::discard_pictures`].
    pub fn begin_picture_epoch(&self) {
        self.epoch.begin();
        self.wake_compose();
    }

    /// Requests a keyframe (a PLI or FIR, a join that the cache cannot serve). The rendition's
    /// `KeyframeGate` coalesces and spaces requests. `true`: this is the first one since the last keyframe.
    pub fn request_keyframe(&self, rendition: RenditionId) -> bool {
        let is_first = self.keyframe_gate(rendition).request();
        if is_first {
            self.wake_compose();
        }
        is_first
    }

    /// Like [`Self::request_keyframe`], for a viewer who has just connected: it may come sooner after the last one.
    pub(crate) fn request_start(&self, rendition: RenditionId) -> bool {
        let is_first = self.keyframe_gate(rendition).request_start();
        self.wake_compose();
        is_first
    }

    /// The gate of one rendition, locked: hold it for one call only.
    pub(crate) fn keyframe_gate(&self, rendition: RenditionId) -> MutexGuard<'_, KeyframeGate> {
        lock(&self.keyframes[rendition.index()])
    }

    fn cancel_keyframe_if_unwatched(&self, rendition: RenditionId) {
        if self.viewers(rendition) == 0 {
            self.keyframe_gate(rendition).cancel();
        }
    }

    /// Sets the bitrate of `rendition` from the next frame on; 0: the rendition's own.
    pub fn set_nominal_bitrate(&self, rendition: RenditionId, bps: u32) {
        self.nominal_bps[rendition.index()].store(bps, Ordering::Relaxed);
    }

    /// The bitrate set with [`Demand::set_nominal_bitrate`], if one is.
    #[must_use]
    pub fn nominal_bitrate(&self, rendition: RenditionId) -> Option<u32> {
        Some(self.nominal_bps[rendition.index()].load(Ordering::Relaxed)).filter(|bps| *bps > 0)
    }

    /// Sets the bitrate that the viewers of `rendition` can take; 0: the nominal bitrate.
    pub fn set_target_bitrate(&self, rendition: RenditionId, bps: u32) {
        self.target_bps[rendition.index()].store(bps, Ordering::Relaxed);
    }

    /// The target of the rate control of `rendition`, unless it is the rendition's own bitrate.
    #[must_use]
    pub fn target_bitrate(&self, rendition: RenditionId) -> Option<u32> {
        Some(self.target_bps[rendition.index()].load(Ordering::Relaxed))
            .filter(|bps| *bps > 0)
            .or_else(|| self.nominal_bitrate(rendition))
    }

    /// Whether viewers are not offered `rendition` now. Those who watch it move to another at a keyframe, within about
    /// half a second; a [`StreamLease`] keeps it.
    pub fn set_withheld(&self, rendition: RenditionId, is_withheld: bool) {
        self.withheld[rendition.index()].store(is_withheld, Ordering::Relaxed);
    }

    /// Whether viewers are not offered `rendition` now.
    #[must_use]
    pub fn is_withheld(&self, rendition: RenditionId) -> bool {
        self.withheld[rendition.index()].load(Ordering::Relaxed)
    }

    /// Limits the rate at which pictures are composed; `None`: that of the renditions.
    pub fn set_most_fps(&self, fps: Option<u32>) {
        self.most_fps.store(fps.unwrap_or(0), Ordering::Relaxed);
    }

    /// The limit set with [`Demand::set_most_fps`].
    #[must_use]
    pub fn most_fps(&self) -> Option<u32> {
        Some(self.most_fps.load(Ordering::Relaxed)).filter(|fps| *fps > 0)
    }

    /// Sets the waker that wakes an idle compose thread.
    pub(crate) fn set_compose_waker(&self, waker: Waker) {
        *lock(&self.compose) = Some(waker);
    }

    fn wake_compose(&self) {
        if let Some(waker) = &*lock(&self.compose) {
            waker.wake_by_ref();
        }
    }
}

/// Counts how often all pictures were invalidated, and keeps pictures of earlier epochs from being published.
#[derive(Debug, Default)]
pub struct PictureEpoch(Mutex<u64>);

impl PictureEpoch {
    /// The present epoch.
    pub fn now(&self) -> u64 {
        *lock(&self.0)
    }

    /// Runs `publish` if `epoch` is the present one. No epoch begins meanwhile.
    pub fn publish_in(&self, epoch: u64, publish: impl FnOnce()) -> bool {
        let present = lock(&self.0);
        if *present != epoch {
            return false;
        }
        publish();
        true
    }

    fn begin(&self) {
        *lock(&self.0) += 1;
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
        self.demand.cancel_keyframe_if_unwatched(self.rendition);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::time::Instant;

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
        demand.change_viewers(RenditionId::MAIN, 0, 1);
        demand.change_viewers(RenditionId::MAIN, 0, 2);
        assert_eq!(
            demand.viewers(RenditionId::MAIN),
            3,
            "of two engine threads"
        );
        demand.change_viewers(RenditionId::MAIN, 1, 0);
        assert_eq!(demand.viewers(RenditionId::MAIN), 2);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_stream_lease_counts_as_one_viewer_beside_those_of_the_engine() {
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
    fn a_keyframe_request_lasts_as_long_as_somebody_watches_the_rendition() {
        let demand = Demand::new();
        let (other, now) = (RenditionId::new(3).expect("in range"), Instant::now());
        let is_requested = |rendition| demand.keyframe_gate(rendition).is_due(now);
        demand.change_viewers(other, 0, 1);
        let lease = demand.watch_stream(other);
        assert!(demand.request_keyframe(other) && !demand.request_keyframe(other));
        assert!(!is_requested(RenditionId::MAIN));
        demand.change_viewers(other, 1, 0);
        assert!(is_requested(other), "the lease still watches");
        drop(lease);
        assert!(!is_requested(other));
    }
}
