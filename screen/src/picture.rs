//! The picture on the screen: the scaled feed and the painted panels, in I420, as the display shows it.
//!
//! The feed is turned before it is scaled, while it is small; panels are painted and turned once, until the layout
//! changes, and copied over each new feed picture.

#[cfg(test)]
mod tests;

use capture::I420;
use capture::canvas::{Rect, Text};
use fast_image_resize::images::{TypedCroppedImageMut, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use thiserror::Error;
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv420_to_bgra};

use crate::enlarge::Enlarger;
use crate::layout::{DisplayList, layout};
use crate::orientation::Orientation;
use crate::paint::paint_panel;
use crate::state::ScreenState;

/// A picture could not be scaled or converted. Not expected for sizes of real displays.
#[derive(Debug, Error)]
#[error("a picture of {width}x{height} cannot be shown: {reason}")]
pub struct DrawError {
    width: u32,
    height: u32,
    reason: String,
}

/// Rows that are converted at a time: they stay in the cache until they are copied out.
const BAND_ROWS: usize = 8;

/// The picture of one display.
#[derive(Debug)]
pub struct ScreenPicture {
    orientation: Orientation,
    /// Of the display.
    size: (u32, u32),
    text: Text,
    layout: Option<DisplayList>,
    panels: Vec<PaintedPanel>,
    pixels: I420,
    turned: I420,
    scaler: PlaneScaler,
    /// Converted rows on their way to the output.
    band: Vec<u8>,
    odd_row: Vec<u8>,
}

/// A panel as the display shows it.
#[derive(Debug)]
struct PaintedPanel {
    rect: Rect,
    pixels: I420,
}

impl ScreenPicture {
    /// A black picture for a display of `size`.
    ///
    /// # Errors
    /// When the size is larger than any display.
    pub fn new(size: (u32, u32), orientation: Orientation) -> Result<Self, DrawError> {
        let wrong = |reason: capture::PictureError| failed(size, reason.to_string());
        let (width, height) = ((size.0 & !1).max(2), (size.1 & !1).max(2));
        Ok(Self {
            orientation,
            size,
            text: Text::new(),
            layout: None,
            panels: Vec::new(),
            pixels: I420::black(width, height).map_err(wrong)?,
            turned: I420::black(2, 2).map_err(wrong)?,
            scaler: PlaneScaler::default(),
            band: vec![0; width as usize * 4 * BAND_ROWS],
            odd_row: vec![0; size.0 as usize * 4],
        })
    }

    /// The display's size.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Draws the state and, if there is one, the feed's picture.
    ///
    /// # Errors
    /// When the feed cannot be scaled.
    pub fn draw(&mut self, state: &ScreenState, feed: Option<&I420>) -> Result<(), DrawError> {
        let even = (self.pixels.width(), self.pixels.height());
        let upright = self.orientation.turned_size(even);
        let feed_size = feed.map(|feed| (feed.width(), feed.height()));
        let wanted = layout(state, upright, feed_size, &self.text);
        if self.layout.as_ref() != Some(&wanted) {
            self.pixels
                .fill(wanted.ground.y, wanted.ground.u, wanted.ground.v);
            self.paint_panels(&wanted, upright);
            self.layout = Some(wanted);
        }
        let area = self.layout.as_ref().and_then(|layout| layout.feed);
        if let (Some(feed), Some(area)) = (feed, area) {
            let area = self.orientation.turned_rect(area, upright);
            if self.orientation.is_upright() {
                self.scale(feed, area)?;
            } else {
                let mut turned = std::mem::replace(&mut self.turned, empty());
                let drawn = self
                    .orientation
                    .turn(feed, &mut turned)
                    .map_err(|reason| failed(self.size, reason.to_string()))
                    .and_then(|()| self.scale(&turned, area));
                self.turned = turned;
                drawn?;
            }
        }
        let stretched = self.layout.as_ref().filter(|layout| layout.is_stretched);
        if let (Some(_), Some(area)) = (feed, stretched.and_then(|layout| layout.feed)) {
            stretch(
                &mut self.pixels,
                self.orientation.turned_rect(area, upright),
            );
        }
        for panel in self.panels.iter().filter(|panel| !panel.rect.is_empty()) {
            copy_into(&mut self.pixels, panel);
        }
        Ok(())
    }

