//! One publishing session, from offer to `DELETE`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use webrtc::peer_connection::RTCPeerConnectionState;

use super::connection::MediaConnection;
use super::feed_sender::{FeedSender, Outbox, SentFeed};
use super::lifecycle::{AttemptError, FailureKind, PublishMetrics};
use super::whip_client::{OfferResponse, SessionResource, WhipClient, new_candidates};
use crate::encode::demand::Demand;
use crate::encode::encoder::Rendition;
use crate::encode::frame_queue::OpenTap;
use crate::fanout::rtp_stream::StreamTerms;

/// Time limit from the answer to a connected path.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval of polling the library for changes that it does not report.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// An established session.
pub(super) struct PublishSession {
    client: Arc<WhipClient>,
    resource: SessionResource,
    peer: MediaConnection,
    terms: StreamTerms,
}

impl PublishSession {
    /// Sends the offer and connects. On failure the server's session is deleted.
    pub(super) async fn open(
        client: &Arc<WhipClient>,
        server_is_local: bool,
    ) -> Result<Self, AttemptError> {
        let peer = MediaConnection::offer(server_is_local)
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
        let resource = response.resource.clone();
        let mut opening = Opening {
            client,
            resource,
            peer,
        };
        match opening.connect(&offer, response).await {
            Ok(terms) => Ok(Self {
                client: Arc::clone(client),
                resource: opening.resource,
                peer: opening.peer,
                terms,
            }),
            Err(failure) => {
                close(client, opening.resource, opening.peer).await;
                Err(failure)
            }
        }
    }

    /// The sender of this session's media.
    pub(super) fn sender(&self, renditions: Vec<Rendition>, demand: Arc<Demand>) -> FeedSender {
        FeedSender::new(Instant::now(), self.terms, renditions, demand)
    }

    /// Sends frames until the connection ends; returns why. `show` is called twice a second.
    pub(super) async fn stream(
        &mut self,
        frames: &mut OpenTap<'_>,
        sender: &mut FeedSender,
        metrics: &PublishMetrics,
        show: impl Fn(SentFeed),
    ) -> AttemptError {
        let mut state = self.peer.state();
        let mut poll = tokio::time::interval(POLL_INTERVAL);
        let mut delivery = Delivery::default();
        loop {
            frames.watch(&sender.watched());
            let due = sender.due(Instant::now());
            tokio::select! {
                biased;
                why = ended(&mut state) => return AttemptError::new(FailureKind::Lost, why),
                _ = poll.tick() => {
                    show(sender.sent_feed());
                    if let Err(failure) = self.check(&mut delivery).await {
                        return failure;
                    }
                }
                () = self.peer.feedback.ready() => {
                    let (feedback, estimate_bps) = self.peer.feedback.take();
                    let now = Instant::now();
                    feedback.iter().for_each(|one| sender.feedback(now, one));
                    if let Some(bps) = estimate_bps {
                        sender.receiver_estimate(now, bps);
                    }
                }
                () = tokio::time::sleep_until(due.into()) => sender.timers(Instant::now()),
                frame = frames.next() => {
                    let Some(frame) = frame else {
                        return AttemptError::new(FailureKind::Local, "The feed has ended.");
                    };
                    sender.frame(Instant::now(), frame);
                }
            }
            let sent = self.send(sender.take(Instant::now()), metrics).await;
            match sent {
                Ok(packets) => delivery.written += packets,
                Err(failure) => return failure,
            }
        }
    }

    /// Finds out what the library does not report.
    async fn check(&self, delivery: &mut Delivery) -> Result<(), AttemptError> {
        if self.peer.is_closed_by_server().await {
            let why = "The server has closed the connection.";
            return Err(AttemptError::new(FailureKind::Lost, why));
        }
        delivery.proven = delivery.proven || self.peer.packets_sent().await > 0;
        if !delivery.proven && delivery.written_before > 0 {
            let why = "The server receives nothing from this machine.";
            return Err(AttemptError::new(FailureKind::Local, why));
        }
        delivery.written_before = delivery.written;
        Ok(())
    }

    /// Returns the number of packets.
    async fn send(&self, outbox: Outbox, metrics: &PublishMetrics) -> Result<u64, AttemptError> {
        let is_over = |_| AttemptError::new(FailureKind::Lost, "The connection has ended.");
        metrics.keyframe_requests.inc_by(outbox.keyframe_requests);
        metrics.frames_dropped.inc_by(outbox.dropped);
        let packets = outbox.packets.len() as u64;
        for packet in outbox.packets {
            let bytes = packet.payload.len() as u64;
            self.peer.send(packet).await.map_err(is_over)?;
            metrics.packets.inc();
            metrics.bytes.inc_by(bytes);
        }
        if let Some(report) = outbox.report {
            self.peer.send_report(report).await.map_err(is_over)?;
        }
        Ok(packets)
    }

    /// Deletes the session over HTTP and closes the connection.
    pub(super) async fn close(self) {
        close(&self.client, self.resource, self.peer).await;
    }
}

/// Whether packets really leave.
#[derive(Debug, Default)]
struct Delivery {
    written: u64,
    written_before: u64,
    proven: bool,
}

/// A session whose offer was answered.
struct Opening<'a> {
    client: &'a Arc<WhipClient>,
    resource: SessionResource,
    peer: MediaConnection,
}

impl Opening<'_> {
    /// Applies the answer and waits for a path; returns what was negotiated.
    async fn connect(
        &mut self,
        offer: &str,
        response: OfferResponse,
    ) -> Result<StreamTerms, AttemptError> {
        if !response.ice_servers.is_empty() {
            self.trickle(offer, &response).await;
        }
        let accepted = self.peer.accept(response.answer).await;
        let terms = accepted.map_err(|error| {
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
            return Ok(terms);
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
        let _best_effort = blocking(self.client, move |client| {
            client.trickle(&resource, &fragment);
        })
        .await;
    }
}

async fn close(client: &Arc<WhipClient>, resource: SessionResource, peer: MediaConnection) {
    let _best_effort = blocking(client, move |client| client.delete(&resource)).await;
    peer.close().await;
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
