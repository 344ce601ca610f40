//! `carrier models verify`.

use std::process::ExitCode;

use detector::{DetectorConfig, Installed, InstalledModel, ModelStore, try_out};

use super::named::meant;
use crate::commands::with_fix;
use crate::output::{exit_code, print};

pub(super) fn run(
    store: &ModelStore,
    config: &DetectorConfig,
    names: &[String],
) -> anyhow::Result<ExitCode> {
    let mut is_all_well = true;
    if names.is_empty() {
        for model in store.list() {
            if let Installed::Damaged(path) = &model.state {
                let (name, path) = (&model.entry.name, path.display());
                is_all_well = false;
                print(&format!(
                    "{name}: {path} is damaged. To fix it: carrier models pull {name}\n"
                ))?;
            }
        }
    }
    for model in meant(store, names)? {
        let name = &model.entry.name;
        let found = checked(&model, config);
        is_all_well &= found.is_ok();
        print(&match found {
            Ok(words) => format!("{name}: {words}\n"),
            Err(problem) => format!("{name}: {problem:#}\n"),
        })?;
    }
    Ok(exit_code(is_all_well))
}

/// What is well about a model, else what is wrong.
fn checked(model: &InstalledModel, config: &DetectorConfig) -> anyhow::Result<String> {
    let found = model.sha256()?;
    let contents = match &model.entry.sha256 {
        Some(known) if *known == found => "its SHA-256 is right",
        Some(known) => anyhow::bail!("{} has the SHA-256 {found}, not {known}", model.file),
        None => "its SHA-256 is not known",
    };
    let detector = try_out(config, model).map_err(with_fix)?;
    if let Some(warning) = detector.warning() {
        anyhow::bail!("{contents}, it opens, but {warning}");
    }
    let mut words = format!(
        "{contents}, it opens on {}, and its answer to a test picture is sane",
        detector.provider()
    );
    if let Some(why) = detector.fallback() {
        words += &format!(" ({why})");
    }
    Ok(words)
}
