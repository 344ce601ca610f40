//! `carrier models bench`.

use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;

use detector::{
    Detector, DetectorConfig, Effort, InstalledModel, ModelStore, OpenError, Placement, Timing,
    bench,
};
use serde_json::{Value, json};

use super::named::meant;
use crate::commands::with_fix;
use crate::output::{exit_code, print};

pub(super) fn run(
    store: &ModelStore,
    config: &DetectorConfig,
    names: &[String],
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let models = meant(store, names)?;
    if !is_json {
        print(&line(["NAME", "MEDIAN", "P95", "DETECTIONS", "WHERE"]))?;
    }
    let (mut results, mut is_all_measured) = (Vec::new(), true);
    for model in &models {
        let name = &model.entry.name;
        tell_progress(name);
        let result = bench(config, model, Effort::THOROUGH);
        is_all_measured &= result.is_ok();
        match is_json {
            true => results.push(as_json(name, result)),
            false => print(&as_line(model, result))?,
        }
    }
    if is_json {
        let text = serde_json::to_string_pretty(&json!({ "models": results }))?;
        print(&format!("{text}\n"))?;
    }
    Ok(exit_code(is_all_measured))
}

/// A line that the result replaces.
fn tell_progress(name: &str) {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "measuring {name}\r");
    }
}

type Measured = Result<(Detector, Timing), OpenError>;

fn as_line(model: &InstalledModel, result: Measured) -> String {
    let name = &model.entry.name;
    match result {
        Ok((detector, timing)) => {
            let mut places = shares(detector.placements());
            if let Some(why) = detector.fallback() {
                places += &format!(" ({why})");
            }
            line([
                name,
                &format!("{:.1} ms", timing.median_ms),
                &format!("{:.1} ms", timing.p95_ms),
                &timing.runs.to_string(),
                &places,
            ])
        }
        Err(error) => format!("{name}: {:#}\n", with_fix(error)),
    }
}

fn line([name, median, p95, runs, place]: [&str; 5]) -> String {
    format!("{name:<28} {median:>9} {p95:>9} {runs:>10}  {place}\n")
}

/// Where the nodes ran, in words.
fn shares(placements: &[Placement]) -> String {
    let share = |one: &Placement| match one.nodes {
        None => one.provider.to_string(),
        Some(nodes) => format!("{} {} % ({nodes} nodes)", one.provider, one.time_percent),
    };
    let shares: Vec<String> = placements.iter().map(share).collect();
    shares.join(", ")
}

fn as_json(name: &str, result: Measured) -> Value {
    let (detector, timing) = match result {
        Ok(measured) => measured,
        Err(error) => return json!({ "name": name, "error": format!("{:#}", with_fix(error)) }),
    };
    let placement = |one: &Placement| {
        json!({
            "provider": one.provider.name(),
            "nodes": one.nodes,
            "time_percent": one.time_percent,
        })
    };
    let placements: Vec<Value> = detector.placements().iter().map(placement).collect();
    json!({
        "name": name,
        "device": detector.provider().name(),
        "median_ms": timing.median_ms,
        "p95_ms": timing.p95_ms,
        "runs": timing.runs,
        "fallback": detector.fallback(),
        "placements": placements,
    })
}
