//! The picture on the style cards: a mug, fruit and a plant, drawn by following rays through distance
//! fields, so that nobody's face or photograph is needed. Pure.

use super::plane::{Colour, Plane, mix, smoothstep};

type Vec3 = [f32; 3];

const LIGHT: Vec3 = [-0.55, 0.68, -0.48];
const EYE: Vec3 = [0.0, 2.3, -7.2];
const AIM: Vec3 = [0.1, 0.98, 0.0];
const ZOOM: f32 = 2.75;
const FAR: f32 = 30.0;

#[derive(Clone, Copy, PartialEq)]
enum Stuff {
    Table,
    Wall,
    Mug,
    Coffee,
    Apple,
    Lemon,
    Pot,
    Leaf,
    Stem,
}

fn add(a: Vec3, b: Vec3) -> Vec3 {
    std::array::from_fn(|n| a[n] + b[n])
}

fn sub(a: Vec3, b: Vec3) -> Vec3 {
    std::array::from_fn(|n| a[n] - b[n])
}

fn times(a: Vec3, by: f32) -> Vec3 {
    a.map(|part| part * by)
}

fn dot(a: Vec3, b: Vec3) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(a: Vec3) -> Vec3 {
    times(a, 1.0 / dot(a, a).sqrt())
}

fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn length(a: Vec3) -> f32 {
    dot(a, a).sqrt()
}

fn ellipsoid(at: Vec3, radii: Vec3) -> f32 {
    let scaled: Vec3 = std::array::from_fn(|n| at[n] / radii[n]);
    let twice: Vec3 = std::array::from_fn(|n| scaled[n] / radii[n]);
    let near = length(scaled);
    near * (near - 1.0) / length(twice).max(1e-4)
}

/// Upright, between two heights, with a round edge; wider by `slope` for each unit up.
fn cylinder(at: Vec3, radius: f32, [low, high]: [f32; 2], slope: f32) -> f32 {
    const ROUND: f32 = 0.05;
    let out = at[0].hypot(at[2]) - radius - slope * (at[1] - low) + ROUND;
    let up = (at[1] - (low + high) / 2.0).abs() - (high - low) / 2.0 + ROUND;
    out.max(up).min(0.0) + out.max(0.0).hypot(up.max(0.0)) - ROUND
}

/// Where each leaf grows to: sideways, and how steep.
const LEAVES: [[f32; 3]; 9] = [
    [0.1, 1.0, 1.15],
    [0.9, 0.75, 1.0],
    [2.3, 0.8, 0.9],
    [3.3, 0.7, 1.05],
    [4.2, 0.85, 0.95],
    [5.2, 0.9, 1.0],
    [1.6, 1.25, 0.85],
    [4.7, 1.3, 0.9],
    [2.9, 1.35, 0.95],
];

fn leaf(at: Vec3, [turn, steep, size]: [f32; 3]) -> f32 {
    let (sin, cos) = turn.sin_cos();
    let (up, out) = steep.sin_cos();
    let along = unit([cos * out, up, sin * out]);
    let side = unit(cross(along, [0.0, 1.0, 0.0]));
    let face = cross(side, along);
    let from = sub(at, [0.0, 1.0, 0.0]);
    let reach = dot(from, along) - 0.75 * size;
    // Bent down towards the tip.
    let bent = dot(from, face) + 0.22 * (reach / size + 0.75).powi(2);
    ellipsoid(
        [reach, bent, dot(from, side)],
        [0.68 * size, 0.035, 0.25 * size],
    ) * 0.8
}

fn mug(at: Vec3) -> f32 {
    let wall = cylinder(at, 0.72, [0.0, 1.5], 0.02);
    let hollow = at[0].hypot(at[2]) - 0.63;
    let cup = wall.max(-hollow.max(0.14 - at[1]));
    let from = sub(at, [-0.78, 0.78, 0.0]);
    let handle = (from[0].hypot(from[1] * 0.9) - 0.42).hypot(from[2]) - 0.1;
    cup.min(handle.max(-hollow))
}

