//! What the packet filter of this machine does with a port, from `nft -j list ruleset`. Pure.
//!
//! It is no simulation: rules may depend on addresses, interfaces and states. What is told is whether a rule drops the
//! port by name, and, where everything else is dropped, whether a rule accepts it by name.

use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filtering {
    /// No rule names the port, and what no rule names is let in.
    Open,
    /// A rule names the port and lets it in.
    Accepted,
    /// A rule names the port and drops it.
    Dropped,
    /// What no rule lets in is dropped, and no rule names the port.
    NotAccepted,
    /// As before, and there are rules of iptables that cannot be read here.
    Unclear,
}

/// What the rules do with `protocol`, udp or tcp, to `port`; `None`: the text is not understood.
pub(crate) fn filtering(ruleset: &str, protocol: &str, port: u16) -> Option<Filtering> {
    let document: Value = serde_json::from_str(ruleset).ok()?;
    let objects = document.get("nftables")?.as_array()?;
    let input_chains: Vec<&Value> = objects
        .iter()
        .filter_map(|object| object.get("chain"))
        .filter(|chain| chain["hook"] == "input")
        .collect();
    let rules = || objects.iter().filter_map(|object| object.get("rule"));
    let is_of_input = |rule: &Value| {
        let same = |key: &str, chain: &Value| rule[key] == chain[key];
        input_chains
            .iter()
            .any(|chain| same("family", chain) && same("table", chain))
    };
    let naming: Vec<&Value> = rules()
        .filter(|rule| is_of_input(rule))
        .filter(|rule| names_port(&rule["expr"], protocol, port))
        .collect();
    let ends = |endings: &[&str]| {
        let has = |rule: &&&Value| {
            let parts = rule["expr"].as_array().into_iter().flatten();
            parts
                .into_iter()
                .any(|part| endings.iter().any(|ending| part.get(ending).is_some()))
        };
        naming.iter().any(|rule| has(&rule))
    };
    if ends(&["drop", "reject"]) {
        return Some(Filtering::Dropped);
    }
    if ends(&["accept"]) {
        return Some(Filtering::Accepted);
    }
    let drops_the_rest = input_chains.iter().any(|chain| chain["policy"] == "drop")
        || rules().filter(|rule| is_of_input(rule)).any(drops_all);
    let is_unreadable = |rule: &Value| {
        let mut parts = rule["expr"].as_array().into_iter().flatten();
        parts.any(|part| part.get("xt").is_some())
    };
    Some(match drops_the_rest {
        false => Filtering::Open,
        true if rules().filter(|rule| is_of_input(rule)).any(is_unreadable) => Filtering::Unclear,
        true => Filtering::NotAccepted,
    })
}

/// A rule without a condition that drops or rejects, as firewalld ends its chains.
fn drops_all(rule: &Value) -> bool {
    let parts = rule["expr"].as_array();
    parts.is_some_and(|parts| {
        let is_condition = |part: &Value| part.get("match").is_some() || part.get("xt").is_some();
        let is_drop = |part: &Value| part.get("drop").is_some() || part.get("reject").is_some();
        !parts.iter().any(is_condition) && parts.iter().any(is_drop)
    })
}

/// Whether an expression matches the destination port: as a number, in a set, or in a range.
fn names_port(expression: &Value, protocol: &str, port: u16) -> bool {
    let parts = expression.as_array().into_iter().flatten();
    let mut matches = parts.filter_map(|part| part.get("match"));
    matches.any(|one| {
        let payload = &one["left"]["payload"];
        let is_protocol = payload["protocol"] == protocol || payload["protocol"] == "th";
        is_protocol && payload["field"] == "dport" && one["op"] != "!=" && has(&one["right"], port)
    })
}

fn has(value: &Value, port: u16) -> bool {
    let number = |value: &Value| value.as_u64();
    let wanted = u64::from(port);
    if let Some([from, to]) = value
        .get("range")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        let (from, to) = (number(from), number(to));
        return from
            .zip(to)
            .is_some_and(|(from, to)| (from..=to).contains(&wanted));
    }
    match value.get("set").unwrap_or(value) {
        Value::Array(members) => members.iter().any(|member| has(member, port)),
        value => number(value) == Some(wanted),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ruleset(policy: &str, rules: &[Value]) -> String {
        let table = json!({"family": "inet", "table": "filter"});
        let mut objects = vec![json!({"chain": {
            "family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "policy": policy,
        }})];
        for expr in rules {
            let mut rule = table.clone();
            rule["chain"] = "input".into();
            rule["expr"] = expr.clone();
            objects.push(json!({"rule": rule}));
        }
        json!({"nftables": objects}).to_string()
    }

    fn port_rule(protocol: &str, right: Value, ending: &str) -> Value {
        let left = json!({"payload": {"protocol": protocol, "field": "dport"}});
        json!([{"match": {"op": "==", "left": left, "right": right}}, {ending: null}])
    }

    #[test]
    fn rules_that_name_the_port_decide_and_the_policy_otherwise() {
        let udp = |policy: &str, rules: &[Value]| filtering(&ruleset(policy, rules), "udp", 8189);
        assert_eq!(udp("accept", &[]), Some(Filtering::Open));
        assert_eq!(udp("drop", &[]), Some(Filtering::NotAccepted));
        let dropped = port_rule("udp", json!(8189), "drop");
        assert_eq!(udp("accept", &[dropped]), Some(Filtering::Dropped));
        for right in [
            json!(8189),
            json!({"set": [22, 8189]}),
            json!({"range": [8000, 9000]}),
            json!({"set": [22, {"range": [8000, 9000]}]}),
        ] {
            let accepted = [port_rule("udp", right, "accept")];
            assert_eq!(udp("drop", &accepted), Some(Filtering::Accepted));
        }
        let of_tcp = [port_rule("tcp", json!(8189), "accept")];
        assert_eq!(udp("drop", &of_tcp), Some(Filtering::NotAccepted));
        let of_iptables =
            [json!([{"xt": {"type": "match", "name": "multiport"}}, {"accept": null}])];
        assert_eq!(udp("drop", &of_iptables), Some(Filtering::Unclear));
        let ends_with_reject = [json!([{"counter": {}}, {"reject": {"type": "icmpx"}}])];
        assert_eq!(
            udp("accept", &ends_with_reject),
            Some(Filtering::NotAccepted)
        );
    }

    #[test]
    fn no_rules_let_everything_in_and_other_texts_are_not_understood() {
        let empty = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}]}"#;
        assert_eq!(filtering(empty, "udp", 8189), Some(Filtering::Open));
        assert_eq!(filtering("", "udp", 8189), None);
        assert_eq!(filtering("{}", "udp", 8189), None);
    }
}
