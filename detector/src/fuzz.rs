//! Fuzz targets for what a model file brings: its manifest, what it says of itself, and its outputs. Used by the fuzzer
//! (`make fuzz`; `fuzzer.rs` includes this file) and, with the kept corpus, by `cargo test`.
//!
//! A target must neither panic nor hang, and asserts what holds for any input.

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use ndarray::ArrayD;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use crate::detection::Detection;
use crate::heads::{
    BoxUnits, DecodeHead, Head, HeadConfig, HeadError, InputSize, RawOutputs, Values,
};
use crate::models::manifest::{Manifest, ModelEntry};
use crate::models::recognise::{recognise, trial_input};
use crate::models::signature::{Dimension, Element, Signature, Tensor};

/// The name of a target, which is also its corpus folder, and its function.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets.
pub(crate) const TARGETS: [Target; 3] = [
    ("manifest", manifest),
    ("model-file", model_file),
    ("outputs", outputs),
];

const INPUT: InputSize = InputSize {
    width: 96,
    height: 64,
};
const RANK_MAX: usize = 4;
const NUMBERS_MAX: usize = 1 << 16;

/// A manifest beside a model, and one of several models.
fn manifest(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match ModelEntry::parse(&text) {
        Ok(entry) => check(&entry),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(manifest) = Manifest::parse(&text) {
        for entry in manifest.models() {
            check(entry);
            assert_eq!(manifest.by_name(&entry.name), Some(entry));
        }
    }
}

fn check(entry: &ModelEntry) {
    let name = entry.file_name();
    assert!(!name.starts_with('.') && !name.contains(['/', '\\', '\0']));
    let (width, height) = (entry.input.width as usize, entry.input.height as usize);
    // Its weights come from a file; this alone must not take memory for more.
    assert!(width * height <= 1 << 24 && entry.network_classes() <= 20_001.max(entry.labels.len()));
    let _decoder = entry.head.decoder(HeadConfig {
        input: InputSize { width, height },
        classes: entry.network_classes(),
        box_units: entry.box_units,
    });
}

/// What a model file says of itself. The input is records that end with 0x1e, of fields that end with a tab: "input" or
/// "output", name, type, and lengths of axes, of which what is no number is an open one; or "metadata", key, and value.
fn model_file(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let signature = signature(&text);
    let _ = trial_input(&signature);
    match recognise("model", &signature) {
        Ok(found) => {
            check(&found.entry);
            let again =
                ModelEntry::parse(&found.manifest).expect("a manifest that is written is read");
            assert_eq!(again, found.entry);
        }
        Err(unclear) => {
            assert!(!unclear.reasons.is_empty() && !unclear.to_string().is_empty());
            let parsed = unclear.draft.parse::<toml::Table>();
            assert!(parsed.is_ok(), "{}: {parsed:?}", unclear.draft);
        }
    }
}

fn signature(text: &str) -> Signature {
    let mut signature = Signature::default();
    for record in text.split('\x1e') {
        let fields: Vec<&str> = record.split('\t').collect();
        match fields.as_slice() {
            ["input", name, element, axes @ ..] => {
                signature.inputs.push(tensor(name, element, axes))
            }
            ["output", name, element, axes @ ..] => {
                signature.outputs.push(tensor(name, element, axes))
            }
            ["metadata", key, value] => {
                let (key, value) = ((*key).to_owned(), (*value).to_owned());
                signature.metadata.insert(key, value);
            }
            _ => {}
        }
    }
    signature
}

fn tensor(name: &str, element: &str, axes: &[&str]) -> Tensor {
    let axis = |text: &&str| match text.parse() {
        Ok(length) => Dimension::Fixed(length),
        Err(_) => Dimension::Open((*text).to_owned()),
    };
    Tensor {
        name: name.to_owned(),
        element: element_of(element),
        shape: axes.iter().map(axis).collect(),
    }
}

/// By the name with which it is displayed.
pub(crate) fn element_of(name: &str) -> Element {
    match name {
        "f32" => Element::F32,
        "f16" => Element::F16,
        "u8" => Element::U8,
        "i32" => Element::I32,
        "i64" => Element::I64,
        other => Element::Other(other.to_owned()),
    }
}

/// What a network returns. The input is the head's name, a line feed, the number of classes, the minimum score, the units
/// of boxes, and tensors in the order in which the head asks for them: the number of axes, their lengths, the number of
/// bytes, and bytes that stand for numbers and are repeated until the tensor is full.
fn outputs(input: &[u8]) {
    let Some(Run {
        config,
        min_score,
        mut decoder,
        tensors,
    }) = Run::of(input)
    else {
        return;
    };
    let mut found = Vec::new();
    match decoder.decode(&tensors, min_score, &mut found) {
        Ok(()) => {
            let is_valid =
                |one: &Detection| one.score >= min_score && one.class_id < config.classes;
            assert!(found.iter().all(is_valid));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

struct Run<'a> {
    config: HeadConfig,
    min_score: f32,
    decoder: Box<dyn DecodeHead>,
    tensors: Tensors<'a>,
}

impl<'a> Run<'a> {
    fn of(input: &'a [u8]) -> Option<Self> {
        let mut parts = input.splitn(2, |byte| *byte == b'\n');
        let name = String::from_utf8_lossy(parts.next()?);
        let name: StrDeserializer<'_, Error> = (&*name).into_deserializer();
        let head = Head::deserialize(name).ok()?;
        let ([classes, score, units], tensors) = parts.next()?.split_first_chunk::<3>()?;
        let config = HeadConfig {
            input: INPUT,
            // A manifest has at least one.
            classes: usize::from(*classes).max(1),
            box_units: [None, Some(BoxUnits::Cells), Some(BoxUnits::Pixels)]
                [usize::from(units % 3)],
        };
        Some(Self {
            config,
            min_score: f32::from(*score) / 255.0,
            decoder: head.decoder(config),
            tensors: Tensors(RefCell::new(tensors)),
        })
    }
}

/// Tensors that are not made yet.
struct Tensors<'a>(RefCell<&'a [u8]>);

impl Tensors<'_> {
    fn next<T: Clone>(
        &self,
        output: &'static str,
        number: fn(u8) -> T,
    ) -> Result<Values<'_, T>, HeadError> {
        let mut rest = self.0.borrow_mut();
        let tensor = (|| {
            let (rank, after) = rest.split_first()?;
            let (axes, after) =
                after.split_at_checked(2 * (usize::from(*rank) % (RANK_MAX + 1)))?;
            let (length, after) = after.split_first()?;
            let (bytes, after) = after.split_at_checked(usize::from(*length))?;
            *rest = after;
            let axes = axes
                .chunks_exact(2)
                .map(|axis| usize::from(u16::from_le_bytes([axis[0], axis[1]])));
            let axes: Vec<usize> = axes.collect();
            let count = axes.iter().product();
            if count > NUMBERS_MAX || (count > 0 && bytes.is_empty()) {
                return None;
            }
            let numbers = bytes.iter().cycle().take(count);
            let numbers = numbers.map(|byte| number(*byte)).collect();
            ArrayD::from_shape_vec(axes, numbers).ok()
        })();
        let missing = || HeadError::Output {
            output,
            why: "there is none".to_owned(),
        };
        tensor.map(Values::from).ok_or_else(missing)
    }
}

impl RawOutputs for Tensors<'_> {
    fn floats(&self, name: &'static str) -> Result<Values<'_, f32>, HeadError> {
        self.next(name, |byte| match byte {
            255 => f32::NAN,
            254 => f32::INFINITY,
            253 => f32::NEG_INFINITY,
            252 => f32::MAX,
            251 => f32::MIN_POSITIVE,
            byte => (f32::from(byte) - 100.0) / 10.0,
        })
    }

    fn integers(&self, name: &'static str) -> Result<Values<'_, i64>, HeadError> {
        self.next(name, |byte| match byte {
            255 => i64::MAX,
            254 => i64::MIN,
            byte => i64::from(byte) - 10,
        })
    }

    fn nan_share(&self) -> f32 {
        0.0
    }
}