/// The nearest thing, and how far it is.
fn nearest(at: Vec3) -> (f32, Stuff) {
    let in_mug = sub(at, [-1.15, 0.0, -0.2]);
    let in_apple = sub(at, [0.55, 0.58, -1.35]);
    let dimple = 0.16 * (-5.0 * in_apple[0].hypot(in_apple[2])).exp() * in_apple[1].signum();
    let apple = length([in_apple[0], in_apple[1] * 1.06 + dimple, in_apple[2]]) - 0.6;
    let stem = sub(at, [0.55, 1.08, -1.35]);
    let stem = length([
        stem[0] - stem[1] * 0.3,
        stem[1].abs() - stem[1].abs().min(0.2),
        stem[2],
    ]);
    let [x, y, z] = sub(at, [-0.35, 0.4, -2.0]);
    let lemon = [0.9 * x + 0.436 * z, y, 0.9 * z - 0.436 * x];
    let tip = 0.13 * (-14.0 * (lemon[0].abs() - 0.5).powi(2)).exp();
    let lemon = ellipsoid(lemon, [0.56, 0.4, 0.4]) - tip * 0.3;
    let in_pot = sub(at, [1.5, 0.0, 0.45]);
    let leaves = LEAVES
        .iter()
        .map(|shape| leaf(in_pot, *shape))
        .fold(FAR, f32::min);
    let coffee = (in_mug[1] - 1.25)
        .abs()
        .max(in_mug[0].hypot(in_mug[2]) - 0.66);
    [
        (at[1], Stuff::Table),
        (3.2 - at[2], Stuff::Wall),
        (mug(in_mug), Stuff::Mug),
        (coffee - 0.01, Stuff::Coffee),
        (apple * 0.8, Stuff::Apple),
        (stem - 0.035, Stuff::Stem),
        (lemon * 0.8, Stuff::Lemon),
        (cylinder(in_pot, 0.5, [0.0, 1.05], 0.22) * 0.9, Stuff::Pot),
        (leaves, Stuff::Leaf),
    ]
    .into_iter()
    .fold(
        (FAR, Stuff::Wall),
        |best, one| {
            if one.0 < best.0 { one } else { best }
        },
    )
}

fn normal(at: Vec3) -> Vec3 {
    const STEP: f32 = 2e-3;
    unit(std::array::from_fn(|n| {
        let mut step = [0.0; 3];
        step[n] = STEP;
        nearest(add(at, step)).0 - nearest(sub(at, step)).0
    }))
}

fn followed(from: Vec3, along: Vec3) -> Option<(Vec3, Stuff)> {
    let mut far = 0.0;
    for _ in 0..160 {
        let at = add(from, times(along, far));
        let (near, stuff) = nearest(at);
        if near < 1e-3 * far.max(0.5) {
            return Some((at, stuff));
        }
        far += near;
        if far > FAR {
            break;
        }
    }
    None
}

/// 1 in full light; the closer a ray passes by something, the darker.
fn lit(from: Vec3) -> f32 {
    let (mut far, mut light) = (0.03, 1.0_f32);
    for _ in 0..48 {
        let near = nearest(add(from, times(LIGHT, far))).0;
        light = light.min(9.0 * near / far);
        far += near.clamp(0.03, 0.5);
        if light < 0.005 || far > 9.0 {
            break;
        }
    }
    smoothstep(0.0, 1.0, light.clamp(0.0, 1.0))
}

/// 1 in the open, less in corners.
fn open(at: Vec3, normal: Vec3) -> f32 {
    let hidden: f32 = (1..6)
        .map(|step| {
            let out = 0.09 * step as f32;
            (out - nearest(add(at, times(normal, out))).0) * 0.7_f32.powi(step)
        })
        .sum();
    (1.0 - 1.6 * hidden).clamp(0.0, 1.0)
}