    /// Passes each row of the picture, from the top, to `row`: blue, green, red and a byte without meaning for each
    /// pixel. An odd last column or row is black.
    ///
    /// # Errors
    /// When the picture cannot be converted.
    pub fn rows(&mut self, mut row: impl FnMut(usize, &[u8])) -> Result<(), DrawError> {
        let (width, height) = (self.pixels.width() as usize, self.pixels.height() as usize);
        let planes = self.pixels.planes();
        let chroma =
            |rows: std::ops::Range<usize>| rows.start / 2 * (width / 2)..rows.end / 2 * (width / 2);
        for top in (0..height).step_by(BAND_ROWS) {
            let rows = top..height.min(top + BAND_ROWS);
            let image = YuvPlanarImage {
                y_plane: &planes.y[rows.start * width..rows.end * width],
                y_stride: width as u32,
                u_plane: &planes.u[chroma(rows.clone())],
                u_stride: width as u32 / 2,
                v_plane: &planes.v[chroma(rows.clone())],
                v_stride: width as u32 / 2,
                width: width as u32,
                height: rows.len() as u32,
            };
            let band = &mut self.band[..rows.len() * width * 4];
            let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
            yuv420_to_bgra(&image, band, width as u32 * 4, range, matrix)
                .map_err(|error| failed(self.size, error.to_string()))?;
            for (pixels, y) in band.chunks_exact(width * 4).zip(rows) {
                if pixels.len() == self.odd_row.len() {
                    row(y, pixels);
                } else {
                    self.odd_row[..pixels.len()].copy_from_slice(pixels);
                    row(y, &self.odd_row);
                }
            }
        }
        if self.size.1 as usize > height {
            self.odd_row.fill(0);
            row(height, &self.odd_row);
        }
        Ok(())
    }

    fn paint_panels(&mut self, layout: &DisplayList, upright: (u32, u32)) {
        // Texts change more often than codes and pictures: what stays as it was is not painted again.
        let before = self.layout.take().map(|layout| layout.panels);
        let mut painted: Vec<_> = before
            .into_iter()
            .flatten()
            .zip(self.panels.drain(..))
            .collect();
        for panel in &layout.panels {
            if let Some(same) = painted.iter().position(|(before, _)| before == panel) {
                self.panels.push(painted.swap_remove(same).1);
                continue;
            }
            let mut pixels = empty();
            let mut rect = self.orientation.turned_rect(panel.rect, upright);
            let painted = I420::black(panel.rect.width as u32, panel.rect.height as u32).and_then(
                |mut painted| {
                    paint_panel(panel, &mut self.text, &mut self.scaler, &mut painted);
                    self.orientation.turn(&painted, &mut pixels)
                },
            );
            // A panel without pixels is not copied.
            if painted.is_err() {
                rect = Rect::default();
            }
            self.panels.push(PaintedPanel { rect, pixels });
        }
    }

    fn scale(&mut self, feed: &I420, area: Rect) -> Result<(), DrawError> {
        let scaled = self.scaler.scale_picture(feed, &mut self.pixels, area);
        scaled.map_err(|reason| failed(self.size, reason))
    }
}

fn failed((width, height): (u32, u32), reason: String) -> DrawError {
    DrawError {
        width,
        height,
        reason,
    }
}

/// The smallest picture, to be filled by somebody else.
fn empty() -> I420 {
    I420::black(2, 2).expect("even")
}

/// A plane and its width and height.
type SourcePlane<'a> = (&'a [u8], (u32, u32));
type TargetPlane<'a> = (&'a mut [u8], (u32, u32));

/// Enlarges or shrinks planes.
#[derive(Debug, Default)]
pub(crate) struct PlaneScaler {
    shrinker: Resizer,
    /// One for each size of a plane: luma, and chroma.
    enlargers: [Enlarger; 2],
}

