mod changing_model;
mod two_models;
mod zones;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use capture::{I420, PicturePool};

use super::*;
use crate::detection::{BBox, Detection};
use crate::detector::DetectError;
use crate::onnx::session::SessionError;
use crate::privacy::{PrivacyMode, SightedKind};

/// Ends a test that hangs; nothing else depends on it.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// A detector that finds one person in every frame, or fails, or panics, as its script tells.
struct Scripted {
    script: Arc<Mutex<Vec<Act>>>,
    label: &'static str,
}

#[derive(Clone, Copy)]
enum Act {
    Fail,
    Panic,
}

impl Detect for Scripted {
    fn detect(&mut self, _: &I420, _: f32) -> Result<Vec<Detection>, DetectError> {
        let act = self.script.lock().expect("not poisoned").pop();
        match act {
            Some(Act::Fail) => Err(SessionError::Run("no reason".to_owned()).into()),
            Some(Act::Panic) => panic!("scripted"),
            None => {
                let bbox = BBox::around(30.0, 20.0, 20.0, 30.0);
                Ok(vec![Detection {
                    class_id: 0,
                    score: 0.95,
                    bbox,
                }])
            }
        }
    }

    fn name(&self) -> &str {
        "scripted"
    }

    fn labels(&self) -> Arc<[String]> {
        Arc::from([self.label.to_owned()])
    }

    fn running(&self) -> DetectorState {
        DetectorState::Running {
            model: "scripted".to_owned(),
            provider: "cpu",
            experimental: false,
            warning: None,
            details: RunningDetails::default(),
        }
    }

    fn min_score(&self) -> f32 {
        0.35
    }
}

/// Starts the thread with a model that `open` opens, whichever is asked for.
fn run<D: Detect + Send + 'static>(
    parts: WorkerParts,
    faces: FaceFinder<D>,
    open: impl Fn() -> Result<Option<D>, OpenError> + Send + Sync + 'static,
) -> WorkerHandle {
    spawn_with(parts, faces, Arc::new(move |_: &ModelChoice| open())).expect("a thread")
}

fn no_faces() -> FaceFinder<Scripted> {
    FaceFinder::new(Box::new(|| Ok(None)))
}

struct WorkerRig {
    frames: Arc<Slot<Frame>>,
    parts: WorkerParts,
    pool: PicturePool,
    seq: u64,
}

impl WorkerRig {
    fn new() -> (Self, Arc<Slot<Tracks>>, Arc<Slot<DetectorState>>) {
        let (frames, tracks, state) = (Slot::new(), Slot::new(), Slot::new());
        let pace = Arc::new(Pace::default());
        pace.set_watched(true);
        let parts = WorkerParts {
            frames: frames.reader(),
            tracks: Arc::clone(&tracks),
            state: Arc::clone(&state),
            pace,
            sightings: Sightings::default(),
            tuning: Arc::default(),
            model: Arc::default(),
            metrics: Arc::default(),
            threads: Threads::default(),
        };
        let rig = Self {
            frames,
            parts,
            pool: PicturePool::new(2),
            seq: 0,
        };
        (rig, tracks, state)
    }

    /// The same connections with another reader of frames.
    fn parts(&self) -> WorkerParts {
        WorkerParts {
            frames: self.frames.reader(),
            tracks: Arc::clone(&self.parts.tracks),
            state: Arc::clone(&self.parts.state),
            pace: Arc::clone(&self.parts.pace),
            sightings: self.parts.sightings.clone(),
            tuning: Arc::clone(&self.parts.tuning),
            model: Arc::clone(&self.parts.model),
            metrics: Arc::clone(&self.parts.metrics),
            threads: self.parts.threads.clone(),
        }
    }

    fn frame(&mut self) {
        self.seq += 1;
        let picture = self.pool.take(64, 48).expect("even");
        self.frames
            .publish(Frame::new(picture, self.seq, Instant::now()));
    }

    /// Publishes frames until the state is the expected one.
    fn frames_until(&mut self, mut wanted: impl FnMut(&DetectorState) -> bool) -> DetectorState {
        let deadline = Instant::now() + HANG_TIMEOUT;
        loop {
            self.frame();
            std::thread::sleep(Duration::from_millis(2));
            if let Some(state) = self.parts.state.latest().filter(|state| wanted(state)) {
                return (*state).clone();
            }
            assert!(Instant::now() < deadline, "{:?}", self.parts.state.latest());
        }
    }
}

fn running(state: &DetectorState) -> bool {
    matches!(state, DetectorState::Running { .. })
}

