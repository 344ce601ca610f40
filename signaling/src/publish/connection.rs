//! The media connection of publishing: a peer connection of the `webrtc` crate with its own sockets, sending
//! one H.264 track.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{
    Interceptor, NackResponderBuilder, Packet as AnyPacket, SenderReportBuilder, StreamInfo,
    TaggedPacket,
};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_H264;
use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::sansio::Protocol;
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
use crate::transport::interfaces::host_addresses;

const PAYLOAD_TYPE: u8 = 96;
const RTX_PAYLOAD_TYPE: u8 = 97;
/// Constrained baseline, level 3.1, packetisation mode 1, as the encoder and the packetiser produce.
const H264_FORMAT: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
/// Packets kept for retransmission (a power of two): three seconds at 1.5 Mbit/s and 30 fps.
const RETRANSMISSION_PACKETS: u16 = 512;
/// Interceptor order: must exceed every built-in one.
const KEYFRAME_REQUEST_SLOT: usize = 20_000;

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
    pub(super) ssrc: u32,
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
    /// Creates an offer with all host candidates. `on_keyframe_request` is called for each PLI and FIR.
    pub(super) async fn offer(
        server_is_local: bool,
        on_keyframe_request: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, Error> {
        let ssrc: u32 = rand::random();
        let (state, state_seen) = watch::channel(RTCPeerConnectionState::New);
        let (gathered, gathered_seen) = watch::channel(0);
        let settings = SettingEngineBuilder::default()
            // Port 5353 belongs to the system's mDNS service.
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_ice_timeouts(Some(SILENT_AFTER), Some(LOST_AFTER), Some(KEEPALIVE))
            .build();
        let interceptors = Registry::new()
            .with(
                Slot::NackResponder,
                NackResponderBuilder::new()
                    .with_size(RETRANSMISSION_PACKETS)
                    .build(),
            )
            .with(Slot::SenderReport, SenderReportBuilder::new().build())
            .with(
                Slot::from(KEYFRAME_REQUEST_SLOT),
                KeyframeRequests {
                    on_request: on_keyframe_request,
                    read: VecDeque::new(),
                    write: VecDeque::new(),
                },
            );
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(codecs()?)
            .with_interceptor_registry(interceptors)
            .with_setting_engine(settings)
            .with_handler(Arc::new(Events { state, gathered }))
            .with_udp_addrs(local_addresses(server_is_local))
            .build()
            .await?;
        let track = Arc::new(TrackLocalStaticRTP::new(track(ssrc)));
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

    /// Applies the answer and returns the negotiated payload type.
    pub(super) async fn accept(&self, answer: String) -> Result<u8, Error> {
        let answer = RTCSessionDescription::answer(answer)?;
        self.connection.set_remote_description(answer).await?;
        let parameters = self.sender.get_parameters().await?;
        let mut codecs = parameters.rtp_parameters.codecs.iter();
        let h264 = codecs.find(|codec| {
            let mime_type = &codec.rtp_codec.mime_type;
            mime_type.eq_ignore_ascii_case(MIME_TYPE_H264)
        });
        h264.map(|codec| codec.payload_type)
            .ok_or(Error::ErrRTPTransceiverCodecUnsupported)
    }

    /// The connection's state, for waiting on changes.
    pub(super) fn state(&self) -> watch::Receiver<RTCPeerConnectionState> {
        self.state.clone()
    }

    /// Sends a packet; waits while the connection's queue is full.
    pub(super) async fn send(&self, packet: Packet) -> Result<(), Error> {
        self.track.write_rtp(packet).await
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
    ];
    let h264 = codec(
        PAYLOAD_TYPE,
        MIME_TYPE_H264,
        H264_FORMAT.to_owned(),
        feedbacks,
    );
    let repairs = format!("apt={PAYLOAD_TYPE}");
    let rtx = codec(RTX_PAYLOAD_TYPE, "video/rtx", repairs, Vec::new());
    let mut codecs = MediaEngine::default();
    codecs.register_codec(h264, RtpCodecKind::Video)?;
    codecs.register_codec(rtx, RtpCodecKind::Video)?;
    Ok(codecs)
}

fn track(ssrc: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
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

/// Calls `on_request` for each PLI or FIR, on the connection's task, so that it must not block.
pub(super) struct KeyframeRequests {
    on_request: Box<dyn Fn() + Send + Sync>,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for KeyframeRequests {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = rtc::shared::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        if let AnyPacket::Rtcp(packets) = &message.message.packet {
            let wants_keyframe = packets.iter().any(|packet| {
                let packet = packet.as_any();
                packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>()
            });
            if wants_keyframe {
                (self.on_request)();
            }
        }
        self.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        self.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }
}

impl Interceptor for KeyframeRequests {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
