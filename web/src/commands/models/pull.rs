//! `carrier models pull`.

use std::process::ExitCode;

use anyhow::bail;
use detector::{Installed, ModelStore, Places, Pulled};

use super::named::how_to_get;
use crate::commands::check_model_name;
use crate::commands::meter::Meter;
use crate::output::print;

pub(super) fn run(store: &ModelStore, places: &Places, name: &str) -> anyhow::Result<ExitCode> {
    let mut unpinned = store.manifest().unpinned().iter();
    if let Some(model) = unpinned.find(|model| model.name == name) {
        bail!(how_to_get(model, places));
    }
    check_model_name("model", name)?;
    let known = store.list();
    let Some(model) = known.iter().find(|model| model.entry.name == name) else {
        bail!("there is no model called `{name}`; `carrier models list` shows them");
    };
    if model.state == Installed::BuiltIn {
        print(&format!(
            "{name} is part of carrier: there is nothing to fetch\n"
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut meter = Meter::new(name);
    let pulled = detector::pull(
        &model.entry,
        &places.pull_folder(),
        places.models_url.as_deref(),
        &mut |got, all| {
            meter.show(got, all);
        },
    );
    meter.end();
    let Pulled { path, was_there } = pulled?;
    let path = path.display();
    print(&match was_there {
        true => format!("{name} is in {path} already, with the right SHA-256\n"),
        false => format!("{name} is in {path}\n"),
    })?;
    Ok(ExitCode::SUCCESS)
}
