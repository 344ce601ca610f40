//! Parses the offer of a publisher, and answers that only H.264 is received.
//!
//! The answer leaves out `urn:3gpp:video-orientation`, so that phones rotate their pictures themselves.

use super::answer::{AnswerParams, answer_with, video_formats, video_head};
use super::offer::{Offer, TRANSPORT_WIDE_SEQUENCE};
use super::text::SdpError;

/// Parses a publisher's offer and checks that it can be answered.
pub(crate) fn parse_published(text: &str) -> Result<Offer, SdpError> {
    Offer::parse_for(text, true)
}

/// Writes the answer: the video is received, everything else is inactive or rejected.
pub(crate) fn publish_answer(offer: &Offer, params: &AnswerParams<'_>) -> String {
    answer_with(offer, params, &|text, section| {
        video_head(text, offer, section, "recvonly");
        video_formats(
            text,
            &offer.video,
            &[(offer.video.transport_id, TRANSPORT_WIDE_SEQUENCE)],
        );
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROMIUM: &str = include_str!("../../tests/fixtures/chromium.sdp");

    fn publishing() -> String {
        CHROMIUM.replace("a=recvonly", "a=sendonly")
    }

    fn answered(offer: &str) -> String {
        let params = AnswerParams {
            session_number: 42,
            ufrag: "abcdef0123456789",
            pwd: "0123456789abcdef0123456789abcdef",
            fingerprint: "AA:BB",
            candidates: &[],
            ssrc: 1111,
            rtx_ssrc: 2222,
            cname: "carrier",
        };
        publish_answer(&parse_published(offer).expect("usable"), &params)
    }

    #[test]
    fn the_answer_receives_only_h264_with_all_offered_feedback() {
        let text = answered(&publishing());
        let sections: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(sections, ["m=video 9 UDP/TLS/RTP/SAVPF 108 109"]);
        for line in [
            "a=recvonly",
            "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            "a=fmtp:109 apt=108",
            "a=rtcp-fb:108 nack",
            "a=rtcp-fb:108 nack pli",
            "a=rtcp-fb:108 transport-cc",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} in\n{text}");
        }
        let extension = format!(" {TRANSPORT_WIDE_SEQUENCE}");
        assert!(text.lines().any(|line| line.ends_with(&extension)));
        for absent in ["video-orientation", "a=ssrc", "a=sendonly", "playout-delay"] {
            assert!(!text.contains(absent), "{absent} in\n{text}");
        }
    }

    #[test]
    fn unsupported_offers_are_rejected_with_a_reason() {
        let refused = |offer: &str| parse_published(offer).expect_err("unusable");
        assert_eq!(refused(CHROMIUM), SdpError::NotSending);
        let audio = publishing().replace("m=video", "m=audio");
        assert_eq!(refused(&audio), SdpError::NoPublishedVideo);
        let without = refused(&publishing().replace("H264", "H265")).to_string();
        assert!(
            without.contains("it has") && without.contains("H265"),
            "{without}"
        );
        assert!(refused("hello").is_malformed());
        assert!(!refused(CHROMIUM).is_malformed());
    }
}
