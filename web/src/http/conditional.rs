//! Conditional and partial requests (RFC 9110, sections 13 and 14).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

/// A strong ETag: a hash of the content, the same in every run of a build.
pub(crate) fn entity_tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether `If-None-Match` matches `tag`, by weak comparison (RFC 9110 13.1.2): proxies that compress
/// make tags weak.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let listed = headers.get_all(header::IF_NONE_MATCH).iter();
    listed
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|one| one == "*" || opaque(one) == opaque(tag))
}

/// Whether the client takes gzip (RFC 9110 12.5.3): it names it, and not with a weight of zero.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings = listed.filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_gzip && weight != Some(0.0)
    })
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Answers with `bytes`, or with the part that `Range` names, which resumes a download. Several ranges
/// are answered with the whole, as RFC 9110 14.2 allows.
pub(crate) fn partial(headers: &HeaderMap, tag: &str, bytes: Bytes) -> Response {
    let length = bytes.len() as u64;
    let mut response = match asked_range(headers, tag, length) {
        None => bytes.into_response(),
        Some(Ok(range)) => {
            let part = bytes.slice(*range.start() as usize..=*range.end() as usize);
            let place = format!("bytes {}-{}/{length}", range.start(), range.end());
            let place = [(header::CONTENT_RANGE, place)];
            (StatusCode::PARTIAL_CONTENT, place, part).into_response()
        }
        Some(Err(UnsatisfiableRangeError)) => {
            let place = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, place).into_response()
        }
    };
    let answer = response.headers_mut();
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        answer.insert(header::ETAG, tag);
    }
    response
}

#[derive(Debug, PartialEq, Eq)]
struct UnsatisfiableRangeError;

/// The requested range, if there is exactly one and `If-Range` matches.
fn asked_range(
    headers: &HeaderMap,
    tag: &str,
    length: u64,
) -> Option<Result<RangeInclusive<u64>, UnsatisfiableRangeError>> {
    let asked = headers.get(header::RANGE)?.to_str().ok()?;
    // Neither a date nor a weak tag matches (RFC 9110 13.1.5).
    if headers.get(header::IF_RANGE).is_some_and(|of| of != tag) {
        return None;
    }
    if asked.contains(',') {
        return None;
    }
    let parsed = http_range_header::parse_range_header(asked).ok()?;
    let ranges = parsed.validate(length).map_err(|_| UnsatisfiableRangeError);
    ranges.map(|ranges| ranges.into_iter().next()).transpose()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const TAG: &str = "\"abc\"";

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        let text = |value: &str| value.parse().expect("header text");
        list.iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }

    #[test]
    fn tags_are_compared_weakly() {
        for known in ["\"abc\"", "W/\"abc\"", "\"x\", W/\"abc\"", "*", " \"abc\" "] {
            assert!(
                is_known(&headers(&[(header::IF_NONE_MATCH, known)]), TAG),
                "{known}"
            );
        }
        for other in ["\"abd\"", "abc", "W/\"ab\"", ""] {
            assert!(
                !is_known(&headers(&[(header::IF_NONE_MATCH, other)]), TAG),
                "{other}"
            );
        }
        let mut two = headers(&[(header::IF_NONE_MATCH, "\"x\"")]);
        two.append(header::IF_NONE_MATCH, HeaderValue::from_static(TAG));
        assert!(is_known(&two, TAG), "two lines are one list");
        assert!(!is_known(&HeaderMap::new(), TAG));
    }

    #[test]
    fn gzip_is_for_those_who_name_it() {
        for (accepted, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("x-gzip2", false),
            ("", false),
        ] {
            let headers = headers(&[(header::ACCEPT_ENCODING, accepted)]);
            assert_eq!(takes_gzip(&headers), takes, "{accepted}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    fn asked(range: &str) -> (StatusCode, Option<String>) {
        let headers = headers(&[(header::RANGE, range)]);
        let response = partial(&headers, TAG, Bytes::from_static(b"0123456789"));
        let place = response.headers().get(header::CONTENT_RANGE);
        let place = place.map(|value| value.to_str().expect("text").to_owned());
        (response.status(), place)
    }

    #[test]
    fn one_range_is_answered_with_its_part() {
        let part = |place: &str| (StatusCode::PARTIAL_CONTENT, Some(place.to_owned()));
        assert_eq!(asked("bytes=4-"), part("bytes 4-9/10"));
        assert_eq!(asked("bytes=0-0"), part("bytes 0-0/10"));
        assert_eq!(asked("bytes=-3"), part("bytes 7-9/10"));
        assert_eq!(asked("bytes=4-99"), part("bytes 4-9/10"));
        let beyond = (
            StatusCode::RANGE_NOT_SATISFIABLE,
            Some("bytes */10".to_owned()),
        );
        assert_eq!(asked("bytes=10-"), beyond);
    }

    #[test]
    fn invalid_and_multiple_ranges_get_the_whole_body() {
        for range in ["bytes=0-1,4-5", "lines=1-2", "bytes=5-2", "bytes", ""] {
            assert_eq!(asked(range), (StatusCode::OK, None), "{range}");
        }
    }

    #[test]
    fn a_part_of_another_picture_is_never_sent() {
        let of = |tag: &str| {
            let asked = [(header::RANGE, "bytes=4-"), (header::IF_RANGE, tag)];
            partial(&headers(&asked), TAG, Bytes::from_static(b"0123456789")).status()
        };
        assert_eq!(of(TAG), StatusCode::PARTIAL_CONTENT);
        assert_eq!(of("\"other\""), StatusCode::OK);
        assert_eq!(of("W/\"abc\""), StatusCode::OK);
    }
}
