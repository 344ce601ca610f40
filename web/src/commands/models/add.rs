//! `carrier models add`: writes a manifest beside a model file, complete or to be filled in.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use detector::{ModelChoice, ModelStore, Places, StoreError, Unclear, examine};

use crate::commands::{check_file, open_detector};
use crate::output::print;

pub(crate) fn run(
    store: &ModelStore,
    places: &Places,
    file: &Path,
    replaces: bool,
) -> anyhow::Result<ExitCode> {
    check_file(
        "FILE",
        file,
        "`carrier models list` shows those that have a name",
    )?;
    let manifest = file.with_extension("toml");
    if manifest == file {
        bail!("{} is a manifest; name the ONNX file", file.display());
    }
    if manifest.exists() && !replaces {
        bail!(
            "{} is there already: --force replaces it",
            manifest.display()
        );
    }
    let known = match store.find(&ModelChoice::File(file.to_owned())) {
        Ok(found) => found.filter(|_| !manifest.exists()),
        // Every other error is one of the manifest that is replaced.
        Err(error @ StoreError::Unreadable { .. }) => return Err(error.into()),
        Err(_) => None,
    };
    if let Some(model) = known {
        let (path, name) = (file.display(), &model.entry.name);
        print(&format!(
            "{path} is {name}, which carrier knows: it needs no manifest\n"
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    match examine(places, file)? {
        Ok(recognised) => {
            write(&manifest, &recognised.manifest)?;
            print(&format!("{}\n", recognised.manifest))?;
            report(file, &manifest)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(unclear) => {
            write(&manifest, &unclear.draft)?;
            print(&to_complete(&manifest, &unclear))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Opens the model as the station will, and says what came of it.
fn report(file: &Path, manifest: &Path) -> anyhow::Result<()> {
    let path = file.display().to_string();
    let choice = if path.contains('/') {
        path
    } else {
        format!("./{path}")
    };
    let detector = open_detector(&choice)?;
    let (manifest, name) = (manifest.display(), detector.name());
    let mut text = format!("The manifest of {name} is {manifest}. Use it with --model {choice}\n");
    if let Some(warning) = detector.warning() {
        text += &format!("But {warning}. Compare the manifest with how the model was trained.\n");
    }
    Ok(print(&text)?)
}

fn to_complete(manifest: &Path, unclear: &Unclear) -> String {
    let Unclear { draft, .. } = unclear;
    let path = manifest.display();
    format!(
        "{draft}\nIt is not clear how to use this model: {unclear}.\nFill in the gaps of {path}.\n"
    )
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
