//! Topics and payloads: the station's state, and the entities that Home Assistant makes of it. Pure.
//!
//! All topics but those of discovery begin with `carrier/NODE/`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::events::event::{
    ClassCount, EventDetail, PowerSummary, SourceSummary, StationEvent, StationSummary,
};

pub(super) const ONLINE: &str = "online";
pub(super) const OFFLINE: &str = "offline";
pub(super) const CLOSED: &str = "closed";
pub(super) const OPEN: &str = "open";

/// A message to the broker. Retained ones are for clients that come later, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MqttMessage {
    pub(super) topic: String,
    pub(super) payload: String,
    pub(super) retain: bool,
}

/// The station at the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MqttNode {
    /// Letters, digits, `-` and `_`.
    pub(super) name: String,
    /// What people call the station.
    pub(super) title: String,
    /// The address of its page.
    pub(super) page: Option<String>,
    pub(super) takes_commands: bool,
    pub(super) sends_pictures: bool,
    /// The zones and classes that were seen so far; without a zone: in the whole picture.
    pub(super) seen: BTreeSet<(Option<String>, String)>,
}

/// A name for topics: other characters are replaced.
pub(super) fn topic_word(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c.to_ascii_lowercase(),
        _ => '_',
    };
    text.trim().chars().map(plain).collect()
}

impl MqttNode {
    pub(super) fn topic(&self, of: &str) -> String {
        format!("carrier/{}/{of}", self.name)
    }

    pub(super) fn availability(&self, payload: &str) -> MqttMessage {
        self.retained("availability", payload.to_owned())
    }

    /// The messages of an event. The first one of a connection has the whole state.
    pub(super) fn messages(&mut self, event: &StationEvent) -> Vec<MqttMessage> {
        let mut messages = self.state(&event.detail);
        if !matches!(event.detail, EventDetail::State(_)) {
            messages.push(MqttMessage {
                topic: self.topic("event"),
                payload: serde_json::to_string(event).unwrap_or_default(),
                retain: false,
            });
        }
        messages
    }

    fn state(&mut self, detail: &EventDetail) -> Vec<MqttMessage> {
        match detail {
            EventDetail::State(summary) => self.whole_state(summary),
            EventDetail::Shutter(shutter) => vec![self.shutter(shutter.closed)],
            EventDetail::Privacy { mode } => vec![self.retained("privacy", mode.clone())],
            EventDetail::Power(power) => self.power(power).into(),
            EventDetail::Source(source) => self.source(source),
            EventDetail::Viewers { count } => vec![self.retained("viewers", count.to_string())],
            // It has no topic of its own.
            EventDetail::Address { .. } => Vec::new(),
            EventDetail::Appeared(objects) | EventDetail::Left(objects) => {
                let ClassCount { class, count, zone } = objects;
                self.count(zone.as_deref(), class, *count)
            }
            // It is no state.
            EventDetail::Dwell { .. } => Vec::new(),
        }
    }

    fn whole_state(&mut self, summary: &StationSummary) -> Vec<MqttMessage> {
        let mut messages = vec![
            self.shutter(summary.shutter.closed),
            self.retained("privacy", summary.privacy.clone()),
            self.retained("viewers", summary.viewers.to_string()),
        ];
        messages.extend(self.power(&summary.power));
        messages.extend(self.source(&summary.source));
        let now = summary.classes.keys().map(|class| (None, class.clone()));
        let mut seen: BTreeSet<_> = self.seen.iter().cloned().chain(now).collect();
        for (zone, classes) in &summary.zones {
            seen.extend(
                classes
                    .keys()
                    .map(|class| (Some(zone.clone()), class.clone())),
            );
        }
        for (zone, class) in seen {
            let counts = match &zone {
                None => Some(&summary.classes),
                Some(zone) => summary.zones.get(zone),
            };
            let count = counts.and_then(|counts| counts.get(&class)).copied();
            messages.extend(self.count(zone.as_deref(), &class, count.unwrap_or_default()));
        }
        messages
    }

    fn shutter(&self, is_closed: bool) -> MqttMessage {
        let payload = if is_closed { CLOSED } else { OPEN };
        self.retained("shutter", payload.to_owned())
    }

