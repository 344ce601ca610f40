//! Delaunay triangulation, by OpenCV.

use opencv::core::{Point2f, Rect, Vec6f, Vector};
use opencv::imgproc::{Subdiv2D, Subdiv2DTrait, Subdiv2DTraitConst};

use crate::builtin::stages::StyleError;

/// The triangles of points that lie within the size.
pub(super) fn triangles(
    points: &[[f32; 2]],
    width: usize,
    height: usize,
) -> Result<Vec<[[f32; 2]; 3]>, StyleError> {
    // Points on the edge lie inside.
    let mut plane = Subdiv2D::new(Rect::new(-1, -1, width as i32 + 2, height as i32 + 2))?;
    for [x, y] in points {
        plane.insert(Point2f::new(*x, *y))?;
    }
    let mut found = Vector::<Vec6f>::new();
    plane.get_triangle_list(&mut found)?;
    Ok(found
        .iter()
        .map(|corners| {
            let [a, b, c, d, e, f] = corners.0;
            [[a, b], [c, d], [e, f]]
        })
        .collect())
}
