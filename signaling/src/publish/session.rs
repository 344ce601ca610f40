//! One publishing session, from offer to `DELETE`, and the RTP headers for the payloads shared with viewers.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use tokio::sync::watch;
use webrtc::peer_connection::RTCPeerConnectionState;

use super::connection::MediaConnection;
use super::lifecycle::{AttemptError, FailureKind, PublishMetrics};
use super::whip_client::{OfferResponse, SessionResource, WhipClient, new_candidates};
use crate::encode::frame_queue::{EncodedFrame, OpenTap};

/// Time limit from the answer to a connected path.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval of polling the library for changes that it does not report.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// An established session.
pub(super) struct PublishSession {
    client: Arc<WhipClient>,
    resource: SessionResource,
    peer: MediaConnection,
    numbering: Numbering,
}

impl PublishSession {
    /// Sends the offer and connects. On failure the server's session is deleted.
    pub(super) async fn open(
        client: &Arc<WhipClient>,
        server_is_local: bool,
        on_keyframe_request: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, AttemptError> {
        let peer = MediaConnection::offer(server_is_local, on_keyframe_request)
            .await
            .map_err(|error| {
                tracing::debug!(%error, "cannot create an offer");
                let why = "This machine cannot open a connection. Is it connected to a network?";
                AttemptError::new(FailureKind::Local, why)
            })?;
        let offer = peer.local_sdp().await;
        let admitted = blocking(client, {
            let offer = offer.clone();
            move |client| client.offer(&offer)
        });
        let response = match admitted.await {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) | Err(failure) => {
                peer.close().await;
                return Err(failure);
            }
        };
        let mut session = Self {
            client: Arc::clone(client),
            resource: response.resource.clone(),
            numbering: Numbering {
                ssrc: peer.ssrc,
                payload_type: 0,
                // RFC 3550 5.1. The upper half is unused, so that the first wrap-around, which both roll-over
                // counters (SRTP, RFC 3711 3.3.1) must notice, is not near the start.
                next_sequence: rand::random::<u16>() >> 1,
                ticks_offset: rand::random(),
            },
            peer,
        };
        match session.connect(&offer, response).await {
            Ok(()) => Ok(session),
            Err(failure) => {
                session.close().await;
                Err(failure)
            }
        }
    }

    async fn connect(&mut self, offer: &str, response: OfferResponse) -> Result<(), AttemptError> {
        if !response.ice_servers.is_empty() {
            self.trickle(offer, &response).await;
        }
        let accepted = self.peer.accept(response.answer).await;
        self.numbering.payload_type = accepted.map_err(|error| {
            tracing::debug!(%error, "cannot apply the answer of the WHIP server");
            let why = "The server's answer does not fit the offer: does it take H.264?";
            AttemptError::new(FailureKind::BadAnswer, why)
        })?;
        let mut state = self.peer.state();
        let settled =
            state.wait_for(|state| *state == RTCPeerConnectionState::Connected || is_over(*state));
        let connected = match tokio::time::timeout(CONNECT_TIMEOUT, settled).await {
            Ok(Ok(state)) => *state == RTCPeerConnectionState::Connected,
            Ok(Err(_)) | Err(_) => false,
        };
        if connected {
            return Ok(());
        }
        let why = "The server answered, but no path for media was found (UDP).";
        Err(AttemptError::new(FailureKind::NoPath, why))
    }

    /// Gathers candidates with the servers that came with the answer, and trickles them.
    async fn trickle(&mut self, offer: &str, response: &OfferResponse) {
        if let Err(error) = self.peer.gather_with(&response.ice_servers).await {
            tracing::warn!(%error, "cannot use the ICE servers of the WHIP server");
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

    /// Sends frames until the connection ends; returns why.
    pub(super) async fn stream(
        &mut self,
        frames: &mut OpenTap<'_>,
        metrics: &PublishMetrics,
    ) -> AttemptError {
        let mut state = self.peer.state();
        let mut poll = tokio::time::interval(POLL_INTERVAL);
        let (mut written, mut written_before, mut proven) = (0_u64, 0_u64, false);
        loop {
            tokio::select! {
                biased;
                why = ended(&mut state) => return AttemptError::new(FailureKind::Lost, why),
                _ = poll.tick() => {
                    if self.peer.is_closed_by_server().await {
                        let why = "The server has closed the connection.";
                        return AttemptError::new(FailureKind::Lost, why);
                    }
                    proven = proven || self.peer.packets_sent().await > 0;
                    if !proven && written_before > 0 {
                        let why = "The server receives nothing from this machine.";
                        return AttemptError::new(FailureKind::Local, why);
                    }
                    written_before = written;
                }
                frame = frames.next() => {
                    let Some(frame) = frame else {
                        return AttemptError::new(FailureKind::Local, "The feed has ended.");
                    };
                    for packet in self.numbering.packets(&frame) {
                        let bytes = packet.payload.len() as u64;
                        if self.peer.send(packet).await.is_err() {
                            return AttemptError::new(FailureKind::Lost, "The connection has ended.");
                        }
                        metrics.packets.inc();
                        metrics.bytes.inc_by(bytes);
                        written += 1;
                    }
                }
            }
        }
    }

    /// Deletes the session over HTTP and closes the connection.
    pub(super) async fn close(self) {
        let resource = self.resource;
        let _best_effort = blocking(&self.client, move |client| client.delete(&resource)).await;
        self.peer.close().await;
    }
}

async fn ended(state: &mut watch::Receiver<RTCPeerConnectionState>) -> &'static str {
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

/// Runs an HTTP call on a blocking thread.
async fn blocking<T: Send + 'static>(
    client: &Arc<WhipClient>,
    call: impl FnOnce(&WhipClient) -> T + Send + 'static,
) -> Result<T, AttemptError> {
    let client = Arc::clone(client);
    let called = tokio::task::spawn_blocking(move || call(&client)).await;
    called.map_err(|error| {
        tracing::error!(%error, "an HTTP call to the WHIP server panicked");
        AttemptError::new(FailureKind::Local, "Speaking HTTP failed.")
    })
}

/// RTP header fields of one connection's stream.
#[derive(Debug)]
pub(crate) struct Numbering {
    pub(crate) ssrc: u32,
    /// The negotiated payload type; the library drops others silently.
    pub(crate) payload_type: u8,
    pub(crate) next_sequence: u16,
    /// Random offset of the timestamps (RFC 3550 5.1).
    pub(crate) ticks_offset: u32,
}

impl Numbering {
    /// The frame's packets in sending order. Sequence numbers have no gap after dropped frames, so that the
    /// server does not request retransmissions: the stream is complete from the next keyframe on.
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
