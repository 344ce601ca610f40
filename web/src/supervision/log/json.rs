//! Lines of the log in JSON, with the trace that the thread works on.

use std::fmt;

use capture::trace::{self, TraceContext};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

/// Adds `trace_id` and `span_id`, as OpenTelemetry names them in logs of other formats.
pub(super) struct WithTraceId(pub(super) Format<Json>);

impl<S> FormatEvent<S, JsonFields> for WithTraceId
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(current) = trace::current() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&with_trace_id(&line, current))
    }
}

/// `line`: an object and the line end.
fn with_trace_id(line: &str, current: TraceContext) -> String {
    match line.trim_end().strip_suffix('}') {
        Some(fields) => {
            let span_id = current.span_id;
            format!("{fields},\"trace_id\":\"{current}\",\"span_id\":\"{span_id:016x}\"}}\n")
        }
        None => line.to_owned(),
    }
}

#[test]
fn a_line_names_its_trace() {
    let current = TraceContext {
        trace_id: 0xabc,
        span_id: 0x1f,
    };
    let line = with_trace_id("{\"level\":\"INFO\",\"message\":\"x\"}\n", current);
    let fields: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(fields["message"], "x");
    assert_eq!(fields["trace_id"], "00000000000000000000000000000abc");
    assert_eq!(fields["span_id"], "000000000000001f");
    assert!(line.ends_with("}\n"));
}
