//! An interceptor of the `rtc` library outside of its connection: it receives what somebody sends
//! who publishes, and reports on it.

use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, TaggedPacket};
use rtc::shared::TransportContext;

pub(super) struct Chain(Box<dyn Interceptor>);

impl Chain {
    pub(super) fn new(interceptor: Box<dyn Interceptor>) -> Self {
        Self(interceptor)
    }

    /// Takes a packet that came in.
    pub(super) fn read(&mut self, now: Instant, packet: Packet) {
        let read = self.0.handle_read(TaggedPacket {
            now,
            transport: TransportContext::default(),
            message: packet.into(),
        });
        if let Err(error) = read {
            tracing::debug!(%error, "a packet was refused");
        }
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, now: Instant) {
        if let Err(error) = self.0.handle_timeout(now) {
            tracing::debug!(%error, "the reports of a sender failed");
        }
    }

    pub(super) fn due(&mut self) -> Option<Instant> {
        self.0.poll_timeout()
    }

    /// The next control packet that it wants to be sent.
    pub(super) fn report(&mut self) -> Option<Vec<Box<dyn rtc::rtcp::Packet>>> {
        while let Some(written) = self.0.poll_write() {
            if let Packet::Rtcp(packets) = written.message.packet {
                return Some(packets);
            }
        }
        None
    }
}
