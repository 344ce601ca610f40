//! The manifest: what the program knows about each model file. Pure.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::heads::{BoxUnits, Head};

/// The manifest that is compiled in.
const BUILT_IN: &str = include_str!("../../../models/manifest.toml");

/// A manifest that cannot be used. The message says where and why.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("the model manifest cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error("model `{model}`: {what}")]
    Value {
        model: String,
        /// What is wrong with the value, and what is allowed.
        what: String,
    },
}

/// No network knows more classes.
const MAX_CLASS_ID: usize = 20_000;

#[derive(Debug, Clone)]
pub struct Manifest {
    models: Vec<Arc<ModelEntry>>,
    unpinned: Vec<UnpinnedModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile {
    model: Vec<ModelEntry>,
    #[serde(default)]
    unpinned: Vec<UnpinnedModel>,
}

/// A model worth knowing of which no file is pinned. Its owner gets one, and its kind is recognised from the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnpinnedModel {
    /// Its name; the file is called `NAME.onnx`.
    pub name: String,
    pub licence: String,
    pub origin: String,
    /// Published AP (0.5 to 0.95) on COCO's validation set, in percent.
    pub published_ap: f32,
    /// Where to get a file, in plain words.
    pub obtain: String,
}

/// One model: its file, its input, and how its outputs are decoded.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Its name; the file is called `NAME.onnx`.
    pub name: String,
    pub licence: String,
    #[serde(default)]
    pub origin: Option<String>,
    /// The URL of the file, if there is a public one.
    #[serde(default)]
    pub url: Option<String>,
    /// SHA-256 of the file, lower-case hex.
    #[serde(default)]
    pub sha256: Option<String>,
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Published AP (0.5 to 0.95) on COCO's validation set, in percent. `None`: it has another task.
    #[serde(default)]
    pub published_ap: Option<f32>,
    /// Less accurate than usual for its size. Shown wherever the model is named.
    #[serde(default)]
    pub experimental: bool,
    /// The decoder of its outputs.
    pub head: Head,
    /// The units of the boxes of a `yolox` model. `None`: recognised from its outputs.
    #[serde(default)]
    pub box_units: Option<BoxUnits>,
    #[serde(deserialize_with = "labels")]
    pub labels: Arc<[String]>,
    /// The id that the network uses for each label. `None`: 0, 1, 2 and so on. Detections with another id
    /// are left out.
    #[serde(default, deserialize_with = "class_ids")]
    pub class_ids: Option<Arc<[usize]>>,
    /// Boxes below this score are not shown.
    pub min_score: f32,
    /// The IoU above which two boxes of a class count as one object. `None`: no suppression is needed.
    #[serde(default)]
    pub nms_iou: Option<f32>,
    /// Sizes of dimensions that the file leaves open, by name.
    #[serde(default)]
    pub dimensions: BTreeMap<String, i64>,
    /// The names of outputs in the file, where they are not those that the head uses: by the head's name.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    pub input: InputContract,
}

/// How a picture is converted to the network's input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputContract {
    pub name: String,
    pub width: u32,
    pub height: u32,
    /// Order of the tensor's axes.
    pub layout: Layout,
    /// The type of the tensor's numbers.
    #[serde(default)]
    pub element: InputElement,
    /// Order of the colour channels.
    pub colour: ColourOrder,
    /// Subtracted from each channel (pixel values 0..=255), in the order of `colour`.
    pub mean: [f32; 3],
    /// Divides each channel after that.
    pub std: [f32; 3],
    pub resize: Resize,
}

/// Order of the tensor's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

impl Layout {
    /// The shape of the tensor for one picture.
    pub(crate) fn shape(self, width: usize, height: usize) -> [usize; 4] {
        match self {
            Self::Nchw => [1, 3, height, width],
            Self::Nhwc => [1, height, width, 3],
        }
    }
}

/// The type of the numbers of the network's input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputElement {
    #[default]
    F32,
    F16,
    /// Rounded; for values of 0..=255.
    U8,
}

/// Order of the colour channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColourOrder {
    Rgb,
    Bgr,
}

/// How the picture is scaled to the network's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Resize {
    /// Each axis by its own factor; the aspect ratio changes.
    Stretch,
    /// Keeps the aspect ratio, with the picture at the top left and padding at the right or below.
    LetterboxTopLeft {
        /// Grey value of the padding, before normalisation.
        pad: u8,
    },
    /// Keeps the aspect ratio, with the picture in the middle and padding on two sides.
    LetterboxCentre {
        /// Grey value of the padding, before normalisation.
        pad: u8,
    },
}

impl Manifest {
    /// The models this program was built with.
    pub fn built_in() -> Result<Self, ManifestError> {
        Self::parse(BUILT_IN)
    }

    /// Parses a manifest of several models.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let ManifestFile {
            model: models,
            unpinned,
        } = toml::from_str(text)?;
        for (index, entry) in models.iter().enumerate() {
            entry.check()?;
            if models[..index].iter().any(|other| other.name == entry.name) {
                return Err(entry.wrong("occurs twice"));
            }
            if entry.sha256.is_none() || entry.bytes.is_none() {
                return Err(entry.wrong("`sha256` and `bytes` are missing"));
            }
        }
        for (index, model) in unpinned.iter().enumerate() {
            let has_name = |name: &String| *name == model.name;
            let is_twice = models.iter().any(|entry| has_name(&entry.name))
                || unpinned[..index].iter().any(|other| has_name(&other.name));
            check_name(&model.name)?;
            check_ap(&model.name, Some(model.published_ap))?;
            if is_twice {
                return Err(wrong(&model.name, "occurs twice"));
            }
        }
        Ok(Self {
            models: models.into_iter().map(Arc::new).collect(),
            unpinned,
        })
    }

    /// All models, in the manifest's order.
    #[must_use]
    pub fn models(&self) -> &[Arc<ModelEntry>] {
        &self.models
    }

    /// Models of which no file is pinned, in the manifest's order.
    #[must_use]
    pub fn unpinned(&self) -> &[UnpinnedModel] {
        &self.unpinned
    }

    /// The model of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<ModelEntry>> {
        self.models.iter().find(|entry| entry.name == name)
    }

    /// The model whose file has this SHA-256.
    #[must_use]
    pub fn by_sha256(&self, sha256: &str) -> Option<&Arc<ModelEntry>> {
        self.models
            .iter()
            .find(|entry| entry.sha256.as_deref() == Some(sha256))
    }
}

