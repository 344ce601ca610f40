//! `carrier reload`

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use ureq::http::Method;

use crate::cli::{ReloadArgs, ReportFormat};
use crate::commands::running_station::RunningStation;
use crate::config::Config;
use crate::environment::{Environment, UserFolders};
use crate::output::print;

/// The station reads a file and answers; a disk may be slow.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The answer of the station.
#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    changed: Vec<String>,
    kept_live: Vec<String>,
    needs_restart: Vec<String>,
}

pub(crate) fn run(args: &ReloadArgs) -> anyhow::Result<ExitCode> {
    let folders = UserFolders::read();
    let default_file = folders.config_file();
    let environment = Environment::read()?;
    let config = Config::load(&args.run, &environment, default_file.as_deref(), Ok)?;
    let station = RunningStation::of(&config, &folders, TIMEOUT)?;
    let text = station.ask(Method::POST, "/api/admin/reload", None);
    let text = text.context("the station goes on with its present configuration")?;
    match args.format {
        ReportFormat::Json => print(&format!("{text}\n"))?,
        ReportFormat::Table => print(&report(&serde_json::from_str(&text).context("the answer")?))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn report(outcome: &Outcome) -> String {
    let mut text = String::new();
    let parts = [
        ("changed", &outcome.changed),
        ("stays as it was changed live", &outcome.kept_live),
        ("needs a restart", &outcome.needs_restart),
    ];
    for (title, keys) in parts {
        if !keys.is_empty() {
            let _ = writeln!(text, "{title}: {}", keys.join(", "));
        }
    }
    if text.is_empty() {
        text.push_str("nothing has changed\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_what_changed_and_what_did_not() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let mut outcome = Outcome {
            changed: keys(&["name", "min_score"]),
            kept_live: keys(&["boxes"]),
            needs_restart: keys(&["listen"]),
        };
        assert_eq!(
            report(&outcome),
            "changed: name, min_score\nstays as it was changed live: boxes\nneeds a restart: listen\n"
        );
        outcome = Outcome {
            changed: Vec::new(),
            kept_live: Vec::new(),
            needs_restart: Vec::new(),
        };
        assert_eq!(report(&outcome), "nothing has changed\n");
    }
}
