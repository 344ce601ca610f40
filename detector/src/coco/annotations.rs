//! Annotations: the true boxes, from a COCO file such as `instances_val2017.json`. Pure.
//!
//! Labelling tools write this format with many small differences, which pycocotools accepts. Unusable
//! annotations are left out and reported; only a file of another format is an error.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::lenient::{self, Id, plain_json};
use super::matching::{BoxXywh, TrueBox};

/// A file of annotations that cannot be used.
#[derive(Debug, Error)]
pub enum AnnotationsError {
    /// Not JSON, or one of the lists is missing.
    #[error("is no COCO file of boxes (`images`, `annotations` with `bbox`, `categories`): {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("the picture {0} occurs twice")]
    PictureTwice(Id),
    #[error("the category {0} occurs twice, with two names")]
    CategoryTwice(Id),
}

/// Pictures with all boxes in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotations {
    /// Sorted by id, the order in which pycocotools counts them.
    pub pictures: Vec<Picture>,
    /// In the file's order, with those of the same name merged.
    pub categories: Vec<Category>,
    /// Unusable annotations of these pictures, and those of no picture.
    pub left_out: LeftOut,
}

/// Unusable annotations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    pub count: usize,
    /// The first of them, each with the reason.
    pub first: Vec<String>,
}

/// One picture with its true boxes.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Usually a number.
    pub id: Id,
    /// The path of the file within the folder of pictures, or what is wrong with it.
    pub file: Result<PathBuf, String>,
    /// Width and height in pixels, if the file tells them.
    pub size_px: Option<(u32, u32)>,
    /// In the file's order.
    pub boxes: Vec<TrueBox>,
}

/// A class of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The id of the first of several with the same name.
    pub id: Id,
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
    id: Value,
    file_name: Value,
    width: Value,
    height: Value,
}

/// `ignore` is not read: pycocotools overwrites it with `iscrowd`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct CocoAnnotation {
    id: Value,
    image_id: Value,
    category_id: Value,
    bbox: Value,
    iscrowd: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CocoCategory {
    id: Value,
    name: Value,
}

impl Annotations {
    /// Parses the text of a file.
    pub fn parse(json: &[u8]) -> Result<Self, AnnotationsError> {
        let file: CocoFile = serde_json::from_slice(&plain_json(json))?;
        let categories = Categories::new(&file.categories);
        let mut pictures = BTreeMap::new();
        for (index, image) in file.images.iter().enumerate() {
            let picture = image.picture(index);
            let id = picture.id.clone();
            let file = picture.file.clone();
            let before = pictures.insert(id, picture);
            // A picture that is listed twice alike is one.
            if let Some(before) = before.filter(|before| before.file != file) {
                return Err(AnnotationsError::PictureTwice(before.id));
            }
        }
        let mut left_out = LeftOut::default();
        for (index, annotation) in file.annotations.iter().enumerate() {
            let Some(id) = Id::of(&annotation.image_id) else {
                left_out.add(annotation, index, "has no `image_id`");
                continue;
            };
            // A file reduced to fewer pictures often keeps the annotations of the others.
            let Some(picture) = pictures.get_mut(&id) else {
                continue;
            };
            match annotation.true_box(&categories) {
                Ok(found) => picture.boxes.push(found),
                Err(BoxError::Unusable(why)) => left_out.add(annotation, index, &why),
                Err(BoxError::AmbiguousCategory(id)) => {
                    return Err(AnnotationsError::CategoryTwice(id));
                }
            }
        }
        Ok(Self {
            pictures: pictures.into_values().collect(),
            categories: categories.all,
            left_out,
        })
    }
}

/// Why an annotation has no true box.
enum BoxError {
    Unusable(String),
    /// Its category has two names, so that the whole file is refused.
    AmbiguousCategory(Id),
}

impl LeftOut {
    /// How many annotations are named.
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
    /// `None`: the id has two names.
    by_id: BTreeMap<Id, Option<usize>>,
}

impl Categories {
    /// Merges categories of the same name, because tools write an unused root category with the name of the
    /// only class.
    fn new(listed: &[CocoCategory]) -> Self {
        let (mut all, mut by_id) = (Vec::<Category>::new(), BTreeMap::new());
        for category in listed {
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

    fn index_of(&self, id: Id) -> Result<usize, BoxError> {
        match self.by_id.get(&id) {
            Some(Some(index)) => Ok(*index),
            Some(None) => Err(BoxError::AmbiguousCategory(id)),
            None => Err(BoxError::Unusable(format!(
                "has the category {id}, which is not under `categories`"
            ))),
        }
    }
}

impl CocoImage {
    fn picture(&self, index: usize) -> Picture {
        let id = Id::of(&self.id);
        let file = match (&id, &self.file_name) {
            (None, _) => Err(format!("the picture at index {index} has no `id`")),
            (Some(id), Value::String(name)) => path_within(name).ok_or_else(|| {
                format!("picture {id}: `{name}` is no name of a file within a folder")
            }),
            (Some(id), _) => Err(format!("picture {id} has no `file_name`")),
        };
        Picture {
            id: id.unwrap_or_else(|| Id::Text(format!("index {index}"))),
            file,
            size_px: lenient::pixels(&self.width).zip(lenient::pixels(&self.height)),
            boxes: Vec::new(),
        }
    }
}

/// A path within the folder of pictures, also as Windows writes it; `None` when it leads out of it.
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
    fn true_box(&self, categories: &Categories) -> Result<TrueBox, BoxError> {
        let id = Id::of(&self.category_id)
            .ok_or_else(|| BoxError::Unusable("has no `category_id`".to_owned()))?;
        Ok(TrueBox {
            category: categories.index_of(id)?,
            rect: BoxXywh::from(lenient::rect(&self.bbox).map_err(BoxError::Unusable)?),
            crowd: lenient::is_true(&self.iscrowd),
        })
    }
}
