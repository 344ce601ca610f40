//! OpenCV's filters on our planes. Beside it only `cut_out.rs` and `triangles.rs` name OpenCV.
//!
//! Uses only functions whose arguments are the same in OpenCV 4.5 to 4.12 (the `_def` ones), because the
//! bindings are generated from the installed headers.

use std::sync::Once;

use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, MatTraitConst, MatTraitConstManual, Size};
use opencv::{imgproc, photo};

use crate::builtin::plane::{Colour, Grey, Plane};
use crate::builtin::stages::StyleError;

/// `edgePreservingFilter`'s RECURS_FILTER, which keeps edges sharpest.
const RECURSIVE: i32 = 1;

impl From<opencv::Error> for StyleError {
    fn from(error: opencv::Error) -> Self {
        Self::Failed(format!("OpenCV: {}", error.message))
    }
}

type Filtered<const N: usize> = Result<Plane<N>, StyleError>;

pub(super) fn blur<const N: usize>(plane: &Plane<N>, sigma_px: f32) -> Filtered<N> {
    filtered(plane, |from, to| {
        imgproc::gaussian_blur_def(from, to, Size::default(), f64::from(sigma_px))
    })
}

/// Bilateral filter over a few pixels. `sigma_level` is in steps of 1/255.
pub(super) fn bilateral(picture: &Colour, sigma_level: f64, sigma_px: f64) -> Filtered<3> {
    in_bytes(picture, |from, to| {
        let across_px = 7;
        imgproc::bilateral_filter_def(from, to, across_px, sigma_level, sigma_px)
    })
}

/// Edge-preserving smoothing over dozens of pixels.
pub(super) fn edge_preserving(picture: &Colour, sigma_px: f32, sigma_level: f32) -> Filtered<3> {
    in_bytes(picture, |from, to| {
        photo::edge_preserving_filter(from, to, RECURSIVE, sigma_px, sigma_level)
    })
}

/// Convolution with one kernel along rows and one along columns.
pub(super) fn separable<const N: usize>(
    plane: &Plane<N>,
    along_rows: &[f32],
    along_columns: &[f32],
) -> Filtered<N> {
    filtered(plane, |from, to| {
        let rows = Mat::from_slice(along_rows)?;
        let columns = Mat::from_slice(along_columns)?;
        imgproc::sep_filter_2d_def(from, to, -1, &rows, &columns)
    })
}

/// Convolution with a square kernel in row order.
pub(super) fn convolve(plane: &Grey, kernel: &[f32], side_px: usize) -> Filtered<1> {
    filtered(plane, |from, to| {
        let kernel = Mat::new_rows_cols_with_data(side_px as i32, side_px as i32, kernel)?;
        imgproc::filter_2d_def(from, to, -1, &kernel)
    })
}

/// Resizes: averages when smaller, Lanczos when larger.
pub(super) fn resize<const N: usize>(
    picture: &Plane<N>,
    width: usize,
    height: usize,
) -> Filtered<N> {
    let method = if width < picture.width {
        imgproc::INTER_AREA
    } else {
        imgproc::INTER_LANCZOS4
    };
    filtered(picture, |from, to| {
        let size = Size::new(width as i32, height as i32);
        imgproc::resize(from, to, size, 0.0, 0.0, method)
    })
}

/// Converts to CIE Lab: lightness 0 to 100, then a and b.
pub(super) fn to_lab(picture: &Colour) -> Filtered<3> {
    filtered(picture, |from, to| {
        imgproc::cvt_color_def(from, to, imgproc::COLOR_RGB2Lab)
    })
}

/// Converts back to RGB, clipped to 0..1.
pub(super) fn from_lab(lab: &Colour) -> Filtered<3> {
    let picture = filtered(lab, |from, to| {
        imgproc::cvt_color_def(from, to, imgproc::COLOR_Lab2RGB)
    })?;
    Ok(picture.map(|colour| colour.map(|level| level.clamp(0.0, 1.0))))
}

/// OpenCV's own threads would run at the priority of the feed and take both cores.
pub(super) fn on_one_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = core::set_num_threads(1) {
            tracing::warn!(error = error.message, "cannot limit OpenCV to one thread");
        }
    });
}

fn filtered<const N: usize>(
    plane: &Plane<N>,
    work: impl FnOnce(&BoxedRef<'_, Mat>, &mut Mat) -> opencv::Result<()>,
) -> Filtered<N> {
    on_one_thread();
    let flat = plane.pixels.as_flattened();
    let from = Mat::new_rows_cols_with_data(plane.height as i32, (plane.width * N) as i32, flat)?;
    let from = from.reshape(N as i32, plane.height as i32)?;
    let mut to = Mat::default();
    work(&from, &mut to)?;
    let (width, height) = (to.cols() as usize, to.rows() as usize);
    let to = to.reshape(1, to.rows())?;
    let (pixels, _) = to.data_typed::<f32>()?.as_chunks::<N>();
    Ok(Plane {
        width,
        height,
        pixels: pixels.to_vec(),
    })
}

/// For filters that only accept bytes or are much faster on them.
fn in_bytes(
    picture: &Colour,
    work: impl FnOnce(&BoxedRef<'_, Mat>, &mut Mat) -> opencv::Result<()>,
) -> Filtered<3> {
    on_one_thread();
    let levels = picture.pixels.as_flattened();
    let bytes: Vec<u8> = levels
        .iter()
        .map(|level| (level * 255.0 + 0.5) as u8)
        .collect();
    let from =
        Mat::new_rows_cols_with_data(picture.height as i32, (picture.width * 3) as i32, &bytes)?;
    let from = from.reshape(3, picture.height as i32)?;
    let mut to = Mat::default();
    work(&from, &mut to)?;
    let to = to.reshape(1, to.rows())?;
    let (pixels, _) = to.data_typed::<u8>()?.as_chunks::<3>();
    Ok(Plane {
        width: picture.width,
        height: picture.height,
        pixels: pixels
            .iter()
            .map(|pixel| pixel.map(|level| f32::from(level) / 255.0))
            .collect(),
    })
}
