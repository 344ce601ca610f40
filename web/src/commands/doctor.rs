//! `carrier doctor`: what works, what does not, and what to do.

mod checks;
mod finding;
mod network;
mod power;

use std::process::ExitCode;

use crate::cli::{DoctorArgs, ReportFormat};
use crate::commands::doctor::finding::{Finding, State};
use crate::config::{Config, ConfigError};
use crate::environment::{Environment, UserFolders};
use crate::output::{error_chain, exit_code, print};

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let findings = examine(args);
    let text = match args.format {
        ReportFormat::Json => serde_json::to_string(&findings)? + "\n",
        ReportFormat::Table => findings.iter().map(Finding::to_string).collect(),
    };
    print(&text)?;
    let all_well = findings.iter().all(|finding| finding.state != State::Bad);
    Ok(exit_code(all_well))
}

fn examine(args: &DoctorArgs) -> Vec<Finding> {
    let folders = UserFolders::read();
    let default_file = folders.config_file();
    let config = Environment::read()
        .map_err(ConfigError::from)
        .and_then(|environment| Config::load(&args.run, &environment, default_file.as_deref(), Ok));
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            let fix = "carrier.example.toml documents each key";
            return vec![Finding::bad("configuration", error_chain(&error), fix)];
        }
    };
    let named = args.run.file.config.clone();
    let file = named.or_else(|| default_file.filter(|path| path.exists()));
    let mut findings = vec![match file {
        Some(path) => Finding::ok("configuration", path.display().to_string()),
        None => Finding::ok("configuration", "no file: the defaults"),
    }];
    findings.extend(config.weak_tokens().into_iter().map(|(key, why)| {
        Finding::bad(
            "token",
            format!("{key} is easily guessed"),
            format!("choose another: {why}"),
        )
    }));
    findings.push(checks::source(&config));
    findings.extend(checks::named_cameras(&config));
    findings.push(checks::model(&config));
    findings.push(checks::encoder(&config));
    findings.push(checks::https(&config, &folders));
    findings.extend(network::findings(&config, &folders));
    findings.push(checks::data_folder(&config, &folders));
    findings.push(power::check(&config.power));
    findings.extend(checks::comfyui(&config.stylise));
    findings.extend(checks::telemetry(&config.telemetry));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{ConfigFileArgs, RunArgs};

    fn told(text: &str) -> Vec<Finding> {
        let path = std::env::temp_dir().join(format!(
            "carrier-doctor-{:016x}.toml",
            rand::random::<u64>()
        ));
        std::fs::write(&path, text).expect("writable");
        let args = DoctorArgs {
            run: RunArgs {
                file: ConfigFileArgs {
                    config: Some(path.clone()),
                },
                ..RunArgs::default()
            },
            format: ReportFormat::Table,
        };
        let findings = examine(&args);
        let _ = std::fs::remove_file(path);
        findings
    }

    #[test]
    fn what_is_configured_and_broken_is_bad_and_what_is_off_is_not() {
        let quiet = told("source = \"scene\"\nmodel = \"none\"");
        assert!(
            quiet.iter().all(|finding| finding.state != State::Bad),
            "{quiet:?}"
        );
        let broken = told(
            "source = \"/nowhere/clip.mp4\"\nmodel = \"none\"\n[stylise]\ncomfyui = \"http://127.0.0.1:1\"\n\
             workflows = \"/nowhere/workflows\"\n[telemetry]\notlp = \"http://127.0.0.1:1\"",
        );
        let bad = |topic: &str| {
            let of_topic = broken.iter().filter(|finding| finding.topic == topic);
            of_topic
                .filter(|finding| finding.state == State::Bad)
                .count()
        };
        assert_eq!(
            ["source", "comfyui", "workflow", "telemetry"].map(bad),
            [1; 4],
            "{broken:?}"
        );
        let cameras = told(
            "model = \"none\"\n[[cameras]]\nname = \"front\"\nsource = \"scene\"\n\
             [[cameras]]\nname = \"back\"\nsource = \"/nowhere/clip.mp4\"",
        );
        let of_cameras: Vec<State> = cameras
            .iter()
            .filter(|finding| finding.topic == "camera")
            .map(|finding| finding.state)
            .collect();
        assert_eq!(of_cameras, [State::Ok, State::Bad], "{cameras:?}");
        let weak = told("source = \"scene\"\nmodel = \"none\"\nwhip_token = \"12345678\"");
        let is_told = |finding: &Finding| finding.state == State::Bad && finding.topic == "token";
        assert!(weak.iter().any(is_told), "{weak:?}");
        let invalid = told("sorce = \"scene\"");
        assert_eq!(invalid.len(), 1);
        assert!(invalid[0].to_string().starts_with("BAD  configuration"));
    }
}
