//! What kind of model a file is, from its inputs, outputs and metadata alone, for files that no manifest
//! describes. Pure.
//!
//! Each exporter has a rule (`kinds.rs`, `ultralytics.rs`), which knows how its files want their pictures.
//! A rule fills in a draft of the manifest. Only a draft without a gap becomes a model; the others are for
//! the owner to complete.

mod draft;
mod kinds;
mod picture;
mod python_literal;
#[cfg(test)]
mod tests;
mod ultralytics;

use std::fmt;

use super::manifest::{ColourOrder, InputContract, ModelEntry, Resize};
use super::signature::{Signature, Tensor};
use draft::Draft;
use picture::Picture;

pub(crate) use picture::SIZE_INPUT;

/// A model without a gap.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    pub entry: ModelEntry,
    /// The manifest that says the same.
    pub manifest: String,
    /// What the file does not say and was taken as usual, as sentences.
    pub assumptions: Vec<String>,
}

/// Why a model cannot be used without a manifest of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// As parts of a sentence.
    pub reasons: Vec<String>,
    /// What the file says of itself.
    pub signature: Signature,
    /// A manifest with what is known. The gaps are comments that begin with `FILL IN`.
    pub draft: String,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |tensors: &[Tensor]| {
            let all: Vec<String> = tensors.iter().map(ToString::to_string).collect();
            all.join(", ")
        };
        write!(
            f,
            "{}. Its inputs: {}. Its outputs: {}",
            self.reasons.join("; "),
            list(&self.signature.inputs),
            list(&self.signature.outputs)
        )
    }
}

/// The input for a trial run, which shows the shapes of the outputs. `None`: the network takes more than a picture.
pub(crate) fn trial_input(signature: &Signature) -> Option<InputContract> {
    let picture = Picture::find(signature).ok()?;
    let is_known = |input: &Tensor| [picture.name.as_str(), SIZE_INPUT].contains(&&*input.name);
    let (width, height) = picture.size;
    signature
        .inputs
        .iter()
        .all(is_known)
        .then(|| InputContract {
            name: picture.name.clone(),
            width: width as u32,
            height: height as u32,
            layout: picture.layout,
            element: picture.element,
            colour: ColourOrder::Rgb,
            mean: [0.0; 3],
            std: [1.0; 3],
            resize: Resize::Stretch,
        })
}

/// The manifest of a file that is called `name` (without its extension). The shapes of outputs are those for a
/// picture of the size that the file, its metadata, or the trial run has.
pub fn recognise(name: &str, signature: &Signature) -> Result<Recognised, Unclear> {
    let mut draft = match Picture::find(signature) {
        Ok(picture) => kinds::draft(signature, picture),
        Err(reason) => Draft::unknown(None, reason),
    };
    let manifest = draft.manifest(name);
    if draft.reasons.is_empty() {
        match ModelEntry::parse(&manifest) {
            Ok(entry) => {
                let assumptions = draft.assumptions;
                return Ok(Recognised {
                    entry,
                    manifest,
                    assumptions,
                });
            }
            Err(error) => draft.reasons.push(error.to_string()),
        }
    }
    Err(Unclear {
        reasons: draft.reasons,
        signature: signature.clone(),
        draft: manifest,
    })
}
