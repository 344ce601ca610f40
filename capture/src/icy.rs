//! Some cameras and streaming servers answer as SHOUTcast does, "ICY 200 OK", which HTTP clients refuse.
//! A layer of the connection reads it as HTTP/1.0, whose answers are built alike.

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

const ICY: &[u8] = b"ICY ";
const HTTP: &[u8] = b"HTTP/1.0 ";

/// Wraps the connection beneath.
#[derive(Debug)]
pub(crate) struct IcyConnector;

impl<In: Transport> Connector<In> for IcyConnector {
    type Out = IcyTransport<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| IcyTransport {
            inner,
            is_at_answer: true,
        }))
    }
}

/// A connection whose answers begin as those of HTTP do.
#[derive(Debug)]
pub(crate) struct IcyTransport<In> {
    inner: In,
    /// The first bytes of an answer are still to come.
    is_at_answer: bool,
}

impl<In: Transport> Transport for IcyTransport<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.is_at_answer = true;
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut has_more = self.inner.await_input(timeout)?;
        while self.is_at_answer && has_more {
            let input = self.inner.buffers().input();
            if input.starts_with(ICY) {
                renamed(self.inner.buffers());
            } else if input.len() < ICY.len() && ICY.starts_with(input) {
                has_more = self.inner.await_input(timeout)?;
                continue;
            }
            self.is_at_answer = false;
        }
        Ok(has_more)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

fn renamed(buffers: &mut dyn Buffers) {
    let answer = [HTTP, &buffers.input()[ICY.len()..]].concat();
    buffers.input_consume(answer.len() - HTTP.len() + ICY.len());
    let room = buffers.input_append_buf();
    // The longer name may not fit into a full buffer: then the pictures behind lose their last bytes.
    let kept = answer.len().min(room.len());
    room[..kept].copy_from_slice(&answer[..kept]);
    buffers.input_appended(kept);
}
