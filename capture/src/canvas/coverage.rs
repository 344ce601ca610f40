//! Coverage of pixels by a shape, two luma rows at a time, and alpha blending.

use super::rect::{Ink, Rect};
use crate::I420;

/// The weight of opaque ink. 0 is transparent.
pub(super) const OPAQUE: u16 = 256;

/// Sub-scanlines per row. Spans are exact along x, so four make smooth edges.
const SUBROWS: u16 = 4;
const SUBROW_WEIGHT: f64 = 64.0;

/// Alpha 0..=255 as a weight 0..=256.
pub(super) fn weight_of(alpha: u8) -> u16 {
    u16::from(alpha) + u16::from(alpha >> 7)
}

/// Blends `weight` / 256 of `new` over `old`. The sum is at most 255 * 256 + 128, so nothing wraps.
/// The wrapping operations let the compiler vectorise the loops even with overflow checks.
#[inline]
pub(super) fn mix(old: u8, new: u8, weight: u16) -> u8 {
    let kept = u16::from(old).wrapping_mul(OPAQUE.wrapping_sub(weight));
    let added = u16::from(new).wrapping_mul(weight);
    (kept.wrapping_add(added).wrapping_add(128) >> 8) as u8
}

/// The product of a pixel's coverage and the ink's alpha.
#[inline]
fn weighed(cover: u16, weight: u16) -> u16 {
    let cover = cover.min(OPAQUE);
    if weight == OPAQUE {
        cover
    } else {
        ((u32::from(cover) * u32::from(weight)) >> 8) as u16
    }
}

/// Blends a run of samples with one weight.
pub(super) fn blend_flat(run: &mut [u8], value: u8, weight: u16) {
    if weight >= OPAQUE {
        return run.fill(value);
    }
    for sample in run {
        *sample = mix(*sample, value, weight);
    }
}

/// The coverage of two rows over some columns. Reused from shape to shape.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    rows: [Vec<u16>; 2],
}

/// One row of coverage, 0..=256 a pixel, starting at the column `left`.
pub(super) struct CoverRow<'a> {
    left: i32,
    /// Columns that may be covered. The others only complete the chroma samples.
    inside: std::ops::Range<usize>,
    cells: &'a mut [u16],
}

impl CoverRow<'_> {
    /// Sets the coverage from a row of a stencil, one byte per column.
    pub(super) fn set_bytes(&mut self, row: &[u8]) {
        for (cell, &byte) in self.cells[self.inside.clone()].iter_mut().zip(row) {
            *cell = u16::from(byte) + u16::from(byte >> 7);
        }
    }

    /// Adds the span `from..to` of one sub-scanline. Spans of one sub-scanline must not overlap.
    pub(super) fn add_span(&mut self, from: f64, to: f64) {
        let (low, high) = (self.inside.start as f64, self.inside.end as f64);
        // `max` before `min` turns a NaN into an end of the range.
        let from = (from - f64::from(self.left)).max(low).min(high);
        let to = (to - f64::from(self.left)).max(low).min(high);
        if to <= from {
            return;
        }
        let (first, last) = (from as usize, to as usize);
        let part = |fraction: f64| (fraction * SUBROW_WEIGHT + 0.5) as u16;
        if first == last {
            self.cells[first] += part(to - from);
            return;
        }
        self.cells[first] += part((first + 1) as f64 - from);
        for cell in &mut self.cells[first + 1..last] {
            *cell += SUBROW_WEIGHT as u16;
        }
        if let Some(cell) = self.cells.get_mut(last) {
            *cell += part(to - last as f64);
        }
    }
}

impl Coverage {
    /// Calls `cover` for the coverage of each row of `area`, which lies inside the picture, and blends
    /// `ink` in.
    pub(super) fn draw(
        &mut self,
        picture: &mut I420,
        area: Rect,
        ink: Ink,
        weight: u16,
        mut cover: impl FnMut(i32, &mut CoverRow<'_>),
    ) {
        if area.is_empty() {
            return;
        }
        // Extended to whole chroma samples. The picture's sides are even, so this stays inside.
        let left = area.x & !1;
        let columns = (((area.right() + 1) & !1) - left) as usize;
        let start = (area.x - left) as usize;
        let inside = start..start + area.width as usize;
        for pair in area.y / 2..(area.bottom() + 1) / 2 {
            for (line, row) in (pair * 2..).zip(&mut self.rows) {
                row.clear();
                row.resize(columns, 0);
                if line >= area.y && line < area.bottom() {
                    let inside = inside.clone();
                    cover(
                        line,
                        &mut CoverRow {
                            left,
                            inside,
                            cells: row,
                        },
                    );
                }
            }
            self.blend_pair(picture, pair as usize, left as usize, ink, weight);
        }
    }

    /// As [`Coverage::draw`], from spans: `spans` is called at four heights per row.
    pub(super) fn draw_spans(
        &mut self,
        picture: &mut I420,
        area: Rect,
        ink: Ink,
        weight: u16,
        mut spans: impl FnMut(f64, &mut CoverRow<'_>),
    ) {
        self.draw(picture, area, ink, weight, |line, row| {
            for step in 0..SUBROWS {
                let offset = (f64::from(step) + 0.5) / f64::from(SUBROWS);
                spans(f64::from(line) + offset, row);
            }
        });
    }

    fn blend_pair(&self, picture: &mut I420, pair: usize, left: usize, ink: Ink, weight: u16) {
        let stride = picture.width() as usize;
        let planes = picture.planes_mut();
        let columns = self.rows[0].len();
        for (index, cover) in self.rows.iter().enumerate() {
            let start = (pair * 2 + index) * stride + left;
            let row = &mut planes.y[start..start + columns];
            for (sample, &cell) in row.iter_mut().zip(cover) {
                *sample = mix(*sample, ink.y, weighed(cell, weight));
            }
        }
        let start = pair * (stride / 2) + left / 2;
        let (upper, lower) = (self.rows[0].chunks_exact(2), self.rows[1].chunks_exact(2));
        let u_row = &mut planes.u[start..start + columns / 2];
        let v_row = &mut planes.v[start..start + columns / 2];
        for (((u, v), a), b) in u_row.iter_mut().zip(v_row).zip(upper).zip(lower) {
            // Four values of at most about 256 do not wrap.
            let sum = a[0]
                .wrapping_add(a[1])
                .wrapping_add(b[0])
                .wrapping_add(b[1]);
            let part = weighed(sum.wrapping_add(2) >> 2, weight);
            *u = mix(*u, ink.u, part);
            *v = mix(*v, ink.v, part);
        }
    }
}
