//! `[network]`: how the outside reaches this machine, and who sends to it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use signaling::Announced;
use signaling::announce::ANNOUNCED_MAX;

use super::ConfigError;
use crate::environment;

/// Addresses separated by commas, instead of those in the file.
const ENVIRONMENT: &str = "CARRIER_ANNOUNCE";

/// More threads than this only wait for each other.
const ENGINE_THREADS_MAX: usize = 64;

/// What carrier cannot find out by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NetworkConfig {
    /// What viewers are told to send to before this machine's own addresses.
    pub(crate) announce: Vec<String>,
    /// The address that media is bound to; absent: that of the pages.
    pub(crate) media_listen: Option<IpAddr>,
    /// Threads that send, each to a share of the viewers; 0: as many as there are processor cores.
    pub(crate) engine_threads: usize,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            announce: Vec::new(),
            media_listen: None,
            engine_threads: 1,
        }
    }
}

impl NetworkConfig {
    /// The environment goes before the file.
    pub(super) fn overlay(&mut self) {
        if let Some(list) = environment::value_without_scheme(ENVIRONMENT) {
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
        if self.engine_threads > ENGINE_THREADS_MAX {
            return Err(ConfigError::Value {
                key: "network.engine_threads",
                value: self.engine_threads.to_string(),
                why: format!("at most {ENGINE_THREADS_MAX}; 0 takes one for each processor core"),
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
            ..NetworkConfig::default()
        };
        let error = config.check().expect_err("not an address").to_string();
        assert!(
            error.starts_with("network.announce = 203.0.113:"),
            "{error}"
        );
        let many = NetworkConfig {
            announce: vec!["203.0.113.5".to_owned(); ANNOUNCED_MAX + 1],
            ..NetworkConfig::default()
        };
        assert!(many.check().is_err());
    }

    #[test]
    fn more_threads_than_any_machine_has_are_refused() {
        let with = |engine_threads| NetworkConfig {
            engine_threads,
            ..NetworkConfig::default()
        };
        for threads in [0, 1, ENGINE_THREADS_MAX] {
            assert!(with(threads).check().is_ok(), "{threads}");
        }
        let error = with(65).check().expect_err("too many").to_string();
        assert!(error.starts_with("network.engine_threads = 65:"), "{error}");
    }
}