impl ModelEntry {
    /// Parses the manifest of one model, as it stands beside a user's own file.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let entry: Self = toml::from_str(text)?;
        entry.check()?;
        Ok(entry)
    }

    /// The name of the file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.onnx", self.name)
    }

    fn wrong(&self, what: impl Into<String>) -> ManifestError {
        wrong(&self.name, what)
    }

    fn check(&self) -> Result<(), ManifestError> {
        check_name(&self.name)?;
        check_ap(&self.name, self.published_ap)?;
        let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if self
            .sha256
            .as_deref()
            .is_some_and(|sha| sha.len() != 64 || !sha.chars().all(hex))
        {
            return Err(self.wrong("`sha256` is 64 lower-case hex digits"));
        }
        let InputContract {
            width,
            height,
            mean,
            std,
            ..
        } = &self.input;
        if ![width, height]
            .iter()
            .all(|side| (32..=4096).contains(*side))
        {
            return Err(self.wrong(format!(
                "an input of {width}x{height} is not within 32..4096"
            )));
        }
        if !mean.iter().all(|mean| mean.is_finite())
            || !std.iter().all(|std| std.is_finite() && *std > 0.0)
        {
            return Err(self.wrong("`input.mean` must be numbers, `input.std` positive ones"));
        }
        let is_plain = *mean == [0.0; 3] && *std == [1.0; 3];
        if self.input.element == InputElement::U8 && !is_plain {
            return Err(self.wrong("an input of u8 takes the pixels as they are: mean 0, std 1"));
        }
        let share = |value: f32| (0.0..=1.0).contains(&value);
        if !share(self.min_score) || !self.nms_iou.is_none_or(share) {
            return Err(self.wrong("`min_score` and `nms_iou` lie within 0..1"));
        }
        if self.box_units.is_some() && self.head != Head::Yolox {
            return Err(self.wrong("`box_units` is for the head \"yolox\" alone"));
        }
        if self.labels.is_empty() {
            return Err(self.wrong("`labels` names no class"));
        }
        if let Some(ids) = &self.class_ids {
            let distinct: BTreeSet<&usize> = ids.iter().collect();
            if ids.len() != self.labels.len() || distinct.len() != ids.len() {
                return Err(self.wrong("`class_ids` has one id for each label, all different"));
            }
            if ids.iter().any(|id| *id > MAX_CLASS_ID) {
                return Err(self.wrong(format!("`class_ids` are at most {MAX_CLASS_ID}")));
            }
        }
        Ok(())
    }

    /// How many classes the network knows, as far as the manifest tells.
    pub(crate) fn network_classes(&self) -> usize {
        match &self.class_ids {
            Some(ids) => ids.iter().max().map_or(0, |most| most + 1),
            None => self.labels.len(),
        }
    }
}

fn wrong(model: &str, what: impl Into<String>) -> ManifestError {
    ManifestError::Value {
        model: model.to_owned(),
        what: what.into(),
    }
}

/// The name becomes a file name and must not lead out of the folder.
fn check_name(name: &str) -> Result<(), ManifestError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        let what = "a name is made of letters, digits, `.`, `_` and `-`";
        return Err(wrong(name, what));
    }
    Ok(())
}

fn check_ap(model: &str, percent: Option<f32>) -> Result<(), ManifestError> {
    match percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)) {
        true => Ok(()),
        false => Err(wrong(model, "`published_ap` is a percentage")),
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`labels` is \"coco80\" or a list of names")]
enum LabelSet {
    Known(KnownLabels),
    Own(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KnownLabels {
    Coco80,
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[String]>, D::Error> {
    Ok(match LabelSet::deserialize(deserializer)? {
        LabelSet::Known(KnownLabels::Coco80) => coco_80().map(str::to_owned).collect(),
        LabelSet::Own(names) => names.into(),
    })
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`class_ids` is \"coco91\" or a list of numbers")]
enum ClassIds {
    Known(KnownIds),
    Own(Vec<usize>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KnownIds {
    Coco91,
}

fn class_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<[usize]>>, D::Error> {
    Ok(Some(match ClassIds::deserialize(deserializer)? {
        ClassIds::Known(KnownIds::Coco91) => coco_91().collect(),
        ClassIds::Own(ids) => ids.into(),
    }))
}

/// The ids of COCO's categories, 1 to 90, for the labels of [`coco_80`]. Ten numbers are not in use.
pub(crate) fn coco_91() -> impl Iterator<Item = usize> {
    const UNUSED: [usize; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];
    (1..=90).filter(|id| !UNUSED.contains(id))
}

/// The 80 classes of COCO in their usual dense order (0 = person .. 79 = toothbrush).
pub fn coco_80() -> impl Iterator<Item = &'static str> {
    include_str!("../../../models/coco80.txt").lines()
}
