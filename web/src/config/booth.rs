//! `[booth]`: the photo booth. `[stylise]`: the ComfyUI server that makes styles besides those of this
//! machine.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use stylise::comfyui::{ComfyuiSettings, SettingsError, Timeouts};

use super::error::ConfigError;
use super::keepsake::{BoothFrameConfig, BoothPrintConfig};

/// A week.
const KEEP_HOURS_MAX: u64 = 7 * 24;
/// Each job is a picture on disk, of up to about a megabyte.
const QUEUE_MAX: u64 = 10_000;
/// A day.
const TIMEOUT_MAX_S: u64 = 24 * 60 * 60;

section! {
    #[derive(Debug, Eq)]
    BoothConfig {
        enabled: bool = true,
        /// Whether new pictures are accepted.
        open: bool = true,
        /// Whether visitors may show their pictures to others.
        gallery: bool = true,
        /// Whether the owner approves what visitors share before others see it.
        approve_first: bool = false,
        /// Whether no further picture may be shared; what is shared already stays.
        pause_sharing: bool = false,
        /// After this time every picture is erased, those in the gallery too.
        keep_hours: u64 = 24,
        /// Queue limit, of all visitors.
        queue_max: usize = 50,
        /// Unfinished jobs of one visitor.
        per_visitor_max: usize = 3,
        /// Whether the styles that this machine makes are offered.
        builtin: bool = true,
        /// Folder of language files (`de.json`), which replace those of the program.
        languages: Option<PathBuf> = None,
        frame: BoothFrameConfig = BoothFrameConfig::default(),
        print: BoothPrintConfig = BoothPrintConfig::default(),
    }
}

impl BoothConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("booth.keep_hours", self.keep_hours, KEEP_HOURS_MAX, "")?;
        within("booth.queue_max", self.queue_max as u64, QUEUE_MAX, "")?;
        let per_visitor_max = self.per_visitor_max as u64;
        within("booth.per_visitor_max", per_visitor_max, QUEUE_MAX, "")?;
        self.frame.check()?;
        self.print.check()?;
        match &self.languages {
            Some(folder) if !folder.is_dir() => {
                let (value, why) = (folder.display().to_string(), "there is no such folder");
                Err(ConfigError::value("booth.languages", value, why))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn keep(&self) -> Duration {
        Duration::from_hours(self.keep_hours)
    }
}

section! {
    /// Without `comfyui` it is off: no request leaves this machine.
    StyliseConfig {
        comfyui: Option<String> = None,
        /// Its bearer token, also `CARRIER_COMFYUI_TOKEN`.
        token: Option<String> = None,
        headers: BTreeMap<String, String> = BTreeMap::new(),
        /// The authority of the server's certificate.
        ca: Option<PathBuf> = None,
        /// Folder of workflows, which replace the shipped ones.
        workflows: Option<PathBuf> = None,
        /// A job that waits behind others' on the server for so long is given up.
        queue_max_s: u64 = Timeouts::default().queue_max.as_secs(),
        /// So is one that does not begin its first step within this time (the server loads models).
        loading_max_s: u64 = Timeouts::default().loading_max.as_secs(),
        /// And one that makes no further step within this time.
        step_max_s: u64 = Timeouts::default().step_max.as_secs(),
    }
}

impl StyliseConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, seconds) in [
            ("stylise.queue_max_s", self.queue_max_s),
            ("stylise.loading_max_s", self.loading_max_s),
            ("stylise.step_max_s", self.step_max_s),
        ] {
            within(key, seconds, TIMEOUT_MAX_S, " seconds")?;
        }
        let Some(settings) = self.settings() else {
            return Ok(());
        };
        settings.check().map_err(|error| {
            let why = error.to_string();
            match error {
                SettingsError::Token => ConfigError::hidden("stylise.token", why),
                SettingsError::Header { name, .. } => {
                    ConfigError::value("stylise.headers", name, why)
                }
                SettingsError::Ca { path, .. } => {
                    ConfigError::value("stylise.ca", path.display().to_string(), why)
                }
                // The URL may contain a token.
                SettingsError::Url(_) | SettingsError::Thread(_) => {
                    ConfigError::hidden("stylise.comfyui", why)
                }
            }
        })
    }

    /// `None`: there is no server.
    pub(crate) fn settings(&self) -> Option<ComfyuiSettings> {
        Some(ComfyuiSettings {
            url: self.comfyui.clone()?,
            token: self.token.clone(),
            headers: self.headers.clone(),
            ca: self.ca.clone(),
            timeouts: Timeouts {
                queue_max: Duration::from_secs(self.queue_max_s),
                loading_max: Duration::from_secs(self.loading_max_s),
                step_max: Duration::from_secs(self.step_max_s),
                ..Timeouts::default()
            },
            ..ComfyuiSettings::default()
        })
    }
}

/// Leaves out the secrets.
impl fmt::Debug for StyliseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StyliseConfig")
            .field("comfyui", &self.comfyui.is_some())
            .field("workflows", &self.workflows)
            .finish_non_exhaustive()
    }
}

fn within(key: &'static str, value: u64, max: u64, unit: &str) -> Result<(), ConfigError> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    let why = format!("between 1 and {max}{unit}, please");
    Err(ConfigError::value(key, value.to_string(), why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    #[test]
    fn booth_limits_of_zero_are_refused() {
        let said = |text: &str| {
            let config: BoothConfig = toml::from_str(text).expect("valid TOML");
            message(config.check())
        };
        assert_eq!(said(""), "");
        assert!(said("keep_hours = 0").starts_with("booth.keep_hours = 0"));
        assert!(said("keep_hours = 1000").starts_with("booth.keep_hours"));
        assert!(said("queue_max = 0").starts_with("booth.queue_max"));
        assert!(said("per_visitor_max = 0").starts_with("booth.per_visitor_max"));
        assert!(said("languages = '/nowhere'").starts_with("booth.languages"));
    }

    #[test]
    fn errors_name_the_key_and_keep_the_secret() {
        assert!(StyliseConfig::default().check().is_ok());
        for (text, key) in [
            ("comfyui = \"gpu\"", "stylise.comfyui = (hidden): "),
            ("comfyui = \"http://me:s3cret@gpu\"", "stylise.comfyui"),
            (
                "comfyui = \"http://gpu\"\ntoken = \"s3cret \"",
                "stylise.token = (hidden)",
            ),
            (
                "comfyui = \"http://gpu\"\nheaders = { Origin = \"s3cret\" }",
                "stylise.headers = Origin",
            ),
            ("queue_max_s = 0", "stylise.queue_max_s = 0: "),
            ("step_max_s = 100000", "stylise.step_max_s = 100000: "),
            (
                "comfyui = \"http://gpu\"\nca = \"/nowhere.pem\"",
                "stylise.ca = /nowhere.pem",
            ),
        ] {
            let config: StyliseConfig = toml::from_str(text).expect(text);
            let error = config.check().expect_err(text).to_string();
            assert!(
                error.starts_with(key) && !error.contains("s3cret"),
                "{error}"
            );
            assert!(!format!("{config:?}").contains("s3cret"));
        }
    }
}
