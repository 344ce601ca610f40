//! `[[renditions]]`: the sizes and bitrates that viewers can get. `[publish]`: a WHIP server that gets the
//! feed too.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use signaling::encode::selection::EncoderChoice;
use signaling::publish::TargetError;
use signaling::{PublishTarget, Rendition, RenditionId};

use super::error::ConfigError;

/// Bitrates that an encoder can be asked for, in the file and by the admin.
pub(crate) const BITRATES_BPS: RangeInclusive<u32> = 50_000..=50_000_000;

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenditionConfig {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bitrate_bps: u32,
    pub(crate) fps: u32,
}

pub(super) fn default_renditions() -> Vec<RenditionConfig> {
    let config = |rendition: Rendition| RenditionConfig {
        width: rendition.width,
        height: rendition.height,
        bitrate_bps: rendition.bitrate_bps,
        fps: rendition.fps,
    };
    let defaults = signaling::default_renditions();
    defaults.into_iter().map(config).collect()
}

pub(super) fn renditions(list: &[RenditionConfig]) -> Vec<Rendition> {
    let numbered = list.iter().enumerate();
    numbered
        .filter_map(|(index, config)| {
            Some(Rendition {
                id: RenditionId::new(index)?,
                width: config.width,
                height: config.height,
                bitrate_bps: config.bitrate_bps,
                fps: config.fps,
            })
        })
        .collect()
}

pub(super) fn check_renditions(list: &[RenditionConfig]) -> Result<(), ConfigError> {
    let wrong = |value: String, why: &str| Err(ConfigError::value("renditions", value, why));
    if list.is_empty() || list.len() > RenditionId::LIMIT {
        let count = format!("{} of them", list.len());
        return wrong(count, "between one and eight, please");
    }
    for one in list {
        let name = format!(
            "{}x{} at {} fps, {} bit/s",
            one.width, one.height, one.fps, one.bitrate_bps
        );
        if !(16..=3840).contains(&one.width) || !(16..=2160).contains(&one.height) {
            return wrong(name, "width from 16 to 3840 and height from 16 to 2160");
        }
        if !(1..=240).contains(&one.fps) {
            return wrong(name, "fps from 1 to 240");
        }
        if !BITRATES_BPS.contains(&one.bitrate_bps) {
            return wrong(name, "bitrate_bps between 50000 and 50000000");
        }
    }
    for pair in list.windows(2) {
        if pair[1].height >= pair[0].height || pair[1].bitrate_bps >= pair[0].bitrate_bps {
            let name = format!("{}p before {}p", pair[0].height, pair[1].height);
            let why = "largest first: each lower, and of fewer bits, than the one before";
            return wrong(name, why);
        }
    }
    Ok(())
}

pub(super) fn check_encoder(name: &str) -> Result<(), ConfigError> {
    match EncoderChoice::from_name(name) {
        Some(_) => Ok(()),
        None => Err(ConfigError::value("encoder", name, "one of auto, openh264")),
    }
}

section! {
    /// Without `url` it is off.
    PublishConfig {
        url: Option<String> = None,
        /// Its bearer token, also `CARRIER_PUBLISH_TOKEN`.
        token: Option<String> = None,
    }
}

impl PublishConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.target().map(|_| ())
    }

    /// Where to publish; `None`: nowhere.
    pub(crate) fn target(&self) -> Result<Option<PublishTarget>, ConfigError> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let target = PublishTarget::parse(url, self.token.as_deref());
        target.map(Some).map_err(|error| match error {
            TargetError::Token => ConfigError::hidden("publish.token", error.to_string()),
            TargetError::Credentials => ConfigError::hidden("publish.url", error.to_string()),
            _ => ConfigError::value("publish.url", url.as_str(), error.to_string()),
        })
    }
}

/// Leaves out the secrets.
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
    fn without_a_url_nothing_is_published() {
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
