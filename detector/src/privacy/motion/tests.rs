use super::*;

const FRAME: Duration = Duration::from_millis(33);

/// A camera in front of a room with light and dark parts.
struct Camera {
    picture: I420,
    now: Instant,
    random: u32,
}

impl Camera {
    fn new() -> Self {
        let mut picture = I420::black(640, 360).expect("even");
        for (row, line) in picture.planes_mut().y.chunks_exact_mut(640).enumerate() {
            for (column, sample) in line.iter_mut().enumerate() {
                *sample = 50 + ((column / 80 + row / 60) % 5 * 30) as u8;
            }
        }
        Self {
            picture,
            now: Instant::now(),
            random: 1,
        }
    }

    fn random(&mut self) -> i32 {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.random >> 16) as i32
    }

    /// The next picture with a sensor's noise of up to `noise` levels, made brighter.
    fn next(&mut self, noise: i32, brighter: i32) -> (I420, Instant) {
        self.now += FRAME;
        let mut picture = self.picture.clone();
        for at in 0..picture.planes().y.len() {
            let sample = i32::from(picture.planes().y[at]);
            let noise = self.random() % (2 * noise + 1) - noise;
            picture.planes_mut().y[at] = (sample + noise + brighter).clamp(0, 255) as u8;
        }
        (picture, self.now)
    }

    fn paint(&mut self, area: Rect, luma: u8) {
        let mut canvas = capture::canvas::Canvas::new(&mut self.picture);
        let ink = capture::canvas::Ink {
            y: luma,
            u: 128,
            v: 128,
        };
        canvas.fill_rect(area, ink, 255);
    }
}

/// What moves from one picture to the next one.
fn moved(before: (I420, Instant), after: (I420, Instant), explained: &[Rect]) -> Option<Vec<Rect>> {
    let mut motion = Motion::default();
    motion.observe(&before.0, before.1);
    assert!(motion.refer_to(before.1));
    motion.observe(&after.0, after.1);
    let mut areas = Vec::new();
    motion.unexplained(explained, &mut areas)?;
    Some(areas)
}

#[test]
fn noise_is_no_motion() {
    let mut camera = Camera::new();
    let (before, after) = (camera.next(12, 0), camera.next(12, 0));
    assert_eq!(moved(before, after, &[]), Some(Vec::new()));
}

#[test]
fn a_change_of_brightness_is_no_motion() {
    for brighter in [-40, -10, 10, 40] {
        let mut camera = Camera::new();
        let (before, after) = (camera.next(4, 0), camera.next(4, brighter));
        assert_eq!(moved(before, after, &[]), Some(Vec::new()), "{brighter}");
    }
}

#[test]
fn something_new_is_found_whole_even_while_the_brightness_changes() {
    for brighter in [0, 10] {
        let mut camera = Camera::new();
        let before = camera.next(4, 0);
        let thing = Rect::new(200, 120, 70, 160);
        camera.paint(thing, 20);
        let areas = moved(before, camera.next(4, brighter), &[]).expect("few areas");
        assert_eq!(areas.len(), 1, "{areas:?}");
        assert_eq!(areas[0].intersection(thing), thing, "{areas:?}");
        assert!(areas[0].width < 120 && areas[0].height < 210, "{areas:?}");
    }
}

#[test]
fn somebody_right_in_front_of_the_camera_is_no_change_of_brightness() {
    let mut camera = Camera::new();
    let before = camera.next(4, 0);
    let thing = Rect::new(0, 0, 500, 360);
    camera.paint(thing, 230);
    let areas = moved(before, camera.next(4, 0), &[]).expect("few areas");
    let hidden: i32 = areas
        .iter()
        .map(|area| area.intersection(thing).width)
        .sum();
    assert!(hidden >= 480, "{areas:?}");
}

#[test]
fn two_things_are_two_areas() {
    let mut camera = Camera::new();
    let before = camera.next(4, 0);
    camera.paint(Rect::new(40, 40, 60, 60), 235);
    camera.paint(Rect::new(400, 200, 60, 60), 235);
    assert_eq!(
        moved(before, camera.next(4, 0), &[]).map(|areas| areas.len()),
        Some(2)
    );
}

#[test]
fn motion_in_explained_areas_is_left_out() {
    let mut camera = Camera::new();
    let before = camera.next(4, 0);
    camera.paint(Rect::new(40, 40, 60, 60), 235);
    let after = camera.next(4, 0);
    let around = Rect::new(30, 30, 80, 80);
    assert_eq!(
        moved(before.clone(), after.clone(), &[around]),
        Some(Vec::new())
    );
    let half = Rect::new(30, 30, 40, 80);
    let areas = moved(before, after, &[half]).expect("few areas");
    assert!(areas.iter().all(|area| area.right() >= 100), "{areas:?}");
}

#[test]
fn an_area_stays_for_a_while_after_it_has_moved() {
    let (mut camera, mut motion, mut areas) = (Camera::new(), Motion::default(), Vec::new());
    let (picture, at) = camera.next(0, 0);
    motion.observe(&picture, at);
    motion.refer_to(at);
    camera.paint(Rect::new(40, 40, 60, 60), 235);
    let moved_at = camera.now + FRAME;
    loop {
        let (picture, at) = camera.next(0, 0);
        motion.observe(&picture, at);
        assert_eq!(motion.unexplained(&[], &mut areas), Some(()));
        motion.refer_to(at);
        assert_eq!(
            areas.is_empty(),
            at - moved_at > HELD_FOR,
            "{:?}",
            at - moved_at
        );
        if areas.is_empty() {
            break;
        }
    }
}

#[test]
fn an_earlier_picture_stands_in_for_one_that_was_not_observed() {
    let (mut camera, mut motion) = (Camera::new(), Motion::default());
    let (picture, at) = camera.next(0, 0);
    assert!(!motion.refer_to(at));
    motion.observe(&picture, at);
    assert!(!motion.refer_to(at - FRAME), "a later one does not");
    assert!(motion.refer_to(at + FRAME / 2));
    motion.forget();
    assert!(!motion.has_reference());
}

#[test]
fn pictures_of_every_size_are_observed() {
    for (width, height) in [(2, 2), (1280, 720), (642, 362), (8192, 2), (2, 480)] {
        let picture = I420::black(width, height).expect("even");
        let (now, mut motion, mut areas) = (Instant::now(), Motion::default(), Vec::new());
        motion.observe(&picture, now);
        motion.refer_to(now);
        let whole = Rect::of_size(width, height);
        for explained in [&[][..], &[whole], &[Rect::new(-5, -5, 9000, 9000)]] {
            assert_eq!(motion.unexplained(explained, &mut areas), Some(()));
            assert!(areas.is_empty());
        }
    }
}
