//! Which of a model's classes are which of a file's categories: those of the same name, or else those
//! whose names differ in case, hyphens and underscores only.

use super::annotations::Category;
use super::matching::ScoredBox;
use super::rect::Rect;
use crate::detection::Detection;

/// A model's classes among a file's categories.
#[derive(Debug)]
pub struct Classes {
    /// Of each class of the model, its category.
    categories: Vec<Option<usize>>,
    /// Of each category, whether the model offers it.
    offered: Vec<bool>,
}

impl Classes {
    /// The classes called `labels` among `categories`.
    #[must_use]
    pub fn new(labels: &[String], categories: &[Category]) -> Self {
        let place = |label: &String| {
            let exact = categories.iter().position(|one| one.name == *label);
            exact.or_else(|| {
                categories
                    .iter()
                    .position(|one| plain(&one.name) == plain(label))
            })
        };
        let places: Vec<Option<usize>> = labels.iter().map(place).collect();
        let offered = (0..categories.len()).map(|index| places.contains(&Some(index)));
        Self {
            offered: offered.collect(),
            categories: places,
        }
    }

    /// Categories that are written in another way than the model's class: what the file says, then
    /// what the model says.
    pub fn respelt<'a>(
        &self,
        labels: &'a [String],
        categories: &'a [Category],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pair = |(label, place): (&'a String, &Option<usize>)| {
            let category = categories.get((*place)?)?;
            Some((category.name.as_str(), label.as_str()))
        };
        let pairs = labels.iter().zip(&self.categories).filter_map(pair);
        pairs.filter(|(category, label)| category != label)
    }

    /// Of each category, whether the model offers it.
    #[must_use]
    pub fn offered(&self) -> &[bool] {
        &self.offered
    }

    /// What was found in a picture of this size, in COCO's terms. Classes that the file knows
    /// nothing about are not in it.
    #[must_use]
    pub fn scored(&self, found: &[Detection], width_px: u32, height_px: u32) -> Vec<ScoredBox> {
        let scored = |one: &Detection| {
            let category = (*self.categories.get(one.class_id)?)?;
            let mut bbox = one.bbox;
            // A picture with odd sides was searched one pixel larger.
            bbox.x2 = bbox.x2.min(width_px as f32);
            bbox.y2 = bbox.y2.min(height_px as f32);
            Some(ScoredBox {
                category,
                rect: Rect::from(bbox),
                score: f64::from(one.score),
            })
        };
        found.iter().filter_map(scored).collect()
    }
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::lenient::Id;
    use super::*;
    use crate::bbox::BBox;

    fn category(name: &str) -> Category {
        Category {
            id: Id::Number(0),
            name: name.to_owned(),
        }
    }

    #[test]
    fn names_that_are_spelt_in_another_way_are_the_same() {
        let labels = ["person", "traffic light", "tv"].map(str::to_owned);
        let categories = ["Traffic_Light", "PERSON", "person", "television"].map(category);
        let classes = Classes::new(&labels, &categories);
        assert_eq!(classes.offered(), [true, false, true, false]);
        let respelt: Vec<_> = classes.respelt(&labels, &categories).collect();
        assert_eq!(respelt, [("Traffic_Light", "traffic light")]);
    }

    #[test]
    fn names_decide_and_strangers_do_not_count() {
        let labels = ["face", "person"].map(str::to_owned);
        let categories = ["dog", "person"].map(category);
        let classes = Classes::new(&labels, &categories);
        assert_eq!(classes.offered(), [false, true]);
        let found = [0, 1, 2].map(|class_id| Detection {
            class_id,
            score: 0.5,
            bbox: BBox {
                x1: 1.0,
                y1: 1.0,
                x2: 10.0,
                y2: 10.0,
            },
        });
        let person = ScoredBox {
            category: 1,
            rect: Rect::from([1.0, 1.0, 8.0, 9.0]),
            score: 0.5,
        };
        assert_eq!(classes.scored(&found, 9, 20), [person]);
    }
}
