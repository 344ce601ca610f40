//! `[events]`: a webhook and an MQTT broker that are told what happens.

use std::fmt;

use super::error::ConfigError;
use crate::events::destination::{BrokerAddress, DestinationError, WebhookTarget};

/// More would be pointless: pictures are for a dashboard.
const SNAPSHOT_S_MAX: u64 = 86_400;

section! {
    /// Without addresses nothing is sent anywhere.
    EventsConfig {
        webhook: Option<String> = None,
        /// The key of its signatures, also `CARRIER_WEBHOOK_SECRET`.
        webhook_secret: Option<String> = None,
        /// The broker, with name and password; also `CARRIER_MQTT`.
        mqtt: Option<String> = None,
        /// What the station is called in topics; `None`: as this machine.
        mqtt_node: Option<String> = None,
        /// Whether the shutter is closed and opened by messages.
        mqtt_commands: bool = false,
        /// A picture is sent every so many seconds; 0: never.
        mqtt_snapshot_s: u64 = 0,
    }
}

impl EventsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.webhook_target()?;
        self.broker()?;
        if self
            .mqtt_node
            .as_deref()
            .is_some_and(|node| node.trim().is_empty())
        {
            let why = "a name for topics, or leave it out";
            return Err(ConfigError::value("events.mqtt_node", "", why));
        }
        if self.mqtt_snapshot_s > SNAPSHOT_S_MAX {
            let value = self.mqtt_snapshot_s.to_string();
            let why = format!("at most {SNAPSHOT_S_MAX} seconds, or 0");
            return Err(ConfigError::value("events.mqtt_snapshot_s", value, why));
        }
        Ok(())
    }

    /// `None`: there is none.
    pub(crate) fn webhook_target(&self) -> Result<Option<WebhookTarget>, ConfigError> {
        let Some(url) = self.webhook.as_deref().filter(|url| !url.trim().is_empty()) else {
            return Ok(None);
        };
        let target = WebhookTarget::parse(url, self.webhook_secret.as_deref());
        target.map(Some).map_err(|error| {
            let key = match error {
                DestinationError::Secret => "events.webhook_secret",
                _ => "events.webhook",
            };
            // The address may contain a secret.
            ConfigError::hidden(key, error.to_string())
        })
    }

    /// `None`: there is none.
    pub(crate) fn broker(&self) -> Result<Option<BrokerAddress>, ConfigError> {
        let url = self.mqtt.as_deref().filter(|url| !url.trim().is_empty());
        let broker = url.map(BrokerAddress::parse).transpose();
        broker.map_err(|error| ConfigError::hidden("events.mqtt", error.to_string()))
    }

    /// What the station is called in topics.
    pub(crate) fn node_name(&self) -> String {
        self.mqtt_node.clone().unwrap_or_else(|| {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            let short = name.trim().split('.').next().unwrap_or_default();
            match short {
                "" => "carrier".to_owned(),
                short => short.to_owned(),
            }
        })
    }
}

/// Leaves out the secrets.
impl fmt::Debug for EventsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsConfig")
            .field("webhook", &self.webhook.is_some())
            .field("mqtt", &self.mqtt.is_some())
            .field("mqtt_node", &self.mqtt_node)
            .field("mqtt_commands", &self.mqtt_commands)
            .field("mqtt_snapshot_s", &self.mqtt_snapshot_s)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    #[test]
    fn errors_name_the_key_and_keep_the_secret() {
        assert!(EventsConfig::default().check().is_ok());
        for (text, key) in [
            (
                "webhook = 'https://a.example/s3cret'",
                "events.webhook_secret = (hidden): ",
            ),
            (
                "webhook = 'ftp://a.example/s3cret'\nwebhook_secret = 'orchid-lantern-hook'",
                "events.webhook = (hidden): ",
            ),
            (
                "mqtt = 'mqtts://me:s3cret@a'",
                "events.mqtt = (hidden): MQTT over TLS",
            ),
            ("mqtt = 'http://me:s3cret@a'", "events.mqtt = (hidden): "),
            ("mqtt_node = ' '", "events.mqtt_node"),
            (
                "mqtt_snapshot_s = 100000",
                "events.mqtt_snapshot_s = 100000: ",
            ),
        ] {
            let config: EventsConfig = toml::from_str(text).expect("valid TOML");
            let said = message(config.check());
            assert!(
                said.starts_with(key) && !said.contains("s3cret"),
                "{text}: {said}"
            );
            assert!(!format!("{config:?}").contains("s3cret"));
        }
    }
}
