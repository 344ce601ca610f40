//! Spans as an `ExportTraceServiceRequest` in OTLP's JSON (OTLP 1.10, "JSON Protobuf Encoding": ids in hexadecimal
//! digits, 64-bit numbers as strings). Pure.

use capture::WallClock;
use capture::trace::{AttributeValue, SpanKind, TraceSpan};
use serde_json::{Value, json};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// `Status.code` of a span that failed.
const STATUS_ERROR: u8 = 2;

/// Which station sends spans.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) name: String,
    /// Another one at each start.
    pub(super) instance: String,
}

/// `clock` turns times into Unix time.
pub(super) fn request(spans: &[TraceSpan], resource: &Resource, clock: WallClock) -> Vec<u8> {
    let attributes = [
        ("service.name", "carrier".into()),
        ("service.version", VERSION.into()),
        ("service.instance.id", resource.instance.clone().into()),
        ("carrier.station", resource.name.clone().into()),
    ];
    let spans: Vec<Value> = spans.iter().map(|span| encode(span, clock)).collect();
    let scope = json!({"name": "carrier", "version": VERSION});
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": attributes.iter().map(attribute).collect::<Vec<_>>()},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]});
    request.to_string().into_bytes()
}

fn encode(span: &TraceSpan, clock: WallClock) -> Value {
    let mut fields = json!({
        "traceId": span.context.to_string(),
        "spanId": format!("{:016x}", span.context.span_id),
        "name": span.name,
        "kind": match span.kind {
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Client => 3,
        },
        "startTimeUnixNano": clock.unix_ns(span.start).to_string(),
        "endTimeUnixNano": clock.unix_ns(span.end.max(span.start)).to_string(),
        "attributes": span.attributes.iter().map(attribute).collect::<Vec<_>>(),
    });
    if let Some(parent) = span.parent {
        fields["parentSpanId"] = format!("{parent:016x}").into();
    }
    if let Some(error) = span.error {
        fields["status"] = json!({"code": STATUS_ERROR, "message": error});
    }
    fields
}

fn attribute((key, value): &(&'static str, AttributeValue)) -> Value {
    let value = match value {
        AttributeValue::Text(text) => json!({"stringValue": text}),
        AttributeValue::Integer(number) => json!({"intValue": number.to_string()}),
        AttributeValue::Flag(flag) => json!({"boolValue": flag}),
    };
    json!({"key": key, "value": value})
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, UNIX_EPOCH};

    use capture::trace::TraceContext;

    use super::*;

    #[test]
    fn a_span_is_encoded_as_the_standard_says() {
        let now = Instant::now();
        let clock = WallClock::new(now, UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let root = TraceContext {
            trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
            span_id: 7,
        };
        let took = Duration::from_nanos(1_500_000_001);
        let mut span = TraceSpan::part_of(root, "carrier.test", (now, now + took))
            .with("carrier.text", "a\"b")
            .with("carrier.number", 3_u64)
            .with("carrier.flag", true);
        span.context.span_id = 0xb7ad_6b71_6920_3331;
        span.kind = SpanKind::Client;
        span.error = Some("away");
        let station = Resource {
            name: "Hall 4".into(),
            instance: "i".into(),
        };
        let request: Value =
            serde_json::from_slice(&request(&[span], &station, clock)).expect("JSON");
        let resource = &request["resourceSpans"][0];
        let expected = json!({
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
            "spanId": "b7ad6b7169203331",
            "parentSpanId": "0000000000000007",
            "name": "carrier.test",
            "kind": 3,
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": "1700000001500000001",
            "attributes": [
                {"key": "carrier.text", "value": {"stringValue": "a\"b"}},
                {"key": "carrier.number", "value": {"intValue": "3"}},
                {"key": "carrier.flag", "value": {"boolValue": true}},
            ],
            "status": {"code": 2, "message": "away"},
        });
        assert_eq!(resource["scopeSpans"][0]["spans"], json!([expected]));
        assert_eq!(
            resource["resource"]["attributes"][3],
            json!({"key": "carrier.station", "value": {"stringValue": "Hall 4"}})
        );
    }
}
