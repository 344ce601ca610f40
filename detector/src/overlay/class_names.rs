//! Names of classes in the language of the texts on the picture.

use std::borrow::Cow;
use std::collections::HashMap;

/// The language's code, and its table in the form of `web/pages/lang/`: `class.` with the model's name of the class, and
/// the name that is shown.
const TABLES: [(&str, &str); 3] = [
    ("en", include_str!("../../lang/en.json")),
    ("de", include_str!("../../lang/de.json")),
    ("es", include_str!("../../lang/es.json")),
];

/// Names of the classes of COCO and of faces. Any other class keeps the model's name.
#[derive(Debug, Clone, Default)]
pub struct ClassNames(HashMap<String, String>);

impl ClassNames {
    /// A language without a table shows the models' names.
    #[must_use]
    pub fn new(language: &str) -> Self {
        let table = TABLES.iter().find(|(code, _)| *code == language);
        let names = table.and_then(|(_, table)| serde_json::from_str(table).ok());
        let names: HashMap<String, String> = names.unwrap_or_default();
        let of_model = |key: String| key.strip_prefix("class.").map(str::to_owned);
        let names = names.into_iter();
        Self(
            names
                .filter_map(|(key, name)| Some((of_model(key)?, name)))
                .collect(),
        )
    }

    /// The name that is shown for the model's name.
    pub(super) fn of<'a>(&'a self, label: Cow<'a, str>) -> Cow<'a, str> {
        match self.0.get(&*label) {
            Some(name) => name.as_str().into(),
            None => label,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::manifest::coco_80;

    #[test]
    fn every_class_of_coco_and_faces_have_a_name_in_each_language() {
        for (language, _) in TABLES {
            let names = ClassNames::new(language);
            let labels: Vec<&str> = coco_80().chain(["face"]).collect();
            for label in &labels {
                assert!(names.0.contains_key(*label), "{language} {label}");
                let is_same = names.of((*label).into()) == *label;
                assert!(language != "en" || is_same, "{label}");
            }
            assert_eq!(names.0.len(), labels.len(), "{language}");
        }
    }

    #[test]
    fn other_classes_and_languages_keep_the_models_names() {
        let german = ClassNames::new("de");
        assert_eq!(german.of("cup".into()), "Tasse");
        assert_eq!(german.of("forklift".into()), "forklift");
        assert_eq!(ClassNames::new("tlh").of("cup".into()), "cup");
    }
}
