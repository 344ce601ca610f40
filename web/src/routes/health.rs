//! What works and what does not in the running station, and the newest log lines; for the owner.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use capture::{CameraState, CameraStatus, Signal};
use detector::DetectorState;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::network::choice::AddressReason;
use crate::routes::contract::operation::Operation;
use crate::routes::offers::model_change;
use crate::routes::status::report::{PrivacyReport, Promise};
use crate::routes::stylise;
use crate::supervision::log::newest_lines;

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Check {
    name: &'static str,
    state: Health,
    /// In plain words.
    message: String,
    fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Error,
    /// Not in use.
    Off,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LogBody {
    lines: Vec<LogLine>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct LogLine {
    at: String,
    level: String,
    text: String,
}

fn check(name: &'static str, state: Health, message: impl Into<String>) -> Check {
    Check {
        name,
        state,
        message: message.into(),
        fix: None,
    }
}

/// GET: one check for each part of the station.
pub(super) async fn doctor(State(app): State<Arc<App>>) -> Response {
    let signal = app.effective_signal();
    let state = app.detector_state();
    let mut checks = vec![
        camera(signal.as_ref()),
        detection(&state, model_change(&app)),
        privacy(&app),
        network(&app),
        booth(&app).await,
        power(&app),
        kept(app.shutter.view().is_kept),
    ];
    checks.extend(
        app.slots
            .switch
            .cameras()
            .iter()
            .filter_map(unselected_failure),
    );
    checks.extend(
        app.threads
            .faults(Instant::now())
            .iter()
            .map(|fault| Check {
                fix: Some("restart carrier; the log says what happened before".to_owned()),
                ..check("program", Health::Error, fault.to_string())
            }),
    );
    checks.extend(
        app.config
            .weak_tokens()
            .into_iter()
            .map(|(key, why)| Check {
                fix: Some(format!("choose another: {why}")),
                ..check("token", Health::Warning, format!("{key} is easily guessed"))
            }),
    );
    stylise::no_store(Json(Report { checks }))
}

/// GET: the newest lines of the log, newest last.
pub(super) async fn log() -> Response {
    let lines = newest_lines().iter().map(|line| log_line(line)).collect();
    stylise::no_store(Json(LogBody { lines }))
}

/// The parts of `TIME LEVEL TEXT`.
fn log_line(line: &str) -> LogLine {
    let (at, rest) = line.split_once(' ').unwrap_or(("", line));
    let (level, text) = rest.trim_start().split_once(' ').unwrap_or(("", rest));
    LogLine {
        at: at.to_owned(),
        level: level.to_owned(),
        text: text.to_owned(),
    }
}

/// A camera that nobody sees now, and that would show a card.
fn unselected_failure(camera: &CameraStatus) -> Option<Check> {
    let is_failed = camera.state == CameraState::Failed && !camera.is_selected;
    let why = camera.reason.as_deref().filter(|_| is_failed)?;
    let message = format!("{}: {why}", camera.name);
    Some(check("camera", Health::Warning, message))
}

fn camera(signal: Option<&Signal>) -> Check {
    match signal {
        None | Some(Signal::Opening { .. }) => {
            check("camera", Health::Warning, "it is being opened")
        }
        Some(Signal::Closed { .. }) => check("camera", Health::Off, "the shutter is closed"),
        Some(Signal::Lost { source, reason, .. }) => {
            check("camera", Health::Error, format!("{source}: {reason}"))
        }
        Some(Signal::Live { source, note, .. }) => match note {
            Some(note) => check("camera", Health::Warning, note.clone()),
            None => check("camera", Health::Ok, source.clone()),
        },
    }
}

fn detection(
    state: &DetectorState,
    (switching_to, switch_error): (Option<String>, Option<String>),
) -> Check {
    let broken = |message: &String, fix: &Option<String>| Check {
        fix: fix.clone(),
        ..check("detection", Health::Error, message.clone())
    };
    match state {
        DetectorState::Off => check("detection", Health::Off, "no model is in use"),
        DetectorState::Warming => check("detection", Health::Warning, "the model is being opened"),
        DetectorState::Running {
            model,
            provider,
            warning: Some(warning),
            ..
        } if switching_to.is_none() && switch_error.is_none() => {
            let message = format!("{model} on {provider}: {warning}");
            check("detection", Health::Warning, message)
        }
        DetectorState::Running {
            model, provider, ..
        } => match (switching_to, switch_error) {
            (Some(next), _) => {
                let message = format!("{model} on {provider}, until {next} is open");
                check("detection", Health::Ok, message)
            }
            (None, Some(error)) => {
                let message = format!("{model} on {provider} goes on: {error}");
                check("detection", Health::Warning, message)
            }
            (None, None) => check("detection", Health::Ok, format!("{model} on {provider}")),
        },
        DetectorState::Missing { message, fix } | DetectorState::Failed { message, fix } => {
            broken(message, fix)
        }
    }
}

fn privacy(app: &App) -> Check {
    let PrivacyReport {
        mode,
        promise,
        note,
    } = PrivacyReport::of(app);
    match (promise, note) {
        (Promise::None, _) => check("privacy", Health::Off, "nothing but the masks is hidden"),
        (_, Some(note)) => Check {
            fix: Some("choose a faster model, or one that finds persons".to_owned()),
            ..check("privacy", Health::Warning, note)
        },
        (_, None) => check("privacy", Health::Ok, mode),
    }
}

fn network(app: &App) -> Check {
    let address = app.visitors_address();
    let port = app.engine.media_port();
    let (best, why) = (&address.public.best, address.reason.in_words());
    let message = format!("{best}: {why}; video over port {port}");
    if address.reason.is_reachable() {
        let uptime = app.slots.clock.origin().elapsed();
        let mut evidence = app.network.evidence();
        // A proxy on this machine asks for everybody.
        let is_proxied = address.reason == AddressReason::PublicUrl;
        evidence.was_visited |= is_proxied || app.served.http.ip().is_loopback();
        return match evidence.suspicion(uptime, port) {
            None => check("network", Health::Ok, message),
            Some((words, fix)) => Check {
                fix: Some(fix),
                ..check("network", Health::Warning, format!("{message}; {words}"))
            },
        };
    }
    Check {
        fix: Some("join a Wi-Fi network, or plug in a cable".to_owned()),
        ..check("network", Health::Warning, message)
    }
}

async fn booth(app: &App) -> Check {
    if !app.settings.present().booth.open {
        return check("booth", Health::Off, "it is closed");
    }
    match stylise::status(app).await {
        None => check("booth", Health::Off, "there is none"),
        Some(status) => match status.error {
            Some(error) => check("booth", Health::Error, error),
            None if status.comfyui == "away" => Check {
                fix: Some("carrier doctor says more".to_owned()),
                ..check(
                    "booth",
                    Health::Warning,
                    "the ComfyUI server does not answer",
                )
            },
            None => check("booth", Health::Ok, format!("{} wait", status.waiting)),
        },
    }
}

fn power(app: &App) -> Check {
    let view = app.power.view();
    let profile = view.profile.name();
    let because = view.reason.in_words();
    match (&view.state.battery, view.is_low) {
        (None, _) => check("power", Health::Off, "no battery was found"),
        (Some(battery), true) => Check {
            fix: Some("connect a charger".to_owned()),
            ..check("power", Health::Warning, battery.in_words())
        },
        (Some(battery), false) => {
            let message = format!("{}; {profile}, because {because}", battery.in_words());
            check("power", Health::Ok, message)
        }
    }
}

fn kept(is_kept: bool) -> Check {
    if is_kept {
        return check("state", Health::Ok, "the shutter's state is kept");
    }
    Check {
        fix: Some("make carrier's state folder writable".to_owned()),
        ..check(
            "state",
            Health::Warning,
            "a restart will not know the shutter's state",
        )
    }
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/doctor", "One check for each part of the station.")
            .json::<Report>(200),
        Operation::get(
            "/api/admin/log",
            "The newest lines of the log, newest last.",
        )
        .json::<LogBody>(200),
    ]
}

#[test]
fn a_log_line_has_time_level_and_text() {
    let line = log_line("2026-11-29T01:00:00Z  INFO audit what=\"x\"");
    assert_eq!(
        (line.at.as_str(), line.level.as_str()),
        ("2026-11-29T01:00:00Z", "INFO")
    );
    assert_eq!(line.text, "audit what=\"x\"");
    assert_eq!(log_line("broken").text, "broken");
}
