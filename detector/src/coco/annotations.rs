//! What is true, from a COCO file of annotations (`instances_val2017.json` and its like). Pure.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::matching::TrueBox;
use super::rect::Rect;

/// A file of annotations that cannot be used.
#[derive(Debug, Error)]
pub enum AnnotationsError {
    /// No JSON, or something is missing or of the wrong kind.
    #[error("is no COCO file of boxes (`images`, `annotations` with `bbox`, `categories`): {0}")]
    Syntax(#[from] serde_json::Error),
    /// Two with the same id or name.
    #[error("{what} is there twice")]
    Twice {
        /// Which.
        what: String,
    },
    /// A name that leads out of the folder of pictures.
    #[error("picture {id}: `{file_name}` is no name of a file within a folder")]
    FileName {
        /// The picture's id.
        id: i64,
        /// What the file says.
        file_name: String,
    },
    /// An annotation of a category that is not listed.
    #[error("annotation {annotation} has the category {category}, which is not under `categories`")]
    Category {
        /// The annotation's id.
        annotation: i64,
        /// The category's id.
        category: i64,
    },
    /// A box that cannot be.
    #[error("annotation {annotation}: a `bbox` is [left, top, width, height], not {rect:?}")]
    Box {
        /// The annotation's id.
        annotation: i64,
        /// What the file says.
        rect: [f64; 4],
    },
}

/// Pictures with all boxes in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotations {
    /// By id, which is the order pycocotools counts them in.
    pub pictures: Vec<Picture>,
    /// In the file's order.
    pub categories: Vec<Category>,
}

/// What is in one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// COCO's number for it.
    pub id: i64,
    /// The file, within the folder of pictures.
    pub file_name: PathBuf,
    /// Width and height in pixels, where the file tells them.
    pub size_px: Option<(u32, u32)>,
    /// In the file's order.
    pub boxes: Vec<TrueBox>,
}

/// A class of things.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Category {
    /// COCO's number for it.
    pub id: i64,
    /// What it is called.
    pub name: String,
}

#[derive(Deserialize)]
struct CocoFile {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: i64,
    file_name: String,
    width: Option<u32>,
    height: Option<u32>,
}

/// `ignore` is not read: pycocotools overwrites it with `iscrowd`.
#[derive(Deserialize)]
struct CocoAnnotation {
    #[serde(default)]
    id: i64,
    image_id: i64,
    category_id: i64,
    bbox: [f64; 4],
    #[serde(default)]
    iscrowd: u8,
}

impl Annotations {
    /// Reads the text of a file.
    pub fn parse(json: &[u8]) -> Result<Self, AnnotationsError> {
        let file: CocoFile = serde_json::from_slice(json)?;
        let numbers = numbered(&file.categories)?;
        let mut pictures = BTreeMap::new();
        for image in file.images {
            let id = image.id;
            if pictures.insert(id, image.picture()?).is_some() {
                let what = format!("the picture {id}");
                return Err(AnnotationsError::Twice { what });
            }
        }
        for annotation in file.annotations {
            let found = annotation.true_box(&numbers)?;
            // A file cut down to fewer pictures often keeps what was in the others.
            if let Some(picture) = pictures.get_mut(&annotation.image_id) {
                picture.boxes.push(found);
            }
        }
        Ok(Self {
            pictures: pictures.into_values().collect(),
            categories: file.categories,
        })
    }
}

/// The index of each category by its id.
fn numbered(categories: &[Category]) -> Result<BTreeMap<i64, usize>, AnnotationsError> {
    let mut numbers = BTreeMap::new();
    for (index, category) in categories.iter().enumerate() {
        let same_name = categories[..index]
            .iter()
            .any(|other| other.name == category.name);
        if same_name || numbers.insert(category.id, index).is_some() {
            let what = format!("the category {} ({})", category.id, category.name);
            return Err(AnnotationsError::Twice { what });
        }
    }
    Ok(numbers)
}

