//! One attempt to publish, from offer to goodbye, and the numbers of its RTP stream around the payloads
//! that all viewers share.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use tokio::sync::watch;
use webrtc::peer_connection::RTCPeerConnectionState;

use super::course::{Failure, FailureKind, PublishMetrics};
use super::peer::Peer;
use super::whip_client::{Admission, Resource, WhipClient, new_candidates};
use crate::encode::frame_queue::{EncodedFrame, OpenTap};

/// From the answer to a connected path.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How often the library is asked for what it does not tell by itself.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A session that the server has let in.
pub(super) struct Session {
    client: Arc<WhipClient>,
    resource: Resource,
    peer: Peer,
    numbering: Numbering,
}

impl Session {
    /// Offers, and connects. What the server holds of a failed attempt is taken down again.
    pub(super) async fn open(
        client: &Arc<WhipClient>,
        server_is_here: bool,
        keyframe_wanted: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, Failure> {
        let peer = Peer::offer(server_is_here, keyframe_wanted)
            .await
            .map_err(|error| {
                tracing::debug!(%error, "no offer could be made");
                let why = "This machine cannot open a connection. Has it a network?";
                Failure::new(FailureKind::Local, why)
            })?;
        let offer = peer.local_sdp().await;
        let admitted = blocking(client, {
            let offer = offer.clone();
            move |client| client.offer(&offer)
        });
        let admission = match admitted.await {
            Ok(Ok(admission)) => admission,
            Ok(Err(failure)) | Err(failure) => {
                peer.close().await;
                return Err(failure);
            }
        };
        let mut session = Self {
            client: Arc::clone(client),
            resource: admission.resource.clone(),
            numbering: Numbering {
                ssrc: peer.ssrc,
                payload_type: 0,
                // RFC 3550 5.1. The upper half is left out, so that the roll-over counter of SRTP
                // (RFC 3711 3.3.1) is sure to start together.
                next_sequence: rand::random::<u16>() >> 1,
                ticks_offset: rand::random(),
            },
            peer,
        };
        match session.connect(&offer, admission).await {
            Ok(()) => Ok(session),
            Err(failure) => {
                session.close().await;
                Err(failure)
            }
        }
    }

    async fn connect(&mut self, offer: &str, admission: Admission) -> Result<(), Failure> {
        if !admission.ice_servers.is_empty() {
            self.trickle(offer, &admission).await;
        }
        let accepted = self.peer.accept(admission.answer).await;
        self.numbering.payload_type = accepted.map_err(|error| {
            tracing::debug!(%error, "the answer of the WHIP server");
            let why = "The server's answer does not fit the offer: does it take H.264?";
            Failure::new(FailureKind::BadAnswer, why)
        })?;
        let mut state = self.peer.state();
        let settled =
            state.wait_for(|state| *state == RTCPeerConnectionState::Connected || is_over(*state));
        let connected = match tokio::time::timeout(CONNECT_WITHIN, settled).await {
            Ok(Ok(state)) => *state == RTCPeerConnectionState::Connected,
            Ok(Err(_)) | Err(_) => false,
        };
        if connected {
            return Ok(());
        }
        let why = "The server answered, but no path for media was found (UDP).";
        Err(Failure::new(FailureKind::NoPath, why))
    }

    /// Gathers through the servers that came with the answer and sends what that brought.
    async fn trickle(&mut self, offer: &str, admission: &Admission) {
        if let Err(error) = self.peer.gather_through(&admission.ice_servers).await {
            tracing::warn!(%error, "the ICE servers that the WHIP server names cannot be used");
            return;
        }
        let Some(fragment) = new_candidates(offer, &self.peer.local_sdp().await) else {
            return;
        };
        let resource = self.resource.clone();
        let _best_effort = blocking(&self.client, move |client| {
            client.trickle(&resource, &fragment);
        })
        .await;
    }

    /// Sends frames until something ends; that is never good.
    pub(super) async fn stream(
        &mut self,
        frames: &mut OpenTap<'_>,
        metrics: &PublishMetrics,
    ) -> Failure {
        let mut state = self.peer.state();
        let mut look = tokio::time::interval(LOOK_EVERY);
        let (mut written, mut written_before, mut proven) = (0_u64, 0_u64, false);
        loop {
            tokio::select! {
                biased;
                why = over(&mut state) => return Failure::new(FailureKind::Lost, why),
                _ = look.tick() => {
                    if self.peer.is_closed_by_server().await {
                        let why = "The server has closed the connection.";
                        return Failure::new(FailureKind::Lost, why);
                    }
                    proven = proven || self.peer.packets_sent().await > 0;
                    if !proven && written_before > 0 {
                        let why = "Nothing of what is sent leaves this machine.";
                        return Failure::new(FailureKind::Local, why);
                    }
                    written_before = written;
                }
                frame = frames.next() => {
                    let Some(frame) = frame else {
                        return Failure::new(FailureKind::Local, "The feed has ended.");
                    };
                    for packet in self.numbering.packets(&frame) {
                        let bytes = packet.payload.len() as u64;
                        if self.peer.send(packet).await.is_err() {
                            return Failure::new(FailureKind::Lost, "The connection has ended.");
                        }
                        metrics.packets.inc();
                        metrics.bytes.inc_by(bytes);
                        written += 1;
                    }
                }
            }
        }
    }

    /// Says goodbye over HTTP and on the wire.
    pub(super) async fn close(self) {
        let resource = self.resource;
        let _best_effort = blocking(&self.client, move |client| client.delete(&resource)).await;
        self.peer.close().await;
    }
}

async fn over(state: &mut watch::Receiver<RTCPeerConnectionState>) -> &'static str {
    let ended = state.wait_for(|state| is_over(*state)).await;
    match ended.as_deref() {
        Ok(RTCPeerConnectionState::Failed) => "The server has gone silent.",
        _ => "The connection has ended.",
    }
}

