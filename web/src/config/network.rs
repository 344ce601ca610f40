//! `[network]`: how the outside reaches this machine.

use serde::{Deserialize, Serialize};
use signaling::Announced;
use signaling::announce::ANNOUNCED_MAX;

use super::ConfigError;

/// Addresses separated by commas, instead of those in the file.
const ENVIRONMENT: &str = "CARRIER_ANNOUNCE";

/// What carrier cannot find out by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NetworkConfig {
    /// What viewers are told to send to before this machine's own addresses.
    pub(crate) announce: Vec<String>,
}

impl NetworkConfig {
    /// The environment goes before the file.
    pub(super) fn overlay(&mut self) {
        if let Ok(list) = std::env::var(ENVIRONMENT) {
            self.announce = separated(&list);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.announce.len() > ANNOUNCED_MAX {
            return Err(ConfigError::Value {
                key: "network.announce",
                value: format!("{} addresses", self.announce.len()),
                why: format!("at most {ANNOUNCED_MAX}: every viewer tries each of them"),
            });
        }
        self.announced().map(|_| ())
    }

    /// The addresses, read.
    pub(crate) fn announced(&self) -> Result<Vec<Announced>, ConfigError> {
        let read = |text: &String| {
            text.parse().map_err(|why| ConfigError::Value {
                key: "network.announce",
                value: text.clone(),
                why: format!("{why}"),
            })
        };
        self.announce.iter().map(read).collect()
    }
}

fn separated(list: &str) -> Vec<String> {
    let items = list.split(',').map(str::trim);
    items
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_whatever_stands_between() {
        assert_eq!(
            separated(" 203.0.113.5:30189, ,host.example,"),
            ["203.0.113.5:30189", "host.example"]
        );
        assert!(separated("").is_empty());
    }

    #[test]
    fn what_cannot_be_announced_is_named() {
        let config = NetworkConfig {
            announce: vec!["203.0.113".to_owned()],
        };
        let error = config.check().expect_err("not an address").to_string();
        assert!(
            error.starts_with("network.announce = 203.0.113:"),
            "{error}"
        );
        let many = NetworkConfig {
            announce: vec!["203.0.113.5".to_owned(); ANNOUNCED_MAX + 1],
        };
        assert!(many.check().is_err());
    }
}
