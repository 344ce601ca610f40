//! Parses the offer of a publisher, and answers that only H.264 is received.
//!
//! The answer leaves out `urn:3gpp:video-orientation`, so that phones rotate their pictures themselves.

use super::answer::{AnswerParams, answer_with, fmtp, head, line};
use super::h264;
use super::offer::{Offer, Section, TRANSPORT_WIDE_SEQUENCE, direction, is_open};
use super::text::{MediaText, SdpError, SessionText};

/// Why a publisher's offer cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishError {
    /// The offer is unusable.
    #[error(transparent)]
    Offer(#[from] SdpError),
    /// There is no video section.
    #[error("the offer has no video section: add a video track with direction sendonly")]
    NoVideo,
    /// No video section sends.
    #[error("the offer does not send video: the video section must be sendonly or sendrecv")]
    NotSending,
    /// Only H.264 with packetisation mode 1 is decoded.
    #[error(
        "the offer has no H.264 with packetization-mode=1, the only video taken here; it has {0}. \
         Choose H.264 in the program that publishes"
    )]
    NoH264(String),
}

impl PublishError {
    /// Whether the text is malformed (HTTP 400), as opposed to unsupported (422).
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self, Self::Offer(error) if error.is_malformed())
    }
}

/// Parses a publisher's offer and checks that it can be answered.
pub(crate) fn parse_published(text: &str) -> Result<Offer, PublishError> {
    let session = SessionText::parse(text)?;
    let video_index = video_section(&session)?;
    let video = &session.media[video_index];
    let choice =
        h264::choose(video).ok_or_else(|| PublishError::NoH264(h264::codec_names(video)))?;
    Ok(Offer::of(&session, video_index, choice)?)
}

/// The first section that sends video.
fn video_section(session: &SessionText) -> Result<usize, PublishError> {
    let is_video = |media: &MediaText| {
        media.kind == "video" && media.proto.ends_with("SAVPF") && is_open(media)
    };
    let sends = |media: &MediaText| {
        is_video(media) && !["recvonly", "inactive"].contains(&direction(session, media))
    };
    session.media.iter().position(sends).ok_or({
        if session.media.iter().any(is_video) {
            PublishError::NotSending
        } else {
            PublishError::NoVideo
        }
    })
}

/// Writes the answer: the video is received, everything else is inactive or rejected.
pub(crate) fn publish_answer(offer: &Offer, params: &AnswerParams<'_>) -> String {
    answer_with(offer, params, &|text, section| {
        video(text, offer, section);
    })
}

fn video(text: &mut String, offer: &Offer, section: &Section) {
    let video = &offer.video;
    let payload_type = video.payload_type;
    let rtx = video.rtx_payload_type;
    let formats = rtx.map_or(payload_type.to_string(), |rtx| {
        format!("{payload_type} {rtx}")
    });
    head(text, section, "9", &formats);
    line(text, "a=recvonly");
    line(text, &format!("a=rtpmap:{payload_type} H264/90000"));
    let parameters = fmtp(&video.profile_level_id);
    line(text, &format!("a=fmtp:{payload_type} {parameters}"));
    for kind in &video.feedback {
        line(text, &format!("a=rtcp-fb:{payload_type} {kind}"));
    }
    if let Some(id) = video.transport_id {
        line(text, &format!("a=extmap:{id} {TRANSPORT_WIDE_SEQUENCE}"));
    }
    if let Some(rtx) = rtx {
        line(text, &format!("a=rtpmap:{rtx} rtx/90000"));
        line(text, &format!("a=fmtp:{rtx} apt={payload_type}"));
    }
    if video.reduced_size_rtcp {
        line(text, "a=rtcp-rsize");
    }
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
        assert_eq!(refused(CHROMIUM), PublishError::NotSending);
        let audio = publishing().replace("m=video", "m=audio");
        assert_eq!(refused(&audio), PublishError::NoVideo);
        let without = refused(&publishing().replace("H264", "H265")).to_string();
        assert!(
            without.contains("it has") && without.contains("H265"),
            "{without}"
        );
        assert!(refused("hello").is_malformed());
        assert!(!refused(CHROMIUM).is_malformed());
    }
}