#[test]
fn tracks_name_their_frame_and_the_slot_ends_the_thread() {
    let (mut rig, tracks, state) = WorkerRig::new();
    let open = || {
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    let mut seen = tracks.reader();
    rig.frame();
    let Next::Newer(first) = seen.wait(HANG_TIMEOUT) else {
        panic!("no tracks")
    };
    assert_eq!(
        (first.frame_seq, first.frame_width, first.frame_height),
        (1, 64, 48)
    );
    assert_eq!((first.items.len(), &*first.labels[0]), (1, "person"));
    rig.frame();
    let Next::Newer(second) = seen.wait(HANG_TIMEOUT) else {
        panic!("no tracks")
    };
    assert_eq!(second.items[0].id, first.items[0].id);
    rig.frames.close();
    handle.stop();
    assert_eq!(state.latest().as_deref(), Some(&DetectorState::Off));
}

#[test]
fn what_is_missing_is_looked_for_again() {
    let (mut rig, _, _) = WorkerRig::new();
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let open = move || match count.fetch_add(1, Ordering::Relaxed) {
        0 => Err(crate::opening::OpenError {
            is_missing: true,
            message: "no model".to_owned(),
            fix: None,
        }),
        _ => Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        })),
    };
    let handle = run(rig.parts(), no_faces(), open);
    rig.frames_until(|state| matches!(state, DetectorState::Missing { .. }));
    rig.frames_until(running);
    assert_eq!(tries.load(Ordering::Relaxed), 2);
    handle.stop();
}

