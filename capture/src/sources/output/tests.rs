use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::CaptureLimit;
use crate::mounting::Mounting;
use crate::slot::Slot;

/// The output of the active attempt, with its receivers.
fn output() -> (SourceOutput, Receiver<Event>, Arc<Slot<Frame>>) {
    let frames = Slot::new();
    let gate = PublishGate::new(SourceSwitch::new(Arc::clone(&frames), Slot::new()));
    gate.set_active(1, 0);
    let (events, received) = channel();
    let output = SourceOutput {
        attempt: 1,
        gate,
        state: AttemptState::new(),
        limits: crate::sources::scene::KIND.limits,
        events,
        pool: PicturePool::new(2),
        camera: Arc::default(),
        owner: None,
        claims: Arc::default(),
        demand: None,
        idle: IdlePace::default(),
        cap: None,
        metrics: Arc::default(),
        label: SourceLabel { source: "test" },
        opened: OpenedSource::default(),
        size: (0, 0),
        heartbeat: crate::threads::Threads::default().enter("source"),
    };
    (output, received, frames)
}

fn publish(output: &mut SourceOutput, width: u32) {
    let picture = output.pool().take(width, 2).expect("even");
    output.publish(picture, Instant::now());
}

#[test]
fn frames_are_numbered_and_only_changes_are_announced() {
    let (mut output, events, frames) = output();
    for width in [4, 4, 4, 8] {
        publish(&mut output, width);
    }
    assert_eq!(frames.latest().expect("published").seq, 4);
    let widths: Vec<u32> = events
        .try_iter()
        .map(|event| match event {
            Event::Live(_, (_, width, _)) => width,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(widths, [4, 8]);
    output.state.announce_next();
    publish(&mut output, 8);
    assert_eq!(events.try_iter().count(), 1);
}

#[test]
fn an_inactive_attempt_publishes_nothing_and_the_numbers_go_on() {
    let (mut output, _events, frames) = output();
    publish(&mut output, 4);
    output.gate.set_active(2, 0);
    publish(&mut output, 4);
    assert_eq!(frames.latest().expect("published").seq, 1);
    output.attempt = 2;
    publish(&mut output, 4);
    assert_eq!(frames.latest().expect("published").seq, 2);
    assert_eq!(output.metrics.frames.get(), 2);
}

#[test]
fn pictures_hidden_by_a_guest_count_as_arrivals_only() {
    let (mut output, _events, frames) = output();
    assert!(!output.skip_if_surplus(Instant::now()));
    let switch = Arc::clone(&output.gate.switch);
    let mut guest = switch.guest("phone");
    guest.publish(output.pool().take(8, 2).expect("even"), Instant::now());
    assert!(output.skip_if_surplus(Instant::now()) && output.state.arrivals().last.is_some());
    publish(&mut output, 4);
    assert_eq!(frames.latest().expect("the guest's").pixels.width(), 8);
}

#[test]
fn pictures_of_a_camera_on_standby_are_arrivals_once_its_pace_is_known() {
    let (mut output, _events, frames) = output();
    let switch = Arc::clone(&output.gate.switch);
    let standby = switch.add_camera("back", "camera back".to_owned());
    output.gate.set_active(1, standby);
    let come = |output: &mut SourceOutput| {
        let is_skipped = output.skip_if_unneeded(Instant::now());
        if !is_skipped {
            publish(output, 4);
        }
        is_skipped
    };
    assert_eq!(
        [(); 4].map(|()| come(&mut output)),
        [false, false, true, true]
    );
    assert!(frames.latest().is_none());
    output.count_bad_picture(&"rubbish");
    assert!(!come(&mut output) && come(&mut output));
    switch.select_camera(standby);
    assert!(frames.latest().is_some(), "the last one that was decoded");
    assert!(!come(&mut output) && !come(&mut output));
}

#[derive(Debug, Default)]
struct Watchers(AtomicBool);

impl PictureDemand for Watchers {
    fn somebody_watches(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn unwatched_pictures_are_arrivals_and_the_first_viewer_gets_the_next_one() {
    let (mut output, _events, frames) = output();
    let watchers = Arc::new(Watchers::default());
    output.demand = Some(Arc::clone(&watchers) as Arc<dyn PictureDemand>);
    let come = |output: &mut SourceOutput| {
        let is_skipped = output.skip_if_unneeded(Instant::now());
        if !is_skipped {
            publish(output, 4);
        }
        is_skipped
    };
    // The interval is known after the second one.
    assert_eq!(
        [(); 5].map(|()| come(&mut output)),
        [false, false, true, true, true]
    );
    let counts =
        |output: &SourceOutput| (output.metrics.frames.get(), output.metrics.undecoded.get());
    assert_eq!(counts(&output), (5, 3));
    assert_eq!(frames.latest().expect("published").seq, 2);
    assert!(output.gate.switch.frame_rate(Instant::now()).is_some());
    // Nobody knows whether a source that sent rubbish is sound again.
    output.count_bad_picture(&"rubbish");
    assert!(!come(&mut output) && come(&mut output));
    output.state.announce_next();
    assert!(!come(&mut output) && come(&mut output));
    watchers.0.store(true, Ordering::Relaxed);
    assert!(!come(&mut output) && !come(&mut output));
}

#[derive(Debug)]
struct Limited(AtomicBool);

impl PictureDemand for Limited {
    fn somebody_watches(&self) -> bool {
        true
    }

    fn limit(&self) -> CaptureLimit {
        CaptureLimit {
            size_px: None,
            fps: self.0.load(Ordering::Relaxed).then_some(10),
        }
    }
}

#[test]
fn pictures_above_the_limit_are_arrivals_only() {
    let (mut output, _events, frames) = output();
    let limited = Arc::new(Limited(AtomicBool::new(true)));
    output.demand = Some(Arc::clone(&limited) as Arc<dyn PictureDemand>);
    let start = Instant::now();
    let published = |output: &mut SourceOutput, from: u32| {
        let pictures = (from..from + 30).filter(|number| {
            let captured_at = start + Duration::from_millis(33) * *number;
            let is_skipped = output.skip_if_surplus(captured_at);
            if !is_skipped {
                let picture = output.pool().take(4, 2).expect("even");
                output.publish(picture, captured_at);
            }
            !is_skipped
        });
        pictures.count()
    };
    let count = published(&mut output, 0);
    assert!((9..=12).contains(&count), "{count} of a second");
    assert_eq!(output.metrics.frames.get(), 30);
    assert_eq!(output.metrics.undecoded.get(), 30 - count as u64);
    assert!(frames.latest().is_some() && output.state.arrivals().last.is_some());
    limited.0.store(false, Ordering::Relaxed);
    assert_eq!(published(&mut output, 40), 30);
}

#[test]
fn pictures_are_turned_upright_and_a_new_shape_is_announced() {
    let (mut output, events, frames) = output();
    publish(&mut output, 4);
    let quarter = Mounting::new(90, true).expect("a quarter");
    output.camera.set_mounting(quarter);
    publish(&mut output, 4);
    let frame = frames.latest().expect("published");
    assert_eq!((frame.pixels.width(), frame.pixels.height()), (2, 4));
    assert_eq!((frame.seq, frame.mounting), (2, quarter));
    assert_eq!(events.try_iter().count(), 2);
}

#[test]
fn a_cancelled_attempt_stops_waiting() {
    let (output, _events, _frames) = output();
    output.state.cancel();
    let until = Instant::now() + Duration::from_secs(60);
    output.pause_until(until);
    assert!(Instant::now() < until && !output.is_wanted());
}
