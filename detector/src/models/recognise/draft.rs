//! A manifest with what is known so far, and its text.

use std::collections::BTreeMap;

use super::super::manifest::{ColourOrder, InputElement, Layout, Resize};
use super::picture::Picture;

/// What is subtracted from the channels of a picture, and what they are divided by.
type Normalisation = ([f32; 3], [f32; 3]);

/// The pixels as they are.
pub(super) const PLAIN: Normalisation = ([0.0; 3], [1.0; 3]);
/// Fractions of white.
pub(super) const FRACTIONS: Normalisation = ([0.0; 3], [255.0; 3]);
/// Mean and deviation of ImageNet, for red, green, blue.
pub(super) const IMAGENET: Normalisation = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]);

/// What the classes of a model are called.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Labels {
    /// As many as this, where it is known.
    #[default]
    Unknown,
    UnknownCount(usize),
    /// The 80 of COCO.
    Coco80,
    /// The 80 of COCO, by the ids of its categories.
    Coco91,
    Names(Vec<(usize, String)>),
}

/// How the picture is given to the network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Feeding {
    pub(super) colour: ColourOrder,
    pub(super) normalisation: Normalisation,
    pub(super) resize: Resize,
}

/// A manifest with gaps.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Draft {
    pub(super) head: Option<&'static str>,
    pub(super) labels: Labels,
    pub(super) min_score: f32,
    pub(super) nms_iou: Option<f32>,
    /// Names of outputs: that of the head, and that in the file.
    pub(super) outputs: Vec<(&'static str, String)>,
    pub(super) dimensions: Vec<(String, usize)>,
    pub(super) picture: Option<Picture>,
    pub(super) feeding: Option<Feeding>,
    /// What is unclear, as parts of a sentence. None: there is no gap.
    pub(super) reasons: Vec<String>,
    /// What was taken as usual.
    pub(super) assumptions: Vec<String>,
}

impl Draft {
    /// A draft of a kind that is not recognised.
    pub(super) fn unknown(picture: Option<Picture>, reason: String) -> Self {
        Self {
            picture,
            min_score: 0.4,
            reasons: vec![reason],
            ..Self::default()
        }
    }

    /// The text, for a file of this name without its extension.
    pub(super) fn manifest(&self, name: &str) -> String {
        let mut text = String::new();
        for assumption in &self.assumptions {
            let line = assumption.replace(char::is_control, " ");
            text += &format!("# {line}\n");
        }
        text += &format!("name = {}\n", quoted(&plain_name(name)));
        text += "licence = \"unknown\"\n";
        text += &match self.head {
            Some(head) => format!("head = \"{head}\"\n"),
            None => {
                "# FILL IN head = \"...\", the decoder of its outputs: docs/models.md lists them\n"
                    .to_owned()
            }
        };
        text += &self.labels_text();
        text += &format!("min_score = {}\n", float(self.min_score));
        if let Some(iou) = self.nms_iou {
            text += &format!("nms_iou = {}\n", float(iou));
        }
        let pair = |name: &str, value: String| format!("{} = {value}", key(name));
        let outputs = self.outputs.iter().filter(|(ours, name)| ours != name);
        text += &table(
            "outputs",
            outputs.map(|(ours, name)| pair(ours, quoted(name))),
        );
        let dimensions = self.dimensions.iter();
        text += &table(
            "dimensions",
            dimensions.map(|(name, length)| pair(name, length.to_string())),
        );
        text + &self.input_text()
    }

    fn labels_text(&self) -> String {
        match &self.labels {
            Labels::Unknown => "# FILL IN labels = [\"...\"], the names of its classes, or \
                                \"coco80\"\n"
                .to_owned(),
            Labels::UnknownCount(count) => {
                format!("# FILL IN labels = [\"...\"], the names of its {count} classes\n")
            }
            Labels::Coco80 => "labels = \"coco80\"\n".to_owned(),
            Labels::Coco91 => "labels = \"coco80\"\nclass_ids = \"coco91\"\n".to_owned(),
            Labels::Names(names) => {
                let labels: Vec<String> = names.iter().map(|(_, name)| quoted(name)).collect();
                let mut text = format!("labels = [{}]\n", labels.join(", "));
                let is_counted = names
                    .iter()
                    .enumerate()
                    .all(|(index, (id, _))| index == *id);
                if !is_counted {
                    let ids: Vec<String> = names.iter().map(|(id, _)| id.to_string()).collect();
                    text += &format!("class_ids = [{}]\n", ids.join(", "));
                }
                text
            }
        }
    }

    fn input_text(&self) -> String {
        let mut text = "\n[input]\n".to_owned();
        let Some(picture) = &self.picture else {
            return text + "# FILL IN name, width, height, layout, colour, mean, std, resize\n";
        };
        text += &format!("name = {}\n", quoted(&picture.name));
        let (width, height) = picture.size;
        text += &match picture.is_size_assumed && self.head.is_none() {
            false => format!("width = {width}\nheight = {height}\n"),
            true => "# FILL IN width = ... and height = ..., in pixels\n".to_owned(),
        };
        text += match picture.layout {
            Layout::Nchw => "layout = \"nchw\"\n",
            Layout::Nhwc => "layout = \"nhwc\"\n",
        };
        text += match picture.element {
            InputElement::F32 => "",
            InputElement::F16 => "element = \"f16\"\n",
            InputElement::U8 => "element = \"u8\"\n",
        };
        let Some(feeding) = &self.feeding else {
            return text
                + "# FILL IN colour = \"rgb\" or \"bgr\", mean = [0.0, 0.0, 0.0], std = [255.0, \
                   255.0, 255.0], resize = \"stretch\"\n";
        };
        let colour = match feeding.colour {
            ColourOrder::Rgb => "rgb",
            ColourOrder::Bgr => "bgr",
        };
        let list = |values: [f32; 3]| values.map(float).join(", ");
        let (mean, std) = feeding.normalisation;
        text += &format!("colour = \"{colour}\"\n");
        text += &format!("mean = [{}]\nstd = [{}]\n", list(mean), list(std));
        text + &match feeding.resize {
            Resize::Stretch => "resize = \"stretch\"\n".to_owned(),
            Resize::LetterboxTopLeft { pad } => {
                format!("resize = {{ letterbox_top_left = {{ pad = {pad} }} }}\n")
            }
            Resize::LetterboxCentre { pad } => {
                format!("resize = {{ letterbox_centre = {{ pad = {pad} }} }}\n")
            }
        }
    }
}

/// A table in one line, or nothing when it is empty.
fn table(key: &str, entries: impl Iterator<Item = String>) -> String {
    let entries: Vec<String> = entries.collect();
    match entries.is_empty() {
        true => String::new(),
        false => format!("{key} = {{ {} }}\n", entries.join(", ")),
    }
}

/// A key in TOML, which unlike a string cannot have several lines.
fn key(text: &str) -> String {
    const VALUE: &str = " = 0";
    let line = toml::to_string(&BTreeMap::from([(text, 0)])).unwrap_or_default();
    line.trim_end().trim_end_matches(VALUE).to_owned()
}

/// A string in TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A number with a decimal point, as TOML wants it.
fn float(value: f32) -> String {
    format!("{value:?}")
}

/// The name of a file as a manifest allows it.
fn plain_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let plain = plain.trim_start_matches('.');
    if plain.is_empty() { "model" } else { plain }.to_owned()
}
