//! The styles made on this laptop, without any server.
//!
//! Each is a few filters of OpenCV with some arithmetic on pixels between them, on one thread, and always
//! on as many pixels as a 720p picture has: the same look and the same time for any picture.

mod along;
mod cartoon;
mod comic;
mod filters;
mod lines;
mod noise;
mod oil;
mod pencil;
mod plane;
mod pop_art;
mod sheet;
mod stages;
#[cfg(test)]
mod still_life;
#[cfg(test)]
mod tests;
mod tone;
mod watercolour;

use crate::apart;
use crate::style::{MadeBy, Style};
use crate::stylist::{Desk, Order, Progress, Stylist, Ticket, Trouble};
use plane::Colour;
use stages::{Interrupted, Stages};

/// The live feed's threads go first, each as soon as it wakes. Not 19: beside a detector that keeps both
/// cores busy, that would leave a sixtieth of a core, and a picture would take a minute.
const NICE: i32 = 10;

/// How a style is made: from the picture as it was, on as many pixels as [`sheet::WORK_PX`].
struct Recipe {
    id: &'static str,
    title: &'static str,
    /// How often `make` asks for the next stage.
    steps: u32,
    make: fn(&Colour, &Stages) -> Result<Colour, Interrupted>,
}

const RECIPES: [Recipe; 7] = [
    Recipe {
        id: "watercolour",
        title: "Watercolour",
        steps: 4,
        make: watercolour::make,
    },
    Recipe {
        id: "oil",
        title: "Oil painting",
        steps: 4,
        make: oil::make,
    },
    Recipe {
        id: "pencil",
        title: "Pencil sketch",
        steps: 3,
        make: pencil::grey,
    },
    Recipe {
        id: "colour-pencil",
        title: "Colour pencils",
        steps: 3,
        make: pencil::coloured,
    },
    Recipe {
        id: "cartoon",
        title: "Cartoon",
        steps: 3,
        make: cartoon::make,
    },
    Recipe {
        id: "comic",
        title: "Comic book",
        steps: 3,
        make: comic::make,
    },
    Recipe {
        id: "pop-art",
        title: "Pop art",
        steps: 3,
        make: pop_art::make,
    },
];

/// Makes pictures on this laptop.
#[derive(Debug, Default)]
pub struct Builtin;

impl Builtin {
    /// There is nothing to set.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Stylist for Builtin {
    fn made_by(&self) -> MadeBy {
        MadeBy::Laptop
    }

    fn styles(&self) -> Vec<Style> {
        let style = |recipe: &Recipe| Style {
            id: recipe.id.to_owned(),
            title: recipe.title.to_owned(),
            made_by: MadeBy::Laptop,
            away: false,
        };
        RECIPES.iter().map(style).collect()
    }

    fn ready(&self) -> Result<(), Trouble> {
        Ok(())
    }

    fn stylise(&self, order: &Order, desk: &dyn Desk) -> Result<Vec<u8>, Trouble> {
        let recipe = RECIPES
            .iter()
            .find(|recipe| recipe.id == order.style)
            .ok_or_else(|| {
                Trouble::Failed(format!(
                    "there is no style {} on this laptop: choose another one",
                    order.style
                ))
            })?;
        let stages = Stages::default();
        let mut told = None;
        let look = || {
            if desk.is_cancelled() || desk.is_stopping() {
                stages.interrupt();
            }
            let step = stages.done();
            if told != Some(step) {
                told = Some(step);
                desk.report(Progress::Running {
                    step,
                    steps: recipe.steps,
                });
            }
        };
        let work = || make(recipe, &order.source, &stages);
        let made = apart::run_watched("carrier-style", NICE, work, look)
            .map_err(|died| Trouble::Failed(died.to_string()))?;
        made.map_err(|interrupted| match interrupted {
            Interrupted::Asked if desk.is_stopping() => Trouble::Stopping,
            Interrupted::Asked => Trouble::Cancelled,
            Interrupted::Failed(detail) => Trouble::Failed(format!(
                "the style could not be made ({detail}): try another picture or style"
            )),
        })
    }

    fn forget(&self, _ticket: &Ticket) -> Result<(), Trouble> {
        Ok(())
    }
}

fn make(recipe: &Recipe, source: &[u8], stages: &Stages) -> Result<Vec<u8>, Interrupted> {
    let picture = tone::balanced(&sheet::read(source)?);
    sheet::write(&(recipe.make)(&picture, stages)?)
}
