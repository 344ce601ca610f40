//! Spans of a trace, as OpenTelemetry defines them: what was done, when, and as part of what.
//!
//! Any stage [`record`]s a span when its work is done; the program installs one receiver with [`record_to`], if
//! telemetry is configured. Without a receiver nothing is made: [`is_recording`] is one atomic load.
//!
//! Attributes are for operators, who may see neither who a visitor is nor what is on a picture: no address, name,
//! token, session or job id.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use std::{borrow::Cow, fmt};

/// One frame in so many is traced: one in ten seconds at 30 frames a second.
const FRAMES_PER_TRACE: u64 = 300;
/// The first of them: about a second after the start.
const FIRST_TRACED: u64 = 30;

/// Identifies a span and the trace that it belongs to. No id is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: u128,
    pub span_id: u64,
}

impl TraceContext {
    /// The root of a new trace.
    #[must_use]
    pub fn root() -> Self {
        Self {
            trace_id: trace_id_of(fresh_id(), fresh_id()),
            span_id: fresh_id(),
        }
    }

    /// Another span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: fresh_id(),
            ..self
        }
    }
}

/// What a span is for its neighbours in other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanKind {
    #[default]
    Internal,
    /// The answer to a request of another program.
    Server,
    /// A request to another program.
    Client,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    Text(Cow<'static, str>),
    Integer(i64),
    Flag(bool),
}

impl From<&'static str> for AttributeValue {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for AttributeValue {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for AttributeValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A piece of work that is done.
#[derive(Debug, Clone)]
pub struct TraceSpan {
    pub context: TraceContext,
    /// The id of the span that it is a part of.
    pub parent: Option<u64>,
    pub name: Cow<'static, str>,
    pub kind: SpanKind,
    pub start: Instant,
    pub end: Instant,
    pub attributes: Vec<(&'static str, AttributeValue)>,
    /// Why the work failed, in words of this program.
    pub error: Option<&'static str>,
}

impl TraceSpan {
    /// Work within this program, from `start` to `end`. `context` is its own.
    #[must_use]
    pub fn new(
        context: TraceContext,
        name: impl Into<Cow<'static, str>>,
        (start, end): (Instant, Instant),
    ) -> Self {
        Self {
            context,
            parent: None,
            name: name.into(),
            kind: SpanKind::Internal,
            start,
            end,
            attributes: Vec::new(),
            error: None,
        }
    }

    /// A new span that is a part of `parent`.
    #[must_use]
    pub fn part_of(
        parent: TraceContext,
        name: impl Into<Cow<'static, str>>,
        times: (Instant, Instant),
    ) -> Self {
        Self {
            parent: Some(parent.span_id),
            ..Self::new(parent.child(), name, times)
        }
    }

    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<AttributeValue>) -> Self {
        self.attributes.push((key, value.into()));
        self
    }
}

type SpanReceiver = Box<dyn Fn(TraceSpan) + Send + Sync>;

static RECEIVER: OnceLock<SpanReceiver> = OnceLock::new();

/// Gives all spans from now on to `receiver`, which must not block. `false`: there is one already.
pub fn record_to(receiver: impl Fn(TraceSpan) + Send + Sync + 'static) -> bool {
    RECEIVER.set(Box::new(receiver)).is_ok()
}

/// Whether anybody receives spans.
#[must_use]
pub fn is_recording() -> bool {
    RECEIVER.get().is_some()
}

pub fn record(span: TraceSpan) {
    if let Some(receiver) = RECEIVER.get() {
        receiver(span);
    }
}

/// The root span of a frame that is traced (its capture), the same at each stage; `None` for all others, and without a
/// receiver.
#[must_use]
pub fn of_frame(seq: u64) -> Option<TraceContext> {
    (is_recording() && seq % FRAMES_PER_TRACE == FIRST_TRACED).then(|| frame_context(seq))
}

fn frame_context(seq: u64) -> TraceContext {
    TraceContext {
        trace_id: trace_id_of(id_of(("trace", seq)), id_of(("low", seq))),
        span_id: id_of(("frame", seq)),
    }
}

thread_local! {
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// The span that this thread works on.
#[must_use]
pub fn current() -> Option<TraceContext> {
    CURRENT.get()
}

/// Makes `context` this thread's current one until the guard is dropped.
#[must_use]
pub fn enter(context: Option<TraceContext>) -> Entered {
    Entered(CURRENT.replace(context))
}

/// Restores the former context of the thread when it is dropped.
#[derive(Debug)]
pub struct Entered(Option<TraceContext>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl fmt::Display for TraceContext {
    /// The trace's id, as logs and other systems write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.trace_id)
    }
}

fn trace_id_of(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

fn fresh_id() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    id_of(("fresh", COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// A hash under a random key of this process: ids of two processes do not meet.
fn id_of(what: (&str, u64)) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    KEY.get_or_init(RandomState::new).hash_one(what).max(1)
}
