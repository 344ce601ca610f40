//! On pictures of a pattern that moves, with the noise of a sensor.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// A pattern without a period, of details of many sizes.
fn pattern(x: f32, y: f32) -> f32 {
    let wave = |px: f32, phase: f32, along: f32| (along / px + phase).sin();
    120.0
        + 30.0 * wave(61.0, 0.3, x + 0.4 * y)
        + 25.0 * wave(37.0, 1.1, y - 0.3 * x)
        + 20.0 * wave(19.0, 2.0, x - 0.8 * y)
        + 15.0 * wave(13.0, 0.7, x + y)
}

struct Camera {
    size: (u32, u32),
    noise_luma: f32,
    seed: u32,
}

impl Camera {
    fn new(size: (u32, u32)) -> Self {
        Self {
            size,
            noise_luma: 4.0,
            seed: 1,
        }
    }

    /// The luma of each pixel by `scene`, with noise.
    fn picture(&mut self, scene: impl Fn(f32, f32) -> f32) -> I420 {
        let (width, height) = self.size;
        let mut picture = I420::black(width, height).expect("even");
        let luma = &mut picture.data_mut()[..(width * height) as usize];
        for (place, out) in luma.iter_mut().enumerate() {
            self.seed = self
                .seed
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            let noise = ((self.seed >> 8) as f32 / (1 << 24) as f32 - 0.5) * 3.46 * self.noise_luma;
            let (x, y) = (place % width as usize, place / width as usize);
            *out = (scene(x as f32, y as f32) + noise) as u8;
        }
        picture
    }
}

/// The measured shift between two scenes.
fn measured(
    size: (u32, u32),
    before: impl Fn(f32, f32) -> f32,
    after: impl Fn(f32, f32) -> f32,
) -> Option<Shift> {
    let (mut camera, mut motion) = (Camera::new(size), CameraMotion::default());
    let start = Instant::now();
    motion.observe(&camera.picture(before), start);
    motion.observe(&camera.picture(after), start + MS * 33);
    motion.since(start)
}

fn is_near(found: Option<Shift>, x: f32, y: f32, px: f32) -> bool {
    found.is_some_and(|found| (found.x - x).hypot(found.y - y) <= px)
}

#[test]
fn shifts_from_a_pixel_to_a_tenth_of_the_picture_are_measured() {
    for size in [(640, 360), (1280, 720)] {
        for (x, y) in [
            (1.5, -0.8),
            (6.3, 2.0),
            (-21.0, 9.5),
            (64.0, -30.0),
            (-90.0, 4.0),
        ] {
            let found = measured(size, pattern, |px, py| pattern(px - x, py - y));
            assert!(is_near(found, x, y, 0.5), "{size:?} {x}, {y}: {found:?}");
        }
    }
}

#[test]
fn a_camera_that_stands_still_has_no_shift() {
    for size in [(640, 360), (1280, 720)] {
        assert!(is_near(measured(size, pattern, pattern), 0.0, 0.0, 0.05));
    }
}

#[test]
fn what_moves_by_itself_is_not_the_camera() {
    // A striped object over a third of the picture's width moves by 30 pixels.
    let object = |left: f32| {
        move |x: f32, y: f32| match (left..left + 220.0).contains(&x) && y > 60.0 {
            true => 60.0 + 120.0 * f32::from(((x - left) / 14.0) as i32 % 2 == 0),
            false => pattern(x, y),
        }
    };
    let still = measured((640, 360), object(200.0), object(230.0));
    assert!(is_near(still, 0.0, 0.0, 0.6), "{still:?}");
    let (moved, before) = (object(230.0), object(200.0));
    let found = measured((640, 360), before, |x, y| moved(x - 12.0, y + 5.0));
    assert!(is_near(found, 12.0, -5.0, 1.0), "{found:?}");
}

#[test]
fn brightness_is_no_shift_and_does_not_disturb_one() {
    let lamp = measured((640, 360), pattern, |x, y| pattern(x, y) + 25.0);
    assert!(is_near(lamp, 0.0, 0.0, 0.1), "{lamp:?}");
    let found = measured((640, 360), pattern, |x, y| pattern(x - 9.0, y) + 10.0);
    assert!(is_near(found, 9.0, 0.0, 0.5), "{found:?}");
}

#[test]
fn a_blank_wall_and_stripes_tell_nothing() {
    let wall = measured((640, 360), |_, _| 90.0, |_, _| 92.0);
    assert_eq!(wall, None);
    // Stripes tell nothing about the way along them.
    let stripes = |x: f32, _: f32| 120.0 + 50.0 * (x / 30.0).sin();
    let along = measured((640, 360), stripes, |x, y| stripes(x - 5.0, y));
    assert_eq!(along, None);
}

#[test]
fn only_pictures_that_are_remembered_are_compared() {
    let (mut camera, mut motion) = (Camera::new((640, 360)), CameraMotion::default());
    let start = Instant::now();
    assert_eq!(motion.since(start), None);
    for step in 0..40 {
        let by = step as f32;
        motion.observe(
            &camera.picture(|x, y| pattern(x - by, y)),
            start + MS * 33 * step,
        );
    }
    assert_eq!(motion.since(start), None, "too long ago");
    let found = motion.since(start + MS * 33 * 30);
    assert!(is_near(found, 9.0, 0.0, 0.5), "{found:?}");
    assert_eq!(motion.since(start + MS * 33 * 39), Some(Shift::default()));
    // Another size begins anew.
    motion.observe(&Camera::new((320, 180)).picture(pattern), start + MS * 2000);
    assert_eq!(motion.since(start + MS * 33 * 39), None);
}

#[test]
#[ignore = "measures time"]
#[allow(clippy::print_stderr)]
fn the_cost_of_a_comparison() {
    let mut camera = Camera::new((1280, 720));
    let pictures: Vec<I420> = (0..8)
        .map(|step| {
            let by = 7.0 * (step as f32).sin();
            camera.picture(|x, y| pattern(x - by, y + 0.5 * by))
        })
        .collect();
    let (mut motion, start) = (CameraMotion::default(), Instant::now());
    motion.observe(&pictures[0], start);
    let mut times: Vec<Duration> = (1..400_u32)
        .map(|step| {
            let at = start + MS * step;
            let before = Instant::now();
            motion.observe(&pictures[step as usize % 8], at);
            motion.since(at.checked_sub(MS * 9.min(step)).expect("uptime"));
            before.elapsed()
        })
        .collect();
    times.sort();
    eprintln!("720p: median {:?}, 95 % {:?}", times[200], times[380]);
}
