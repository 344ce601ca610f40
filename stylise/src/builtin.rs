//! The styles that are made on this machine, with OpenCV and arithmetic on pixels. Every picture is processed
//! at about the size of 720p on one thread, so that look and duration do not depend on the upload.

mod bounds;
mod cartoon;
mod close_up;
mod comic;
mod cut_out;
mod duotone;
mod edges;
mod enlarge;
mod filters;
mod low_poly;
mod neon;
mod oil;
mod pencil;
mod pixel_art;
mod plane;
mod pop_art;
mod scatter;
mod sheet;
mod skin;
mod stages;
mod stained_glass;
mod sticker;
mod style;
mod subject;
#[cfg(test)]
mod tests;
mod triangles;
mod watercolour;

use turbojpeg::PixelFormat;

use crate::builtin::enlarge::enlarged;
use crate::builtin::plane::{Colour, Plane, auto_levels};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;
use crate::intake::formats;
use crate::intake::raster::Raster;
use crate::isolate;
use crate::people::{FindPeople, People};
use crate::stylist::{
    JobContext, MadeBy, Order, Progress, RemoteOrder, Style, Stylist, StylistError,
};

/// Lower than the live feed's threads. Not 19: beside a detector that keeps both cores busy, that would
/// leave a sixtieth of a core, and a picture would take a minute.
const NICE: i32 = 10;

/// The styles, in the order in which they are offered. A new one is a file with a `STYLE`, and a line here.
const STYLES: &[&BuiltinStyle] = &[
    &watercolour::STYLE,
    &oil::STYLE,
    &pencil::STYLE,
    &pencil::COLOUR_STYLE,
    &cartoon::STYLE,
    &comic::STYLE,
    &pop_art::STYLE,
    &sticker::STYLE,
    &stained_glass::STYLE,
    &low_poly::STYLE,
    &pixel_art::STYLE,
    &neon::STYLE,
    &duotone::STYLE,
];

/// No style at all: the picture as it was taken, for whoever wants it in a frame, as a strip or printed.
const PLAIN: BuiltinStyle = BuiltinStyle {
    id: "plain",
    title: "As it is",
    steps: 0,
    make: |subject, _| Ok(subject.picture.clone()),
};

/// The stylist of this laptop.
pub struct Builtin {
    find_people: Option<FindPeople>,
}

impl Builtin {
    /// Without `find_people`, faces are painted like everything else.
    #[must_use]
    pub fn new(find_people: Option<FindPeople>) -> Self {
        Self { find_people }
    }
}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let finds_people = self.find_people.is_some();
        write!(f, "Builtin(finds people: {finds_people})")
    }
}

impl Stylist for Builtin {
    fn made_by(&self) -> MadeBy {
        MadeBy::BuiltIn
    }

    fn styles(&self) -> Vec<Style> {
        let offered = |style: &&BuiltinStyle| Style {
            id: style.id.to_owned(),
            title: style.title.to_owned(),
            made_by: MadeBy::BuiltIn,
            away: false,
        };
        STYLES.iter().chain([&&PLAIN]).map(offered).collect()
    }

    fn ready(&self) -> Result<(), StylistError> {
        Ok(())
    }

    fn stylise(&self, order: &Order, context: &dyn JobContext) -> Result<Vec<u8>, StylistError> {
        if order.style == PLAIN.id {
            return Ok(order.source.clone());
        }
        let style = STYLES
            .iter()
            .find(|style| style.id == order.style)
            .ok_or_else(|| {
                StylistError::Failed(format!(
                    "there is no style {} on this machine: choose another one",
                    order.style
                ))
            })?;
        let stages = Stages::default();
        let mut told = None;
        let callback = || {
            if context.is_cancelled() || context.is_stopping() {
                stages.interrupt();
            }
            let step = stages.done();
            if told != Some(step) {
                told = Some(step);
                context.report(Progress::Running {
                    step,
                    steps: style.steps * order.photo_kind.shots() as u32,
                });
            }
        };
        let work = || {
            sheet::make_each(order.photo_kind, &order.source, WORK_PX, |shot, work_px| {
                let people = self.find_people.as_ref().map(|find| find(shot));
                make(style, shot, &people.unwrap_or_default(), work_px, &stages)
            })
        };
        let made = isolate::run_with_callback("carrier-style", NICE, work, callback)
            .map_err(|error| StylistError::Failed(error.to_string()))?;
        made.map_err(|error| match error {
            StyleError::Cancelled if context.is_stopping() => StylistError::Stopping,
            StyleError::Cancelled => StylistError::Cancelled,
            StyleError::Failed(detail) => StylistError::Failed(format!(
                "the style could not be made ({detail}): try another picture or style"
            )),
        })
    }

    fn forget(&self, _order: &RemoteOrder) -> Result<(), StylistError> {
        Ok(())
    }
}

fn make(
    style: &BuiltinStyle,
    source: &[u8],
    people: &People,
    work_px: f64,
    stages: &Stages,
) -> Result<Vec<u8>, StyleError> {
    let subject = Subject::new(auto_levels(&read_jpeg(source, work_px)?), people);
    write_jpeg(&(style.make)(&subject, stages)?)
}

/// Pixels that styles work on, in the picture's own shape: 1280x720. Smaller pictures are enlarged, so that
/// strokes and dots look the same on all.
const WORK_PX: f64 = 1280.0 * 720.0;

/// High, because the booth encodes the result once more.
const QUALITY: i32 = 97;

fn read_jpeg(jpeg: &[u8], work_px: f64) -> Result<Colour, StyleError> {
    let image = turbojpeg::decompress(jpeg, PixelFormat::RGB)
        .map_err(|error| StyleError::Failed(error.to_string()))?;
    let (pixels, _) = image.pixels.as_chunks::<3>();
    let picture = Plane {
        width: image.width,
        height: image.height,
        pixels: pixels
            .iter()
            .map(|pixel| pixel.map(|level| f32::from(level) / 255.0))
            .collect(),
    };
    let scale = (work_px / (image.width * image.height) as f64).sqrt();
    let side = |side: usize| ((side as f64 * scale).round() as usize).max(8);
    let (width, height) = (side(image.width), side(image.height));
    if (width, height) == (picture.width, picture.height) {
        return Ok(picture);
    }
    enlarged(&picture, width, height)
}

fn write_jpeg(picture: &Colour) -> Result<Vec<u8>, StyleError> {
    let (width, height) = (picture.width, picture.height);
    let levels = picture.pixels.as_flattened().iter();
    // `as u8` saturates.
    let bytes: Vec<u8> = levels.map(|level| (level * 255.0 + 0.5) as u8).collect();
    let raster = Raster {
        width_px: width,
        height_px: height,
        rgb: bytes,
    };
    formats::encode(&raster, QUALITY).map_err(|error| StyleError::Failed(error.to_string()))
}
