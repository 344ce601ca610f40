//! The checks of `carrier doctor`: source, cameras, model, HTTPS, folders, ComfyUI.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use capture::{SelectedSource, SourceSpec, Y4mInput};
use detector::{DetectorMetrics, Detectors, OpenError, Second};
use signaling::encode::selection::select_encoder;
use stylise::comfyui::{Survey, WorkflowCheck, survey};
use stylise::workflow::{Loaded, load};

use crate::commands::doctor::finding::Finding;
use crate::commands::named_cameras::{CameraFound, find};
use crate::config::{CertificateSource, Config, StyliseConfig, TelemetryConfig};
use crate::environment::UserFolders;
use crate::http::tls::Tls;
use crate::output::error_chain;
use crate::telemetry::check_reachable;

const COLLECTOR_WITHIN: Duration = Duration::from_secs(3);
const NO_HOME: &str = "set HOME, or XDG_STATE_HOME and --data, to folders that can be written";

pub(super) fn source(config: &Config) -> Finding {
    let selected = match config.selected() {
        Err(error) => return Finding::bad("source", error_chain(&error), ""),
        Ok(SelectedSource::Camera(name)) => {
            return Finding::ok("source", format!("the camera \"{name}\""));
        }
        Ok(SelectedSource::Unnamed(source)) => source,
    };
    match selected {
        SourceSpec::Auto => cameras(false),
        SourceSpec::Webcam { .. } => cameras(true),
        SourceSpec::File(path) | SourceSpec::Y4m(Y4mInput::Path(path)) if !path.exists() => {
            let words = format!("{} is not there", path.display());
            Finding::bad(
                "source",
                words,
                "put it there, or name another with --source",
            )
        }
        _ => Finding::ok("source", config.source.as_str()),
    }
}

/// One finding for each entry of `[[cameras]]`.
pub(super) fn named_cameras(config: &Config) -> Vec<Finding> {
    if config.cameras.is_empty() {
        return Vec::new();
    }
    let devices = match capture::devices() {
        Ok(devices) => devices,
        Err(error) => return vec![Finding::bad("camera", error_chain(&error), "")],
    };
    let found = find(&config.cameras, &devices);
    found
        .iter()
        .map(|(camera, found)| named_camera(&camera.name, found))
        .collect()
}

fn named_camera(name: &str, found: &CameraFound<'_>) -> Finding {
    let words = |what: &str| format!("\"{name}\": {what}");
    match found {
        CameraFound::Device(device) => Finding::ok("camera", words(&device.name)),
        CameraFound::AnyDevice => Finding::ok("camera", words("the first camera that is free")),
        CameraFound::Elsewhere => Finding::ok("camera", words("no camera of this machine")),
        CameraFound::NoDevice => Finding::bad(
            "camera",
            words("not plugged in"),
            "plug it in; `carrier devices` lists what is found",
        ),
        CameraFound::SameDevice(device, other) => Finding::bad(
            "camera",
            words(&format!("{} is \"{other}\" already", device.name)),
            "give each camera a source of its own; `carrier devices` lists them",
        ),
        CameraFound::NoFile(path) => Finding::bad(
            "camera",
            words(&format!("{} is not there", path.display())),
            "put it there, or name another",
        ),
        CameraFound::Wrong(error) => Finding::bad("camera", error_chain(error), ""),
    }
}

fn cameras(needed: bool) -> Finding {
    let fix = "plug one in; `carrier devices` lists what is found, --source scene needs none";
    match capture::devices() {
        Ok(devices) if devices.is_empty() && needed => {
            Finding::bad("source", "no camera found", fix)
        }
        Ok(devices) if devices.is_empty() => {
            Finding::note("source", "no camera found: the test scene is shown", fix)
        }
        Ok(devices) => {
            let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
            Finding::ok("source", names.join(", "))
        }
        Err(error) => Finding::bad("source", error_chain(&error), fix),
    }
}

/// Opens the model with ONNX Runtime: only that shows whether it works.
pub(super) fn model(config: &Config) -> Finding {
    let opened = config.detector().map(|config| {
        let metrics = Arc::new(DetectorMetrics::default());
        detector::open_all(&config, &metrics)
    });
    match opened {
        Ok(Ok(Some(Detectors {
            main: detector,
            second,
        }))) => {
            let mut words = format!("{} on {}", detector.name(), detector.provider());
            if let Some(Second { detector, .. }) = second {
                words += &format!(", and {} on {}", detector.name(), detector.provider());
            }
            if let Some(why) = detector.chosen() {
                words += &format!(", chosen because {why}");
            }
            match detector.fallback() {
                Some(why) => Finding::note(
                    "model",
                    format!("{words}; {why}"),
                    "carrier run --device cpu",
                ),
                None => Finding::ok("model", words),
            }
        }
        Ok(Ok(None)) => Finding::note("model", "none: nothing is detected", ""),
        Ok(Err(OpenError { message, fix, .. })) => {
            Finding::bad("model", message, fix.unwrap_or_default())
        }
        Err(error) => Finding::bad("model", error_chain(&error), ""),
    }
}