impl CocoImage {
    fn picture(self) -> Result<Picture, AnnotationsError> {
        let path = Path::new(&self.file_name);
        let mut parts = path.components().peekable();
        let inside =
            parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(AnnotationsError::FileName {
                id: self.id,
                file_name: self.file_name,
            });
        }
        Ok(Picture {
            id: self.id,
            file_name: path.to_owned(),
            size_px: self.width.zip(self.height),
            boxes: Vec::new(),
        })
    }
}

impl CocoAnnotation {
    fn true_box(&self, numbers: &BTreeMap<i64, usize>) -> Result<TrueBox, AnnotationsError> {
        let category = numbers.get(&self.category_id);
        let category = category.ok_or(AnnotationsError::Category {
            annotation: self.id,
            category: self.category_id,
        })?;
        let [.., width, height] = self.bbox;
        if width < 0.0 || height < 0.0 {
            return Err(AnnotationsError::Box {
                annotation: self.id,
                rect: self.bbox,
            });
        }
        Ok(TrueBox {
            category: *category,
            rect: Rect::from(self.bbox),
            crowd: self.iscrowd != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATEGORIES: &str = r#"[{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}]"#;

    fn parse(images: &str, annotations: &str) -> Result<Annotations, AnnotationsError> {
        let text = format!(
            r#"{{"info": {{}}, "images": {images}, "annotations": {annotations},
                "categories": {CATEGORIES}}}"#
        );
        Annotations::parse(text.as_bytes())
    }

    fn complaint(images: &str, annotations: &str) -> String {
        let error = parse(images, annotations).expect_err("a bad file");
        error.to_string()
    }

    #[test]
    fn pictures_come_by_id_with_the_boxes_that_are_theirs() {
        let all = parse(
            r#"[{"id": 9, "file_name": "val/b.jpg", "width": 64, "height": 48, "license": 3},
                {"id": 2, "file_name": "a.jpg"}]"#,
            r#"[{"id": 5, "image_id": 9, "category_id": 1, "bbox": [1, 2, 3.5, 4], "iscrowd": 1},
                {"id": 6, "image_id": 77, "category_id": 1, "bbox": [1, 2, 3, 4]}]"#,
        )
        .expect("a good file");
        let [a, b] = &all.pictures[..] else {
            panic!("two pictures: {all:?}");
        };
        assert_eq!((a.id, a.size_px, a.boxes.len()), (2, None, 0));
        assert_eq!((b.id, b.size_px), (9, Some((64, 48))));
        let only = TrueBox {
            category: 1,
            rect: Rect::from([1.0, 2.0, 3.5, 4.0]),
            crowd: true,
        };
        assert_eq!(b.boxes, [only]);
    }

    #[test]
    fn every_complaint_names_the_thing() {
        let one = r#"[{"id": 9, "file_name": "b.jpg"}]"#;
        let twice = r#"[{"id": 9, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}]"#;
        assert!(complaint(twice, "[]").contains("picture 9"));
        for name in ["../b.jpg", "/etc/b.jpg", "", "."] {
            let images = format!(r#"[{{"id": 9, "file_name": "{name}"}}]"#);
            assert!(complaint(&images, "[]").contains("picture 9"), "{name}");
        }
        let stranger = r#"[{"id": 5, "image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4]}]"#;
        let text = complaint(one, stranger);
        assert!(
            text.contains("annotation 5") && text.contains('3'),
            "{text}"
        );
        let inside_out = r#"[{"id": 5, "image_id": 9, "category_id": 1, "bbox": [1, 2, -3, 4]}]"#;
        assert!(complaint(one, inside_out).contains("annotation 5"));
        let endless = r#"[{"id": 5, "image_id": 9, "category_id": 1, "bbox": [1, 2, 1e999, 4]}]"#;
        assert!(complaint(one, endless).contains("COCO"));
        let three = r#"[{"id": 5, "image_id": 9, "category_id": 1, "bbox": [1, 2, 3]}]"#;
        assert!(complaint(one, three).contains("line"));
        assert!(Annotations::parse(b"").is_err());
    }
}
