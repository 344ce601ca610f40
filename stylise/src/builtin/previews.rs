//! Small pictures of one source in every style, for the cards that styles are chosen from. Several threads
//! take one style after another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Instant;

use crate::builtin::enlarge::enlarged;
use crate::builtin::filters::resize;
use crate::builtin::jpeg::{read_jpeg, write_jpeg};
use crate::builtin::plane::{Colour, Plane, auto_levels};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::{BuiltinStyle, NICE};
use crate::builtin::subject::Subject;
use crate::builtin::thumbnails::Thumbnail;
use crate::intake::CheckedPicture;
use crate::isolate;
use crate::people::{People, PictureArea, around};

/// The picture in several styles.
#[derive(Debug, Clone, PartialEq)]
pub struct Previews {
    /// One below the other, each [`Previews::WIDTH_PX`] by [`Previews::HEIGHT_PX`], in one JPEG.
    pub sheet: Vec<u8>,
    /// The ids of the styles, from the top of the sheet.
    pub styles: Vec<&'static str>,
    /// The crop that makes a portrait of the picture, if there is one face in it.
    pub portrait: Option<PictureArea>,
}

impl Previews {
    pub const WIDTH_PX: u32 = 288;
    pub const HEIGHT_PX: u32 = 216;
}

const WIDTH: usize = Previews::WIDTH_PX as usize;
const HEIGHT: usize = Previews::HEIGHT_PX as usize;
const ASPECT: f32 = WIDTH as f32 / HEIGHT as f32;

/// Pictures of the gallery that the preview of a mosaic is laid of.
pub(super) const THUMBNAILS_MAX: usize = 60;

const QUALITY: i32 = 82;
/// More would take the cores of the live feed on small machines.
const THREADS_MAX: usize = 2;
/// Share of the preview's height that a face gets, and the least part of the picture that is shown.
const FACE_SHARE: f32 = 0.5;
const PART_MIN: f32 = 0.4;
/// Pixels of enlarged faces by those of the preview.
const CLOSE_UPS_SHARE: f32 = 0.6;

/// What `look` finds out about the source before styles are made.
type Looked = (People, Vec<Arc<Thumbnail>>);

pub(super) fn make(
    source: &CheckedPicture,
    styles: &[&'static BuiltinStyle],
    until: Instant,
    is_abandoned: &Arc<AtomicBool>,
    look: impl Fn(&Stages) -> Result<Looked, StyleError> + Sync,
) -> Result<Previews, StyleError> {
    let prepare = || -> Result<_, StyleError> {
        let (people, thumbnails) = look(&Stages::interrupted_by(is_abandoned))?;
        let picture = read_jpeg(source.jpeg())?;
        let aspect = picture.width as f32 / picture.height as f32;
        let part = part_to_show(&people, aspect);
        let subject = Subject::new(auto_levels(&shown(&picture, part)?), &people.within(part))
            .with_thumbnails(thumbnails)
            .with_close_ups_px(CLOSE_UPS_SHARE * (WIDTH * HEIGHT) as f32);
        Ok((subject, people.portrait(aspect)))
    };
    let prepared = isolate::run("carrier-preview", NICE, prepare);
    let (subject, portrait) = prepared.map_err(|error| StyleError::Failed(error.to_string()))??;
    let made = each_style(&subject, styles, until, is_abandoned)?;
    if is_abandoned.load(Ordering::Relaxed) {
        return Err(StyleError::Cancelled);
    }
    if made.is_empty() {
        return Err(StyleError::Failed("no preview was made in time".to_owned()));
    }
    let mut sheet = Plane {
        width: WIDTH,
        height: HEIGHT * made.len(),
        pixels: Vec::with_capacity(WIDTH * HEIGHT * made.len()),
    };
    for (_, preview) in &made {
        sheet.pixels.extend_from_slice(&preview.pixels);
    }
    Ok(Previews {
        sheet: write_jpeg(&sheet, QUALITY)?,
        styles: made.iter().map(|(at, _)| styles[*at].id).collect(),
        portrait,
    })
}

/// The previews that were made in time, with the places of their styles.
fn each_style(
    subject: &Subject,
    styles: &[&'static BuiltinStyle],
    until: Instant,
    is_abandoned: &Arc<AtomicBool>,
) -> Result<Vec<(usize, Colour)>, StyleError> {
    let next = AtomicUsize::new(0);
    let made = Mutex::new(Vec::new());
    let work = || {
        while Instant::now() < until && !is_abandoned.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(style) = styles.get(at) else {
                return;
            };
            let stages = Stages::interrupted_by(is_abandoned);
            let preview = catch_unwind(AssertUnwindSafe(|| {
                let preview = (style.make)(subject, &stages)?;
                Ok::<_, StyleError>(resize(&preview, WIDTH, HEIGHT)?.clamped())
            }));
            // The card of a style that failed keeps its example.
            if let Ok(Ok(preview)) = preview {
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                made.push((at, preview));
            }
        }
    };
    let threads = available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX));
    isolate::run_on_threads("carrier-preview", NICE, threads, work)
        .map_err(|error| StyleError::Failed(error.to_string()))?;
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_unstable_by_key(|(at, _)| *at);
    Ok(made)
}

/// The part of the picture around its largest face, or its middle.
fn part_to_show(people: &People, aspect: f32) -> PictureArea {
    let size = |face: &&PictureArea| face.width * face.height;
    let largest = people
        .faces
        .iter()
        .max_by(|one, two| size(one).total_cmp(&size(two)));
    let part = largest.and_then(|face| {
        // A small face is shown with more around it, since it has few pixels.
        let share = (face.height / PART_MIN).min(FACE_SHARE);
        around(*face, share, ASPECT, aspect)
    });
    let part = part.or_else(|| around(PictureArea::WHOLE, 1.0, ASPECT, aspect));
    part.unwrap_or(PictureArea::WHOLE)
}

fn shown(picture: &Colour, part: PictureArea) -> Result<Colour, StyleError> {
    let place = |from: f32, length: f32, side: usize| {
        let start = ((from * side as f32) as usize).min(side - 1);
        (
            start,
            ((length * side as f32) as usize).clamp(1, side - start),
        )
    };
    let (left, width) = place(part.left, part.width, picture.width);
    let (top, height) = place(part.top, part.height, picture.height);
    enlarged(&picture.cropped(left, top, width, height), WIDTH, HEIGHT)
}
