//! Selects the H.264 payload type of an offer.

use super::text::MediaText;

/// A payload type that can carry the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct H264Choice {
    pub(super) payload_type: u8,
    /// As in the offer; echoed in the answer.
    pub(super) profile_level_id: String,
    /// Payload type of its retransmission format (RTX, RFC 4588).
    pub(super) rtx_payload_type: Option<u8>,
}

/// The default of profile-level-id (RFC 6184 8.1).
const DEFAULT_PROFILE: &str = "42000a";

/// The best H.264 format of a section: with packetisation mode 1 (the packetiser makes FU-A), and the profile
/// nearest to constrained baseline. Main and High decoders can also play it (ITU-T H.264 A.2). Of equal
/// formats, one with RTX, then the first.
pub(super) fn choose(media: &MediaText) -> Option<H264Choice> {
    let mut best: Option<((u8, bool), H264Choice)> = None;
    for payload_type in media
        .formats
        .iter()
        .filter_map(|format| format.parse().ok())
    {
        let Some(choice) = candidate(media, payload_type) else {
            continue;
        };
        let Some(distance) = distance(&choice.profile_level_id) else {
            continue;
        };
        let rank = (distance, choice.rtx_payload_type.is_none());
        if best.as_ref().is_none_or(|(best_rank, _)| rank < *best_rank) {
            best = Some((rank, choice));
        }
    }
    best.map(|(_, choice)| choice)
}

/// Lists a section's codecs for an error message.
pub(super) fn codec_names(media: &MediaText) -> String {
    let mut names: Vec<String> = Vec::new();
    for map in media.attributes.all("rtpmap") {
        let name = map.split_once(' ').map_or(map, |(_, codec)| codec);
        let name = name.split('/').next().unwrap_or(name);
        let name: String = name
            .chars()
            .filter(char::is_ascii_graphic)
            .take(16)
            .collect();
        if !names.contains(&name) && names.len() < 12 {
            names.push(name);
        }
    }
    if names.is_empty() {
        "none at all".to_owned()
    } else {
        names.join(", ")
    }
}

fn candidate(media: &MediaText, payload_type: u8) -> Option<H264Choice> {
    let map = mapped(media, "rtpmap", payload_type)?;
    if payload_type > 127 || !map.to_ascii_lowercase().starts_with("h264/90000") {
        return None;
    }
    let fmtp = mapped(media, "fmtp", payload_type).unwrap_or("");
    if parameter(fmtp, "packetization-mode") != Some("1") {
        return None;
    }
    let profile = parameter(fmtp, "profile-level-id").unwrap_or(DEFAULT_PROFILE);
    Some(H264Choice {
        payload_type,
        profile_level_id: profile.to_owned(),
        rtx_payload_type: rtx_for(media, payload_type),
    })
}

/// Distance of a profile from constrained baseline; `None` if it cannot play the stream.
fn distance(profile_level_id: &str) -> Option<u8> {
    if profile_level_id.len() != 6 {
        return None;
    }
    let value = u32::from_str_radix(profile_level_id, 16).ok()?;
    let [_, profile, constraints, _] = value.to_be_bytes();
    match (profile, constraints) {
        // profile_idc 66 with constraint_set1: constrained baseline itself.
        (0x42, flags) if flags & 0x40 != 0 => Some(0),
        (0x42, _) => Some(1),
        // Main with constraint_set0 is also constrained baseline (RFC 6184 8.1).
        (0x4d, flags) if flags & 0x80 != 0 => Some(1),
        (0x4d, _) => Some(2),
        (0x64, _) => Some(3),
        _ => None,
    }
}

fn rtx_for(media: &MediaText, payload_type: u8) -> Option<u8> {
    let wanted = payload_type.to_string();
    media
        .formats
        .iter()
        .filter_map(|format| format.parse::<u8>().ok())
        .find(|rtx| {
            *rtx <= 127
                && mapped(media, "rtpmap", *rtx)
                    .is_some_and(|map| map.eq_ignore_ascii_case("rtx/90000"))
                && mapped(media, "fmtp", *rtx)
                    .is_some_and(|fmtp| parameter(fmtp, "apt") == Some(wanted.as_str()))
        })
}

/// The rest of `a=NAME:PT REST`.
fn mapped<'a>(media: &'a MediaText, name: &'static str, payload_type: u8) -> Option<&'a str> {
    media.attributes.all(name).find_map(|value| {
        let (number, rest) = value.split_once(' ')?;
        (number.parse() == Ok(payload_type)).then(|| rest.trim())
    })
}

fn parameter<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
