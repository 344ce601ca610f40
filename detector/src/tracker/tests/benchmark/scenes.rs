//! Simulated objects and cameras. Coordinates are pixels of a 640x360 picture at 30 a second.

use std::f32::consts::TAU;

use super::super::Noise;
use crate::detection::BBox;

pub(super) const WIDTH: u32 = 640;
pub(super) const HEIGHT: u32 = 360;
pub(super) const FPS: f32 = 30.0;
pub(super) const SECONDS: f32 = 12.0;
/// Objects of which less is visible count as hidden.
const LEAST_VISIBLE: f32 = 0.25;
/// Points across each side of a box that decide how much of it is visible.
const PROBES: usize = 12;

/// An object in one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) id: u32,
    /// The part inside the picture, whatever is before it.
    pub(super) bbox: BBox,
    /// The share of the whole object that is inside and not covered.
    pub(super) visible: f32,
}

impl Seen {
    pub(super) fn is_hidden(&self) -> bool {
        self.visible < LEAST_VISIBLE
    }
}

/// Where an object is at a time, in the world, or that it is not there.
type Path = Box<dyn Fn(f32) -> Option<BBox>>;

/// Objects from the nearest to the farthest, things that cover them, and what the camera does.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) objects: Vec<Path>,
    /// In front of all objects.
    pillars: Vec<BBox>,
    /// How far the world has moved in the picture.
    pub(super) camera: fn(f32) -> (f32, f32),
}

impl Scene {
    pub(super) fn has_moving_camera(&self) -> bool {
        (self.camera)(0.1) != (self.camera)(0.0)
    }

    /// Objects and pillars in the picture at `time`, nearest first.
    pub(super) fn places(&self, time: f32) -> (Vec<BBox>, Vec<(u32, BBox)>) {
        let (x, y) = (self.camera)(time);
        let pillars = self.pillars.iter().map(|one| one.moved(x, y)).collect();
        let objects = self.objects.iter().zip(1..);
        let objects = objects.filter_map(|(path, id)| Some((id, path(time)?.moved(x, y))));
        (pillars, objects.collect())
    }

    pub(super) fn at(&self, time: f32) -> Vec<Seen> {
        let (mut nearer, objects) = self.places(time);
        let mut all = Vec::new();
        for (id, place) in objects {
            if let Some(bbox) = place.clipped(WIDTH, HEIGHT) {
                let visible = visible_share(&place, &nearer);
                all.push(Seen { id, bbox, visible });
            }
            nearer.push(place);
        }
        all
    }
}

fn visible_share(place: &BBox, nearer: &[BBox]) -> f32 {
    let is_inside = |area: &BBox, x: f32, y: f32| {
        (area.x1..area.x2).contains(&x) && (area.y1..area.y2).contains(&y)
    };
    let picture = BBox::new(0.0, 0.0, WIDTH as f32, HEIGHT as f32);
    let at = |index: usize| (index as f32 + 0.5) / PROBES as f32;
    let points = (0..PROBES * PROBES).map(|index| {
        let x = place.x1 + at(index % PROBES) * place.width();
        (x, place.y1 + at(index / PROBES) * place.height())
    });
    let visible = points.filter(|&(x, y)| {
        is_inside(&picture, x, y) && !nearer.iter().any(|area| is_inside(area, x, y))
    });
    visible.count() as f32 / (PROBES * PROBES) as f32
}

fn still(_: f32) -> (f32, f32) {
    (0.0, 0.0)
}

/// A person of this height who walks along a line and nods with each step.
fn walker(from: (f32, f32), speed: (f32, f32), height: f32, starts_at: f32) -> Path {
    Box::new(move |time| {
        let way = time - starts_at;
        let sway = 0.02 * height * (TAU * 1.8 * time + from.0).sin();
        let swing = 1.0 + 0.08 * (TAU * 0.9 * time + from.1).sin();
        (way >= 0.0).then(|| {
            BBox::around(
                from.0 + speed.0 * way,
                from.1 + speed.1 * way + sway,
                0.38 * height * swing,
                height,
            )
        })
    })
}

fn crossings() -> Vec<Path> {
    let row = |index: usize| {
        let (step, right) = (index as f32, index.is_multiple_of(2));
        let height = 170.0 - 12.0 * step;
        let speed = (70.0 + 17.0 * step) * if right { 1.0 } else { -1.0 };
        let from = if right {
            -40.0 - 30.0 * step
        } else {
            680.0 + 30.0 * step
        };
        walker(
            (from, 210.0 - 6.0 * step),
            (speed, 1.5 * (3.0 - step)),
            height,
            0.7 * step,
        )
    };
    (0..8).map(row).collect()
}

