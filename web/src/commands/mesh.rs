//! `carrier mesh`

use std::fmt::Write;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use ureq::http::Method;

use crate::cli::{MeshAction, MeshWish, RunArgs};
use crate::commands::running_station::RunningStation;
use crate::config::Config;
use crate::environment::{Environment, UserFolders};
use crate::output::print;
use crate::qr;

/// Another carrier may be far away.
const TIMEOUT: Duration = Duration::from_secs(100);
/// How often the station is asked whether the code was used.
const ASK_EVERY: Duration = Duration::from_secs(1);
const PATH: &str = "/api/carriers";

/// The answer of the station.
#[derive(Debug, Deserialize)]
struct Report {
    event: String,
    enabled: bool,
    failure: Option<String>,
    code: Option<Code>,
    carriers: Vec<Carrier>,
}

#[derive(Debug, Deserialize)]
struct Code {
    words: String,
    link: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Carrier {
    id: String,
    name: String,
    #[serde(default)]
    state: String,
    round_trip_ms: Option<u64>,
    heard_s_ago: Option<u64>,
    persons: Option<u16>,
}

pub(crate) fn run(wish: &MeshWish, run: &RunArgs) -> anyhow::Result<ExitCode> {
    let folders = UserFolders::read();
    let default_file = folders.config_file();
    let environment = Environment::read()?;
    let config = Config::load(run, &environment, default_file.as_deref(), Ok)?;
    let station = RunningStation::of(&config, &folders, TIMEOUT)?;
    let words = wish.words.join(" ");
    match wish.action {
        MeshAction::List => print(&list(&report(&station)?))?,
        MeshAction::Pair => pair(&station)?,
        MeshAction::Join => {
            let answer = if words.is_empty() {
                print("hold the other carrier's QR code before the camera\n")?;
                station.ask(Method::POST, &format!("{PATH}/seen"), None)?
            } else {
                let body = serde_json::json!({ "code": words }).to_string();
                station.ask(Method::POST, PATH, Some(body))?
            };
            let paired: Carrier = serde_json::from_str(&answer).context("the answer")?;
            print(&format!("paired with {}\n", paired.name))?;
        }
        MeshAction::Revoke => {
            let carrier = named(&report(&station)?, &words)?;
            let path = format!("{PATH}/{}", carrier.id);
            station.ask(Method::DELETE, &path, None)?;
            print(&format!("revoked {}\n", carrier.name))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(station: &RunningStation) -> anyhow::Result<Report> {
    let text = station.ask(Method::GET, PATH, None)?;
    serde_json::from_str(&text).context("the answer")
}

/// Shows a code until it was used or is too old.
fn pair(station: &RunningStation) -> anyhow::Result<()> {
    let text = station.ask(Method::POST, &format!("{PATH}/code"), None)?;
    let code: Code = serde_json::from_str(&text).context("the answer")?;
    let known: Vec<String> = report(station)?
        .carriers
        .into_iter()
        .map(|one| one.id)
        .collect();
    let picture = match stdout().is_terminal() {
        true => qr::terminal(&code.link).unwrap_or_default(),
        false => String::new(),
    };
    print(&format!(
        "{picture}On the other carrier, within five minutes:\n\n  carrier mesh join {}\n\nor, without multicast:\n\n  carrier mesh join {}\n\n",
        code.words, code.link
    ))?;
    loop {
        sleep(ASK_EVERY);
        let now = report(station)?;
        if let Some(new) = now.carriers.iter().find(|one| !known.contains(&one.id)) {
            return Ok(print(&format!("paired with {}\n", new.name))?);
        }
        if now.code.is_none_or(|shown| shown.words != code.words) {
            bail!("the code was not used: show another one with carrier mesh pair");
        }
    }
}

/// The carrier with this name or key; a beginning of the key is enough.
fn named(report: &Report, words: &str) -> anyhow::Result<Carrier> {
    let is_it =
        |one: &&Carrier| one.name == words || (words.len() >= 4 && one.id.starts_with(words));
    let found: Vec<&Carrier> = report.carriers.iter().filter(is_it).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!(
            "no carrier is called {words:?}; there are:\n{}",
            list(report)
        ),
        _ => bail!(
            "several carriers are called {words:?}: give the key\n{}",
            list(report)
        ),
    }
}

fn list(report: &Report) -> String {
    let mut text = String::new();
    if !report.enabled {
        text.push_str("other carriers are off: set [mesh] enabled = true\n");
    } else if let Some(failure) = &report.failure {
        let _ = writeln!(text, "other carriers are not reached: {failure}");
    } else if report.carriers.is_empty() {
        let _ = writeln!(
            text,
            "event {}: no carrier is paired; carrier mesh pair shows a code",
            report.event
        );
    }
    for carrier in &report.carriers {
        let where_it_is = match (carrier.state.as_str(), carrier.heard_s_ago) {
            ("connected", _) => match carrier.round_trip_ms {
                Some(ms) => format!("here, {ms} ms"),
                None => "here".to_owned(),
            },
            ("through_others", _) => "reached through others".to_owned(),
            (_, Some(ago)) => format!("was here {} min ago", ago / 60),
            (_, None) => "away".to_owned(),
        };
        let key = carrier.id.get(..10).unwrap_or(&carrier.id);
        let persons = carrier.persons.unwrap_or(0);
        let _ = writeln!(
            text,
            "{:<24} {key}  {where_it_is}, {persons} persons in view",
            carrier.name
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrier(name: &str, id: &str, state: &str) -> Carrier {
        Carrier {
            id: id.to_owned(),
            name: name.to_owned(),
            state: state.to_owned(),
            round_trip_ms: Some(12),
            heard_s_ago: Some(725),
            persons: Some(3),
        }
    }

    fn report_of(carriers: Vec<Carrier>) -> Report {
        Report {
            event: "fair".to_owned(),
            enabled: true,
            failure: None,
            code: None,
            carriers,
        }
    }

    #[test]
    fn the_list_says_who_is_here_and_who_was() {
        let report = report_of(vec![
            carrier("north", "0123456789abcdef", "connected"),
            carrier("south", "fedcba9876543210", "away"),
        ]);
        let text = list(&report);
        assert!(text.contains("here, 12 ms, 3 persons in view"), "{text}");
        assert!(text.contains("was here 12 min ago"), "{text}");
        assert!(list(&report_of(Vec::new())).contains("no carrier is paired"));
    }

    #[test]
    fn a_carrier_is_named_by_its_name_or_its_key() {
        let twice = report_of(vec![
            carrier("north", "0123456789", "away"),
            carrier("north", "fedcba9876", "away"),
        ]);
        assert!(named(&twice, "north").is_err());
        assert_eq!(named(&twice, "fedc").expect("one").id, "fedcba9876");
        assert!(named(&twice, "west").is_err());
        assert!(named(&twice, "0").is_err(), "too short");
    }
}
