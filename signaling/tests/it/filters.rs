//! Picture filters: nothing that anybody sees goes past them.

use std::sync::Arc;

use capture::{Frame, I420, WallClock};
use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;
use signaling::{ComposeConfig, PictureFilter, RenditionId};

use crate::rig::{Rig, until};

const MAIN: RenditionId = RenditionId::MAIN;
const BLACK: u8 = 16;

/// Hides everything.
struct Blacken;

impl PictureFilter for Blacken {
    fn apply(&mut self, picture: &mut I420, _frame: &Frame) {
        picture.fill(BLACK, 128, 128);
    }
}

/// Marks the last row, and fails on a frame of the given number.
struct Mark {
    fails_on: u64,
}

impl PictureFilter for Mark {
    fn apply(&mut self, picture: &mut I420, frame: &Frame) {
        assert_ne!(frame.seq, self.fails_on, "the filter was told to fail");
        let from = (picture.width() * (picture.height() - 1)) as usize;
        picture.planes_mut().y[from..].fill(200);
    }
}

fn rig(filters: Vec<Box<dyn PictureFilter>>) -> Rig {
    let config = ComposeConfig {
        filters,
        ..ComposeConfig::new(WallClock::start())
    };
    Rig::with(config, 64)
}

/// The luma of all rows but the first, where the painter of the rig paints.
fn below_the_paint(picture: &I420) -> &[u8] {
    &picture.planes().y[picture.width() as usize..]
}

#[test]
fn every_output_shows_the_filtered_picture() {
    let mut rig = rig(vec![Box::new(Blacken)]);
    rig.demand.change_viewers(MAIN, 0, 1);
    let _lease = rig.demand.watch_picture();
    rig.publish(320, 180);
    let encoded = rig.receive();
    let composed = rig.next_composed();
    let clean = composed.clean.as_ref().expect("a frame, no card");
    assert!(clean.pixels.planes().y.iter().all(|luma| *luma == BLACK));
    assert!(
        below_the_paint(&composed.painted)
            .iter()
            .all(|luma| *luma == BLACK)
    );
    assert_eq!(
        composed.painted.planes().y[0],
        235,
        "painted after the filter"
    );
    let mut stream = Vec::new();
    for payload in &encoded.payloads {
        append_units(&mut stream, payload);
    }
    let mut decoder = Decoder::new().expect("a decoder");
    let picture = decoder
        .decode(&stream)
        .expect("decodable")
        .expect("a picture");
    let (width, height) = picture.dimensions();
    let (stride, _, _) = picture.strides();
    // Compression spreads the paint of the first row over its macroblocks.
    let rows = picture.y().chunks(stride).take(height).skip(32);
    let brightest = rows.flat_map(|row| &row[..width]).max().expect("rows");
    assert!(*brightest <= BLACK + 4, "{brightest}");
}

/// Undoes packetisation mode 1 (RFC 6184): single units, aggregates (24) and fragments (28).
fn append_units(stream: &mut Vec<u8>, payload: &[u8]) {
    const START: [u8; 4] = [0, 0, 0, 1];
    match payload[0] & 0x1f {
        24 => {
            let mut rest = &payload[1..];
            while let [high, low, after @ ..] = rest {
                let (unit, left) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
                stream.extend(START);
                stream.extend(unit);
                rest = left;
            }
        }
        28 => {
            if payload[1] & 0x80 != 0 {
                stream.extend(START);
                stream.push(payload[0] & 0xe0 | payload[1] & 0x1f);
            }
            stream.extend(&payload[2..]);
        }
        _ => {
            stream.extend(START);
            stream.extend(payload);
        }
    }
}

#[test]
fn filters_run_in_order_and_a_picture_whose_filter_fails_is_not_shown() {
    let mut rig = rig(vec![Box::new(Blacken), Box::new(Mark { fails_on: 1 })]);
    let _lease = rig.demand.watch_picture();
    rig.publish(320, 180);
    let composed = rig.next_composed();
    let clean = composed.clean.as_ref().expect("a frame, no card");
    let luma = clean.pixels.planes().y;
    assert_eq!((luma[0], luma[luma.len() - 1]), (BLACK, 200));
    rig.publish(320, 180);
    assert!(until(|| rig.metrics.picture_failures.get() == 1));
    rig.publish(320, 180);
    assert_eq!(rig.next_composed().seq, 2);
}

#[test]
fn without_filters_the_frame_is_not_copied() {
    let mut rig = rig(Vec::new());
    let _lease = rig.demand.watch_picture();
    rig.publish(320, 180);
    let composed = rig.next_composed();
    let clean = composed.clean.as_ref().expect("a frame, no card");
    let frame = rig.frames.latest().expect("published");
    assert!(Arc::ptr_eq(clean, &frame));
}
