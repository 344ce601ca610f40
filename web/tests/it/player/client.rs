//! A simple WHEP player: the `webrtc` crate with its default codecs and interceptors, an offer with all
//! candidates, one POST.

use std::sync::Arc;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCIceGatheringState, RTCSessionDescription, Registry, SettingEngineBuilder,
    register_default_interceptors,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use crate::station::agent;
use crate::timing::HANG_TIMEOUT;

/// A player whose offer was accepted.
pub(crate) struct Player {
    connection: Box<dyn PeerConnection>,
    packets: UnboundedReceiver<Packet>,
    pub(crate) admission: Admission,
}

/// The answer to the offer.
pub(crate) struct Admission {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) etag: String,
    pub(crate) answer: String,
}

struct Events {
    gathered: UnboundedSender<()>,
    packets: UnboundedSender<Packet>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.send(());
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let packets = self.packets.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let _ = packets.send(packet);
                }
            }
        });
    }
}

impl Player {
    /// Offers to receive video at `station` (its URL without a path) and takes the answer.
    pub(crate) async fn join(station: &str) -> Self {
        let (gathered, mut gathering) = unbounded_channel();
        let (packets, received) = unbounded_channel();
        let connection = connection(Events { gathered, packets }).await;
        let recvonly = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Recvonly,
            ..RTCRtpTransceiverInit::default()
        };
        connection
            .add_transceiver_from_kind(RtpCodecKind::Video, Some(recvonly))
            .await
            .expect("a transceiver");
        let offer = connection.create_offer(None).await.expect("an offer");
        connection
            .set_local_description(offer)
            .await
            .expect("our own offer");
        timeout(HANG_TIMEOUT, gathering.recv())
            .await
            .expect("gathering ends");
        let offer = connection.local_description().await.expect("described").sdp;

        let endpoint = format!("{station}/whep");
        let admission = blocking(move || post(&endpoint, &offer)).await;
        assert_eq!(admission.status, 201, "{}", admission.answer);
        let answer = RTCSessionDescription::answer(admission.answer.clone()).expect("SDP");
        connection
            .set_remote_description(answer)
            .await
            .expect("an answer that fits the offer");
        Self {
            connection,
            packets: received,
            admission,
        }
    }

    /// The next RTP packet of the video.
    pub(crate) async fn packet(&mut self) -> Packet {
        timeout(HANG_TIMEOUT, self.packets.recv())
            .await
            .expect("video arrives")
            .expect("the connection stands")
    }

    /// Leaves with DELETE and returns the status.
    pub(crate) async fn delete(self, station: &str) -> u16 {
        let session = format!("{station}/{}", self.admission.location);
        let status = blocking(move || {
            let response = agent().delete(session).call().expect("an answer");
            response.status().as_u16()
        })
        .await;
        self.drop_connection().await;
        status
    }

    /// Leaves without DELETE, as a closed tab does.
    pub(crate) async fn drop_connection(self) {
        self.connection.close().await.expect("closed");
    }
}

async fn connection(events: Events) -> Box<dyn PeerConnection> {
    let mut codecs = MediaEngine::default();
    codecs.register_default_codecs().expect("codecs");
    let interceptors =
        register_default_interceptors(Registry::new(), &mut codecs).expect("interceptors");
    // Without mDNS: twenty players would share port 5353.
    let settings = SettingEngineBuilder::default()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .build();
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(codecs)
        .with_interceptor_registry(interceptors)
        .with_setting_engine(settings)
        .with_handler(Arc::new(events))
        .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
        .build()
        .await;
    Box::new(connection.expect("a peer connection"))
}

fn post(endpoint: &str, offer: &str) -> Admission {
    let mut response = agent()
        .post(endpoint)
        .content_type("application/sdp")
        .send(offer)
        .expect("an answer");
    let header = |name: &str| {
        let value = response.headers().get(name);
        value
            .map(|value| value.to_str().expect("text").to_owned())
            .unwrap_or_default()
    };
    let (location, etag) = (header("location"), header("etag"));
    Admission {
        status: response.status().as_u16(),
        location,
        etag,
        answer: response.body_mut().read_to_string().expect("text"),
    }
}

async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(call).await.expect("answered")
}
