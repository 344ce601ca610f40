//! Parses an offer into what the engine needs.

use std::net::{IpAddr, SocketAddr};

use super::h264::{self, H264Choice};
use super::text::{
    Attributes, MediaText, REMOTE_CANDIDATES_MAX, RemoteCandidate, SdpError, SessionText,
};

/// Header extension by which a sender requests a playout delay
/// (<https://webrtc.googlesource.com/src/+/main/docs/native-code/rtp-hdrext/playout-delay>).
pub(super) const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

/// Header extension with the transport-wide sequence number, which feedback refers to
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub(crate) const TRANSPORT_WIDE_SEQUENCE: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const TRANSPORT_FEEDBACK: &str = "transport-cc";

/// DTLS role in the offer (RFC 5763).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    ActPass,
    Active,
    Passive,
}

/// Negotiated parameters of the video stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoParams {
    pub(crate) payload_type: u8,
    pub(crate) rtx_payload_type: Option<u8>,
    pub(crate) profile_level_id: String,
    /// Id of the playout-delay header extension.
    pub(crate) playout_delay_id: Option<u8>,
    /// Id of the transport-wide sequence number extension, if the viewer sends feedback for it.
    pub(crate) transport_id: Option<u8>,
    /// `a=rtcp-fb` kinds that both sides support.
    pub(crate) feedback: Vec<&'static str>,
    pub(crate) reduced_size_rtcp: bool,
}

impl VideoParams {
    /// Whether the viewer can request keyframes, by PLI (RFC 4585 6.3.1) or FIR (RFC 5104 4.3.1).
    pub(crate) fn requests_keyframes(&self) -> bool {
        let mut kinds = self.feedback.iter();
        kinds.any(|kind| ["nack pli", "ccm fir"].contains(kind))
    }
}

/// How a section is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionUse {
    /// The video in use.
    Video,
    /// Accepted but unused, because WHEP forbids rejecting them: audio, further video.
    Inactive,
    /// Rejected with port 0: data channels and others.
    Rejected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) kind: String,
    pub(super) proto: String,
    pub(super) mid: Option<String>,
    pub(super) bundled: bool,
    pub(super) usage: SectionUse,
    pub(super) formats: Vec<String>,
    /// `a=rtpmap` value of the first format.
    pub(super) first_rtpmap: Option<String>,
}

/// A usable offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) fingerprint: String,
    pub(crate) setup: Setup,
    pub(crate) ice_lite: bool,
    pub(crate) candidates: Vec<RemoteCandidate>,
    pub(crate) video: VideoParams,
    pub(super) sections: Vec<Section>,
    /// Size of its text.
    pub(crate) bytes: usize,
}

impl Offer {
    /// Parses a viewer's offer and checks that it can be answered.
    pub(crate) fn parse(text: &str) -> Result<Self, SdpError> {
        Self::parse_for(text, false)
    }

