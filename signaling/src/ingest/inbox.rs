//! Takes received media from the WebRTC library's interceptor chain.
//!
//! The library sends receiver reports (RFC 3550 6.4.2) and transport-wide feedback, from which the sender
//! derives its bandwidth estimate. Retransmissions are requested by [`super::reorder`], which knows the packets
//! that a picture waits for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use capture::lock;
use rtc::interceptor::{
    Interceptor, Packet, RTPHeaderExtension, ReceiverReportBuilder, ReceiverReportInterceptor,
    StreamInfo, TaggedPacket, TwccReceiverBuilder, TwccReceiverInterceptor,
};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use crate::sdp::TRANSPORT_WIDE_SEQUENCE;

const VIDEO_CLOCK_HZ: u32 = 90_000;

/// Holds received media for its publisher. Both ends are on the engine's thread and it is emptied after each
/// datagram; the lock is only needed because the library's chain must be `Send`.
#[derive(Debug, Clone, Default)]
pub(crate) struct MediaInbox(Arc<Mutex<Vec<rtc::rtp::Packet>>>);

impl MediaInbox {
    /// Takes the received packets.
    pub(crate) fn take(&self) -> Vec<rtc::rtp::Packet> {
        std::mem::take(&mut *lock(&self.0))
    }

    fn put(&self, packet: rtc::rtp::Packet) {
        lock(&self.0).push(packet);
    }
}

/// The end of the chain: puts media into the inbox and feeds the report generators.
pub(crate) struct MediaInterceptor {
    payload_type: u8,
    inbox: MediaInbox,
    arrivals: TwccReceiverInterceptor,
    reports: ReceiverReportInterceptor,
    /// The stream that receiver reports are made for.
    reported: Option<u32>,
    write_queue: VecDeque<TaggedPacket>,
}

impl MediaInterceptor {
    /// `transport_cc_id`: header extension of the transport-wide sequence number.
    pub(crate) fn new(payload_type: u8, transport_cc_id: Option<u8>, inbox: MediaInbox) -> Self {
        let mut arrivals = TwccReceiverBuilder::new().build();
        if let Some(id) = transport_cc_id {
            // The extension counts all streams of the transport, so that any one may be bound.
            arrivals.bind_remote_stream(&StreamInfo {
                rtp_header_extensions: vec![RTPHeaderExtension {
                    uri: TRANSPORT_WIDE_SEQUENCE.to_owned(),
                    id: u16::from(id),
                }],
                ..StreamInfo::default()
            });
        }
        Self {
            payload_type,
            inbox,
            arrivals,
            reports: ReceiverReportBuilder::new().build(),
            reported: None,
            write_queue: VecDeque::new(),
        }
    }

    /// Binds the reports to the stream's SSRC, which is known from its first packet.
    fn report_on(&mut self, packet: &Packet) {
        let Packet::Rtp(packet) = packet else { return };
        let ssrc = packet.header.ssrc;
        if packet.header.payload_type != self.payload_type || self.reported == Some(ssrc) {
            return;
        }
        let stream = |ssrc| StreamInfo {
            ssrc,
            clock_rate: VIDEO_CLOCK_HZ,
            ..StreamInfo::default()
        };
        if let Some(before) = self.reported.replace(ssrc) {
            self.reports.unbind_remote_stream(&stream(before));
        }
        self.reports.bind_remote_stream(&stream(ssrc));
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for MediaInterceptor {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.report_on(&msg.message.packet);
        self.arrivals.handle_read(msg)?;
        while let Some(msg) = self.arrivals.poll_read() {
            self.reports.handle_read(msg)?;
        }
        while let Some(msg) = self.reports.poll_read() {
            if let Packet::Rtp(packet) = msg.message.packet {
                self.inbox.put(packet);
            }
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        None
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.write_queue.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write_queue
            .pop_front()
            .or_else(|| self.arrivals.poll_write())
            .or_else(|| self.reports.poll_write())
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.arrivals.handle_timeout(now)?;
        self.reports.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let timeouts = [self.arrivals.poll_timeout(), self.reports.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }
}

impl Interceptor for MediaInterceptor {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
