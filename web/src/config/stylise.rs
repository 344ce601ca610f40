//! `[stylise]`: what makes the booth's pictures beside the styles of this laptop.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stylise::comfyui::{ComfyuiSettings, SettingsError, Timeouts};

use super::ConfigError;
use crate::environment;

/// A day.
const BOUND_MAX_S: u64 = 24 * 60 * 60;

/// Off without `comfyui`: no request leaves this machine then.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StyliseConfig {
    /// Where the ComfyUI server is.
    pub(crate) comfyui: Option<String>,
    /// The bearer token for it, also `CARRIER_COMFYUI_TOKEN`.
    pub(crate) token: Option<String>,
    /// Sent to it with each request.
    pub(crate) headers: BTreeMap<String, String>,
    /// The authority of its certificate.
    pub(crate) ca: Option<PathBuf>,
    /// A folder of workflows, before the shipped ones.
    pub(crate) workflows: Option<PathBuf>,
    /// An order that is still behind those of others after so long is given up.
    pub(crate) queue_max_s: u64,
    /// One that does not begin its first step for so long: models are loaded then.
    pub(crate) loading_max_s: u64,
    /// One that takes no further step for so long.
    pub(crate) step_max_s: u64,
}

impl Default for StyliseConfig {
    fn default() -> Self {
        let timeouts = Timeouts::default();
        Self {
            comfyui: None,
            token: None,
            headers: BTreeMap::new(),
            ca: None,
            workflows: None,
            queue_max_s: timeouts.queue_max.as_secs(),
            loading_max_s: timeouts.loading_max.as_secs(),
            step_max_s: timeouts.step_max.as_secs(),
        }
    }
}

impl StyliseConfig {
    /// Not an option of the command line, where every user of the machine could read it.
    pub(super) fn overlay_environment(&mut self) {
        if let Some(token) = environment::value("CARRIER_COMFYUI_TOKEN") {
            self.token = Some(token);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, seconds) in [
            ("stylise.queue_max_s", self.queue_max_s),
            ("stylise.loading_max_s", self.loading_max_s),
            ("stylise.step_max_s", self.step_max_s),
        ] {
            if !(1..=BOUND_MAX_S).contains(&seconds) {
                return Err(ConfigError::Value {
                    key,
                    value: seconds.to_string(),
                    why: format!("between 1 and {BOUND_MAX_S} seconds, please"),
                });
            }
        }
        let Some(settings) = self.settings() else {
            return Ok(());
        };
        settings.check().map_err(|error| {
            // An address may have a token in it, and a header is one.
            let hidden = || "(hidden)".to_owned();
            let (key, value) = match &error {
                SettingsError::Token => ("stylise.token", hidden()),
                SettingsError::Header { name, .. } => ("stylise.headers", name.clone()),
                SettingsError::Ca { path, .. } => ("stylise.ca", path.display().to_string()),
                SettingsError::Url(_) | SettingsError::Thread(_) => ("stylise.comfyui", hidden()),
            };
            let why = error.to_string();
            ConfigError::Value { key, value, why }
        })
    }

    /// The server; `None`: there is none.
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

impl fmt::Debug for StyliseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StyliseConfig")
            .field("comfyui", &self.comfyui.is_some())
            .field("token", &self.token.is_some())
            .field("headers", &self.headers.len())
            .field("ca", &self.ca)
            .field("workflows", &self.workflows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