impl PlaneScaler {
    /// Scales a picture into the area of another, plane by plane.
    pub(crate) fn scale_picture(
        &mut self,
        from: &I420,
        to: &mut I420,
        area: Rect,
    ) -> Result<(), String> {
        let half = |(width, height): (u32, u32)| (width / 2, height / 2);
        let half_area = Rect::new(area.x / 2, area.y / 2, area.width / 2, area.height / 2);
        let (size, whole) = ((from.width(), from.height()), (to.width(), to.height()));
        let (small, half_whole) = (half(size), half(whole));
        let (from, to) = (from.planes(), to.planes_mut());
        self.scale(0, (from.y, size), (to.y, whole), area)?;
        self.scale(1, (from.u, small), (to.u, half_whole), half_area)?;
        self.scale(1, (from.v, small), (to.v, half_whole), half_area)
    }

    /// `enlarger`: 0 for luma, 1 for chroma.
    fn scale(
        &mut self,
        enlarger: usize,
        (from, (from_width, from_height)): SourcePlane<'_>,
        (to, (to_width, to_height)): TargetPlane<'_>,
        area: Rect,
    ) -> Result<(), String> {
        let [x, y, width, height] =
            [area.x, area.y, area.width, area.height].map(|side| side as u32);
        if from_width.min(from_height) >= 2 && from_width <= width && from_height <= height {
            self.enlargers[enlarger].enlarge(
                (from, from_width as usize),
                (to, to_width as usize),
                area,
            );
            return Ok(());
        }
        let from = TypedImageRef::<U8>::from_buffer(from_width, from_height, from)
            .map_err(|error| error.to_string())?;
        let to = TypedImage::<U8>::from_buffer(to_width, to_height, to)
            .map_err(|error| error.to_string())?;
        let mut to = TypedCroppedImageMut::new(to, x, y, width, height)
            .map_err(|error| error.to_string())?;
        let algorithm = ResizeAlg::Convolution(FilterType::Bilinear);
        let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
        self.shrinker
            .resize_typed(&from, &mut to, &options)
            .map_err(|error| error.to_string())
    }
}

/// The darkest and the brightest luma that remain different when the contrast is stretched: most of what cameras
/// see lies between them.
const STRETCHED: std::ops::Range<u8> = 36..204;

/// Stretches the contrast of the area. In daylight, what is dark on a display cannot be told apart.
fn stretch(picture: &mut I420, area: Rect) {
    let whole = picture.width() as usize;
    let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(|side| side as usize);
    let rows = picture.planes_mut().y.chunks_exact_mut(whole);
    for row in rows.skip(y).take(height) {
        for luma in &mut row[x..x + width] {
            *luma = stretched(*luma);
        }
    }
}

/// In whole numbers, which the compiler vectorises.
fn stretched(luma: u8) -> u8 {
    const FROM: u16 = (STRETCHED.end - STRETCHED.start) as u16;
    // Of limited range.
    const TO: u16 = 235 - 16;
    let above = u16::from(luma.saturating_sub(STRETCHED.start)).min(FROM);
    (16 + ((above * (TO * 128 / FROM)) >> 7)) as u8
}

/// Copies a panel, whose sides and place are even, over the picture.
fn copy_into(picture: &mut I420, panel: &PaintedPanel) {
    let whole = picture.width() as usize;
    let (x, y) = (panel.rect.x as usize, panel.rect.y as usize);
    let width = panel.pixels.width() as usize;
    let (from, to) = (panel.pixels.planes(), picture.planes_mut());
    copy_rows(from.y, width, to.y, whole, (x, y));
    copy_rows(from.u, width / 2, to.u, whole / 2, (x / 2, y / 2));
    copy_rows(from.v, width / 2, to.v, whole / 2, (x / 2, y / 2));
}

fn copy_rows(from: &[u8], width: usize, to: &mut [u8], whole: usize, (x, y): (usize, usize)) {
    let rows = to.chunks_exact_mut(whole).skip(y);
    for (to, from) in rows.zip(from.chunks_exact(width)) {
        to[x..x + width].copy_from_slice(from);
    }
}
