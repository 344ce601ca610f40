//! The media connection of publishing: a peer connection of the `webrtc` crate with its own sockets, sending
//! one H.264 track.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_RTX};
use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RTCRtpHeaderExtensionCapability, RTCRtpRtxParameters, RtpCodecKind,
};
use tokio::sync::watch;
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCConfigurationBuilder, RTCIceGatheringState, RTCIceServer, RTCPeerConnectionState,
    RTCSessionDescription, Registry, SettingEngineBuilder, Slot, StatsSelector,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpSender};

use super::link_header::IceServer;
use super::server_feedback::{FeedbackQueue, ServerFeedback};
use crate::fanout::rtp_stream::StreamTerms;
use crate::transport::interfaces::host_addresses;

const PAYLOAD_TYPE: u8 = 96;
const RTX_PAYLOAD_TYPE: u8 = 97;
/// Constrained baseline, level 3.1, packetisation mode 1, as the encoder and the packetiser produce.
const H264_FORMAT: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
/// The header extension with the number that transport-wide feedback refers to.
const TRANSPORT_NUMBER: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// Interceptor order: must exceed every built-in one.
const FEEDBACK_SLOT: usize = 20_000;

/// Consent is checked each second; a server silent for 2 s is disconnected, 2 s later it is lost. A new session
/// takes less than a second, so that a longer wait gains nothing.
const KEEPALIVE: Duration = Duration::from_secs(1);
const SILENT_AFTER: Duration = Duration::from_secs(2);
const LOST_AFTER: Duration = Duration::from_secs(2);
/// Time limit for gathering candidates from STUN and TURN servers.
const GATHER_TIMEOUT: Duration = Duration::from_secs(3);

/// A sending connection, from its offer on.
pub(super) struct MediaConnection {
    connection: Box<dyn PeerConnection>,
    track: Arc<TrackLocalStaticRTP>,
    sender: Arc<dyn RtpSender>,
    state: watch::Receiver<RTCPeerConnectionState>,
    gathered: watch::Receiver<u32>,
    offer: RTCSessionDescription,
    ssrc: u32,
    rtx_ssrc: u32,
    pub(super) feedback: Arc<FeedbackQueue>,
}

/// Publishes the library's callbacks through watch channels, because its task must never block.
struct Events {
    state: watch::Sender<RTCPeerConnectionState>,
    /// Number of completed gatherings.
    gathered: watch::Sender<u32>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_modify(|times| *times += 1);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }
}

