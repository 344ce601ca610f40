//! ComfyUI: whether it is there, and which workflows it can do.

use stylise::comfyui::{Survey, WorkflowCheck, survey};
use stylise::workflow::{Loaded, load};

use super::Finding;
use crate::config::StyliseConfig;

pub(super) fn findings(config: &StyliseConfig) -> Vec<Finding> {
    let Loaded { workflows, broken } = load(config.workflows.as_deref());
    let mut findings: Vec<Finding> = broken
        .iter()
        .map(|error| Finding::bad("workflow", error.to_string(), ""))
        .collect();
    let Some(settings) = config.settings() else {
        let fix = "set `comfyui` in [stylise] for more than the built-in ones";
        findings.push(Finding::note(
            "comfyui",
            "off: styles are made on this machine",
            fix,
        ));
        return findings;
    };
    match survey(&settings, &workflows) {
        Err(error) => findings.push(Finding::bad("comfyui", error.to_string(), "")),
        Ok(Err(trouble)) => {
            let fix = "start it, and look at [stylise]: address, base path, token, headers, ca";
            findings.push(Finding::bad("comfyui", trouble.to_string(), fix));
        }
        Ok(Ok(survey)) => {
            let own: Vec<_> = workflows
                .iter()
                .map(|workflow| !workflow.is_shipped())
                .collect();
            findings.extend(of_survey(&survey, &own));
        }
    }
    findings
}

fn of_survey(survey: &Survey, own: &[bool]) -> Vec<Finding> {
    let version = survey.version.as_deref().unwrap_or("of unknown version");
    let any_ready = survey.workflows.iter().any(WorkflowCheck::is_ready);
    let mut findings = vec![if any_ready {
        Finding::ok("comfyui", format!("version {version}"))
    } else {
        let words = format!("version {version}, and it can do none of the workflows");
        Finding::bad("comfyui", words, "give it what one of them needs:")
    }];
    for lack in &survey.too_old_for {
        let fix = "everything works; update ComfyUI when you can";
        findings.push(Finding::note("comfyui", lack.as_str(), fix));
    }
    if !survey.erases_pictures {
        let words = "visitors' pictures stay on the server, and the booth's page says so: it does not let them be overwritten";
        let fix = "let `POST /upload/image` with overwrite=true through to ComfyUI, or empty its temp folder yourself";
        findings.push(Finding::note("comfyui", words, fix));
    }
    for (check, own) in survey.workflows.iter().zip(own) {
        let name = format!("{} ({})", check.title, check.name);
        for (style, lacks) in &check.left_out {
            let words = format!("{name}: the style {style} is left out; it lacks");
            findings.push(Finding::note("workflow", words, lacks));
        }
        findings.push(if check.is_ready() {
            Finding::ok("workflow", format!("{name}: {}", check.styles.join(", ")))
        } else {
            let words = format!("{name} lacks");
            let missing = check.missing.join("\n                    ");
            // One that is shipped is an offer; one of the owner's is meant to work.
            if *own {
                Finding::bad("workflow", words, missing)
            } else {
                Finding::note("workflow", words, &missing)
            }
        });
    }
    findings
}
