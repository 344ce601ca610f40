//! The station itself: source, model, HTTPS, folders.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use capture::{SourceSpec, Y4mInput};
use detector::{DetectorMetrics, OpenProblem};

use super::Finding;
use crate::complaint::plainly;
use crate::config::{CertificateSource, Config};
use crate::paths::Paths;
use crate::pipeline::detector_config;
use crate::tls::Tls;

const NO_HOME: &str = "set HOME, or XDG_STATE_HOME and --data, to folders that can be written";

pub(super) fn source(config: &Config) -> Finding {
    let text = config.source.as_str();
    match text.parse() {
        Err(error) => Finding::bad("source", plainly(&error), ""),
        Ok(SourceSpec::Auto) => cameras(false),
        Ok(SourceSpec::Webcam { .. }) => cameras(true),
        Ok(SourceSpec::File(path) | SourceSpec::Y4m(Y4mInput::Path(path))) if !path.exists() => {
            let words = format!("{} is not there", path.display());
            Finding::bad(
                "source",
                words,
                "put it there, or name another with --source",
            )
        }
        Ok(_) => Finding::ok("source", text),
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
        Err(error) => Finding::bad("source", plainly(&error), fix),
    }
}

/// Opens it, ONNX Runtime included: nothing less tells whether it works.
pub(super) fn model(config: &Config) -> Vec<Finding> {
    let opened = detector_config(config).map(|wanted| {
        let metrics = Arc::new(DetectorMetrics::default());
        detector::open(&wanted, &metrics)
    });
    vec![match opened {
        Ok(Ok(Some(detector))) => {
            let words = format!("{} on {}", detector.name(), detector.provider());
            Finding::ok("model", words)
        }
        Ok(Ok(None)) => Finding::note("model", "none: nothing is detected", ""),
        Ok(Err(OpenProblem::Missing { message, fix } | OpenProblem::Failed { message, fix })) => {
            Finding::bad("model", message, fix.unwrap_or_default())
        }
        Err(error) => Finding::bad("model", plainly(error.as_ref()), ""),
    }]
}

pub(super) fn https(config: &Config, paths: &Paths) -> Finding {
    let off = "set listen_tls: phones give their camera to pages over HTTPS only";
    match (config.listen_tls_addr(), config.tls.source()) {
        (Ok(None), _) => Finding::note("https", "off", off),
        (Ok(Some(_)), Ok(source @ CertificateSource::Files { .. })) => {
            match Tls::open(source, None, Vec::new()) {
                Ok(tls) => Finding::ok("https", format!("SHA-256 {}", tls.fingerprint())),
                Err(error) => {
                    Finding::bad("https", plainly(&error), "mend the files that [tls] names")
                }
            }
        }
        (Ok(Some(_)), Ok(CertificateSource::SelfSigned)) => {
            let file = paths.self_signed_file();
            match file.as_ref().and_then(|file| file.parent()) {
                Some(kept_in) => folder("https", kept_in),
                None => Finding::note("https", "a certificate for each run", NO_HOME),
            }
        }
        (Err(error), _) | (_, Err(error)) => Finding::bad("https", plainly(&error), ""),
    }
}

pub(super) fn data_folder(config: &Config, paths: &Paths) -> Finding {
    match config.data_folder(paths) {
        Some(path) => folder("data folder", &path),
        None => Finding::bad(
            "data folder",
            "there is no home folder: the booth stays closed",
            NO_HOME,
        ),
    }
}

/// Whether files can be written there, once the folder is made.
pub(super) fn folder(topic: &'static str, path: &Path) -> Finding {
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
