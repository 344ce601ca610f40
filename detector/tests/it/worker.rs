//! The worker with a real model: frames in, tracks out, and a model that is missing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, Next, PicturePool, Slot};
use detector::{
    DetectorConfig, DetectorState, ModelChoice, Pace, Places, WorkerParts, spawn_worker,
};

use crate::{pictures, rig};

/// Ends a test that hangs; nothing else depends on it.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn a_dog_gets_one_id_and_keeps_it() {
    let (Some(shared), Some(_)) = (rig::shared(), rig::runtime()) else {
        return;
    };
    let (frames, tracks, state) = (Slot::new(), Slot::new(), Slot::new());
    let pace = Arc::new(Pace::default());
    pace.set_watched(true);
    let parts = WorkerParts {
        frames: frames.reader(),
        tracks: Arc::clone(&tracks),
        state: Arc::clone(&state),
        pace,
        sightings: Default::default(),
        tuning: Arc::default(),
        model: Arc::default(),
        metrics: Arc::default(),
        threads: capture::Threads::default(),
    };
    let places = Places {
        models: Some(shared.join("models")),
        ..rig::places()
    };
    let config = DetectorConfig {
        model: ModelChoice::Auto,
        places,
        ..Default::default()
    };
    let worker = spawn_worker(parts, config).expect("a thread");

    let mut seen = state.reader();
    let running = std::iter::from_fn(|| match seen.wait(HANG_TIMEOUT) {
        Next::Newer(state) => Some(state),
        _ => None,
    })
    .find(|state| !matches!(**state, DetectorState::Warming));
    let running = running.expect("a state");
    assert!(
        matches!(&*running, DetectorState::Running { model, details, .. }
            if model == "nanodet_plus_m_1.5x_416" && details.chosen.is_some()),
        "{running:?}"
    );

    let (dog, pool) = (
        pictures::load(&shared.join("media/dog.jpg")),
        PicturePool::new(2),
    );
    let (start, mut seen, mut ids) = (Instant::now(), tracks.reader(), Vec::new());
    for seq in 1..=5 {
        let captured_at = start + Duration::from_millis(33 * seq);
        frames.publish(Frame::new(pool.copy_of(&dog), seq, captured_at));
        let Next::Newer(tracks) = seen.wait(HANG_TIMEOUT) else {
            panic!("no tracks for {seq}")
        };
        assert_eq!(tracks.frame_seq, seq);
        let dog = tracks
            .items
            .iter()
            .find(|track| track.class_id == 16)
            .expect("a dog");
        ids.push(dog.id);
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    worker.stop();
}
