//! Asks a server what it is and can do.

use std::collections::BTreeSet;

use super::blank;
use super::check::{Classes, Survey, WorkflowCheck};
use super::client::{CallError, Client};
use super::endpoint::{ComfyuiSettings, Endpoint, SettingsError};
use super::features::too_old_for;
use super::files::{Folders, worth_asking};
use crate::stylist::Trouble;
use crate::workflow::Workflow;

/// Asks once, now.
///
/// # Errors
/// The settings cannot be used; or, inside, [`Trouble::Away`] with what is wrong with the server.
pub fn survey(
    settings: &ComfyuiSettings,
    workflows: &[Workflow],
) -> Result<Result<Survey, Trouble>, SettingsError> {
    let client = Client::new(Endpoint::new(settings)?);
    let told = ask(&client, workflows);
    Ok(told.map_err(|error| Trouble::Away(error.words())))
}

pub(super) fn ask(client: &Client, workflows: &[Workflow]) -> Result<Survey, CallError> {
    let version = client.version()?;
    let of_nodes = |workflow| Workflow::nodes(workflow).map(|node| node.class);
    let mut used: BTreeSet<&str> = workflows.iter().flat_map(of_nodes).collect();
    used.extend(workflows.iter().flat_map(Workflow::lora_loaders));
    let mut classes = Classes::new();
    for name in used {
        let class = match client.class(name) {
            // A node that fails to describe itself takes only its own workflows away.
            Err(CallError::Refused { .. }) => None,
            told => told?,
        };
        classes.insert(name.to_owned(), class);
    }
    let mut folders = Folders::new();
    for folder in worth_asking(workflows) {
        match client.model_files(folder) {
            Ok(files) => drop(folders.insert(folder, files)),
            // It has no such folder, or is older than the route, for which a proxy may have a page of its
            // own. The nodes' own lists have to do.
            Err(CallError::Refused { .. } | CallError::Garbled) => {}
            Err(error) => return Err(error),
        }
    }
    let checks = workflows.iter();
    Ok(Survey {
        too_old_for: too_old_for(version.as_deref()),
        version,
        erases_pictures: blank::is_possible(client)?,
        workflows: checks
            .map(|workflow| WorkflowCheck::of(workflow, &classes, &folders))
            .collect(),
    })
}
