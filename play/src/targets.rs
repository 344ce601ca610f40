//! Which objects the hunt asks for: what people have at hand, and what the loaded model finds reliably.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde::Deserialize;

use crate::text::GameText;

/// The average precision at IoU 0.5 from which a class is found reliably enough to be asked for.
const AP50_MIN: f32 = 0.4;
/// Below this a class counts as one level harder.
const AP50_EASY: f32 = 0.6;
/// A measurement on fewer objects proves nothing.
const BOXES_MIN: u32 = 4;
/// A hunt with fewer targets is over before it is fun.
pub(crate) const TARGETS_MIN: usize = 4;
/// The hardest level.
const LEVEL_MAX: u8 = 5;

/// Objects that people carry or find on a table, with how rare they are: 1 is in every bag. Nothing else is ever asked
/// for: no knives and scissors, nothing fragile, no animals, no furniture that nobody can lift.
const HUNTABLE: [(&str, u8); 29] = [
    ("cell phone", 1),
    ("bottle", 1),
    ("cup", 1),
    ("backpack", 1),
    ("laptop", 1),
    ("book", 1),
    ("chair", 1),
    ("handbag", 2),
    ("keyboard", 2),
    ("mouse", 2),
    ("umbrella", 2),
    ("tie", 2),
    ("banana", 2),
    ("apple", 2),
    ("bowl", 2),
    ("spoon", 2),
    ("remote", 3),
    ("orange", 3),
    ("sandwich", 3),
    ("donut", 3),
    ("carrot", 3),
    ("suitcase", 3),
    ("potted plant", 3),
    ("clock", 3),
    ("teddy bear", 4),
    ("pizza", 4),
    ("toothbrush", 4),
    ("skateboard", 4),
    ("frisbee", 4),
];

/// The measurements of several models, such as `play/measured_ap.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredModels {
    #[serde(default)]
    pub model: Vec<MeasuredModel>,
}

impl MeasuredModels {
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&MeasuredModel> {
        self.model.iter().find(|model| model.name == name)
    }
}

/// How reliably a model finds its classes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredModel {
    /// As in the model manifest.
    pub name: String,
    pub classes: Vec<MeasuredClass>,
}

/// The measured average precision of one class.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredClass {
    /// As the model labels it.
    pub class: String,
    /// Average precision at IoU 0.5, 0..=1.
    pub ap50: f32,
    /// True boxes it was measured on.
    pub boxes: u32,
}

/// An object that the hunt may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HuntTarget {
    /// Index into the labels of the model.
    pub class_id: usize,
    /// The class in the form of text keys: `cell-phone`.
    pub slug: String,
    /// 1 is the easiest, 5 the hardest.
    pub level: u8,
}

impl HuntTarget {
    /// The object's name: a big word.
    #[must_use]
    pub fn word(&self) -> GameText {
        GameText::key(format!("play.target.{}", self.slug))
    }

    /// "Show me a", with the article of the object.
    pub(crate) fn request(&self) -> GameText {
        GameText::key(format!("play.target.{}.show", self.slug))
    }
}

/// The hunt needs a model that finds more objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model {model} finds {found} of the objects that a hunt asks for, at least {needed} are needed"
)]
pub struct TargetsError {
    pub model: String,
    pub found: usize,
    pub needed: usize,
}

/// The targets that `model` finds reliably.
pub(crate) fn targets(
    model: &MeasuredModel,
    labels: &[String],
) -> Result<Vec<HuntTarget>, TargetsError> {
    let found: Vec<HuntTarget> = HUNTABLE
        .iter()
        .filter_map(|(name, rarity)| {
            let class_id = labels.iter().position(|label| label == name)?;
            let measured = model.classes.iter().find(|one| one.class == *name)?;
            let is_reliable = measured.ap50 >= AP50_MIN && measured.boxes >= BOXES_MIN;
            is_reliable.then(|| HuntTarget {
                class_id,
                slug: name.replace(' ', "-"),
                level: (rarity + u8::from(measured.ap50 < AP50_EASY)).min(LEVEL_MAX),
            })
        })
        .collect();
    if found.len() < TARGETS_MIN {
        return Err(TargetsError {
            model: model.name.clone(),
            found: found.len(),
            needed: TARGETS_MIN,
        });
    }
    Ok(found)
}

/// A target of about `level`, by chance. One that is in the picture already is asked for only when there is no other.
pub(crate) fn next_target(
    left: &[HuntTarget],
    level: u8,
    is_in_view: impl Fn(usize) -> bool,
    random: &mut StdRng,
) -> Option<HuntTarget> {
    let (hidden, in_view): (Vec<_>, Vec<_>) =
        left.iter().partition(|one| !is_in_view(one.class_id));
    let candidates = if hidden.is_empty() { in_view } else { hidden };
    let distance = |one: &&HuntTarget| one.level.abs_diff(level);
    let nearest = candidates.iter().map(distance).min()?;
    let nearest: Vec<_> = candidates
        .into_iter()
        .filter(|one| distance(one) == nearest)
        .collect();
    nearest.choose(random).map(|one| (*one).clone())
}

#[cfg(test)]
pub(crate) fn huntable_slugs() -> impl Iterator<Item = String> {
    HUNTABLE.iter().map(|(name, _)| name.replace(' ', "-"))
}

#[cfg(test)]
mod tests;