    /// As [`Self::parse`]; with `publishes`, the offer must send video instead of receiving it.
    pub(super) fn parse_for(text: &str, publishes: bool) -> Result<Self, SdpError> {
        let session = SessionText::parse(text)?;
        let is_video = |media: &MediaText| {
            media.kind == "video" && media.proto.ends_with("SAVPF") && is_open(media)
        };
        let unusable = [if publishes { "recvonly" } else { "sendonly" }, "inactive"];
        let is_usable =
            |media: &MediaText| is_video(media) && !unusable.contains(&direction(&session, media));
        let Some(video_index) = session.media.iter().position(is_usable) else {
            return Err(match (publishes, session.media.iter().any(is_video)) {
                (false, true) => SdpError::NotReceiving,
                (false, false) => SdpError::NoVideo,
                (true, true) => SdpError::NotSending,
                (true, false) => SdpError::NoPublishedVideo,
            });
        };
        let video = &session.media[video_index];
        let choice = h264::choose(video).ok_or_else(|| {
            let offered = h264::codec_names(video);
            match publishes {
                false => SdpError::NoH264(offered),
                true => SdpError::NoPublishedH264(offered),
            }
        })?;
        if !video.attributes.has("rtcp-mux") && !video.attributes.has("rtcp-mux-only") {
            return Err(SdpError::NoRtcpMux);
        }
        let find = |name: &str| {
            let mut everywhere = session.attributes_from(video_index);
            everywhere.find_map(|attributes| attributes.first(name).map(str::to_owned))
        };
        // A bundled section may inherit the parameters of ICE and DTLS from the bundle's first section
        // (RFC 9143 7.1.3) or from the session.
        let ice = |name: &str, min_length: usize| {
            let value =
                find(name).ok_or_else(|| SdpError::malformed(format!("a={name} is missing")))?;
            let usable = is_ice_chars(&value, min_length).then_some(value);
            usable.ok_or_else(|| {
                SdpError::malformed(format!("a={name} is not what RFC 8839 5.4 allows"))
            })
        };
        Ok(Self {
            ufrag: ice("ice-ufrag", 4)?,
            pwd: ice("ice-pwd", 22)?,
            fingerprint: fingerprint(&session, video_index)?,
            setup: match find("setup").as_deref() {
                Some("active") => Setup::Active,
                Some("passive") => Setup::Passive,
                _ => Setup::ActPass,
            },
            ice_lite: session.attributes.has("ice-lite"),
            candidates: candidates(&session),
            video: video_params(video, choice),
            sections: sections(&session, video_index),
            bytes: session.bytes,
        })
    }
}

/// Port 0 closes a section, unless it is bundle-only (RFC 9143 6).
fn is_open(media: &MediaText) -> bool {
    media.port != "0" || media.attributes.has("bundle-only")
}

fn direction(session: &SessionText, media: &MediaText) -> &'static str {
    let named = |attributes: &Attributes| {
        let mut names = ["recvonly", "sendonly", "inactive", "sendrecv"].into_iter();
        names.find(|name| attributes.has(name))
    };
    let own = named(&media.attributes);
    own.or_else(|| named(&session.attributes))
        .unwrap_or("sendrecv")
}

/// Whether ICE credentials are usable. More lenient than `ice-char` of RFC 8839 5.4, because some players are.
pub(super) fn is_ice_chars(value: &str, min_length: usize) -> bool {
    let legal = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    (min_length..=256).contains(&value.len()) && value.bytes().all(legal)
}

fn fingerprint(session: &SessionText, video_index: usize) -> Result<String, SdpError> {
    let mut other = None;
    let everywhere = session.attributes_from(video_index);
    for value in everywhere.flat_map(|attributes| attributes.all("fingerprint")) {
        let (algorithm, digest) = value.split_once(' ').unwrap_or((value, ""));
        if !algorithm.eq_ignore_ascii_case("sha-256") {
            other.get_or_insert_with(|| algorithm.chars().take(16).collect::<String>());
        } else if is_sha256(digest.trim()) {
            return Ok(digest.trim().to_owned());
        } else {
            let what = "a=fingerprint:sha-256 needs 32 bytes in hexadecimal";
            return Err(SdpError::malformed(what));
        }
    }
    Err(other.map_or_else(
        || SdpError::malformed("a=fingerprint is missing"),
        SdpError::Fingerprint,
    ))
}

fn is_sha256(digest: &str) -> bool {
    let mut bytes = 0;
    digest.split(':').all(|byte| {
        bytes += 1;
        byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit())
    }) && bytes == 32
}

fn candidates(session: &SessionText) -> Vec<RemoteCandidate> {
    let everywhere = session.attributes_from(0);
    let all = everywhere.flat_map(|attributes| attributes.all("candidate"));
    let mut found: Vec<RemoteCandidate> = Vec::new();
    for candidate in all.filter_map(remote_candidate) {
        let known = found.iter().any(|other| other.addr == candidate.addr);
        if !known && found.len() < REMOTE_CANDIDATES_MAX {
            found.push(candidate);
        }
    }
    found
}

