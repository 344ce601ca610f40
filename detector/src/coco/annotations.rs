//! What is true, from a COCO file of annotations (`instances_val2017.json` and its like). Pure.
//!
//! Labelling tools write this form with many small differences, which pycocotools takes. What cannot
//! be used is left out and named; only a file that is no such file at all is refused.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::lenient::{Id, Loose, plain_json};
use super::matching::TrueBox;
use super::rect::Rect;

/// A file of annotations that cannot be used.
#[derive(Debug, Error)]
pub enum AnnotationsError {
    /// No JSON, or one of its lists is missing.
    #[error("is no COCO file of boxes (`images`, `annotations` with `bbox`, `categories`): {0}")]
    Syntax(#[from] serde_json::Error),
    /// One id for two things.
    #[error("{what} is there twice")]
    Twice {
        /// Which.
        what: String,
    },
}

/// Pictures with all boxes in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotations {
    /// By id, which is the order pycocotools counts them in.
    pub pictures: Vec<Picture>,
    /// In the file's order, those of one name as one.
    pub categories: Vec<Category>,
    /// Annotations of these pictures that cannot be used.
    pub left_out: LeftOut,
}

/// Annotations that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// How many.
    pub count: usize,
    /// The first of them, each named with the reason.
    pub first: Vec<String>,
}

/// What is in one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// COCO's name for it, a number as a rule.
    pub id: Id,
    /// The file, within the folder of pictures, or what is wrong with its name.
    pub file: Result<PathBuf, String>,
    /// Width and height in pixels, where the file tells them.
    pub size_px: Option<(u32, u32)>,
    /// In the file's order.
    pub boxes: Vec<TrueBox>,
}

/// A class of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// COCO's name for it; of several with one name, the first one's.
    pub id: Id,
    /// What it is called.
    pub name: String,
}

#[derive(Deserialize)]
struct CocoFile {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    categories: Vec<CocoCategory>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CocoImage {
    id: Loose,
    file_name: Loose,
    width: Loose,
    height: Loose,
}

/// `ignore` is not read: pycocotools overwrites it with `iscrowd`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct CocoAnnotation {
    id: Loose,
    image_id: Loose,
    category_id: Loose,
    bbox: Loose,
    iscrowd: Loose,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CocoCategory {
    id: Loose,
    name: Loose,
}

impl Annotations {
    /// Reads the text of a file.
    pub fn parse(json: &[u8]) -> Result<Self, AnnotationsError> {
        let file: CocoFile = serde_json::from_slice(&plain_json(json))?;
        let categories = Categories::new(&file.categories);
        let mut pictures = BTreeMap::new();
        for (index, image) in file.images.iter().enumerate() {
            let picture = image.picture(index);
            let id = picture.id.clone();
            let file = picture.file.clone();
            let before = pictures.insert(id, picture);
            if let Some(before) = before.filter(|before| before.file != file) {
                let what = format!("the picture {}", before.id);
                return Err(AnnotationsError::Twice { what });
            }
        }
        let mut left_out = LeftOut::default();
        for (index, annotation) in file.annotations.iter().enumerate() {
            let id = Id::of(&annotation.image_id);
            // A file cut down to fewer pictures often keeps what was in the others.
            let picture = id.as_ref().map(|id| pictures.get_mut(id));
            if let Some(None) = picture {
                continue;
            }
            match (picture.flatten(), annotation.true_box(&categories)?) {
                (Some(picture), Ok(found)) => picture.boxes.push(found),
                (None, _) => left_out.add(annotation, index, "has no `image_id`"),
                (_, Err(why)) => left_out.add(annotation, index, &why),
            }
        }
        Ok(Self {
            pictures: pictures.into_values().collect(),
            categories: categories.all,
            left_out,
        })
    }
}

impl LeftOut {
    /// More would fill a screen.
    const NAMED: usize = 5;

    fn add(&mut self, annotation: &CocoAnnotation, index: usize, why: &str) {
        self.count += 1;
        if self.first.len() < Self::NAMED {
            let name = match Id::of(&annotation.id) {
                Some(id) => format!("annotation {id}"),
                None => format!("the annotation at index {index}"),
            };
            self.first.push(format!("{name} {why}"));
        }
    }
}

/// The categories by their ids.
struct Categories {
    all: Vec<Category>,
    /// `None`: the id stands for two names.
    by_id: BTreeMap<Id, Option<usize>>,
}

impl Categories {
    /// Those of one name are one class: tools write an unused root category called like the only class.
    fn new(told: &[CocoCategory]) -> Self {
        let (mut all, mut by_id) = (Vec::<Category>::new(), BTreeMap::new());
        for category in told {
            let (Some(id), Some(name)) = (Id::of(&category.id), Id::of(&category.name)) else {
                continue;
            };
            let name = name.to_string();
            let known = all.iter().position(|other| other.name == name);
            let index = known.unwrap_or_else(|| {
                all.push(Category {
                    id: id.clone(),
                    name,
                });
                all.len() - 1
            });
            let place = by_id.entry(id).or_insert(Some(index));
            if *place != Some(index) {
                *place = None;
            }
        }
        Self { all, by_id }
    }

    /// The index of a category that is listed.
    fn index_of(&self, id: &Id) -> Result<Option<usize>, AnnotationsError> {
        match self.by_id.get(id) {
            Some(None) => Err(AnnotationsError::Twice {
                what: format!("the category {id}, with two names,"),
            }),
            Some(index) => Ok(*index),
            None => Ok(None),
        }
    }
}

impl CocoImage {
    fn picture(&self, index: usize) -> Picture {
        let id = Id::of(&self.id);
        let file = match (&id, &self.file_name) {
            (None, _) => Err(format!("the picture at index {index} has no `id`")),
            (Some(id), Loose::Text(name)) => path_within(name).ok_or_else(|| {
                format!("picture {id}: `{name}` is no name of a file within a folder")
            }),
            (Some(id), _) => Err(format!("picture {id} has no `file_name`")),
        };
        Picture {
            id: id.unwrap_or_else(|| Id::Text(format!("index {index}"))),
            file,
            size_px: self.width.pixels().zip(self.height.pixels()),
            boxes: Vec::new(),
        }
    }
}

/// The path within the folder of pictures, also from Windows; `None` when it leads elsewhere.
fn path_within(name: &str) -> Option<PathBuf> {
    let name = name.replace('\\', "/");
    let parts = Path::new(&name).components();
    let mut path = PathBuf::new();
    for part in parts.filter(|part| *part != Component::CurDir) {
        match part {
            Component::Normal(part) => path.push(part),
            _ => return None,
        }
    }
    (path != Path::new("")).then_some(path)
}

impl CocoAnnotation {
    /// The box, or why it is none.
    fn true_box(
        &self,
        categories: &Categories,
    ) -> Result<Result<TrueBox, String>, AnnotationsError> {
        let Some(id) = Id::of(&self.category_id) else {
            return Ok(Err("has no `category_id`".to_owned()));
        };
        let Some(category) = categories.index_of(&id)? else {
            let why = format!("has the category {id}, which is not under `categories`");
            return Ok(Err(why));
        };
        Ok(self.bbox.rect().map(|rect| TrueBox {
            category,
            rect: Rect::from(rect),
            crowd: self.iscrowd.is_true(),
        }))
    }
}
