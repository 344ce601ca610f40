//! Writes SDP answers.

use std::fmt::Write as _;

use super::offer::{
    Offer, PLAYOUT_DELAY, Section, SectionUse, Setup, TRANSPORT_WIDE_SEQUENCE, VideoParams,
};

/// This side's part of an answer.
#[derive(Debug, Clone)]
pub(crate) struct AnswerParams<'a> {
    /// The session id of the `o=` line.
    pub(crate) session_number: u64,
    pub(crate) ufrag: &'a str,
    pub(crate) pwd: &'a str,
    /// SHA-256 fingerprint of the DTLS certificate.
    pub(crate) fingerprint: &'a str,
    /// `a=candidate` values, best first.
    pub(crate) candidates: &'a [String],
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
    /// The RTCP canonical name, also the media stream id.
    pub(crate) cname: &'a str,
}

/// Writes the answer to a viewer's `offer`.
pub(crate) fn answer(offer: &Offer, params: &AnswerParams<'_>) -> String {
    answer_with(offer, params, &|text, section| {
        video(text, offer, section, params);
    })
}

/// Writes an answer with one section for each of the offer's, in its order (RFC 3264 6). `video` writes
/// the section that is used.
pub(super) fn answer_with(
    offer: &Offer,
    params: &AnswerParams<'_>,
    video: &dyn Fn(&mut String, &Section),
) -> String {
    let mut text = String::with_capacity(2048);
    let bundled: Vec<&str> = offer
        .sections
        .iter()
        .filter(|section| section.bundled && section.usage != SectionUse::Rejected)
        .filter_map(|section| section.mid.as_deref())
        .collect();
    line(&mut text, "v=0");
    let number = params.session_number;
    line(&mut text, &format!("o=- {number} 2 IN IP4 127.0.0.1"));
    line(&mut text, "s=-\r\nt=0 0");
    if !bundled.is_empty() {
        line(&mut text, &format!("a=group:BUNDLE {}", bundled.join(" ")));
    }
    line(&mut text, "a=msid-semantic: WMS *");
    let mut candidates_written = false;
    for section in &offer.sections {
        match section.usage {
            SectionUse::Rejected => rejected(&mut text, section),
            SectionUse::Inactive => inactive(&mut text, section),
            SectionUse::Video => video(&mut text, section),
        }
        if section.usage != SectionUse::Rejected {
            transport(&mut text, offer, params);
            if !candidates_written {
                candidates(&mut text, params);
                candidates_written = true;
            }
        }
    }
    text
}

fn video(text: &mut String, offer: &Offer, section: &Section, params: &AnswerParams<'_>) {
    let video = &offer.video;
    video_head(text, offer, section, "sendonly");
    line(text, &format!("a=msid:{} video", params.cname));
    let extensions = [
        (video.playout_delay_id, PLAYOUT_DELAY),
        (video.transport_id, TRANSPORT_WIDE_SEQUENCE),
    ];
    video_formats(text, video, &extensions);
    let (ssrc, rtx) = (params.ssrc, params.rtx_ssrc);
    let with_rtx = video.rtx_payload_type.is_some();
    if with_rtx {
        line(text, &format!("a=ssrc-group:FID {ssrc} {rtx}"));
    }
    for ssrc in std::iter::once(ssrc).chain(with_rtx.then_some(rtx)) {
        line(text, &format!("a=ssrc:{ssrc} cname:{}", params.cname));
        line(text, &format!("a=ssrc:{ssrc} msid:{} video", params.cname));
    }
}

/// The `m=` line of the video with its payload types, and the direction of this side.
pub(super) fn video_head(text: &mut String, offer: &Offer, section: &Section, direction: &str) {
    let mut formats = offer.video.payload_type.to_string();
    if let Some(rtx) = offer.video.rtx_payload_type {
        let _ = write!(formats, " {rtx}");
    }
    head(text, section, "9", &formats);
    line(text, &format!("a={direction}"));
}

/// The video's formats, feedback, and those of the header extensions that have an id.
pub(super) fn video_formats(
    text: &mut String,
    video: &VideoParams,
    extensions: &[(Option<u8>, &str)],
) {
    let (payload_type, profile) = (video.payload_type, &video.profile_level_id);
    line(text, &format!("a=rtpmap:{payload_type} H264/90000"));
    line(
        text,
        &format!(
            "a=fmtp:{payload_type} level-asymmetry-allowed=1;packetization-mode=1;\
             profile-level-id={profile}"
        ),
    );
    for kind in &video.feedback {
        line(text, &format!("a=rtcp-fb:{payload_type} {kind}"));
    }
    if let Some(rtx) = video.rtx_payload_type {
        line(text, &format!("a=rtpmap:{rtx} rtx/90000"));
        line(text, &format!("a=fmtp:{rtx} apt={payload_type}"));
    }
    for (id, uri) in extensions {
        if let Some(id) = id {
            line(text, &format!("a=extmap:{id} {uri}"));
        }
    }
    if video.reduced_size_rtcp {
        line(text, "a=rtcp-rsize");
    }
}

fn inactive(text: &mut String, section: &Section) {
    let format = section.formats.first().map_or("0", String::as_str);
    head(text, section, "9", format);
    line(text, "a=inactive");
    if let Some(map) = &section.first_rtpmap {
        line(text, &format!("a=rtpmap:{map}"));
    }
}

fn rejected(text: &mut String, section: &Section) {
    head(text, section, "0", &section.formats.join(" "));
    if section.kind != "application" {
        line(text, "a=inactive");
    }
}

fn head(text: &mut String, section: &Section, port: &str, formats: &str) {
    let Section { kind, proto, .. } = section;
    line(text, &format!("m={kind} {port} {proto} {formats}"));
    line(text, "c=IN IP4 0.0.0.0");
    if let Some(mid) = &section.mid {
        line(text, &format!("a=mid:{mid}"));
    }
}

fn transport(text: &mut String, offer: &Offer, params: &AnswerParams<'_>) {
    // Starting the handshake saves one round trip: our candidates have been checked by then.
    let setup = match offer.setup {
        Setup::ActPass | Setup::Passive => "active",
        Setup::Active => "passive",
    };
    line(text, "a=rtcp-mux");
    line(text, &format!("a=ice-ufrag:{}", params.ufrag));
    line(text, &format!("a=ice-pwd:{}", params.pwd));
    line(text, "a=ice-options:trickle");
    line(
        text,
        &format!("a=fingerprint:sha-256 {}", params.fingerprint),
    );
    line(text, &format!("a=setup:{setup}"));
}

fn candidates(text: &mut String, params: &AnswerParams<'_>) {
    for candidate in params.candidates {
        line(text, &format!("a={candidate}"));
    }
    line(text, "a=end-of-candidates");
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push_str("\r\n");
}