impl MediaConnection {
    /// Creates an offer with all host candidates.
    pub(super) async fn offer(server_is_local: bool) -> Result<Self, Error> {
        let ssrc: u32 = rand::random();
        let rtx_ssrc = ssrc.wrapping_add(1);
        let feedback = Arc::new(FeedbackQueue::new(ssrc));
        let (state, state_seen) = watch::channel(RTCPeerConnectionState::New);
        let (gathered, gathered_seen) = watch::channel(0);
        let settings = SettingEngineBuilder::default()
            // Port 5353 belongs to the system's mDNS service.
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_ice_timeouts(Some(SILENT_AFTER), Some(LOST_AFTER), Some(KEEPALIVE))
            .build();
        let interceptors = Registry::new().with(
            Slot::from(FEEDBACK_SLOT),
            ServerFeedback::new(Arc::clone(&feedback), (RTX_PAYLOAD_TYPE, rtx_ssrc)),
        );
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(codecs()?)
            .with_interceptor_registry(interceptors)
            .with_setting_engine(settings)
            .with_handler(Arc::new(Events { state, gathered }))
            .with_udp_addrs(local_addresses(server_is_local))
            .build()
            .await?;
        let track = Arc::new(TrackLocalStaticRTP::new(track(ssrc, rtx_ssrc)));
        let sendonly = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            ..RTCRtpTransceiverInit::default()
        };
        let sending = Arc::clone(&track) as Arc<dyn TrackLocal>;
        let transceiver = connection
            .add_transceiver_from_track(sending, Some(sendonly))
            .await?;
        let sender = transceiver.sender().await?;
        let sender = sender.ok_or(Error::ErrRTPSenderNotExisted)?;
        let offer = connection.create_offer(None).await?;
        let mut peer = Self {
            connection: Box::new(connection),
            track,
            sender,
            state: state_seen,
            gathered: gathered_seen,
            offer,
            ssrc,
            rtx_ssrc,
            feedback,
        };
        peer.gather().await?;
        Ok(peer)
    }

    /// The local description, with the candidates gathered so far.
    pub(super) async fn local_sdp(&self) -> String {
        let local = self.connection.local_description().await;
        local.map(|description| description.sdp).unwrap_or_default()
    }

    /// Gathers again with ICE servers that came with the answer.
    pub(super) async fn gather_with(&mut self, servers: &[IceServer]) -> Result<(), Error> {
        let servers = servers.iter().map(|server| RTCIceServer {
            urls: vec![server.url.clone()],
            username: server.username.clone(),
            credential: server.credential.clone(),
        });
        let configuration = RTCConfigurationBuilder::new()
            .with_ice_servers(servers.collect())
            .build();
        self.connection.set_configuration(configuration).await?;
        self.gather().await
    }

    /// Gathers candidates; setting the local description starts it, also a second time.
    async fn gather(&mut self) -> Result<(), Error> {
        self.gathered.mark_unchanged();
        let offer = self.offer.clone();
        self.connection.set_local_description(offer).await?;
        // Slower servers are skipped.
        let _ = tokio::time::timeout(GATHER_TIMEOUT, self.gathered.changed()).await;
        Ok(())
    }

    /// Applies the answer and returns what was negotiated.
    pub(super) async fn accept(&self, answer: String) -> Result<StreamTerms, Error> {
        // Without it, unanswered numbers would look like an outage.
        let sends_arrivals = takes_feedback(&answer, "transport-cc");
        let answer = RTCSessionDescription::answer(answer)?;
        self.connection.set_remote_description(answer).await?;
        let parameters = self.sender.get_parameters().await?.rtp_parameters;
        let payload_type = |mime_type: &str| {
            let mut codecs = parameters.codecs.iter();
            let found =
                codecs.find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime_type));
            found.map(|codec| codec.payload_type)
        };
        let h264 = payload_type(MIME_TYPE_H264).ok_or(Error::ErrRTPTransceiverCodecUnsupported)?;
        let rtx = payload_type(MIME_TYPE_RTX).filter(|rtx| *rtx == RTX_PAYLOAD_TYPE);
        let mut extensions = parameters.header_extensions.iter();
        let transport = extensions
            .find(|extension| extension.uri == TRANSPORT_NUMBER)
            .filter(|_| sends_arrivals);
        Ok(StreamTerms {
            ssrc: self.ssrc,
            payload_type: h264,
            rtx: rtx.map(|payload_type| (self.rtx_ssrc, payload_type)),
            playout_delay_id: None,
            transport_id: transport.and_then(|extension| u8::try_from(extension.id).ok()),
            needs_regular_keyframes: true,
        })
    }

    /// The connection's state, for waiting on changes.
    pub(super) fn state(&self) -> watch::Receiver<RTCPeerConnectionState> {
        self.state.clone()
    }

    /// Sends a packet; waits while the connection's queue is full.
    pub(super) async fn send(&self, mut packet: Packet) -> Result<(), Error> {
        // The library takes packets of the track's own stream only; `ServerFeedback` puts that of retransmissions back.
        packet.header.ssrc = self.ssrc;
        self.track.write_rtp(packet).await
    }

    pub(super) async fn send_report(&self, report: SenderReport) -> Result<(), Error> {
        self.track.write_rtcp(vec![Box::new(report)]).await
    }

    /// Whether the server has sent a DTLS close_notify, which does not change the connection's state.
    pub(super) async fn is_closed_by_server(&self) -> bool {
        let Ok(Some(transport)) = self.sender.transport().await else {
            return false;
        };
        transport.state().await == Ok(RTCDtlsTransportState::Closed)
    }

    /// Packets that were really sent; the library drops some without an error.
    pub(super) async fn packets_sent(&self) -> u64 {
        let stats = self
            .connection
            .get_stats(Instant::now(), StatsSelector::None)
            .await;
        let streams = stats.outbound_rtp_streams();
        streams
            .map(|stream| stream.sent_rtp_stream_stats.packets_sent)
            .sum()
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "cannot close the publishing connection cleanly");
        }
    }
}

