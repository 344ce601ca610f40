//! The `traceparent` header: which trace a request belongs to (W3C Trace Context, 3.2). Pure.

use axum::http::{HeaderMap, HeaderName};
use capture::trace::TraceContext;

const NAME: HeaderName = HeaderName::from_static("traceparent");
/// Version, trace id, parent id and flags in hexadecimal digits, and the dashes between them.
const CHARS: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;
const IS_SAMPLED: u64 = 1;

/// The span that sent the request. `None` without a valid header, or if its trace is not recorded there.
pub(crate) fn of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(NAME).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    parse(value.to_str().ok()?)
}

fn parse(text: &str) -> Option<TraceContext> {
    // Later versions may append fields.
    let (known, more) = text.split_at_checked(CHARS)?;
    let mut fields = known.split('-');
    let mut next = |digits| fields.next().filter(|field| is_hex(field, digits));
    let (version, trace_id, span_id, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let is_whole = match version {
        "00" => more.is_empty(),
        "ff" => false,
        _ => more.is_empty() || more.starts_with('-'),
    };
    let trace_id = u128::from_str_radix(trace_id, 16).ok()?;
    let span_id = u64::from_str_radix(span_id, 16).ok()?;
    let flags = u64::from_str_radix(flags, 16).ok()?;
    let is_valid = is_whole && trace_id != 0 && span_id != 0 && flags & IS_SAMPLED != 0;
    is_valid.then_some(TraceContext { trace_id, span_id })
}

fn is_hex(field: &str, digits: usize) -> bool {
    let is_digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    field.len() == digits && field.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_standard_is_read() {
        let context = parse(EXAMPLE).expect("valid");
        assert_eq!(context.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id, 0x00f0_67aa_0ba9_02b7);
        let later = EXAMPLE.replacen("00-", "01-", 1);
        assert_eq!(parse(&later), Some(context));
        assert_eq!(parse(&format!("{later}-more")), Some(context));
    }

    #[test]
    fn what_the_standard_forbids_is_ignored() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "é0-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-001",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_names_one_parent() {
        let header = |values: &[&'static str]| {
            let pairs = values.iter();
            let mut headers = HeaderMap::new();
            pairs.for_each(|value| {
                headers.append(NAME, value.parse().expect("header text"));
            });
            of(&headers)
        };
        assert!(header(&[EXAMPLE]).is_some());
        assert_eq!(header(&[]), None);
        assert_eq!(header(&[EXAMPLE, EXAMPLE]), None);
    }
}
