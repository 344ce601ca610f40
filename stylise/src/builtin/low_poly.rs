//! Low-poly: flat triangles between points that lie on edges, more of them on faces.

use crate::builtin::edges::gradient;
use crate::builtin::filters::{blur, edge_preserving};
use crate::builtin::plane::{Colour, Grey, luma, saturate};
use crate::builtin::scatter::scatter;
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;
use crate::builtin::triangles::triangles;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "low-poly",
    title: "Low poly",
    steps: 3,
    make,
};

/// Points of the whole picture, and more of them for all of a large face.
const POINTS: f32 = 1000.0;
const POINTS_OF_FACES: f32 = 1500.0;

/// Distance between points on the border.
const BORDER_PX: usize = 56;

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (picture, features) = subject.with_clear_faces(stages)?;
    stages.advance()?;
    let (width, height) = (picture.width, picture.height);
    let points = points(&picture, &subject.face_cover(), &features)?;
    let triangles = triangles(&points, width, height)?;
    stages.advance()?;
    let mut made = picture.map(|colour| saturate(colour, 1.25));
    let source = made.clone();
    for (at, corners) in triangles.iter().enumerate() {
        fill(&mut made, &source, *corners, at);
    }
    stages.advance()?;
    Ok(made)
}

fn points(picture: &Colour, faces: &Grey, features: &Grey) -> Result<Vec<[f32; 2]>, StyleError> {
    let (width, height) = (picture.width, picture.height);
    let grey = edge_preserving(picture, 12.0, 0.2)?.map(|colour| [luma(colour)]);
    let edges = gradient(&blur(&grey, 1.2)?).map(|[gx, gy]| [gx.hypot(gy).min(0.5)]);
    let mean = |plane: &Grey| {
        let sum: f32 = plane.pixels.iter().map(|[level]| level).sum();
        sum / plane.pixels.len() as f32
    };
    let (edge_mean, face_mean) = (mean(&edges).max(1e-4), mean(faces));
    let density = edges.with(faces, |[edge], [face]| {
        [0.35 + 0.65 * edge / edge_mean, face]
    });
    // A face gets as many points whatever its size, until they lie too close.
    let on_face = (POINTS_OF_FACES / POINTS / face_mean.max(0.02)).min(30.0);
    let density = density.with(features, |[density, face], [feature]| {
        [density + face * on_face * (0.35 + 0.25 * density.min(3.0) + 1.6 * feature)]
    });
    let total = POINTS * mean(&density);
    let mut points = scatter(&density, total.min(4.0 * POINTS) as usize);
    let (right, bottom) = ((width - 1) as f32, (height - 1) as f32);
    points.retain(|[x, y]| *x > 3.0 && *y > 3.0 && *x < right - 3.0 && *y < bottom - 3.0);
    let along = |side: usize| {
        let parts = (side / BORDER_PX).max(1);
        (0..=parts).map(move |part| (side - 1) as f32 * part as f32 / parts as f32)
    };
    points.extend(along(width).flat_map(|x| [[x, 0.0], [x, bottom]]));
    points.extend(along(height).flat_map(|y| [[0.0, y], [right, y]]));
    Ok(points)
}

/// Fills a triangle with the mean of its pixels; each is a little lighter or darker than the next.
fn fill(made: &mut Colour, source: &Colour, corners: [[f32; 2]; 3], number: usize) {
    let within = |x: f32, y: f32| {
        let side = |from: [f32; 2], to: [f32; 2]| {
            (to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0])
        };
        let [a, b, c] = corners;
        let sides = [side(a, b), side(b, c), side(c, a)];
        sides.iter().all(|side| *side >= -0.01) || sides.iter().all(|side| *side <= 0.01)
    };
    let range = |n: usize, side: usize| {
        let levels = corners.map(|corner| corner[n]);
        let low = levels.into_iter().fold(f32::INFINITY, f32::min).max(0.0);
        let high = levels
            .into_iter()
            .fold(0.0, f32::max)
            .min((side - 1) as f32);
        low.ceil() as usize..(high.floor() as usize + 1).min(side)
    };
    let (across, down) = (range(0, made.width), range(1, made.height));
    let mut places = Vec::new();
    for y in down {
        let row = across.clone().filter(|x| within(*x as f32, y as f32));
        places.extend(row.map(|x| y * made.width + x));
    }
    let mut sum = [0.0; 3];
    for at in &places {
        for (sum, level) in sum.iter_mut().zip(source.pixels[*at]) {
            *sum += level;
        }
    }
    let facet = 1.0 + 0.02 * ((number * 7 % 5) as f32 - 2.0);
    let colour = sum.map(|sum| (sum / places.len().max(1) as f32 * facet).clamp(0.0, 1.0));
    for at in places {
        made.pixels[at] = colour;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::plane::Plane;

    #[test]
    fn triangles_cover_the_picture() {
        let picture = Plane::of(200, 120, |x, y| [x as f32 / 200.0, y as f32 / 120.0, 0.5]);
        let nothing = picture.map(|_| [0.0]);
        let points = points(&picture, &nothing, &nothing).expect("points");
        let found = triangles(&points, 200, 120).expect("triangles");
        let mut marked = picture.map(|_| [-1.0; 3]);
        for (at, corners) in found.iter().enumerate() {
            fill(&mut marked, &picture, *corners, at);
        }
        let bare = marked.pixels.iter().filter(|[level, ..]| *level < 0.0);
        assert_eq!(bare.count(), 0);
    }
}
