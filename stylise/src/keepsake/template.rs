//! The owner's own frame: a PNG whose transparent part shows the picture.

use crate::intake::limits::IntakeError;
use crate::intake::raster::Raster;
use crate::keepsake::artwork::Artwork;

/// The picture fills the frame's window; what does not fit is cut off evenly on both sides.
pub(super) fn fill(frame: &Artwork, picture: &Raster) -> Result<Raster, IntakeError> {
    let size = [frame.width_px(), frame.height_px()];
    let window = frame.window().unwrap_or([0, 0, size[0], size[1]]);
    let [left, top, width, height] = window;
    let part = covering([picture.width_px, picture.height_px], [width, height]);
    let mut paper = Raster::filled(size[0], size[1], 255);
    paper.paste(&picture.part(part).resized(width, height)?, left, top);
    frame.lay_over(&mut paper, [0, 0, size[0], size[1]]);
    Ok(paper)
}

/// The largest part of `from` with the shape of `to`, in its middle.
fn covering([width, height]: [usize; 2], to: [usize; 2]) -> [usize; 4] {
    let fits_width = (width * to[1] / to[0]).clamp(1, height);
    let fits_height = (height * to[0] / to[1]).clamp(1, width);
    if fits_width < height {
        [0, (height - fits_width) / 2, width, fits_width]
    } else {
        [(width - fits_height) / 2, 0, fits_height, height]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_picture_fills_the_window() {
        assert_eq!(covering([160, 90], [100, 100]), [35, 0, 90, 90]);
        assert_eq!(covering([90, 160], [100, 100]), [0, 35, 90, 90]);
        assert_eq!(covering([160, 90], [320, 180]), [0, 0, 160, 90]);
        assert_eq!(covering([20, 20], [1000, 1]), [0, 9, 20, 1]);
    }
}