fn is_over(state: RTCPeerConnectionState) -> bool {
    matches!(
        state,
        RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
    )
}

/// HTTP on a thread that may wait.
async fn blocking<T: Send + 'static>(
    client: &Arc<WhipClient>,
    call: impl FnOnce(&WhipClient) -> T + Send + 'static,
) -> Result<T, Failure> {
    let client = Arc::clone(client);
    let called = tokio::task::spawn_blocking(move || call(&client)).await;
    called.map_err(|error| {
        tracing::error!(%error, "speaking to the WHIP server failed");
        Failure::new(FailureKind::Local, "Speaking HTTP failed.")
    })
}

/// The numbers of one connection's stream.
#[derive(Debug)]
pub(crate) struct Numbering {
    pub(crate) ssrc: u32,
    /// As negotiated: others are dropped on the way, silently.
    pub(crate) payload_type: u8,
    pub(crate) next_sequence: u16,
    /// Added to a frame's time (RFC 3550 5.1 wants a random start).
    pub(crate) ticks_offset: u32,
}

impl Numbering {
    /// The frame's packets, in sending order. The numbers go on without a gap whatever was dropped
    /// before: the stream is whole from a keyframe on, and nothing is to be asked for again.
    pub(crate) fn packets<'a>(
        &'a mut self,
        frame: &'a EncodedFrame,
    ) -> impl Iterator<Item = Packet> + 'a {
        let last = frame.payloads.len().saturating_sub(1);
        let timestamp = frame.rtp_ticks.wrapping_add(self.ticks_offset);
        frame.payloads.iter().enumerate().map(move |(at, payload)| {
            let sequence_number = self.next_sequence;
            self.next_sequence = sequence_number.wrapping_add(1);
            Packet {
                header: Header {
                    version: 2,
                    marker: at == last,
                    payload_type: self.payload_type,
                    sequence_number,
                    timestamp,
                    ssrc: self.ssrc,
                    ..Header::default()
                },
                payload: payload.clone(),
            }
        })
    }
}
