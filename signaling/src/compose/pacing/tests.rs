use super::*;

/// A virtual clock with a source and watchers that the test moves by hand.
struct World {
    origin: Instant,
    pacing: Pacing,
    seen: Seen,
}

impl World {
    fn new() -> Self {
        let seen = Seen {
            watched: true,
            newest: None,
            stale_after: capture::Frame::STALE_AFTER,
            fresh: false,
            lost_since: None,
            keyframe_due: None,
        };
        Self {
            origin: Instant::now(),
            pacing: Pacing::new(30),
            seen,
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.origin + Duration::from_millis(ms)
    }

    fn frame(&mut self, ms: u64) -> Step {
        (self.seen.newest, self.seen.fresh) = (Some(self.at(ms)), true);
        let step = self.step(ms);
        self.seen.fresh = false;
        step
    }

    fn step(&mut self, ms: u64) -> Step {
        self.pacing.decide(self.at(ms), &self.seen)
    }

    /// Milliseconds until which the pacing waits.
    fn wait(&mut self, ms: u64) -> u64 {
        match self.step(ms) {
            Step::Wait(until) => (until - self.origin).as_millis() as u64,
            other => panic!("{other:?} instead of a wait"),
        }
    }
}

#[test]
fn nobody_watching_means_nothing_is_done() {
    let mut world = World::new();
    world.seen.watched = false;
    world.seen.keyframe_due = Some(world.at(0));
    assert_eq!(world.frame(0), Step::Sleep);
    assert_eq!(world.step(10_000), Step::Sleep);
}

#[test]
fn a_first_watcher_gets_the_frame_that_is_there() {
    let mut world = World::new();
    world.seen.watched = false;
    world.frame(0);
    (world.seen.watched, world.seen.fresh) = (true, true);
    assert_eq!(world.step(30), Step::Frame);
    world.seen.fresh = false;
    assert_eq!(world.wait(31), 1500, "stale by its own capture time");
}

#[test]
fn a_first_watcher_of_a_dead_source_gets_a_card_not_an_old_frame() {
    let mut world = World::new();
    (world.seen.newest, world.seen.fresh) = (Some(world.at(0)), true);
    assert_eq!(world.step(60_000), Step::Card);
}

#[test]
fn a_stall_shows_a_card_within_two_seconds_and_the_feed_comes_back() {
    let mut world = World::new();
    assert_eq!(world.frame(1000), Step::Frame);
    assert_eq!(world.wait(1001), 2500);
    assert_eq!(world.step(2500), Step::Card);
    assert_eq!(world.wait(2501), 2700, "five a second");
    assert_eq!(world.step(2700), Step::Card);
    assert_eq!(world.frame(2750), Step::Frame);
    assert_eq!(world.wait(2751), 4250);
}

#[test]
fn a_lost_source_shows_its_card_at_once_and_a_newer_frame_ends_it() {
    let mut world = World::new();
    assert_eq!(world.frame(1000), Step::Frame);
    world.seen.lost_since = Some(world.at(1100));
    assert_eq!(world.step(1101), Step::Card);
    assert_eq!(
        world.frame(1200),
        Step::Frame,
        "the frame overtakes the signal"
    );
}

#[test]
fn opening_has_a_moment_of_grace() {
    let mut world = World::new();
    assert_eq!(world.wait(0), 300);
    assert_eq!(world.step(300), Step::Card);
    let mut lost = World::new();
    lost.seen.lost_since = Some(lost.at(0));
    assert_eq!(
        lost.step(0),
        Step::Card,
        "what failed to open needs no grace"
    );
}

#[test]
fn a_keyframe_of_a_slow_source_repeats_the_last_picture() {
    let mut world = World::new();
    assert_eq!(world.frame(0), Step::Frame);
    world.seen.keyframe_due = Some(world.at(10));
    assert_eq!(
        world.wait(10),
        50,
        "a 30 fps source brings a new one by then"
    );
    assert_eq!(world.step(50), Step::Repeat);
    world.seen.keyframe_due = None;
    assert_eq!(
        world.wait(51),
        1500,
        "a repeated picture is no sign of life"
    );
}

#[test]
fn a_keyframe_request_draws_the_next_card_early() {
    let mut world = World::new();
    world.seen.lost_since = Some(world.at(0));
    assert_eq!(world.step(0), Step::Card);
    world.seen.keyframe_due = Some(world.at(60));
    assert_eq!(world.wait(10), 60);
    assert_eq!(world.step(60), Step::Card);
}

fn admitted(fps: f64, jitter_ms: u64) -> usize {
    let mut world = World::new();
    let frames = (0..(fps * 10.0) as u64).map(|index| {
        let jitter = if index % 3 == 1 { jitter_ms } else { 0 };
        (index as f64 * 1000.0 / fps) as u64 + jitter
    });
    frames.filter(|ms| world.frame(*ms) == Step::Frame).count()
}

#[test]
fn faster_sources_are_thinned_and_ordinary_ones_left_alone() {
    assert_eq!(
        (admitted(30.0, 0), admitted(30.0, 7), admitted(15.0, 20)),
        (300, 300, 150)
    );
    for fast in [60.0, 100.0, 240.0] {
        assert!(
            (280..=345).contains(&admitted(fast, 0)),
            "{fast}: {}",
            admitted(fast, 0)
        );
    }
}

#[test]
fn a_capture_clock_that_jumps_back_does_not_shut_the_feed() {
    let mut world = World::new();
    world.frame(60_000);
    let now = world.at(60_033);
    let seen = Seen {
        newest: Some(world.at(1000)),
        fresh: true,
        ..world.seen
    };
    world.pacing.decide(now, &seen);
    assert_eq!(world.pacing.decide(now, &seen), Step::Frame);
}

#[test]
fn the_picture_of_a_slow_source_stands_until_the_next_is_overdue() {
    let mut world = World::new();
    world.seen.stale_after = Duration::from_millis(8_000);
    assert_eq!(world.frame(0), Step::Frame);
    assert_eq!(world.wait(10), 8_000);
    assert_eq!(world.frame(4_000), Step::Frame);
    assert_eq!(world.wait(4_010), 12_000);
    assert_eq!(world.step(12_000), Step::Card);
}