    fn power(&self, power: &PowerSummary) -> [MqttMessage; 2] {
        let low = if power.battery_low { "low" } else { "ok" };
        [
            self.retained("power", power.profile.name().to_owned()),
            self.retained("battery", low.to_owned()),
        ]
    }

    fn source(&self, source: &SourceSummary) -> Vec<MqttMessage> {
        let state = serde_json::to_value(source.state).unwrap_or_default();
        vec![
            self.retained("source", state.as_str().unwrap_or_default().to_owned()),
            self.retained("source_name", source.name.clone()),
        ]
    }

    /// A class that is new is announced first.
    fn count(&mut self, zone: Option<&str>, class: &str, count: usize) -> Vec<MqttMessage> {
        let state = self.retained(&count_topic(zone, class), count.to_string());
        if !self
            .seen
            .insert((zone.map(str::to_owned), class.to_owned()))
        {
            return vec![state];
        }
        vec![self.class_discovery(zone, class), state]
    }

    /// The entities that do not depend on what is seen, and those of the classes seen so far. What a former configuration
    /// announced and this one does not is removed by an empty message.
    pub(super) fn discovery(&self) -> Vec<MqttMessage> {
        let shutter = json!({
            "name": "Shutter closed",
            "icon": "mdi:camera-off",
            "state_topic": self.topic("shutter"),
            "payload_on": CLOSED,
            "payload_off": OPEN,
        });
        let mut switch = shutter.clone();
        switch["command_topic"] = self.topic("shutter/set").into();
        switch["state_on"] = CLOSED.into();
        switch["state_off"] = OPEN.into();
        let picture = json!({"name": "Picture", "topic": self.topic("picture")});
        let sensor = |name: &str, of: &str, icon: &str| json!({"name": name, "state_topic": self.topic(of), "icon": icon});
        let battery = json!({
            "name": "Battery low",
            "device_class": "battery",
            "state_topic": self.topic("battery"),
            "payload_on": "low",
            "payload_off": "ok",
        });
        let mut viewers = sensor("Viewers", "viewers", "mdi:eye");
        viewers["state_class"] = "measurement".into();
        let commands = self.takes_commands;
        let fixed = [
            ("switch", "shutter", Some(switch).filter(|_| commands)),
            (
                "binary_sensor",
                "shutter",
                Some(shutter).filter(|_| !commands),
            ),
            (
                "camera",
                "picture",
                Some(picture).filter(|_| self.sends_pictures),
            ),
            (
                "sensor",
                "privacy",
                Some(sensor("Privacy", "privacy", "mdi:blur")),
            ),
            (
                "sensor",
                "source",
                Some(sensor("Source", "source", "mdi:camera")),
            ),
            (
                "sensor",
                "power",
                Some(sensor("Power profile", "power", "mdi:flash")),
            ),
            ("binary_sensor", "battery", Some(battery)),
            ("sensor", "viewers", Some(viewers)),
        ];
        let fixed = fixed.map(|(kind, object, entity)| self.entity(kind, object, entity));
        let seen = self.seen.iter();
        let counts = seen.map(|(zone, class)| self.class_discovery(zone.as_deref(), class));
        fixed.into_iter().chain(counts).collect()
    }

    fn class_discovery(&self, zone: Option<&str>, class: &str) -> MqttMessage {
        let object = count_topic(zone, class);
        let place = zone.map(|zone| format!(" in {zone}")).unwrap_or_default();
        let entity = json!({
            "name": format!("Count of {class}{place}"),
            "icon": "mdi:counter",
            "state_class": "measurement",
            "state_topic": self.topic(&object),
        });
        self.entity("sensor", &object, Some(entity))
    }

    /// The announcement of an entity; `None`: its removal.
    fn entity(&self, kind: &str, object: &str, entity: Option<Value>) -> MqttMessage {
        let name = &self.name;
        let payload = entity.map(|mut entity| {
            entity["unique_id"] = format!("carrier_{name}_{object}").into();
            entity["availability_topic"] = self.topic("availability").into();
            entity["device"] = json!({
                "identifiers": [format!("carrier_{name}")],
                "name": self.title,
                "manufacturer": "carrier",
                "model": "carrier",
                "sw_version": env!("CARGO_PKG_VERSION"),
            });
            if let Some(page) = &self.page {
                entity["device"]["configuration_url"] = page.as_str().into();
            }
            entity.to_string()
        });
        MqttMessage {
            topic: format!("homeassistant/{kind}/carrier_{name}/{object}/config"),
            payload: payload.unwrap_or_default(),
            retain: true,
        }
    }

