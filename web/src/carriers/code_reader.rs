//! Reads the code that another carrier shows from the camera's pictures.

use std::sync::Arc;
use std::time::Duration;

use capture::{I420, Slot};
use rqrr::PreparedImage;
use signaling::{Composed, Demand};
use tokio::time::{sleep, timeout};

use super::CarriersError;
use crate::telemetry::spawn_blocking;

/// How long a code is waited for. The tests of the routes ask several times and show none.
const READ_WITHIN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });
/// Between two pictures that are searched, which takes some milliseconds each.
const READ_INTERVAL: Duration = Duration::from_millis(150);
const NOT_SEEN: &str = "no code of another carrier was seen in 30 s: fill a third of the picture with it, and \
    hold it still";
const NO_PICTURE: &str =
    "the camera gives no picture now, so that no code can be read; GET /api/status says why";

/// The link in the first picture that shows one. The camera is used until then, or until this is dropped.
pub(crate) async fn read_link(
    demand: &Arc<Demand>,
    composed: &Arc<Slot<Composed>>,
) -> Result<String, CarriersError> {
    let _lease = demand.watch_picture();
    let mut pictures = composed.reader();
    // From before it was asked for.
    let _stale = pictures.try_next();
    let mut has_picture = false;
    let reading = async {
        loop {
            let Some(picture) = pictures.next().await else {
                return Err(CarriersError::NotReached(NO_PICTURE.to_owned()));
            };
            let Some(frame) = picture.clean.clone() else {
                continue;
            };
            has_picture = true;
            let link = spawn_blocking(move || link_in(&frame.pixels)).await;
            if let Ok(Some(link)) = link {
                return Ok(link);
            }
            sleep(READ_INTERVAL).await;
        }
    };
    let found = timeout(READ_WITHIN, reading).await;
    let why = if has_picture { NOT_SEEN } else { NO_PICTURE };
    found.unwrap_or_else(|_| Err(CarriersError::NotReached(why.to_owned())))
}

/// The pairing link of a QR code in the picture, which may be mirrored.
fn link_in(picture: &I420) -> Option<String> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let luma = picture.planes().y;
    let upright = |x: usize, y: usize| luma[y * width + x];
    link_of(width, height, upright)
        .or_else(|| link_of(width, height, |x, y| upright(width - 1 - x, y)))
}

fn link_of(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> Option<String> {
    let mut picture = PreparedImage::prepare_from_greyscale(width, height, luma);
    let codes = picture.detect_grids();
    let mut texts = codes.iter().filter_map(|code| Some(code.decode().ok()?.1));
    texts.find(|text| text.parse::<mesh::PairingLink>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "carrier-mesh:acorn-acorn-acorn-acorn-acorn-acorn-acorn-acorn/";

    /// The public key of RFC 8032, 7.1, test 1.
    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn link() -> String {
        format!("{LINK}{KEY}/192.168.178.21:4711/[fd00:1:2:3:4:5:6:7]:4711/10.0.0.5:4711")
    }

    /// A picture of 1280x720 with a code that is `side_px` wide, turned by a tenth of a right angle.
    fn held_up(text: &str, side_px: f64, is_mirrored: bool) -> I420 {
        let code = crate::qr::matrix(text).expect("short enough");
        let modules = f64::from(code.width) + 8.0;
        let is_dark = |column: f64, row: f64| {
            let limits = 0.0..f64::from(code.width);
            let is_inside = limits.contains(&column) && limits.contains(&row);
            is_inside && code.dark[row as usize * code.width as usize + column as usize]
        };
        let (sin, cos) = (std::f64::consts::PI / 20.0).sin_cos();
        let mut picture = I420::black(1280, 720).expect("even");
        let luma = picture.planes_mut().y;
        for (index, pixel) in luma.iter_mut().enumerate() {
            let (x, y) = ((index % 1280) as f64 - 700.0, (index / 1280) as f64 - 330.0);
            let x = if is_mirrored { -x } else { x };
            let (x, y) = (x * cos + y * sin, y * cos - x * sin);
            let at = |place: f64| (place / side_px + 0.5) * modules - 4.0;
            let (column, row) = (at(x), at(y));
            let is_on_paper = [column, row]
                .iter()
                .all(|place| (-4.0..modules - 4.0).contains(place));
            *pixel = match (is_on_paper, is_dark(column, row)) {
                (false, _) => 90,
                (true, true) => 50,
                (true, false) => 190,
            };
        }
        picture
    }

    #[test]
    fn a_link_is_read_from_a_third_of_the_picture_also_mirrored() {
        for is_mirrored in [false, true] {
            let seen = link_in(&held_up(&link(), 400.0, is_mirrored));
            assert_eq!(seen.as_deref(), Some(link().as_str()));
        }
    }

    #[test]
    fn other_codes_are_not_links() {
        assert_eq!(
            link_in(&held_up("https://example.org/", 400.0, false)),
            None
        );
        assert_eq!(link_in(&held_up(LINK, 400.0, false)), None);
    }
}
