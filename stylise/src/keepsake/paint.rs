//! Paints the paper: white, so that a printer leaves it alone.

use capture::I420;
use capture::canvas::{Canvas, Ink, Text};

use crate::intake::limits::IntakeError;
use crate::intake::raster::Raster;
use crate::keepsake::artwork::Artwork;
use crate::keepsake::layout::{Area, PaperLayout, TextLine, Tone};

const STRONG: [u8; 3] = [26, 26, 28];
/// Dark enough for a home printer to print it without visible dots.
const SOFT: [u8; 3] = [104, 104, 110];

/// `layout` is in pixels and has a place for each shot.
pub(super) fn paper(
    layout: &PaperLayout,
    shots: &[Raster],
    logo: Option<&Artwork>,
) -> Result<Raster, IntakeError> {
    let mut paper = blank(layout, logo);
    for (area, shot) in layout.pictures.iter().zip(shots) {
        place(&mut paper, *area, shot)?;
    }
    Ok(paper)
}

/// The paper with everything but pictures.
pub(super) fn blank(layout: &PaperLayout, logo: Option<&Artwork>) -> Raster {
    let (width, height) = (
        layout.width.round() as usize,
        layout.height.round() as usize,
    );
    let mut paper = Raster::filled(width, height, 255);
    if let (Some(area), Some(logo)) = (layout.logo, logo) {
        let place = pixels(area, &paper);
        logo.lay_over(&mut paper, place);
    }
    let mut text = Text::new();
    for line in &layout.lines {
        write(&mut paper, &mut text, line);
    }
    paper
}

pub(super) fn place(paper: &mut Raster, area: Area, shot: &Raster) -> Result<(), IntakeError> {
    let [left, top, width, height] = pixels(area, paper);
    let shot = shot.resized(width, height)?;
    paper.paste(&shot, left, top);
    Ok(())
}

/// Left, top, width and height in whole pixels, on the paper.
fn pixels(area: Area, paper: &Raster) -> [usize; 4] {
    let at = |length: f64, most: usize| (length.round().max(0.0) as usize).min(most);
    let left = at(area.left, paper.width_px - 1);
    let top = at(area.top, paper.height_px - 1);
    let right = at(area.right(), paper.width_px).max(left + 1);
    let bottom = at(area.bottom(), paper.height_px).max(top + 1);
    [left, top, right - left, bottom - top]
}

/// Black and white of the canvas's pictures.
const BLACK: i32 = 16;
const WHITE: i32 = 235;

/// Writes a line. The canvas draws on video pictures, whose colour has half the resolution: white text on black in one
/// of them is the coverage of each pixel.
fn write(paper: &mut Raster, text: &mut Text, line: &TextLine) {
    let size_px = line.size.round().max(1.0) as u32;
    let width = paper.width_px.next_multiple_of(2) as u32;
    let height = size_px * 2;
    let Ok(mut picture) = I420::black(width, height) else {
        return;
    };
    let baseline = (f64::from(size_px) * 1.4).round() as i32;
    let mut canvas = Canvas::new(&mut picture);
    let start = (line.left as f32, baseline);
    text.draw(&mut canvas, start, &line.text, size_px, Ink::WHITE);
    let ink = match line.tone {
        Tone::Strong => STRONG,
        Tone::Soft => SOFT,
    };
    let top = line.baseline.round() as i32 - baseline;
    let rows = picture.planes().y.chunks_exact(width as usize).zip(top..);
    for (coverage, y) in rows {
        let Some(row) = usize::try_from(y).ok().filter(|y| *y < paper.height_px) else {
            continue;
        };
        let stride = paper.width_px * 3;
        let pixels = paper.rgb[row * stride..][..stride].chunks_exact_mut(3);
        for (pixel, luma) in pixels.zip(coverage) {
            let cover = i32::from(*luma) - BLACK;
            if cover <= 0 {
                continue;
            }
            for (level, ink) in pixel.iter_mut().zip(ink) {
                let below = i32::from(*level);
                let change = (i32::from(ink) - below) * cover / (WHITE - BLACK);
                *level = (below + change).clamp(0, 255) as u8;
            }
        }
    }
}