fn behind_pillars() -> Vec<Path> {
    let walk = |index: usize| {
        let step = index as f32;
        let (from, speed) = match index % 2 {
            0 => (-30.0, 90.0 + 15.0 * step),
            _ => (670.0, -80.0 - 10.0 * step),
        };
        walker(
            (from, 200.0 - 8.0 * step),
            (speed, 0.0),
            150.0 - 10.0 * step,
            1.1 * step,
        )
    };
    (0..6).map(walk).collect()
}

/// Runners, cyclists and balls that cross the picture in one to two seconds.
fn fast() -> Vec<Path> {
    let pass = |index: usize| -> Path {
        let step = index as f32;
        let starts_at = 0.9 * step;
        let speed = 330.0 + 41.0 * ((index * 5) % 11) as f32;
        let right = index % 3 != 1;
        let (width, height) = [(70.0, 90.0), (40.0, 110.0), (26.0, 26.0)][index % 3];
        let y = 110.0 + 23.0 * ((index * 7) % 9) as f32;
        Box::new(move |time| {
            let way = (time - starts_at) * speed;
            let x = if right {
                way - width
            } else {
                640.0 + width - way
            };
            let bounce = if index % 3 == 2 {
                30.0 * (TAU * 1.2 * time).sin()
            } else {
                0.0
            };
            let is_there = way >= 0.0 && (-200.0..840.0).contains(&x);
            is_there.then(|| BBox::around(x, y + bounce, width, height))
        })
    };
    (0..12).map(pass).collect()
}

/// People who go, stop, and turn back; one comes nearer.
fn turning() -> Vec<Path> {
    let person = |index: usize| -> Path {
        let step = index as f32;
        let height = 110.0 + 14.0 * step;
        Box::new(move |time| {
            let phase = (time + 0.6 * step) % 5.0;
            let way = match phase {
                at if at < 1.5 => 150.0 * at,
                at if at < 2.5 => 225.0,
                at if at < 4.0 => 225.0 - 150.0 * (at - 2.5),
                _ => 0.0,
            };
            let near = 1.0 + if index == 4 { 0.05 * time } else { 0.0 };
            let x = 60.0 + 75.0 * step + way * if index.is_multiple_of(2) { 1.0 } else { -0.8 };
            Some(BBox::around(
                x,
                150.0 + 20.0 * step,
                0.38 * height * near,
                height * near,
            ))
        })
    };
    (0..5).map(person).collect()
}

/// People who sit, and things.
fn seated() -> Vec<Path> {
    let person = |index: usize| -> Path {
        let step = index as f32;
        let height = 60.0 + 15.0 * ((index * 3) % 7) as f32;
        Box::new(move |time| {
            let sway = if index.is_multiple_of(2) {
                3.0 * (TAU * 0.15 * time + step).sin()
            } else {
                0.0
            };
            let (x, y) = (50.0 + 78.0 * step + sway, 130.0 + 90.0 * (index % 3) as f32);
            Some(BBox::around(x, y, 0.6 * height, height))
        })
    };
    (0..8).map(person).collect()
}

/// People who stand or walk slowly, in a world that is wider than the picture.
fn around_the_camera() -> Vec<Path> {
    let person = |index: usize| {
        let step = index as f32;
        let speed = [0.0, 25.0, -40.0][index % 3];
        let from = (-250.0 + 130.0 * step, 190.0 + 5.0 * step);
        walker(from, (speed, 0.0), 165.0 - 9.0 * step, 0.0)
    };
    (0..9).map(person).collect()
}

/// Looks to the left and to the right, at up to 260 px/s.
fn panning(time: f32) -> (f32, f32) {
    (
        220.0 * (TAU * 0.19 * time).sin(),
        12.0 * (TAU * 0.4 * time).sin(),
    )
}

/// A hand that trembles, and a step twice a second.
fn shaking(time: f32) -> (f32, f32) {
    let wave = |px: f32, hz: f32, phase: f32| px * (TAU * hz * time + phase).sin();
    let step = 9.0 * (TAU * time).sin().abs().powi(2);
    (
        wave(7.0, 0.9, 0.3) + wave(4.0, 2.3, 1.0) + wave(1.5, 4.1, 0.0),
        step + wave(3.0, 2.9, 2.0) + wave(1.5, 4.7, 0.7),
    )
}

/// A backpack: both, and bumps.
fn carried(time: f32) -> (f32, f32) {
    let ((pan_x, pan_y), (x, y)) = (panning(0.7 * time), shaking(time));
    let bump = 18.0 * (-6.0 * (time % 3.1)).exp();
    (0.8 * pan_x + x, pan_y + y + bump)
}

