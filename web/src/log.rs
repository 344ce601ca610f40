//! The log, on standard error. A thread of its own writes it: a reader that is slow, has stopped or has
//! gone, and a disk that is full, neither delay nor end whoever has something to say.

use std::io::{self, IsTerminal, Write, stderr};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use capture::{Heartbeat, TURN_MAX, Threads};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::environment;

/// Lines that wait for a slow reader.
const WAITING_MAX: usize = 1024;
/// How long the end of the program waits for the last lines.
const FLUSH_MAX: Duration = Duration::from_millis(500);

const FILTER: &str = "CARRIER_LOG";

enum Entry {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// Where lines go in.
#[derive(Clone)]
pub(crate) struct Log {
    entries: SyncSender<Entry>,
    dropped: Counter,
}

impl Log {
    /// Of a test that has no use for one.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self {
            // overflow: counted
            entries: sync_channel(1).0,
            dropped: Counter::default(),
        }
    }

    /// Starts the log. `CARRIER_LOG` takes tracing's filter syntax, e.g. `debug` or `signaling=trace`.
    /// Only the station tells what it does unasked: whoever runs another command wants its answer alone.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn start(station: bool, threads: &Threads) -> io::Result<Self> {
        // overflow: counted, in `Log::write`
        let (entries, waiting) = sync_channel(WAITING_MAX);
        let log = Self {
            entries,
            dropped: Counter::default(),
        };
        let (dropped, mut told) = (log.dropped.clone(), 0);
        threads.spawn("log", move |heartbeat: &Heartbeat| {
            heartbeat.rest();
            while let Ok(entry) = waiting.recv() {
                heartbeat.beat(TURN_MAX);
                // Writing may take as long as the reader likes.
                heartbeat.rest();
                match entry {
                    Entry::Line(line) => write(&line, &dropped, &mut told),
                    Entry::Flush(done) => {
                        let _ = done.send(());
                    }
                }
            }
        })?;
        let unasked = if station { "info" } else { "warn" };
        // The WebRTC crates warn about every check a browser sends to an address it keeps to itself.
        let quiet = format!("{unasked},rtc=error,rtc_ice=error,ort=warn");
        let wanted = environment::value(FILTER).map(|filter| EnvFilter::try_new(&filter));
        let (filter, wrong) = match wanted {
            Some(Ok(filter)) => (filter, None),
            Some(Err(error)) => (EnvFilter::new(quiet), Some(error)),
            None => (EnvFilter::new(quiet), None),
        };
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || writer.clone())
            .log_internal_errors(false)
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .compact()
            .init();
        if let Some(error) = wrong {
            tracing::warn!(%error, "{FILTER} is no filter; it is left out");
        }
        Ok(log)
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "carrier_log_lines_dropped",
            "Lines of the log that could not be written in time, or at all",
            self.dropped.clone(),
        );
    }

    /// Waits a moment for what was logged so far.
    pub(crate) fn flush(&self) {
        // overflow: awaited, for half a second
        let (done, flushed) = sync_channel(1);
        // overflow: counted: a full queue means that nobody reads
        if self.entries.try_send(Entry::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(FLUSH_MAX);
        }
    }
}

/// The subscriber hands over one line at a time.
impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // overflow: counted
        if self.entries.try_send(Entry::Line(line.to_vec())).is_err() {
            self.dropped.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `told`: how many lost lines the log itself has told of.
fn write(line: &[u8], dropped: &Counter, told: &mut u64) {
    let mut err = stderr().lock();
    if err.write_all(line).is_err() {
        dropped.inc();
        return;
    }
    let lost = dropped.get();
    if lost > *told && writeln!(err, "carrier: {} lines of the log were lost", lost - *told).is_ok()
    {
        *told = lost;
    }
}

#[test]
fn a_log_that_nobody_writes_takes_lines_without_waiting() {
    // overflow: counted
    let (entries, waiting) = sync_channel(1);
    let mut log = Log {
        entries,
        dropped: Counter::default(),
    };
    for _ in 0..3 {
        assert_eq!(log.write(b"a line\n").expect("never fails"), 7);
    }
    assert_eq!(log.dropped.get(), 2);
    drop(waiting);
    assert_eq!(log.write(b"a line\n").expect("never fails"), 7);
    log.flush();
}
