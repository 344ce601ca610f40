//! How far a connection has sent its answer: what waits in this process, in the kernel and on the way. For streams that
//! adapt to what the connection takes.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tcp_info::TcpInfo;

/// The progress of one connection; clones follow the same one. An extension of each of its requests.
#[derive(Debug, Clone)]
pub(crate) struct SendProgress(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: TcpStream,
    /// What HTTP has handed over, before TLS.
    offered: AtomicU64,
    /// Up to here everything handed over has reached the kernel.
    flushed: AtomicU64,
    /// What the kernel has taken, after TLS.
    accepted: AtomicU64,
}

/// Counts since the connection was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentBytes {
    /// What HTTP has handed over, before TLS.
    pub(crate) offered: u64,
    /// Up to here everything handed over has reached the kernel.
    pub(crate) flushed: u64,
    /// What the kernel has taken, after TLS.
    pub(crate) accepted: u64,
    /// What of it the client's kernel has.
    pub(crate) acknowledged: u64,
    /// What of it has not left yet.
    pub(crate) unsent: u32,
    pub(crate) round_trip_min: Duration,
}

impl SendProgress {
    pub(super) fn of(socket: TcpStream) -> Self {
        Self(Arc::new(Shared {
            socket,
            offered: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
        }))
    }

    pub(super) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.0.socket)
    }

    /// Keeps what waits in the kernel below `bytes`. Where the system refuses, more waits there.
    pub(crate) fn limit_unsent(&self, bytes: u32) {
        let _ = self.socket().set_tcp_notsent_lowat(bytes);
    }

    pub(crate) fn now(&self) -> SentBytes {
        let shared = &*self.0;
        let accepted = shared.accepted.load(Ordering::Relaxed);
        // A connection of which the kernel tells nothing counts as one that takes everything at once.
        let info = TcpInfo::read(&shared.socket).unwrap_or(TcpInfo {
            acknowledged_bytes: accepted,
            unsent_bytes: 0,
            round_trip_min: Duration::ZERO,
        });
        SentBytes {
            offered: shared.offered.load(Ordering::Relaxed),
            flushed: shared.flushed.load(Ordering::Relaxed),
            accepted,
            acknowledged: info.acknowledged_bytes.min(accepted),
            unsent: info.unsent_bytes,
            round_trip_min: info.round_trip_min,
        }
    }

    fn count_accepted(&self, written: io::Result<usize>) -> io::Result<usize> {
        if let Ok(bytes) = written {
            self.0.accepted.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        written
    }
}

/// The socket of a connection, which counts what the kernel takes.
pub(super) struct CountedSocket(pub(super) SendProgress);

impl AsyncRead for CountedSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = &self.0.0.socket;
        loop {
            ready!(socket.poll_read_ready(context))?;
            match socket.try_read(buffer.initialize_unfilled()) {
                Ok(bytes) => {
                    buffer.advance(bytes);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl CountedSocket {
    fn poll_written(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let socket = &self.0.0.socket;
        loop {
            ready!(socket.poll_write_ready(context))?;
            match write(socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(self.0.count_accepted(written)),
            }
        }
    }
}

impl AsyncWrite for CountedSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(context, |socket| socket.try_write(buffer))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(context, |socket| socket.try_write_vectored(buffers))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.socket().shutdown(Shutdown::Write))
    }
}

/// What HTTP writes to: counts what it hands over, and notices when nothing of it waits in this process any more.
pub(super) struct CountedAnswers<S> {
    stream: S,
    progress: SendProgress,
}

impl<S> CountedAnswers<S> {
    pub(super) fn new(stream: S, progress: SendProgress) -> Self {
        Self { stream, progress }
    }

    fn count_offered(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            let offered = &self.progress.0.offered;
            offered.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CountedAnswers<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CountedAnswers<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.count_offered(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.count_offered(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let shared = &self.progress.0;
        let offered = shared.offered.load(Ordering::Relaxed);
        shared.flushed.store(offered, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