#[test]
fn one_failure_is_forgiven_and_repeated_ones_open_the_model_anew() {
    let (mut rig, tracks, _) = WorkerRig::new();
    let script = Arc::new(Mutex::new(Vec::new()));
    let (opened, played) = (Arc::new(AtomicU32::new(0)), Arc::clone(&script));
    let count = Arc::clone(&opened);
    let open = move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Scripted {
            script: Arc::clone(&played),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    rig.frames_until(running);
    script.lock().expect("not poisoned").push(Act::Fail);
    rig.frames_until(|_| script.lock().expect("not poisoned").is_empty());
    let failed_at = rig.seq;
    rig.frames_until(|_| {
        let seen = tracks.latest();
        seen.is_some_and(|seen| seen.frame_seq > failed_at)
    });
    assert_eq!(opened.load(Ordering::Relaxed), 1);

    script
        .lock()
        .expect("not poisoned")
        .extend([Act::Fail, Act::Panic, Act::Fail]);
    let failed = rig.frames_until(|state| matches!(state, DetectorState::Failed { .. }));
    let DetectorState::Failed { message, .. } = failed else {
        panic!("{failed:?}")
    };
    assert!(message.contains("no reason"), "{message}");
    rig.frames_until(running);
    assert_eq!(opened.load(Ordering::Relaxed), 2);
    assert_eq!(rig.parts.metrics.failures.get(), 4);
    handle.stop();
}

#[test]
fn without_a_requested_model_the_detector_is_off() {
    let (rig, _, state) = WorkerRig::new();
    let open = || Ok::<Option<Scripted>, _>(None);
    let handle = run(rig.parts(), no_faces(), open);
    let mut seen = state.reader();
    while !matches!(seen.wait(HANG_TIMEOUT), Next::Newer(state) if *state == DetectorState::Off) {}
    handle.stop();
}

#[test]
fn idle_detection_skips_frames_and_counts_them() {
    let (mut rig, tracks, _) = WorkerRig::new();
    rig.parts.pace.set_watched(false);
    let open = || {
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    let mut seen = tracks.reader();
    rig.frame();
    assert!(matches!(seen.wait(HANG_TIMEOUT), Next::Newer(_)));
    // A frame that comes a second later is not left out: frames are offered until one is.
    let paced_out = rig.parts.metrics.paced_out.clone();
    rig.frames_until(|_| paced_out.get() > 0);
    rig.parts.pace.set_watched(true);
    rig.frame();
    loop {
        let Next::Newer(tracks) = seen.wait(HANG_TIMEOUT) else {
            panic!("no tracks")
        };
        if tracks.frame_seq == rig.seq {
            break;
        }
    }
    handle.stop();
}

#[test]
fn the_motion_gate_leaves_out_still_frames_until_something_changes() {
    let (mut rig, tracks, _) = WorkerRig::new();
    rig.parts.pace.set_motion_gate(true);
    let open = || {
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    let mut seen = tracks.reader();
    let unmoved = rig.parts.metrics.unmoved.clone();
    rig.frames_until(|_| unmoved.get() > 10);
    // Each of these is in effect with the next frame.
    rig.parts.tuning.set(Tuning {
        min_score: Some(0.99),
        ..Tuning::default()
    });
    rig.frame();
    let tuned = rig.seq;
    let mut until = |wanted: &dyn Fn(&Tracks) -> bool| loop {
        let Next::Newer(tracks) = seen.wait(HANG_TIMEOUT) else {
            panic!("no tracks")
        };
        if wanted(&tracks) {
            break;
        }
    };
    until(&|tracks| tracks.frame_seq == tuned);
    rig.parts.pace.set_motion_gate(false);
    rig.frame();
    let ungated = rig.seq;
    until(&|tracks| tracks.frame_seq == ungated);
    rig.frames.close();
    handle.stop();
}

#[test]
fn a_privacy_mode_gets_raw_detections_that_the_tracker_does_not_show() {
    let (mut rig, tracks, _) = WorkerRig::new();
    let sightings = rig.parts.sightings.clone();
    // Above every score, so that no track is ever shown, and one detection in 1000 s.
    rig.parts.pace.set_most_fps(Some(0.001));
    rig.parts.tuning.set(Tuning {
        min_score: Some(0.99),
        ..Tuning::default()
    });
    let open = || {
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    let mut seen = tracks.reader();
    rig.frame();
    let Next::Newer(none) = seen.wait(HANG_TIMEOUT) else {
        panic!("no tracks")
    };
    assert!(none.items.is_empty(), "{none:?}");
    assert!(sightings.slot.latest().is_none(), "nobody needs them");
    sightings.control.set_mode(PrivacyMode::BlurPeople);
    let mut sighted = sightings.slot.reader();
    for _ in 0..2 {
        rig.frames_until(|_| {
            let newer = sighted.try_next();
            newer.is_some_and(|sighting| sighting.items.len() == 1)
        });
    }
    rig.frames.close();
    handle.stop();
}

#[test]
fn a_second_model_finds_faces_while_they_are_blurred() {
    let (mut rig, _, _) = WorkerRig::new();
    let sightings = rig.parts.sightings.clone();
    let scripted = |label| Scripted {
        script: Arc::default(),
        label,
    };
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let faces = FaceFinder::new(Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Some(scripted("face")))
    }));
    let open = move || Ok(Some(scripted("person")));
    let handle = run(rig.parts(), faces, open);
    rig.frames_until(running);
    let mut sighted = sightings.slot.reader();
    for (mode, kinds) in [
        (PrivacyMode::BlurPeople, &[SightedKind::Person][..]),
        (
            PrivacyMode::BlurFaces,
            &[SightedKind::Person, SightedKind::Face],
        ),
    ] {
        sightings.control.set_mode(mode);
        rig.frames_until(|_| {
            let newer = sighted.try_next();
            newer.is_some_and(|sighting| {
                sighting
                    .items
                    .iter()
                    .map(|item| item.kind)
                    .eq(kinds.to_vec())
            })
        });
    }
    assert_eq!(
        opened.load(Ordering::Relaxed),
        1,
        "opened when it was needed, and once"
    );
    handle.stop();
}

#[test]
fn a_panic_of_the_loop_opens_the_model_again() {
    let (mut rig, tracks, _) = WorkerRig::new();
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let open = move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    rig.frames_until(running);
    let threads = rig.parts.threads.clone();
    threads.inject("detect", capture::InjectedFault::Panic);
    rig.frames_until(|_| opened.load(Ordering::Relaxed) == 2);
    assert_eq!(threads.restarts("detect"), 1);
    let mut seen = tracks.reader();
    let _ = seen.try_next();
    rig.frames_until(|_| seen.try_next().is_some());
    handle.stop();
}

#[test]
fn a_hanging_detection_is_reported() {
    let (mut rig, _, _) = WorkerRig::new();
    let open = || {
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    rig.frames_until(running);
    let threads = rig.parts.threads.clone();
    threads.inject("detect", capture::InjectedFault::Hang);
    rig.frames_until(|_| {
        threads.skip_time(2 * DETECTION_MAX);
        let faults = threads.faults(Instant::now());
        faults
            .iter()
            .any(|fault| fault.to_string() == "detect hangs")
    });
    threads.inject("detect", capture::InjectedFault::None);
    rig.frames_until(|_| threads.faults(Instant::now()).is_empty());
    handle.stop();
}

#[test]
fn minimum_score_and_classes_change_while_it_runs() {
    let (mut rig, tracks, _) = WorkerRig::new();
    let tuning = Arc::clone(&rig.parts.tuning);
    let open = || {
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    let mut shows = |count: usize| {
        rig.frames_until(|_| {
            tracks
                .latest()
                .is_some_and(|tracks| tracks.items.len() == count)
        });
    };
    let set = |min_score, classes: &[&str]| {
        let classes = classes.iter().map(|class| (*class).to_owned()).collect();
        tuning.set(Tuning {
            min_score,
            classes,
            ..Tuning::default()
        });
    };
    shows(1);
    set(None, &["cup"]);
    shows(0);
    set(None, &["cup", "person"]);
    shows(1);
    set(Some(0.99), &[]);
    shows(0);
    set(Some(0.9), &[]);
    shows(1);
    let set_own = |class: &str, score| {
        tuning.set(Tuning {
            min_score: Some(0.9),
            class_scores: BTreeMap::from([(class.to_owned(), score)]),
            ..Tuning::default()
        });
    };
    set_own("person", 0.99);
    shows(0);
    set_own("cup", 0.99);
    shows(1);
    rig.frames.close();
    handle.stop();
}
