//! Surveys a server: version, node classes, model files, and whether pictures can be overwritten.

use std::collections::BTreeSet;

use crate::comfyui::check::{Classes, Survey, WorkflowCheck};
use crate::comfyui::client::Client;
use crate::comfyui::erase::can_overwrite;
use crate::comfyui::model_files::{Folders, folders_to_list};
use crate::comfyui::server_error::CallError;
use crate::comfyui::settings::{ComfyuiSettings, Endpoint, SettingsError};
use crate::stylist::StylistError;
use crate::workflow::definition::Workflow;

/// Surveys the server once.
///
/// # Errors
/// The outer error: the settings are invalid. The inner one: [`StylistError::Unavailable`] with the reason.
pub fn survey(
    settings: &ComfyuiSettings,
    workflows: &[Workflow],
) -> Result<Result<Survey, StylistError>, SettingsError> {
    let client = Client::new(Endpoint::new(settings)?);
    let told = survey_server(&client, workflows);
    Ok(told.map_err(|error| StylistError::Unavailable(error.to_string())))
}

pub(super) fn survey_server(client: &Client, workflows: &[Workflow]) -> Result<Survey, CallError> {
    let version = client.version()?;
    let of_nodes = |workflow| Workflow::nodes(workflow).map(|node| node.class);
    let mut used: BTreeSet<&str> = workflows.iter().flat_map(of_nodes).collect();
    used.extend(workflows.iter().flat_map(Workflow::lora_loaders));
    let mut classes = Classes::new();
    for name in used {
        let class = match client.class(name) {
            // A node that cannot be described only disables its own workflows.
            Err(CallError::Refused { .. }) => None,
            told => told?,
        };
        classes.insert(name.to_owned(), class);
    }
    let mut folders = Folders::new();
    for folder in folders_to_list(workflows) {
        match client.model_files(folder) {
            Ok(files) => drop(folders.insert(folder, files)),
            // The folder or the route does not exist, or a proxy answers with its own page. The lists of the
            // nodes are used instead.
            Err(CallError::Refused { .. } | CallError::Malformed) => {}
            Err(error) => return Err(error),
        }
    }
    let checks = workflows.iter();
    Ok(Survey {
        too_old_for: too_old_for(version.as_deref()),
        version,
        erases_pictures: can_overwrite(client)?,
        workflows: checks
            .map(|workflow| WorkflowCheck::of(workflow, &classes, &folders))
            .collect(),
    })
}

/// `POST /prompt` accepts the client's id of an order (July 2025).
const TAKES_NAMES: [u32; 3] = [0, 3, 45];
/// `POST /interrupt` stops only the given order (September 2025).
const STOPS_BY_NAME: [u32; 3] = [0, 3, 57];

/// What a server of this version lacks, as text for people. Empty for an unknown version format.
pub(super) fn too_old_for(version: Option<&str>) -> Vec<String> {
    let known = match version {
        None => Some([0, 0, 0]),
        Some(version) => numbers(version),
    };
    let lacks = |since: [u32; 3], words: &str| {
        let is_older = known.is_some_and(|known| known < since);
        let [major, minor, patch] = since;
        is_older.then(|| format!("older than {major}.{minor}.{patch}: {words}"))
    };
    [
        lacks(
            TAKES_NAMES,
            "it names orders itself, so that one whose answer is lost on the way has to be searched for",
        ),
        lacks(
            STOPS_BY_NAME,
            "it stops whatever is at work when it is asked to stop one order, so that an order that \
             follows a cancelled one at once may be hit",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first three numbers of a version such as `0.3.64` or `v0.3.64-12-gabc`.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.trim_start_matches('v').splitn(3, '.');
    let mut next = || {
        let part = parts.next()?;
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part[..digits.unwrap_or(part.len())].parse().ok()
    };
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn missing_features_of_old_servers_are_named() {
        for (version, lacks) in [
            (Some("0.33.0"), 0),
            (Some("0.3.64"), 0),
            (Some("v0.3.57-3-g1234567"), 0),
            (Some("0.3.56"), 1),
            (Some("0.3.44"), 2),
            (Some("0.3.10"), 2),
            (None, 2),
            (Some("stub"), 0),
            (Some(""), 0),
        ] {
            let told = too_old_for(version);
            assert_eq!(told.len(), lacks, "{version:?}: {told:?}");
        }
        assert!(too_old_for(Some("0.3.44"))[0].contains("older than 0.3.45"));
    }
}
