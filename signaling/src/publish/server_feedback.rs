//! The feedback of the WHIP server, taken out of the `webrtc` crate's connection by an interceptor.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use capture::lock;
use rtc::interceptor::{Interceptor, Packet as AnyPacket, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc::sansio::Protocol;
use tokio::sync::Notify;

use crate::rtp::rtcp::{Feedback, FeedbackInbox};

/// What came and was not taken yet.
#[derive(Debug)]
pub(super) struct FeedbackQueue {
    received: Mutex<Received>,
    ready: Notify,
}

#[derive(Debug)]
struct Received {
    inbox: FeedbackInbox,
    estimate_bps: Option<u32>,
}

impl FeedbackQueue {
    /// For the stream with this SSRC.
    pub(super) fn new(ssrc: u32) -> Self {
        Self {
            received: Mutex::new(Received {
                inbox: FeedbackInbox::new(ssrc),
                estimate_bps: None,
            }),
            ready: Notify::new(),
        }
    }

    /// Waits until something came since the last call. Cancel safe.
    pub(super) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Takes what came, and the newest estimate of the receiver itself (REMB) in bits a second.
    pub(super) fn take(&self) -> (Vec<Feedback>, Option<u32>) {
        let mut received = lock(&self.received);
        (received.inbox.take(), received.estimate_bps.take())
    }

    fn collect(&self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        {
            let mut received = lock(&self.received);
            received.inbox.collect(packets);
            for packet in packets {
                let estimate = packet
                    .as_any()
                    .downcast_ref::<ReceiverEstimatedMaximumBitrate>();
                if let Some(estimate) = estimate {
                    received.estimate_bps = Some(estimate.bitrate as u32);
                }
            }
        }
        self.ready.notify_one();
    }
}

/// Runs on the connection's task, so that it must not block.
pub(super) struct ServerFeedback {
    queue: Arc<FeedbackQueue>,
    /// Payload type and SSRC of retransmissions. The library sends packets of the track's SSRC only, so that
    /// retransmissions get theirs here.
    rtx: (u8, u32),
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl ServerFeedback {
    pub(super) fn new(queue: Arc<FeedbackQueue>, rtx: (u8, u32)) -> Self {
        Self {
            queue,
            rtx,
            read: VecDeque::new(),
            write: VecDeque::new(),
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for ServerFeedback {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = rtc::shared::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        if let AnyPacket::Rtcp(packets) = &message.message.packet {
            self.queue.collect(packets);
        }
        self.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, mut message: TaggedPacket) -> Result<(), Self::Error> {
        let (payload_type, ssrc) = self.rtx;
        if let AnyPacket::Rtp(packet) = &mut message.message.packet
            && packet.header.payload_type == payload_type
        {
            packet.header.ssrc = ssrc;
        }
        self.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }
}

impl Interceptor for ServerFeedback {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
