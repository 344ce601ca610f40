//! A TCP stream whose writes fail when its peer is silent.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::http::send_progress::CountedSocket;
use crate::http::silence::Silence;

pub(super) struct TimedStream {
    stream: CountedSocket,
    silence: Silence,
    /// When the acknowledged bytes are looked at next.
    look_at: Instant,
    timer: Pin<Box<Sleep>>,
}

impl TimedStream {
    /// `silence_max`: a peer that acknowledges nothing for this long is given up.
    pub(super) fn new(stream: CountedSocket, silence_max: Duration) -> Self {
        let now = Instant::now();
        let silence = Silence::new(silence_max, now);
        Self {
            look_at: now + silence.interval(),
            timer: Box::pin(sleep(silence.interval())),
            stream,
            silence,
        }
    }

    fn poll_write_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut CountedSocket>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        // Streams of small events never wait for room: their silence is noticed at the next event.
        self.check_silence()?;
        match write(Pin::new(&mut self.stream), context) {
            Poll::Pending => self.poll_silence(context),
            written => written,
        }
    }

    /// Never ready without an error.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            let look_at = self.look_at.into();
            if self.timer.deadline() != look_at {
                self.timer.as_mut().reset(look_at);
            }
            ready!(self.timer.as_mut().poll(context));
            self.check_silence()?;
        }
    }

    fn check_silence(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if now < self.look_at {
            return Ok(());
        }
        self.look_at = now + self.silence.interval();
        let sent = self.stream.0.now();
        if self.silence.is_over(sent.accepted, sent.acknowledged, now) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll_write_with(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_with(context, |stream, context| {
            stream.poll_write_vectored(context, parts)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
