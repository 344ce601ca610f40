//! `[publish]`: where the feed is sent on to.

use std::fmt;

use serde::{Deserialize, Serialize};
use signaling::PublishTarget;
use signaling::publish::TargetError;

use super::ConfigError;
use crate::environment;

/// Off without a `url`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PublishConfig {
    /// The WHIP endpoint.
    pub(crate) url: Option<String>,
    /// The bearer token for it, also `CARRIER_PUBLISH_TOKEN`.
    pub(crate) token: Option<String>,
}

impl PublishConfig {
    /// Not an option of the command line, where every user of the machine could read it.
    pub(super) fn overlay_environment(&mut self) {
        if let Some(token) = environment::value("CARRIER_PUBLISH_TOKEN") {
            self.token = Some(token);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.target().map(|_| ())
    }

    /// Where to publish; `None`: nowhere.
    pub(crate) fn target(&self) -> Result<Option<PublishTarget>, ConfigError> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let target = PublishTarget::parse(url, self.token.as_deref());
        target.map(Some).map_err(|error| {
            let hidden = matches!(error, TargetError::Credentials | TargetError::Token);
            let (key, value) = match error {
                TargetError::Token => ("publish.token", ""),
                _ => ("publish.url", url.as_str()),
            };
            let value = if hidden { "(hidden)" } else { value };
            ConfigError::Value {
                key,
                value: value.to_owned(),
                why: error.to_string(),
            }
        })
    }
}

impl fmt::Debug for PublishConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishConfig")
            .field("url", &self.url.is_some())
            .field("token", &self.token.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str, token: &str) -> PublishConfig {
        PublishConfig {
            url: Some(url.to_owned()),
            token: Some(token.to_owned()),
        }
    }

    #[test]
    fn nothing_configured_is_nowhere() {
        assert!(PublishConfig::default().target().expect("valid").is_none());
        let token_alone = PublishConfig {
            token: Some("t".to_owned()),
            ..PublishConfig::default()
        };
        assert!(token_alone.target().expect("valid").is_none());
    }

    #[test]
    fn errors_name_the_key_and_keep_the_secret() {
        let told = |url, token| {
            let error = config(url, token).check().expect_err(url);
            error.to_string()
        };
        assert!(told("rtmp://a/b", "t").starts_with("publish.url = rtmp://a/b: "));
        let with_password = told("https://u:secret@a/b", "t");
        assert!(!with_password.contains("secret"), "{with_password}");
        let broken_token = told("https://a/b", "sec ret");
        assert!(
            broken_token.starts_with("publish.token = (hidden)"),
            "{broken_token}"
        );
        assert!(!format!("{:?}", config("https://a/b", "secret")).contains("secret"));
    }
}
