//! The model is changed while the worker runs.

use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::worker::model_change::ModelChangeState;

/// A model that finds one object of the class that is its name, and counts itself.
struct Counted {
    name: String,
    alive: Arc<Alive>,
}

#[derive(Debug, Default)]
struct Alive {
    now: AtomicU32,
    most: AtomicU32,
}

impl Counted {
    fn new(name: &str, alive: &Arc<Alive>) -> Self {
        let now = alive.now.fetch_add(1, Ordering::Relaxed) + 1;
        alive.most.fetch_max(now, Ordering::Relaxed);
        let (name, alive) = (name.to_owned(), Arc::clone(alive));
        Self { name, alive }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Detect for Counted {
    fn detect(&mut self, _: &I420, _: f32) -> Result<Vec<Detection>, DetectError> {
        Ok(vec![Detection {
            class_id: 0,
            score: 0.95,
            bbox: BBox::around(30.0, 20.0, 20.0, 30.0),
        }])
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn labels(&self) -> Arc<[String]> {
        Arc::from([self.name.clone()])
    }

    fn running(&self) -> DetectorState {
        DetectorState::Running {
            model: self.name.clone(),
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

struct ChangeRig {
    worker: WorkerRig,
    handle: WorkerHandle,
    alive: Arc<Alive>,
    /// Lets one model be opened, or fail.
    may_open: Sender<Result<(), OpenError>>,
    /// The names of the models whose opening began.
    begun: Arc<Mutex<Vec<String>>>,
}

impl ChangeRig {
    /// A running worker with the model `person`.
    fn start() -> Self {
        let (worker, _, _) = WorkerRig::new();
        let (may_open, opens) = channel::<Result<(), OpenError>>();
        let opens = Mutex::new(opens);
        let (alive, begun) = (
            Arc::<Alive>::default(),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let (counted, noted) = (Arc::clone(&alive), Arc::clone(&begun));
        let open = move |model: &ModelChoice| {
            if *model == ModelChoice::None {
                return Ok(None);
            }
            let name = model.to_string();
            noted.lock().expect("sound").push(name.clone());
            let told = opens.lock().expect("sound").recv().expect("told");
            told.map(|()| Some(Counted::new(&name, &counted)))
        };
        let counted = Arc::clone(&alive);
        let faces = move || Ok(Some(Counted::new("face", &counted)));
        worker.parts.model.start(named("person"));
        may_open.send(Ok(())).expect("taken");
        let faces = FaceFinder::new(Box::new(faces));
        let handle = spawn_with(worker.parts(), faces, Arc::new(open)).expect("a thread");
        let mut rig = Self {
            worker,
            handle,
            alive,
            may_open,
            begun,
        };
        rig.worker.frames_until(running);
        rig
    }

    fn control(&self) -> Arc<ModelControl> {
        Arc::clone(&self.worker.parts.model)
    }

    fn let_open(&self, result: Result<(), OpenError>) {
        self.may_open.send(result).expect("taken");
    }

    fn frames_until(&mut self, mut wanted: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + HANG_TIMEOUT;
        while !wanted(self) {
            assert!(Instant::now() < deadline, "{:?}", self.control());
            self.worker.frame();
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn begun(&self, name: &str) -> bool {
        let begun = self.begun.lock().expect("sound");
        begun.last().is_some_and(|last| last == name)
    }

    /// Offers frames until the newest tracks are of this model and of a frame that comes after this call.
    fn shows(&mut self, label: &str) -> Arc<Tracks> {
        let after = self.worker.seq;
        let newest = |rig: &Self| rig.worker.parts.tracks.latest();
        let is_it = |tracks: &Arc<Tracks>| {
            tracks.frame_seq > after && !tracks.items.is_empty() && &*tracks.labels[0] == label
        };
        self.frames_until(|rig| newest(rig).as_ref().is_some_and(is_it));
        newest(self).expect("there")
    }
}

fn named(name: &str) -> ModelChoice {
    ModelChoice::Named(name.to_owned())
}

fn is_settled(rig: &ChangeRig) -> bool {
    rig.control().last_change().state != ModelChangeState::Opening
}

#[test]
fn the_present_model_detects_until_the_next_one_is_open() {
    let mut rig = ChangeRig::start();
    let sightings = rig.worker.parts.sightings.clone();
    sightings.control.set_mode(PrivacyMode::BlurPeople);
    let before = rig.shows("person");
    rig.worker.parts.metrics.recent_inference.set(0.02);
    rig.control().replace(named("cup"));
    rig.frames_until(|rig| rig.begun("cup"));
    let mut sighted = sightings.slot.reader();
    for _ in 0..3 {
        let meanwhile = rig.shows("person");
        assert_eq!(meanwhile.items[0].id, before.items[0].id);
        assert!(sighted.try_next().is_some_and(|seen| seen.items.len() == 1));
    }
    rig.let_open(Ok(()));
    let after = rig.shows("cup");
    assert!(after.items[0].id > before.items[0].id, "ids are not reused");
    assert_eq!(rig.control().in_use(), named("cup"));
    assert_eq!(
        rig.control().inference_of("person"),
        Some(Duration::from_millis(20))
    );
    assert_eq!(rig.alive.now.load(Ordering::Relaxed), 1);
    rig.handle.stop();
}

#[test]
fn a_model_that_cannot_be_opened_leaves_the_present_one_at_work() {
    let mut rig = ChangeRig::start();
    let before = rig.shows("person");
    let error = OpenError {
        is_missing: false,
        message: "it is damaged".to_owned(),
        fix: None,
    };
    let number = rig.control().replace(named("cup"));
    rig.let_open(Err(error.clone()));
    rig.frames_until(is_settled);
    let change = rig.control().last_change();
    assert_eq!(change.number, number);
    assert_eq!(change.state, ModelChangeState::Failed(error));
    assert_eq!(rig.control().in_use(), named("person"));
    let after = rig.shows("person");
    assert_eq!(after.items[0].id, before.items[0].id);
    assert!(running(&rig.worker.parts.state.latest().expect("one")));
    rig.handle.stop();
}

#[test]
fn the_last_of_several_models_wins_and_there_are_never_three() {
    let mut rig = ChangeRig::start();
    let sightings = rig.worker.parts.sightings.clone();
    sightings.control.set_mode(PrivacyMode::BlurFaces);
    let alive = |rig: &ChangeRig| rig.alive.now.load(Ordering::Relaxed);
    rig.frames_until(|rig| alive(rig) == 2);
    rig.control().replace(named("cup"));
    rig.frames_until(|rig| rig.begun("cup"));
    assert_eq!(alive(&rig), 1, "the model for faces makes room");
    rig.control().replace(named("dog"));
    rig.shows("person");
    assert!(rig.begun("cup"), "one after the other");
    rig.let_open(Ok(()));
    rig.frames_until(|rig| rig.begun("dog"));
    rig.let_open(Ok(()));
    rig.shows("dog");
    rig.frames_until(|rig| alive(rig) == 2);
    assert_eq!(rig.alive.most.load(Ordering::Relaxed), 2);
    assert_eq!(rig.control().in_use(), named("dog"));
    rig.handle.stop();
}

#[test]
fn detection_is_switched_off_and_on_again() {
    let mut rig = ChangeRig::start();
    rig.shows("person");
    rig.control().replace(ModelChoice::None);
    rig.frames_until(is_settled);
    let state = rig.worker.parts.state.latest();
    assert_eq!(state.as_deref(), Some(&DetectorState::Off));
    let tracks = rig.worker.parts.tracks.latest().expect("there");
    assert!(tracks.items.is_empty() && tracks.labels.is_empty());
    assert_eq!(rig.alive.now.load(Ordering::Relaxed), 0);
    rig.control().replace(named("person"));
    rig.let_open(Ok(()));
    rig.shows("person");
    rig.handle.stop();
}

#[test]
fn the_model_in_use_is_not_opened_again() {
    let mut rig = ChangeRig::start();
    rig.control().replace(named("cup"));
    rig.frames_until(|rig| rig.begun("cup"));
    rig.control().replace(named("person"));
    rig.let_open(Ok(()));
    rig.frames_until(is_settled);
    assert_eq!(rig.begun.lock().expect("sound").len(), 2);
    rig.shows("person");
    assert_eq!(rig.alive.now.load(Ordering::Relaxed), 1);
    rig.handle.stop();
}

#[test]
fn objects_of_one_source_are_not_followed_into_another() {
    let mut rig = ChangeRig::start();
    let before = rig.shows("person");
    let pool = PicturePool::new(2);
    let source_number = 7;
    let deadline = Instant::now() + HANG_TIMEOUT;
    let after = loop {
        rig.worker.seq += 1;
        let picture = pool.take(64, 48).expect("even");
        rig.worker.frames.publish(Frame {
            source_number,
            ..Frame::new(picture, rig.worker.seq, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(2));
        let newest = rig.worker.parts.tracks.latest().expect("there");
        if newest.source_number == source_number && !newest.items.is_empty() {
            break newest;
        }
        assert!(Instant::now() < deadline, "{newest:?}");
    };
    assert_ne!(after.items[0].id, before.items[0].id);
    rig.worker.frames.clear();
    let is_empty = |rig: &ChangeRig| {
        let tracks = rig.worker.parts.tracks.latest();
        tracks.is_some_and(|tracks| tracks.items.is_empty())
    };
    while !is_empty(&rig) {
        assert!(Instant::now() < deadline, "tracks without a source");
        std::thread::sleep(Duration::from_millis(2));
    }
    rig.handle.stop();
}