/// Parses a candidate that can be checked: UDP, RTP component, with an IP address. Host names (mDNS `.local`)
/// are skipped, because the viewer's own checks show its address.
pub(super) fn remote_candidate(value: &str) -> Option<RemoteCandidate> {
    let value = value.strip_prefix("candidate:").unwrap_or(value);
    let mut words = value.split_ascii_whitespace();
    let _foundation = words.next()?;
    let component = words.next()?;
    let transport = words.next()?;
    let priority = words.next()?.parse().ok()?;
    let ip: IpAddr = words.next()?.parse().ok()?;
    let port: u16 = words.next()?.parse().ok()?;
    let usable = component == "1" && transport.eq_ignore_ascii_case("udp") && port != 0;
    (usable && is_reachable(ip)).then_some(RemoteCandidate {
        addr: SocketAddr::new(ip.to_canonical(), port),
        priority,
    })
}

fn is_reachable(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => !v4.is_unspecified() && !v4.is_multicast() && !v4.is_broadcast(),
        // Link-local addresses need a scope, which SDP does not carry.
        IpAddr::V6(v6) => !v6.is_unspecified() && !v6.is_multicast() && !v6.is_unicast_link_local(),
    }
}

fn video_params(media: &MediaText, choice: H264Choice) -> VideoParams {
    let offered = |kind: &str| {
        media.attributes.all("rtcp-fb").any(|value| {
            value.split_once(' ').is_some_and(|(target, what)| {
                (target == "*" || target.parse() == Ok(choice.payload_type)) && what.trim() == kind
            })
        })
    };
    let feedback = ["nack", "nack pli", "ccm fir", TRANSPORT_FEEDBACK]
        .into_iter()
        .filter(|kind| offered(kind))
        .collect();
    let transport_id = extension_id(media, TRANSPORT_WIDE_SEQUENCE);
    VideoParams {
        payload_type: choice.payload_type,
        rtx_payload_type: choice.rtx_payload_type,
        profile_level_id: choice.profile_level_id,
        playout_delay_id: extension_id(media, PLAYOUT_DELAY),
        transport_id: transport_id.filter(|_| offered(TRANSPORT_FEEDBACK)),
        feedback,
        reduced_size_rtcp: media.attributes.has("rtcp-rsize"),
    }
}

/// The id of a header extension, if it fits the one-byte form (RFC 8285 4.2).
fn extension_id(media: &MediaText, uri: &str) -> Option<u8> {
    media.attributes.all("extmap").find_map(|value| {
        let mut words = value.split_ascii_whitespace();
        let (id, direction) = match words.next()?.split_once('/') {
            Some((id, direction)) => (id.parse().ok()?, direction),
            None => (value.split_ascii_whitespace().next()?.parse().ok()?, ""),
        };
        let named = words.next() == Some(uri);
        let open = !["sendonly", "inactive"].contains(&direction);
        (named && open && (1..=14).contains(&id)).then_some(id)
    })
}

fn sections(session: &SessionText, video_index: usize) -> Vec<Section> {
    let bundle: Vec<&str> = session
        .attributes
        .all("group")
        .filter_map(|group| group.strip_prefix("BUNDLE"))
        .flat_map(str::split_ascii_whitespace)
        .collect();
    let video_mid = session.media[video_index].attributes.first("mid");
    let video_bundled = video_mid.is_some_and(|mid| bundle.contains(&mid));
    session
        .media
        .iter()
        .enumerate()
        .map(|(index, media)| {
            let mid = media.attributes.first("mid").map(str::to_owned);
            let bundled = mid.as_deref().is_some_and(|mid| bundle.contains(&mid));
            // A section outside the bundle would need its own transport.
            let idle = video_bundled
                && bundled
                && is_open(media)
                && media.proto.ends_with("SAVPF")
                && ["audio", "video"].contains(&media.kind.as_str())
                && !media.formats.is_empty();
            Section {
                kind: media.kind.clone(),
                proto: media.proto.clone(),
                mid,
                bundled,
                usage: match (index == video_index, idle) {
                    (true, _) => SectionUse::Video,
                    (false, true) => SectionUse::Inactive,
                    (false, false) => SectionUse::Rejected,
                },
                first_rtpmap: media.formats.first().and_then(|first| {
                    media
                        .attributes
                        .all("rtpmap")
                        .find(|map| map.split_once(' ').is_some_and(|(pt, _)| pt == first))
                        .map(str::to_owned)
                }),
                formats: media.formats.clone(),
            }
        })
        .collect()
}
