//! The thread that sends spans to the collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use std::{io, mem};

use capture::trace::{self, TraceSpan};
use capture::{Heartbeat, TURN_MAX, Threads, WallClock};
use ureq::Agent;

use super::collector::CollectorAddress;
use super::delivery::{CollectorAnswer, NextAttempt, Retries};
use super::encoding::{self, Resource};
use crate::metrics::{CounterBy, SpanOutcome};

/// About one megabyte.
pub(super) const WAITING_MAX: usize = 4096;
pub(super) const BATCH_MAX: usize = 512;
/// How long a span waits for others before it is sent.
const BATCH_WAIT: Duration = Duration::from_secs(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Answers are a few bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// How long the end of the program waits for the last spans.
const FLUSH_MAX: Duration = Duration::from_secs(2);
/// A wall clock that differs more was set.
const CLOCK_STEP: Duration = Duration::from_millis(50);

enum QueueEntry {
    Span(TraceSpan),
    /// Wakes the thread.
    Stop,
}

/// The running thread.
pub(crate) struct Telemetry {
    entries: SyncSender<QueueEntry>,
    is_stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    dropped: CounterBy<SpanOutcome>,
}

impl Telemetry {
    /// `name`: the station's.
    pub(crate) fn start(
        collector: CollectorAddress,
        name: String,
        threads: &Threads,
        spans: CounterBy<SpanOutcome>,
    ) -> io::Result<Self> {
        // overflow: counted, in `Telemetry::receiver`
        let (entries, waiting) = sync_channel(WAITING_MAX);
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut exporter = Exporter {
            agent: agent(ANSWER_WITHIN),
            to: collector.origin(),
            collector,
            resource: Resource {
                name,
                instance: uuid::Uuid::new_v4().to_string(),
            },
            waiting,
            is_stopping: Arc::clone(&is_stopping),
            batch: Vec::new(),
            clock: WallClock::start(),
            retries: Retries::default(),
            is_failing: false,
            spans: spans.clone(),
        };
        let thread = threads.spawn("telemetry", move |heartbeat| exporter.run(heartbeat))?;
        Ok(Self {
            entries,
            is_stopping,
            thread,
            dropped: spans,
        })
    }

    /// Makes it the receiver of all spans of this process.
    pub(crate) fn receive_all(&self) {
        if !trace::record_to(self.receiver()) {
            tracing::error!("spans are sent elsewhere already");
        }
    }

    /// Takes spans from any thread without waiting.
    pub(super) fn receiver(&self) -> impl Fn(TraceSpan) + Send + Sync + 'static {
        let (entries, dropped) = (self.entries.clone(), self.dropped.clone());
        move |span| {
            // overflow: counted
            if entries.try_send(QueueEntry::Span(span)).is_err() {
                count(&dropped, SpanOutcome::Dropped, 1);
            }
        }
    }

    /// Sends what is queued, and waits for that up to [`FLUSH_MAX`].
    pub(crate) fn stop(self) {
        self.is_stopping.store(true, Ordering::Release);
        // overflow: refused: when the queue is full, the thread needs no waking.
        let _ = self.entries.try_send(QueueEntry::Stop);
        self.thread.thread().unpark();
        let deadline = Instant::now() + FLUSH_MAX;
        while !self.thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Whether the collector takes an empty request.
pub(crate) fn check_reachable(
    collector: &CollectorAddress,
    within: Duration,
) -> Result<(), String> {
    match post(&agent(within), collector, b"{\"resourceSpans\":[]}") {
        CollectorAnswer::Taken { .. } => Ok(()),
        CollectorAnswer::Refused(why) | CollectorAnswer::Later { why, .. } => Err(why),
    }
}

struct Exporter {
    agent: Agent,
    collector: CollectorAddress,
    /// For the log.
    to: String,
    resource: Resource,
    waiting: Receiver<QueueEntry>,
    is_stopping: Arc<AtomicBool>,
    batch: Vec<TraceSpan>,
    clock: WallClock,
    retries: Retries,
    /// The last batch was not taken, which is in the log.
    is_failing: bool,
    spans: CounterBy<SpanOutcome>,
}

impl Exporter {
    fn run(&mut self, heartbeat: &Heartbeat) {
        while self.fill(heartbeat) {
            self.deliver(heartbeat);
        }
    }

    /// Waits for a batch. `false`: the program ends, and all is sent.
    fn fill(&mut self, heartbeat: &Heartbeat) -> bool {
        heartbeat.rest();
        let mut due = None;
        while self.batch.len() < BATCH_MAX {
            let is_stopping = self.is_stopping.load(Ordering::Acquire);
            let wait = match due {
                _ if is_stopping => Duration::ZERO,
                Some(due) => Instant::saturating_duration_since(&due, Instant::now()),
                // Nothing is to be sent.
                None => Duration::MAX,
            };
            match self.next(wait) {
                Ok(QueueEntry::Span(span)) => {
                    due.get_or_insert_with(|| Instant::now() + BATCH_WAIT);
                    self.batch.push(span);
                }
                Ok(QueueEntry::Stop) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    self.is_stopping.store(true, Ordering::Release);
                    break;
                }
            }
        }
        !self.batch.is_empty()
    }

    fn next(&self, wait: Duration) -> Result<QueueEntry, RecvTimeoutError> {
        if wait == Duration::MAX {
            let entry = self.waiting.recv();
            return entry.map_err(|_| RecvTimeoutError::Disconnected);
        }
        self.waiting.recv_timeout(wait)
    }

    /// Sends the batch, until it is taken or given up.
    fn deliver(&mut self, heartbeat: &Heartbeat) {
        let batch = mem::take(&mut self.batch);
        self.follow_clock();
        let body = encoding::request(&batch, &self.resource, self.clock);
        let (began, spans) = (Instant::now(), batch.len() as u64);
        loop {
            heartbeat.beat(TURN_MAX);
            let answer = post(&self.agent, &self.collector, &body);
            let step = self.retries.after(Instant::now(), began, &answer);
            self.log(&answer);
            match step {
                NextAttempt::None => return self.count_answer(&answer, spans),
                NextAttempt::Wait(wait) if !self.is_stopping.load(Ordering::Acquire) => {
                    heartbeat.rest();
                    thread::park_timeout(wait);
                }
                // overflow: counted
                NextAttempt::Wait(_) | NextAttempt::GiveUp => {
                    return count(&self.spans, SpanOutcome::Dropped, spans);
                }
            }
        }
    }

    /// Spans of one trace keep their order: another origin is taken only when the wall clock was set.
    fn follow_clock(&mut self) {
        let now = Instant::now();
        let fresh = WallClock::new(now, SystemTime::now());
        // This thread was held up between the two readings.
        if now.elapsed() > CLOCK_STEP / 10 {
            return;
        }
        let off_ns = self.clock.unix_ns(now).abs_diff(fresh.unix_ns(now));
        if Duration::from_nanos(off_ns) > CLOCK_STEP {
            self.clock = fresh;
        }
    }

    fn count_answer(&self, answer: &CollectorAnswer, spans: u64) {
        let refused = match answer {
            CollectorAnswer::Taken { rejected } => (*rejected).min(spans),
            CollectorAnswer::Refused(_) | CollectorAnswer::Later { .. } => spans,
        };
        count(&self.spans, SpanOutcome::Sent, spans - refused);
        count(&self.spans, SpanOutcome::Refused, refused);
    }

    /// Once when the collector takes no spans, and once when it takes them again.
    fn log(&mut self, answer: &CollectorAnswer) {
        let was_failing = mem::replace(
            &mut self.is_failing,
            !matches!(answer, CollectorAnswer::Taken { .. }),
        );
        let to = &self.to;
        match answer {
            CollectorAnswer::Later { why, .. } if !was_failing => {
                tracing::warn!(
                    to,
                    why,
                    "the telemetry collector takes no spans; it is tried again"
                );
            }
            CollectorAnswer::Refused(why) if !was_failing => {
                tracing::warn!(
                    to,
                    why,
                    "the telemetry collector refuses spans; they are dropped"
                );
            }
            CollectorAnswer::Taken { .. } if was_failing => {
                tracing::info!(to, "the telemetry collector takes spans again");
            }
            _ => {}
        }
    }
}

fn count(spans: &CounterBy<SpanOutcome>, outcome: SpanOutcome, by: u64) {
    if by > 0 {
        spans.get_or_create(&[("outcome", outcome)]).inc_by(by);
    }
}

/// Only the configured server is asked.
fn agent(within: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT_WITHIN.min(within)))
        .timeout_global(Some(within))
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false);
    config.build().into()
}

fn post(agent: &Agent, collector: &CollectorAddress, body: &[u8]) -> CollectorAnswer {
    let answer = agent
        .post(collector.url())
        .header("User-Agent", concat!("carrier/", env!("CARGO_PKG_VERSION")))
        .content_type("application/json")
        .send(body);
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return CollectorAnswer::Later {
                why: match error {
                    // It may contain a secret.
                    ureq::Error::BadUri(_) => "the address cannot be used".to_owned(),
                    other => other.to_string(),
                },
                pause: None,
            };
        }
    };
    let retry_after = answer.headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| value.to_str().ok());
    let retry_after = retry_after.map(str::to_owned);
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    CollectorAnswer::of(
        status,
        retry_after.as_deref(),
        &body.read_to_vec().unwrap_or_default(),
    )
}
