//! The log, on standard error. A thread of its own writes it, so that a slow or stopped reader and a
//! full disk block no other thread.

mod json;

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write, stderr};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use capture::{Heartbeat, TURN_MAX, Threads};
use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::EnvFilter;

use self::json::WithTraceId;
use crate::cli::LogFormat;
use crate::environment;

/// Queue limit, in lines.
const WAITING_MAX: usize = 1024;
/// Lines that are kept for the control page.
const NEWEST_MAX: usize = 200;
/// How long the end of the program waits for queued lines.
const FLUSH_MAX: Duration = Duration::from_millis(500);

enum LogEntry {
    Line(Vec<u8>),
    /// Answered when everything queued before is written.
    Flush(SyncSender<()>),
}

/// The sending end of the queue.
#[derive(Clone)]
pub(crate) struct Log {
    entries: SyncSender<LogEntry>,
    dropped: Counter,
}

impl Log {
    /// Starts the log. `CARRIER_LOG` takes tracing's filter syntax, e.g. `debug` or `signaling=trace`.
    /// Other commands than the station log warnings only.
    pub(crate) fn start(
        station: bool,
        format: LogFormat,
        threads: &Threads,
        dropped: Counter,
    ) -> io::Result<Self> {
        // overflow: counted, in `Log::write`
        let (entries, waiting) = sync_channel(WAITING_MAX);
        let log = Self {
            entries,
            dropped: dropped.clone(),
        };
        let mut reported = 0;
        threads.spawn("log", move |heartbeat: &Heartbeat| {
            heartbeat.rest();
            while let Ok(entry) = waiting.recv() {
                heartbeat.beat(TURN_MAX);
                // Writing blocks as long as the reader does: no deadline applies.
                heartbeat.rest();
                match entry {
                    LogEntry::Line(line) => write(&line, &dropped, &mut reported),
                    LogEntry::Flush(done) => {
                        let _ = done.send(());
                    }
                }
            }
        })?;
        let unasked = if station { "info" } else { "warn" };
        // The WebRTC crates warn about each check that a browser sends to a private address.
        let quiet = format!(
            "{unasked},rtc=error,rtc_ice=error,ort=warn,iroh=error,swarm_discovery=error,netwatch=error"
        );
        let (filter, variable) = environment::log_filter();
        let wanted = filter.map(|filter| EnvFilter::try_new(&filter));
        let (filter, wrong) = match wanted {
            Some(Ok(filter)) => (filter, None),
            Some(Err(error)) => (EnvFilter::new(quiet), Some(error)),
            None => (EnvFilter::new(quiet), None),
        };
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || writer.clone())
            .log_internal_errors(false)
            .with_ansi(stderr().is_terminal())
            .with_target(false);
        match format {
            LogFormat::Text => subscriber.compact().init(),
            LogFormat::Json => subscriber
                .json()
                .flatten_event(true)
                .map_event_format(WithTraceId)
                .init(),
        }
        if let Some(error) = wrong {
            tracing::warn!(%error, "{variable} is not a valid filter; it is ignored");
        }
        Ok(log)
    }

    /// Waits up to [`FLUSH_MAX`] for queued lines.
    pub(crate) fn flush(&self) {
        // overflow: awaited, for half a second
        let (done, flushed) = sync_channel(1);
        // overflow: counted: if the queue is full, nobody reads.
        if self.entries.try_send(LogEntry::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(FLUSH_MAX);
        }
    }
}

/// The newest lines, for the owner's control page.
static NEWEST: Mutex<VecDeque<Vec<u8>>> = Mutex::new(VecDeque::new());

/// The newest lines of the log without colours, oldest first.
pub(crate) fn newest_lines() -> Vec<String> {
    let newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
    let text = |line: &Vec<u8>| without_colours(&String::from_utf8_lossy(line));
    newest.iter().map(text).collect()
}

/// Removes the escape sequences that set colours (ECMA-48 8.3.117), and the line end.
fn without_colours(line: &str) -> String {
    let mut parts = line.trim_end().split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut text, part| {
        text += part.split_once('m').map_or("", |(_, rest)| rest);
        text
    })
}

/// The subscriber writes one line at a time.
impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
        // overflow: newest-wins, uncounted: the log itself has all lines.
        if newest.len() == NEWEST_MAX {
            newest.pop_front();
        }
        newest.push_back(line.to_vec());
        drop(newest);
        // overflow: counted
        if self
            .entries
            .try_send(LogEntry::Line(line.to_vec()))
            .is_err()
        {
            self.dropped.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `reported`: how many lost lines the log has reported.
fn write(line: &[u8], dropped: &Counter, reported: &mut u64) {
    let mut err = stderr().lock();
    if err.write_all(line).is_err() {
        dropped.inc();
        return;
    }
    let lost = dropped.get();
    if lost > *reported
        && writeln!(
            err,
            "carrier: {} lines of the log were lost",
            lost - *reported
        )
        .is_ok()
    {
        *reported = lost;
    }
}

#[test]
fn a_full_log_queue_drops_lines_without_blocking() {
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

#[test]
fn lines_for_the_control_page_have_no_colours() {
    let line = "\u{1b}[2m2026-11-29T01:00:00Z\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m audit \u{1b}[3mwhat\u{1b}[0m=x\n";
    assert_eq!(
        without_colours(line),
        "2026-11-29T01:00:00Z  INFO audit what=x"
    );
    assert_eq!(without_colours("plain\n"), "plain");
    assert_eq!(without_colours("cut\u{1b}["), "cut");
}
