//! `[[renditions]]`: the sizes and bitrates that viewers can get.

use serde::{Deserialize, Serialize};
use signaling::{Rendition, RenditionId, default_renditions};

use super::{BITRATES_BPS, ConfigError};

/// One of them; largest first in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenditionConfig {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bitrate_bps: u32,
    pub(crate) fps: u32,
}

/// The ladder of the defaults.
pub(super) fn defaults() -> Vec<RenditionConfig> {
    let config = |rendition: Rendition| RenditionConfig {
        width: rendition.width,
        height: rendition.height,
        bitrate_bps: rendition.bitrate_bps,
        fps: rendition.fps,
    };
    default_renditions().into_iter().map(config).collect()
}

/// As the engine and the encoders take them.
pub(crate) fn renditions(list: &[RenditionConfig]) -> Vec<Rendition> {
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

/// Names what cannot be.
pub(super) fn check(list: &[RenditionConfig]) -> Result<(), ConfigError> {
    let wrong = |value: String, why: &str| {
        Err(ConfigError::Value {
            key: "renditions",
            value,
            why: why.to_owned(),
        })
    };
    if list.is_empty() || list.len() > RenditionId::LIMIT {
        return wrong(
            format!("{} of them", list.len()),
            "between one and eight, please",
        );
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
            return wrong(
                name,
                "largest first: each lower, and of fewer bits, than the one before",
            );
        }
    }
    Ok(())
}
