//! The styles that are made on this machine, with OpenCV and arithmetic on pixels. Every picture is processed
//! at about the size of 720p, its faces on a second thread, so that look and duration do not depend on the upload.

mod ascii;
mod bounds;
mod cartoon;
mod close_up;
mod comic;
mod cut_out;
mod duotone;
mod edges;
mod enlarge;
mod filters;
mod jpeg;
mod low_poly;
mod mosaic;
mod neon;
mod oil;
mod pencil;
mod pixel_art;
mod plane;
mod pop_art;
mod previews;
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
mod thumbnails;
mod triangles;
mod watercolour;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::builtin::enlarge::enlarged;
use crate::builtin::jpeg::{read_jpeg, write_jpeg};
use crate::builtin::plane::{Colour, auto_levels};
pub use crate::builtin::previews::Previews;
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::{BuiltinStyle, NICE, WORK_PX};
use crate::builtin::subject::Subject;
use crate::builtin::thumbnails::{Thumbnail, Thumbnails};
use crate::intake::CheckedPicture;
use crate::isolate;
use crate::people::{FindPeople, People};
use crate::photo_kind::PhotoKind;
use crate::release_memory::release_free_memory;
use crate::shared_pictures::SharedPictures;
use crate::stylist::{
    JobContext, MadeBy, Order, Progress, RemoteOrder, Style, Stylist, StylistError,
};

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
    &ascii::STYLE,
    &mosaic::STYLE,
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
    thumbnails: Thumbnails,
}

impl Builtin {
    /// Without `find_people`, faces are painted like everything else. While `is_gallery_open` is false,
    /// nothing is made of the gallery's pictures.
    #[must_use]
    pub fn new(find_people: Option<FindPeople>, is_gallery_open: Arc<AtomicBool>) -> Self {
        Self {
            find_people,
            thumbnails: Thumbnails::new(is_gallery_open),
        }
    }

    /// A small picture of the source in each style. Styles that are not made `until` then are left out, and
    /// all of them end soon after `is_abandoned` is set. Keeps nothing.
    pub fn previews(
        &self,
        source: &CheckedPicture,
        until: Instant,
        is_abandoned: &Arc<AtomicBool>,
    ) -> Result<Previews, StylistError> {
        let made = previews::make(source, &self.offered(), until, is_abandoned, |stages| {
            let thumbnails = self.thumbnails.read(previews::THUMBNAILS_MAX, stages)?;
            Ok((self.people(source.jpeg()), thumbnails))
        });
        release_free_memory();
        made.map_err(|error| match error {
            StyleError::Cancelled => StylistError::Cancelled,
            StyleError::Failed(detail) => StylistError::Failed(detail),
        })
    }

    /// The styles on offer now. A mosaic needs enough pictures.
    fn offered(&self) -> Vec<&'static BuiltinStyle> {
        let has_pictures = self.thumbnails.available() >= mosaic::PICTURES_MIN;
        let is_offered = |style: &&&BuiltinStyle| has_pictures || style.id != mosaic::STYLE.id;
        STYLES.iter().filter(is_offered).copied().collect()
    }

    fn people(&self, jpeg: &[u8]) -> People {
        let people = self.find_people.as_ref().map(|find| find(jpeg));
        people.unwrap_or_default()
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
        self.offered()
            .iter()
            .chain([&&PLAIN])
            .map(offered)
            .collect()
    }

    fn use_gallery(&self, gallery: Arc<dyn SharedPictures>) {
        self.thumbnails.use_gallery(gallery);
    }

    fn ready(&self) -> Result<(), StylistError> {
        Ok(())
    }

    fn stylise(&self, order: &Order, context: &dyn JobContext) -> Result<Vec<u8>, StylistError> {
        let focus = Mutex::new(None);
        let look = |shot: &[u8]| {
            let people = self.people(shot);
            if order.photo_kind == PhotoKind::Single {
                *focus.lock().unwrap_or_else(PoisonError::into_inner) = people.focus();
            }
            people
        };
        let made = self.make_style(order, context, look)?;
        let focus = focus.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(focus) = focus {
            context.set_focus(focus);
        }
        Ok(made)
    }

    fn forget(&self, _order: &RemoteOrder) -> Result<(), StylistError> {
        Ok(())
    }
}

impl Builtin {
    /// `look` finds the people in a shot.
    fn make_style(
        &self,
        order: &Order,
        context: &dyn JobContext,
        look: impl Fn(&[u8]) -> People + Sync,
    ) -> Result<Vec<u8>, StylistError> {
        if order.style == PLAIN.id {
            if order.photo_kind == PhotoKind::Single {
                let looked = isolate::run("carrier-style", NICE, || look(&order.source));
                looked.map_err(|error| StylistError::Failed(error.to_string()))?;
            }
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
            let thumbnails = if style.id == mosaic::STYLE.id {
                self.thumbnails.read(usize::MAX, &stages)?
            } else {
                Vec::new()
            };
            sheet::make_each(order.photo_kind, &order.source, WORK_PX, |shot, work_px| {
                make(style, shot, &look(shot), work_px, &thumbnails, &stages)
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
}

fn make(
    style: &BuiltinStyle,
    source: &[u8],
    people: &People,
    work_px: f64,
    thumbnails: &[Arc<Thumbnail>],
    stages: &Stages,
) -> Result<Vec<u8>, StyleError> {
    let picture = auto_levels(&at_size(read_jpeg(source)?, work_px)?);
    let subject = Subject::new(picture, people).with_thumbnails(thumbnails.to_vec());
    write_jpeg(&(style.make)(&subject, stages)?, QUALITY)
}

/// High, because the booth encodes the result once more.
const QUALITY: i32 = 97;

/// The picture in its own shape with about that many pixels.
fn at_size(picture: Colour, size_px: f64) -> Result<Colour, StyleError> {
    let scale = (size_px / (picture.width * picture.height) as f64).sqrt();
    let side = |side: usize| ((side as f64 * scale).round() as usize).max(8);
    let (width, height) = (side(picture.width), side(picture.height));
    if (width, height) == (picture.width, picture.height) {
        return Ok(picture);
    }
    enlarged(&picture, width, height)
}