pub(super) fn all() -> Vec<Scene> {
    let scene = |name, objects, camera| Scene {
        name,
        objects,
        pillars: Vec::new(),
        camera,
    };
    let mut pillars = scene("occlusions", behind_pillars(), still);
    pillars.pillars = vec![
        BBox::new(180.0, 0.0, 260.0, 360.0),
        BBox::new(420.0, 60.0, 470.0, 360.0),
    ];
    vec![
        scene("crossings", crossings(), still),
        pillars,
        scene("fast", fast(), still),
        scene("turning", turning(), still),
        scene("seated", seated(), still),
        scene("pan", around_the_camera(), panning),
        scene("shake", seated(), shaking),
        scene("carried", around_the_camera(), carried),
    ]
}

/// A world with a pattern, seen through a small lens with a noisy sensor.
pub(super) struct Film {
    world: Vec<u8>,
    noise: Noise,
}

const WORLD: (usize, usize) = (1600, 800);

impl Film {
    pub(super) fn new() -> Self {
        let mut noise = Noise(77);
        let mut world = vec![0.0_f32; WORLD.0 * WORLD.1];
        // Rectangles of many sizes: furniture, windows, leaves.
        for size in [300.0_f32, 120.0, 50.0, 20.0, 8.0] {
            let count = (WORLD.0 * WORLD.1) as f32 / (size * size) * 0.7;
            for _ in 0..count as usize {
                let (w, h) = (size * (0.4 + noise.next()), size * (0.4 + noise.next()));
                let (x, y) = (noise.next() * WORLD.0 as f32, noise.next() * WORLD.1 as f32);
                let luma = 40.0 + 150.0 * noise.next();
                let rows = (y as usize)..((y + h) as usize).min(WORLD.1);
                let columns = (x as usize)..((x + w) as usize).min(WORLD.0);
                for row in rows {
                    world[row * WORLD.0..][columns.clone()].fill(luma);
                }
            }
        }
        Self {
            world: world.iter().map(|luma| *luma as u8).collect(),
            noise,
        }
    }

    /// The picture of a scene at `time`. Objects are striped, pillars grey.
    pub(super) fn picture(&mut self, scene: &Scene, time: f32) -> capture::I420 {
        let mut picture = capture::I420::black(WIDTH, HEIGHT).expect("even");
        let (moved_x, moved_y) = (scene.camera)(time);
        let (pillars, objects) = scene.places(time);
        let luma = &mut picture.data_mut()[..(WIDTH * HEIGHT) as usize];
        for (y, row) in luma.chunks_exact_mut(WIDTH as usize).enumerate() {
            for (x, out) in row.iter_mut().enumerate() {
                let (world_x, world_y) = (x as f32 + 480.0 - moved_x, y as f32 + 220.0 - moved_y);
                *out = self.sample(world_x, world_y);
            }
        }
        let stripes =
            |id: u32, x: usize, y: usize| 60 + ((x / 9 + y / 13 + id as usize) % 3 * 60) as u8;
        for (id, place) in objects.iter().rev() {
            fill(luma, place, |x, y| stripes(*id, x, y));
        }
        for place in &pillars {
            fill(luma, place, |_, _| 128);
        }
        for out in luma.iter_mut() {
            *out = out.saturating_add_signed((self.noise.next() * 9.0 - 4.0) as i8);
        }
        picture
    }

    fn sample(&self, x: f32, y: f32) -> u8 {
        let x = x.clamp(0.0, WORLD.0 as f32 - 2.0);
        let y = y.clamp(0.0, WORLD.1 as f32 - 2.0);
        let (column, row) = (x as usize, y as usize);
        let at = |dx: usize, dy: usize| f32::from(self.world[(row + dy) * WORLD.0 + column + dx]);
        let upper = at(0, 0) * (1.0 - x.fract()) + at(1, 0) * x.fract();
        let lower = at(0, 1) * (1.0 - x.fract()) + at(1, 1) * x.fract();
        (upper * (1.0 - y.fract()) + lower * y.fract()) as u8
    }
}

/// `pattern` takes the distance from the left and the top of `place`.
fn fill(luma: &mut [u8], place: &BBox, pattern: impl Fn(usize, usize) -> u8) {
    let Some(inside) = place.clipped(WIDTH, HEIGHT) else {
        return;
    };
    for y in inside.y1 as usize..inside.y2 as usize {
        let row = &mut luma[y * WIDTH as usize..(y + 1) * WIDTH as usize];
        for (x, out) in row
            .iter_mut()
            .enumerate()
            .take(inside.x2 as usize)
            .skip(inside.x1 as usize)
        {
            *out = pattern(
                (x as f32 - place.x1) as usize,
                (y as f32 - place.y1) as usize,
            );
        }
    }
}
