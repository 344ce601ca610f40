//! The models that a command names.

use anyhow::{Context, bail};
use detector::{Installed, InstalledModel, ModelChoice, ModelStore, Places, UnpinnedModel};

use crate::commands::{check_model_name, with_fix};

/// The models that are meant: those of these names, or all that are installed. Names may be of files.
pub(super) fn meant(store: &ModelStore, names: &[String]) -> anyhow::Result<Vec<InstalledModel>> {
    let installed: Vec<String>;
    let names = match names {
        [] => {
            let is_here =
                |state: &Installed| matches!(state, Installed::At(_) | Installed::BuiltIn);
            let listed = store.list().into_iter();
            installed = listed
                .filter(|model| is_here(&model.state))
                .map(|model| model.entry.name.clone())
                .collect();
            installed.as_slice()
        }
        names => names,
    };
    let one = |name: &String| {
        check_model_name("model", name)?;
        let Ok(choice) = name.parse::<ModelChoice>();
        if let ModelChoice::None | ModelChoice::Auto = choice {
            bail!("`{name}` is no model; `carrier models list` shows them");
        }
        let found = store.find(&choice).map_err(detector::OpenError::from);
        let found = found.map_err(with_fix)?;
        found.with_context(|| format!("`{name}` is no model"))
    };
    names.iter().map(one).collect()
}

/// Where to get a model of which no file is pinned, and what to do with the file.
pub(super) fn how_to_get(model: &UnpinnedModel, places: &Places) -> String {
    let file = places.pull_folder().join(format!("{}.onnx", model.name));
    format!(
        "no file of `{}` is pinned. Get one: {}. Put it at {} and use it by that path; `carrier models add` \
         writes a manifest for it",
        model.name,
        model.obtain,
        file.display()
    )
}
