//! Where the nodes of a network really ran, read from the profile that ONNX Runtime writes. Pure.
//!
//! A provider can be registered without an error while all nodes run on the CPU, so that only the profile tells. A
//! provider that fuses nodes shows each part of the network that it took as one node; the share of the time tells more then.

use std::collections::BTreeSet;

use serde::Deserialize;
use thiserror::Error;

use super::provider::Provider;

/// What one provider did of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    pub provider: Provider,
    /// Nodes of the graph as the runtime has optimised it. `None`: all there are, since no other provider is in use.
    pub nodes: Option<usize>,
    /// Of the time of all nodes, rounded.
    pub time_percent: u8,
}

impl Placement {
    /// Of a session that has the CPU alone.
    pub(super) fn all_on_cpu() -> Vec<Self> {
        vec![Self {
            provider: Provider::Cpu,
            nodes: None,
            time_percent: 100,
        }]
    }
}

#[derive(Debug, Error)]
pub(super) enum PlacementError {
    #[error("its profile cannot be read: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("its profile has no nodes")]
    Empty,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    /// Microseconds.
    #[serde(default)]
    dur: f64,
    #[serde(default)]
    args: Args,
}

#[derive(Deserialize, Default)]
struct Args {
    #[serde(default)]
    provider: String,
}

/// Reads a profile (Chrome trace JSON): the providers that ran nodes, the busiest first.
pub(super) fn placements(profile: &str) -> Result<Vec<Placement>, PlacementError> {
    let events: Vec<Event> = serde_json::from_str(profile)?;
    let of = |provider: Provider| {
        let is_on =
            |event: &&Event| event.cat == "Node" && event.args.provider == provider.profile_name();
        let ran = || events.iter().filter(is_on);
        let names: BTreeSet<&str> = ran().map(|event| event.name.as_str()).collect();
        let time_us: f64 = ran().map(|event| event.dur.max(0.0)).sum();
        (provider, names.len(), time_us)
    };
    let counted = Provider::ALL.map(of);
    let all_us: f64 = counted.iter().map(|(_, _, time_us)| time_us).sum();
    // A profile of nothing but zeros has no shares; the cast saturates.
    let percent = |time_us: f64| (time_us / all_us.max(f64::MIN_POSITIVE) * 100.0).round() as u8;
    let mut found: Vec<Placement> = counted
        .into_iter()
        .filter(|(_, nodes, _)| *nodes > 0)
        .map(|(provider, nodes, time_us)| Placement {
            provider,
            nodes: Some(nodes),
            time_percent: percent(time_us),
        })
        .collect();
    if found.is_empty() {
        return Err(PlacementError::Empty);
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.time_percent));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_time_are_counted_by_provider() {
        let profile = r#"[
            {"cat":"Session","name":"model_run","dur":900,"args":{}},
            {"cat":"Node","name":"part_0","dur":60,"args":{"op_name":"Part","provider":"OpenVINOExecutionProvider"}},
            {"cat":"Node","name":"part_0","dur":30,"args":{"op_name":"Part","provider" : "OpenVINOExecutionProvider"}},
            {"cat":"Node","name":"top","dur":10,"ts":5,"args":{"op_name":"TopK","provider":"CPUExecutionProvider"}}]"#;
        let found = placements(profile).expect("valid");
        let expected = [(Provider::Openvino, 90), (Provider::Cpu, 10)];
        let expected = expected.map(|(provider, time_percent)| Placement {
            provider,
            nodes: Some(1),
            time_percent,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_profile_without_nodes_or_cut_off_is_an_error() {
        assert!(matches!(placements("[]"), Err(PlacementError::Empty)));
        assert!(matches!(
            placements("[{\"cat\":"),
            Err(PlacementError::Syntax(_))
        ));
        let other = r#"[{"cat":"Node","name":"a","args":{"provider":"OtherProvider"}}]"#;
        assert!(matches!(placements(other), Err(PlacementError::Empty)));
    }
}
