//! Maps a model's classes to a file's categories: by the same name, or else by a name that differs only
//! in case, hyphens and underscores.

use super::annotations::Category;
use super::matching::{BoxXywh, ScoredBox};
use crate::detection::Detection;

/// The categories of a model's classes.
#[derive(Debug)]
pub struct Classes {
    /// The category of each class.
    categories: Vec<Option<usize>>,
    /// For each category, whether the model has it.
    offered: Vec<bool>,
}

impl Classes {
    /// Maps the classes named `labels` to `categories`.
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

    /// Pairs of names that differ: the category's, then the class's.
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

    /// For each category, whether the model has it.
    #[must_use]
    pub fn offered(&self) -> &[bool] {
        &self.offered
    }

    /// The detections in a picture of this size as scored boxes, without classes that have no category.
    #[must_use]
    pub fn scored(&self, found: &[Detection], width_px: u32, height_px: u32) -> Vec<ScoredBox> {
        let scored = |one: &Detection| {
            let category = (*self.categories.get(one.class_id)?)?;
            let mut bbox = one.bbox;
            // A picture with odd sides was detected one pixel larger.
            bbox.x2 = bbox.x2.min(width_px as f32);
            bbox.y2 = bbox.y2.min(height_px as f32);
            Some(ScoredBox {
                category,
                rect: BoxXywh::from(bbox),
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
    use crate::detection::BBox;

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
    fn classes_are_mapped_by_name() {
        let labels = ["face", "person"].map(str::to_owned);
        let categories = ["dog", "person"].map(category);
        let classes = Classes::new(&labels, &categories);
        assert_eq!(classes.offered(), [false, true]);
        let found = [0, 1, 2].map(|class_id| Detection {
            class_id,
            score: 0.5,
            bbox: BBox::new(1.0, 1.0, 10.0, 10.0),
        });
        let person = ScoredBox {
            category: 1,
            rect: BoxXywh::from([1.0, 1.0, 8.0, 9.0]),
            score: 0.5,
        };
        assert_eq!(classes.scored(&found, 9, 20), [person]);
    }
}