    fn retained(&self, of: &str, payload: String) -> MqttMessage {
        MqttMessage {
            topic: self.topic(of),
            payload,
            retain: true,
        }
    }
}

/// The last part of the topic of a count.
fn count_topic(zone: Option<&str>, class: &str) -> String {
    let class = topic_word(class);
    match zone {
        None => format!("count_{class}"),
        Some(zone) => format!("zone_{}_count_{class}", topic_word(zone)),
    }
}

/// Whether a command closes the shutter; `None`: it is no command.
pub(super) fn closes(payload: &[u8]) -> Option<bool> {
    match payload {
        b"closed" => Some(true),
        b"open" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> MqttNode {
        MqttNode {
            name: topic_word("Hall 2/é"),
            title: "Hall 2".to_owned(),
            page: None,
            takes_commands: false,
            sends_pictures: false,
            seen: BTreeSet::new(),
        }
    }

    fn event(detail: EventDetail) -> StationEvent {
        StationEvent {
            id: "a-1".to_owned(),
            time: "2026-11-29T00:00:00Z".to_owned(),
            detail,
        }
    }

    #[test]
    fn names_have_no_characters_of_topics() {
        assert_eq!(node().topic("viewers"), "carrier/hall_2__/viewers");
        assert_eq!(topic_word("#+/ "), "___");
    }

    #[test]
    fn a_class_is_announced_when_it_is_seen_first() {
        let mut node = node();
        let appeared = |zone: Option<&str>| {
            event(EventDetail::Appeared(ClassCount {
                class: "dining table".to_owned(),
                count: 2,
                zone: zone.map(str::to_owned),
            }))
        };
        let topics = |messages: &[MqttMessage]| -> Vec<String> {
            messages
                .iter()
                .map(|message| message.topic.clone())
                .collect()
        };
        let first = node.messages(&appeared(None));
        let count = "carrier/hall_2__/count_dining_table";
        assert_eq!(
            topics(&first),
            [
                "homeassistant/sensor/carrier_hall_2__/count_dining_table/config",
                count,
                "carrier/hall_2__/event"
            ]
        );
        assert_eq!((first[1].payload.as_str(), first[1].retain), ("2", true));
        assert!(!first[2].retain);
        let second = node.messages(&appeared(None));
        assert_eq!(topics(&second), [count, "carrier/hall_2__/event"]);
        assert!(
            node.discovery()
                .iter()
                .any(|one| one.topic == first[0].topic)
        );
        let in_zone = node.messages(&appeared(Some("Hall A")));
        let count = "carrier/hall_2__/zone_hall_a_count_dining_table";
        assert_eq!((in_zone.len(), in_zone[1].topic.as_str()), (3, count));
        assert!(
            in_zone[0]
                .payload
                .contains("Count of dining table in Hall A")
        );
        let dwell = event(EventDetail::Dwell {
            zone: "Hall A".to_owned(),
            class: "person".to_owned(),
            seconds: 30,
            track: 7,
        });
        assert_eq!(topics(&node.messages(&dwell)), ["carrier/hall_2__/event"]);
    }

    #[test]
    fn the_shutter_is_a_switch_only_where_commands_are_taken() {
        let entity = |takes_commands, kind: &str| {
            let node = MqttNode {
                takes_commands,
                ..node()
            };
            let topic = format!("homeassistant/{kind}/carrier_hall_2__/shutter/config");
            let found = node.discovery().into_iter().find(|one| one.topic == topic);
            found.expect("announced or removed").payload
        };
        for (takes_commands, there, removed) in [
            (true, "switch", "binary_sensor"),
            (false, "binary_sensor", "switch"),
        ] {
            assert_eq!(entity(takes_commands, removed), "");
            let entity: Value = serde_json::from_str(&entity(takes_commands, there)).expect("JSON");
            assert_eq!(entity["payload_on"], CLOSED);
            assert_eq!(entity["command_topic"].is_string(), takes_commands);
            assert_eq!(entity["unique_id"], "carrier_hall_2___shutter");
        }
        assert_eq!(
            [&b"closed"[..], b"open", b"ON", b""].map(closes),
            [Some(true), Some(false), None, None]
        );
    }
}
