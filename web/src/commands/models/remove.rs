//! `carrier models remove`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use detector::{Installed, ModelStore, Places};

use crate::commands::check_model_name;
use crate::output::print;

pub(super) fn run(store: &ModelStore, places: &Places, name: &str) -> anyhow::Result<ExitCode> {
    check_model_name("model", name)?;
    let listed = store.list();
    let Some(model) = listed.iter().find(|model| model.entry.name == name) else {
        bail!("`{name}` is no name from `carrier models list`; delete a file of your own yourself");
    };
    let part = detector::part_of(&model.entry, &places.pull_folder());
    let had_part = part.is_file();
    if had_part {
        let removed = std::fs::remove_file(&part);
        removed.with_context(|| format!("cannot remove {}", part.display()))?;
    }
    let path = match &model.state {
        Installed::At(path) | Installed::Damaged(path) => path,
        Installed::BuiltIn => bail!("{name} is part of carrier and cannot be removed"),
        Installed::No if had_part => {
            print(&format!("The unfinished download of {name} is removed\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        Installed::No => {
            let folders: Vec<String> = places
                .model_folders()
                .iter()
                .map(|folder| folder.display().to_string())
                .collect();
            bail!("{name} is not installed; looked in {}", folders.join(", "));
        }
    };
    let removed = std::fs::remove_file(path);
    removed.with_context(|| format!("cannot remove {}", path.display()))?;
    let manifest = path.with_extension("toml");
    let mut text = format!("{} is removed\n", path.display());
    if manifest.is_file() {
        text += &format!("Your manifest beside it is kept: {}\n", manifest.display());
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
