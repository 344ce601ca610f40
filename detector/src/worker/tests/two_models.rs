//! Two models at once: labels, ids and rates, and what privacy makes of them.

use super::*;

/// Finds one object, at a place of its own.
struct Finder {
    label: &'static str,
    x: f32,
    runs: Arc<AtomicU32>,
}

impl Detect for Finder {
    fn detect(&mut self, _: &I420, _: f32) -> Result<Vec<Detection>, DetectError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        Ok(vec![Detection {
            class_id: 0,
            score: 0.95,
            bbox: BBox::around(self.x, 20.0, 12.0, 12.0),
        }])
    }

    fn name(&self) -> &str {
        self.label
    }

    fn labels(&self) -> Arc<[String]> {
        Arc::from([self.label.to_owned()])
    }

    fn running(&self) -> DetectorState {
        DetectorState::Running {
            model: self.label.to_owned(),
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

struct Pair {
    main: Finder,
    second: Finder,
}

impl Detect for Pair {
    fn detect(&mut self, picture: &I420, score: f32) -> Result<Vec<Detection>, DetectError> {
        self.main.detect(picture, score)
    }

    fn name(&self) -> &str {
        self.main.name()
    }

    fn labels(&self) -> Arc<[String]> {
        self.main.labels()
    }

    fn running(&self) -> DetectorState {
        self.main.running()
    }

    fn min_score(&self) -> f32 {
        self.main.min_score()
    }

    fn second(&mut self) -> Option<(&mut dyn Detect, Duration)> {
        // Once, unless something else asks for more.
        Some((&mut self.second, Duration::from_secs(3600)))
    }
}

/// How often each of both has run.
type Runs = [Arc<AtomicU32>; 2];

fn started(rig: &WorkerRig, runs: &Runs) -> WorkerHandle {
    let [main, second] = runs.clone();
    let open = move || {
        let finder = |label, x, runs: &Arc<AtomicU32>| Finder {
            label,
            x,
            runs: Arc::clone(runs),
        };
        Ok(Some(Pair {
            main: finder("person", 16.0, &main),
            second: finder("face", 48.0, &second),
        }))
    };
    let no_third = FaceFinder::new(Box::new(|| panic!("the second model finds faces")));
    run(rig.parts(), no_third, open)
}

fn counts(runs: &Runs) -> [u32; 2] {
    runs.each_ref().map(|one| one.load(Ordering::Relaxed))
}

#[test]
fn both_have_tracks_of_their_own_and_the_second_its_own_rate() {
    let (rig, tracks, _) = WorkerRig::new();
    let runs = Runs::default();
    let handle = started(&rig, &runs);
    let (mut seen, start) = (tracks.reader(), Instant::now());
    for seq in 1..=4 {
        let picture = rig.pool.take(64, 48).expect("even");
        let captured_at = start + Duration::from_millis(33) * seq;
        rig.frames
            .publish(Frame::new(picture, seq.into(), captured_at));
        let Next::Newer(tracks) = seen.wait(HANG_TIMEOUT) else {
            panic!("no tracks")
        };
        assert_eq!(*tracks.labels, ["person".to_owned(), "face".to_owned()]);
        let items: Vec<(u64, usize)> = tracks
            .items
            .iter()
            .map(|one| (one.id, one.class_id))
            .collect();
        assert_eq!(items, [(1, 0), (2, 1)]);
    }
    assert_eq!(counts(&runs), [4, 1]);
    assert!(rig.parts.metrics.recent_second.get() > 0.0, "it is timed");
    handle.stop();
}

#[test]
fn for_privacy_the_second_sees_each_frame_and_no_third_model_is_opened() {
    let (mut rig, tracks, _) = WorkerRig::new();
    let control = &rig.parts.sightings.control;
    control.set_mode(PrivacyMode::BlurFaces);
    let runs = Runs::default();
    let handle = started(&rig, &runs);
    let mut seen = tracks.reader();
    for _ in 0..3 {
        rig.frame();
        assert!(matches!(seen.wait(HANG_TIMEOUT), Next::Newer(_)));
        let sighting = rig.parts.sightings.slot.latest().expect("published");
        let has = |kind| sighting.items.iter().any(|item| item.kind == kind);
        assert!(has(SightedKind::Person) && has(SightedKind::Face));
        assert!(sighting.finds_faces && sighting.finds_persons);
    }
    assert_eq!(counts(&runs), [3, 3]);
    handle.stop();
}