/// Whether an answer names this kind of feedback.
fn takes_feedback(answer: &str, kind: &str) -> bool {
    let mut lines = answer.lines();
    lines.any(|line| line.starts_with("a=rtcp-fb:") && line.contains(kind))
}

fn codecs() -> Result<MediaEngine, Error> {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.to_owned(),
        parameter: parameter.to_owned(),
    };
    let codec = |payload_type, mime_type: &str, format: String, rtcp_feedback| {
        let rtp_codec = RTCRtpCodec {
            mime_type: mime_type.to_owned(),
            clock_rate: 90_000,
            channels: 0,
            sdp_fmtp_line: format,
            rtcp_feedback,
        };
        RTCRtpCodecParameters {
            rtp_codec,
            payload_type,
        }
    };
    let feedbacks = vec![
        feedback("nack", ""),
        feedback("nack", "pli"),
        feedback("ccm", "fir"),
        feedback("transport-cc", ""),
        feedback("goog-remb", ""),
    ];
    let h264 = codec(
        PAYLOAD_TYPE,
        MIME_TYPE_H264,
        H264_FORMAT.to_owned(),
        feedbacks,
    );
    let repairs = format!("apt={PAYLOAD_TYPE}");
    let rtx = codec(RTX_PAYLOAD_TYPE, MIME_TYPE_RTX, repairs, Vec::new());
    let mut codecs = MediaEngine::default();
    codecs.register_codec(h264, RtpCodecKind::Video)?;
    codecs.register_codec(rtx, RtpCodecKind::Video)?;
    let transport = RTCRtpHeaderExtensionCapability {
        uri: TRANSPORT_NUMBER.to_owned(),
    };
    codecs.register_header_extension(transport, RtpCodecKind::Video, None)?;
    Ok(codecs)
}

fn track(ssrc: u32, rtx_ssrc: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            rtx: Some(RTCRtpRtxParameters { ssrc: rtx_ssrc }),
            ..RTCRtpCodingParameters::default()
        },
        active: true,
        codec: RTCRtpCodec {
            mime_type: MIME_TYPE_H264.to_owned(),
            clock_rate: 90_000,
            sdp_fmtp_line: H264_FORMAT.to_owned(),
            ..RTCRtpCodec::default()
        },
        ..RTCRtpEncodingParameters::default()
    };
    let name = |what: &str| format!("carrier-{what}");
    MediaStreamTrack::new(
        name("feed"),
        name("video"),
        name("video"),
        RtpCodecKind::Video,
        vec![coding],
    )
}

/// One socket per address that a remote server can reach, plus loopback for a local server. Link-local IPv6
/// needs a scope, which a candidate cannot carry.
fn local_addresses(server_is_local: bool) -> Vec<SocketAddr> {
    let reachable = |ip: &IpAddr| match ip {
        _ if ip.is_loopback() || ip.is_unspecified() => false,
        IpAddr::V4(ip) => !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    };
    let hosts = host_addresses().into_iter().map(|host| host.ip);
    let mut addresses: Vec<IpAddr> = hosts.filter(reachable).collect();
    if server_is_local {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    addresses.sort_unstable();
    addresses.dedup();
    let any_port = |ip| SocketAddr::new(ip, 0);
    addresses.into_iter().map(any_port).collect()
}