/// Probes the hardware encoders: only that shows whether they work.
pub(super) fn encoder(config: &Config) -> Finding {
    let selected = select_encoder(config.encoder());
    if selected.refused.is_empty() {
        return Finding::ok("encoder", selected.name);
    }
    let words = format!("{}, since {}", selected.name, selected.refused.join("; "));
    let fix = "install the graphics driver (Intel: intel-media-va-driver) and add this user to the group render";
    Finding::note("encoder", words, fix)
}

pub(super) fn https(config: &Config, folders: &UserFolders) -> Finding {
    let off = "set listen_tls: phones give their camera to pages over HTTPS only";
    match (config.listen_tls_addr(), config.tls.source()) {
        (Ok(None), _) => Finding::note("https", "off", off),
        (Ok(Some(_)), Ok(source @ CertificateSource::Files { .. })) => {
            match Tls::open(source, None, Vec::new()) {
                Ok(tls) => Finding::ok("https", format!("SHA-256 {}", tls.fingerprint())),
                Err(error) => Finding::bad(
                    "https",
                    error_chain(&error),
                    "fix the files that [tls] names",
                ),
            }
        }
        (Ok(Some(_)), Ok(CertificateSource::SelfSigned)) => {
            let file = folders.self_signed_file();
            match file.as_ref().and_then(|file| file.parent()) {
                Some(kept_in) => folder("https", kept_in),
                None => Finding::note("https", "a certificate for each run", NO_HOME),
            }
        }
        (Err(error), _) | (_, Err(error)) => Finding::bad("https", error_chain(&error), ""),
    }
}

pub(super) fn data_folder(config: &Config, folders: &UserFolders) -> Finding {
    match config.data_folder(folders) {
        Some(path) => folder("data folder", &path),
        None => Finding::bad(
            "data folder",
            "there is no home folder: the booth stays closed",
            NO_HOME,
        ),
    }
}

/// Whether files can be written in `path`, or in the nearest parent that exists.
fn folder(topic: &'static str, path: &Path) -> Finding {
    let there = path.ancestors().find(|ancestor| ancestor.is_dir());
    let there = there.unwrap_or(Path::new("."));
    let probe = there.join(format!(".carrier-doctor-{:016x}", rand::random::<u64>()));
    let written = fs::write(&probe, b"carrier").and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::ok(topic, path.display().to_string()),
        Err(error) => {
            let words = format!("{} cannot be written: {error}", path.display());
            Finding::bad(
                topic,
                words,
                "make it this user's own, or set XDG_DATA_HOME and XDG_STATE_HOME",
            )
        }
    }
}

pub(super) fn comfyui(config: &StyliseConfig) -> Vec<Finding> {
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
                .map(|workflow| !workflow.is_shipped)
                .collect();
            findings.extend(of_survey(&survey, &own));
        }
    }
    findings
}

/// `None`: no collector is configured.
pub(super) fn telemetry(config: &TelemetryConfig) -> Option<Finding> {
    let collector = config.collector().ok().flatten()?;
    let to = collector.origin();
    Some(match check_reachable(&collector, COLLECTOR_WITHIN) {
        Ok(()) => Finding::ok("telemetry", to),
        Err(why) => {
            let words = format!("{to} takes no traces: {why}");
            let fix = "[telemetry] otlp: the address of OTLP over HTTP; nothing else depends on it";
            Finding::bad("telemetry", words, fix)
        }
    })
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
            findings.push(Finding::note("workflow", words, lacks.as_str()));
        }
        findings.push(if check.is_ready() {
            Finding::ok("workflow", format!("{name}: {}", check.styles.join(", ")))
        } else {
            let words = format!("{name} lacks");
            let missing = check.missing.join("\n                    ");
            // A shipped workflow is optional; one of the owner's should work.
            if *own {
                Finding::bad("workflow", words, missing)
            } else {
                Finding::note("workflow", words, missing)
            }
        });
    }
    findings
}
