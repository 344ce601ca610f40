//! The report of `carrier eval`.

use std::collections::BTreeMap;

use detector::coco::{Accuracy, Category, ClassAccuracy};
use serde::Serialize;

pub(super) struct Report<'a> {
    pub(super) model: &'a str,
    pub(super) pictures: usize,
    pub(super) accuracy: &'a Accuracy,
    pub(super) categories: &'a [Category],
    /// For each category, whether the model has it.
    pub(super) offered: &'a [bool],
    pub(super) annotations_left_out: usize,
    /// Pictures that could not be measured, each with the reason.
    pub(super) not_measured: &'a [String],
    pub(super) ms_per_image: f64,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    model: &'a str,
    pictures: usize,
    ap: f64,
    ap50: f64,
    ap75: f64,
    classes: BTreeMap<&'a str, JsonClass>,
    left_out: Vec<&'a str>,
    annotations_left_out: usize,
    not_measured: &'a [String],
    ms_per_image: f64,
}

#[derive(Serialize)]
struct JsonClass {
    boxes: usize,
    ap: f64,
    ap50: f64,
}

impl Report<'_> {
    pub(super) fn json(&self) -> serde_json::Result<String> {
        let class = |class: &ClassAccuracy| JsonClass {
            boxes: class.boxes,
            ap: class.ap,
            ap50: class.ap50,
        };
        let classes = self.accuracy.classes.iter();
        let report = JsonReport {
            model: self.model,
            pictures: self.pictures,
            ap: self.accuracy.ap,
            ap50: self.accuracy.ap50,
            ap75: self.accuracy.ap75,
            classes: classes.map(|one| (self.name(one), class(one))).collect(),
            left_out: self.left_out(),
            annotations_left_out: self.annotations_left_out,
            not_measured: self.not_measured,
            ms_per_image: self.ms_per_image,
        };
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    }

    /// Sorted by AP50, highest first.
    pub(super) fn table(&self) -> String {
        let mut classes = self.accuracy.classes.clone();
        classes.sort_by(|a, b| b.ap50.total_cmp(&a.ap50));
        let mut text = format!(
            "{:<24} {:>6} {:>6} {:>6} {:>6}\n",
            "CLASS", "BOXES", "AP", "AP50", "AP75"
        );
        for one in &classes {
            text += &row(self.name(one), one.boxes, one.ap, one.ap50, one.ap75);
        }
        let boxes = classes.iter().map(|one| one.boxes).sum();
        let all = format!("all {} classes", classes.len());
        let Accuracy { ap, ap50, ap75, .. } = *self.accuracy;
        text += &row(&all, boxes, ap, ap50, ap75);
        let left_out = self.left_out();
        if !left_out.is_empty() {
            text += &format!(
                "not offered by the model, not counted: {}\n",
                left_out.join(", ")
            );
        }
        text += &format!(
            "{}: {:.1} ms a picture, {} pictures\n",
            self.model, self.ms_per_image, self.pictures
        );
        if !self.not_measured.is_empty() {
            text += &format!("pictures not measured: {}\n", self.not_measured.len());
        }
        if self.annotations_left_out > 0 {
            text += &format!("annotations left out: {}\n", self.annotations_left_out);
        }
        text
    }

    fn name(&self, class: &ClassAccuracy) -> &str {
        self.categories
            .get(class.category)
            .map_or("unknown", |category| &category.name)
    }

    fn left_out(&self) -> Vec<&str> {
        let pairs = self.categories.iter().zip(self.offered);
        pairs
            .filter(|(_, offered)| !**offered)
            .map(|(category, _)| &*category.name)
            .collect()
    }
}

fn row(name: &str, boxes: usize, ap: f64, ap50: f64, ap75: f64) -> String {
    format!("{name:<24} {boxes:>6} {ap:>6.3} {ap50:>6.3} {ap75:>6.3}\n")
}

#[cfg(test)]
mod tests {
    use detector::coco::Id;

    use super::*;

    fn class(category: usize, boxes: usize, ap50: f64) -> ClassAccuracy {
        ClassAccuracy {
            category,
            boxes,
            ap: 0.25,
            ap50,
            ap75: 0.125,
        }
    }

    fn with_report<T>(look: impl FnOnce(&Report<'_>) -> T) -> T {
        let categories = ["dog", "unicorn", "person"].map(|name| Category {
            id: Id::Number(0),
            name: name.to_owned(),
        });
        let accuracy = Accuracy {
            ap: 0.25,
            ap50: 0.5,
            ap75: 0.125,
            classes: vec![class(0, 7, 0.375), class(2, 30, 0.625)],
        };
        look(&Report {
            model: "tiny",
            pictures: 4,
            accuracy: &accuracy,
            categories: &categories,
            offered: &[true, false, true],
            annotations_left_out: 3,
            not_measured: &["a.jpg: cut short".to_owned()],
            ms_per_image: 12.5,
        })
    }

    #[test]
    fn the_json_report_has_its_documented_fields() {
        let text = with_report(|report| report.json()).expect("serialises");
        let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let wanted = serde_json::json!({
            "model": "tiny",
            "pictures": 4,
            "ap": 0.25,
            "ap50": 0.5,
            "ap75": 0.125,
            "classes": {
                "dog": {"boxes": 7, "ap": 0.25, "ap50": 0.375},
                "person": {"boxes": 30, "ap": 0.25, "ap50": 0.625},
            },
            "left_out": ["unicorn"],
            "annotations_left_out": 3,
            "not_measured": ["a.jpg: cut short"],
            "ms_per_image": 12.5,
        });
        assert_eq!(report, wanted);
    }

    #[test]
    fn the_table_puts_the_best_class_first_and_the_total_under_them() {
        let text = with_report(|report| report.table());
        let first_words: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(
            first_words,
            [
                "CLASS",
                "person",
                "dog",
                "all",
                "not",
                "tiny:",
                "pictures",
                "annotations"
            ]
        );
        assert!(
            text.contains("unicorn") && text.contains("12.5 ms"),
            "{text}"
        );
        let row = "person                       30  0.250  0.625  0.125";
        assert!(text.contains(row), "{text}");
    }
}
