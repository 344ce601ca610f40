//! A connection of the `rtc` library, set up to be a transport and nothing else.

use std::time::{Duration, Instant};

use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MediaEngine};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use rtc::shared::error::Error;

use super::PeerParts;
use crate::sdp::{Offer, transport_offer};

/// How often consent is asked for (RFC 7675 5.1: about every five seconds; sooner notices sooner).
const CONSENT_INTERVAL: Duration = Duration::from_secs(2);

/// A connection that has accepted `offer`, and its sender. Names are never looked up (mDNS is off),
/// and the library's congestion control, retransmission and reports are left out: ours serve all
/// viewers from one cache.
pub(super) fn connection(
    now: Instant,
    offer: &Offer,
    parts: &PeerParts<'_>,
    chain: Registry,
) -> Result<(RTCPeerConnection, RTCRtpSenderId), Error> {
    let settings = SettingEngineBuilder::new()
        .with_ice_credentials(parts.names.ufrag.clone(), parts.names.pwd.clone())
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(
            Some(parts.ice.disconnected),
            Some(parts.ice.failed),
            Some(CONSENT_INTERVAL),
        )
        .build();
    let mut pc = RTCPeerConnectionBuilder::new()
        .with_configuration(
            RTCConfigurationBuilder::new()
                .with_certificates(vec![parts.identity.certificate.clone()])
                .build(),
        )
        .with_media_engine(media_engine(offer.video.payload_type)?)
        .with_setting_engine(settings)
        .with_interceptor_registry(chain)
        .build(now)?;
    let sender = pc.add_track(track(parts.names.ssrc))?;
    let remote = RTCSessionDescription::offer(transport_offer(offer))?;
    pc.set_remote_description(now, remote)?;
    let answer = pc.create_answer(None)?;
    pc.set_local_description(now, answer)?;
    Ok((pc, sender))
}

/// The one codec the library is told of; what is really sent was negotiated by us.
fn media_engine(payload_type: u8) -> Result<MediaEngine, Error> {
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters {
        rtp_codec: h264(),
        payload_type,
    };
    media.register_codec(codec, RtpCodecKind::Video)?;
    Ok(media)
}

fn h264() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: crate::sdp::our_format(),
        rtcp_feedback: Vec::new(),
    }
}

fn track(ssrc: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        },
        active: true,
        codec: h264(),
        ..RTCRtpEncodingParameters::default()
    };
    let name = || "carrier".to_owned();
    MediaStreamTrack::new(name(), name(), name(), RtpCodecKind::Video, vec![coding])
}
