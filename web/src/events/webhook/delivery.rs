//! The signature of a delivery, and what an answer means. Pure.

use ring::hmac;

use crate::metrics::WebhookOutcome;

/// Contains the time as well, so that a recorded delivery cannot be sent again later.
pub(super) const SIGNATURE_HEADER: &str = "Carrier-Signature";

/// What happened to an attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeliveryResult {
    Delivered,
    /// Trying again would not help.
    Refused(String),
    Retry(String),
}

impl DeliveryResult {
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            // Request Timeout, Too Early and Too Many Requests end by themselves (RFC 9110, RFC 8470, RFC 6585).
            408 | 425 | 429 => Self::Retry(format!("status {status}")),
            400..=499 => Self::Refused(format!("status {status}")),
            _ => Self::Retry(format!("status {status}")),
        }
    }
}

impl From<&DeliveryResult> for WebhookOutcome {
    fn from(result: &DeliveryResult) -> Self {
        match result {
            DeliveryResult::Delivered => Self::Delivered,
            DeliveryResult::Refused(_) => Self::Refused,
            DeliveryResult::Retry(_) => Self::Failed,
        }
    }
}

/// `t=UNIX_TIME,v1=HEX`, the scheme of Stripe's webhooks: HMAC-SHA256 of the time, a dot and the body.
pub(super) fn signature(secret: &str, unix_s: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{unix_s}.").as_bytes());
    context.update(body);
    let tag = context.sign();
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={unix_s},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_openssl_computes() {
        // printf '1700000000.{"id":"a-1"}' | openssl dgst -sha256 -hmac orchid-lantern-hook
        let signed = signature("orchid-lantern-hook", 1_700_000_000, br#"{"id":"a-1"}"#);
        assert_eq!(
            signed,
            "t=1700000000,v1=f364c63a05a8568d300fe79fc23a722511da7845b3fe40cbba757fe04a26a636"
        );
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [200, 202, 204] {
            assert_eq!(
                DeliveryResult::of_status(status),
                DeliveryResult::Delivered,
                "{status}"
            );
        }
        for status in [400, 401, 404, 410, 422] {
            assert!(
                matches!(
                    DeliveryResult::of_status(status),
                    DeliveryResult::Refused(_)
                ),
                "{status}"
            );
        }
        for status in [302, 408, 425, 429, 500, 502, 503] {
            assert!(
                matches!(DeliveryResult::of_status(status), DeliveryResult::Retry(_)),
                "{status}"
            );
        }
    }
}