fn paint(at: Vec3, stuff: Stuff, normal: Vec3) -> (Vec3, f32) {
    match stuff {
        Stuff::Table => {
            let ring =
                (at[2] * 5.0 + (at[0] * 1.3).sin() * 0.6 + (at[0] * 3.1 + at[2]).sin() * 0.25)
                    .sin();
            let plank = if (at[2] * 0.8).rem_euclid(1.0) < 0.03 {
                0.6
            } else {
                1.0
            };
            let wood = mix([0.50, 0.29, 0.15], [0.68, 0.44, 0.25], 0.5 + 0.5 * ring);
            (times(wood, plank), 0.15)
        }
        Stuff::Wall => {
            let pane = |x: f32| smoothstep(0.08, 0.16, (x.rem_euclid(1.5) - 0.75).abs());
            let window = smoothstep(-4.2, -4.0, at[0] - 0.35 * at[1])
                * (1.0 - smoothstep(0.6, 0.8, at[0] - 0.35 * at[1]))
                * smoothstep(1.4, 1.6, at[1])
                * pane(at[0] - 0.35 * at[1])
                * pane(at[1] + 0.4);
            (
                mix([0.42, 0.56, 0.60], [0.95, 0.85, 0.62], 0.75 * window),
                0.0,
            )
        }
        Stuff::Mug => {
            let band = smoothstep(0.42, 0.45, at[1]) * (1.0 - smoothstep(0.72, 0.75, at[1]));
            (mix([0.10, 0.42, 0.62], [0.96, 0.93, 0.86], band), 0.7)
        }
        Stuff::Coffee => {
            let foam = smoothstep(0.25, 0.45, (at[0] + 1.15).hypot(at[2] + 0.2));
            (mix([0.80, 0.62, 0.42], [0.30, 0.17, 0.09], foam), 0.3)
        }
        Stuff::Apple => {
            let blush = smoothstep(-0.5, 0.6, normal[0] * 0.7 + normal[1] * 0.5);
            (
                mix([0.82, 0.10, 0.10], [0.93, 0.66, 0.18], blush * 0.75),
                0.6,
            )
        }
        Stuff::Lemon => ([0.97, 0.80, 0.12], 0.35),
        Stuff::Pot => ([0.78, 0.38, 0.24], 0.1),
        Stuff::Leaf => {
            let high = smoothstep(0.9, 2.6, at[1]);
            (mix([0.07, 0.36, 0.16], [0.42, 0.68, 0.22], high), 0.35)
        }
        Stuff::Stem => ([0.30, 0.20, 0.10], 0.0),
    }
}

fn seen(along: Vec3) -> Vec3 {
    let Some((at, stuff)) = followed(EYE, along) else {
        return [0.4, 0.5, 0.55];
    };
    let normal = normal(at);
    let (colour, gloss) = paint(at, stuff, normal);
    let above = add(at, times(normal, 4e-3));
    let sun = dot(normal, LIGHT).max(0.0) * lit(above);
    let sky = open(above, normal) * (0.5 + 0.5 * normal[1]);
    let mirrored = sub(LIGHT, times(normal, 2.0 * dot(LIGHT, normal)));
    let shine = gloss * dot(mirrored, along).max(0.0).powi(40) * sun.min(1.0);
    std::array::from_fn(|n| {
        let warm = [1.0, 0.92, 0.78][n];
        let cool = [0.40, 0.46, 0.56][n];
        let light = colour[n] * (1.15 * warm * sun + cool * (0.25 + 0.75 * sky)) + shine;
        // Bright parts fade into white, as a camera's do.
        (light / (1.0 + 0.18 * light)).clamp(0.0, 1.0)
    })
}

/// A square picture.
pub(super) fn drawn(side_px: usize) -> Colour {
    let ahead = unit(sub(AIM, EYE));
    let right = unit(cross([0.0, 1.0, 0.0], ahead));
    let up = cross(ahead, right);
    Plane::of(side_px, side_px, |x, y| {
        let mut sum = [0.0; 3];
        // Two rays a pixel, so that edges are smooth.
        for (dx, dy) in [(0.25, 0.25), (0.75, 0.75)] {
            let u = (x as f32 + dx) / side_px as f32 * 2.0 - 1.0;
            let v = 1.0 - (y as f32 + dy) / side_px as f32 * 2.0;
            let ray = add(times(ahead, ZOOM), add(times(right, u), times(up, v)));
            sum = add(sum, times(seen(unit(ray)), 0.5));
        }
        sum
    })
}
