//! Parses commands and formats counters. Pure.

use std::time::Duration;

use lossy_link::{Conditions, Counters, Loss, Queue};

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    Change {
        up: bool,
        down: bool,
        changes: Vec<Change>,
    },
    Read,
}

/// A change of one setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    Loss(f64),
    Burst(f64),
    Delay(Duration),
    Jitter(Duration),
    KeepsOrder(bool),
    Rate(Option<u64>),
    Queue(Queue),
}

/// The settings of one direction. Loss share and burst length are set separately.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    loss: f64,
    burst: f64,
    conditions: Conditions,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            loss: 0.0,
            burst: 1.0,
            conditions: Conditions::default(),
        }
    }
}

impl Setting {
    pub(crate) fn change(&mut self, changes: &[Change]) {
        let conditions = &mut self.conditions;
        for change in changes {
            match *change {
                Change::Loss(share) => self.loss = share,
                Change::Burst(length) => self.burst = length,
                Change::Delay(time) => conditions.delay = time,
                Change::Jitter(most) => conditions.jitter.most = most,
                Change::KeepsOrder(keeps) => conditions.jitter.keeps_order = keeps,
                Change::Rate(rate) => conditions.rate_bps = rate,
                Change::Queue(queue) => conditions.queue = queue,
            }
        }
    }

    pub(crate) fn conditions(&self) -> Conditions {
        let loss = if self.loss == 0.0 {
            Loss::None
        } else if self.burst > 1.0 && self.loss < 1.0 {
            Loss::bursts(self.loss, self.burst)
        } else {
            Loss::Random(self.loss)
        };
        Conditions {
            loss,
            ..self.conditions
        }
    }
}

/// Parses a line.
pub(crate) fn parse(line: &str) -> Result<Command, String> {
    let mut words = line.split_ascii_whitespace();
    let (up, down) = match words.next() {
        Some("read") => return Ok(Command::Read),
        Some("both") => (true, true),
        Some("up") => (true, false),
        Some("down") => (false, true),
        other => {
            return Err(format!(
                "a command is read, both, up or down, not {other:?}"
            ));
        }
    };
    let changes: Result<_, String> = words.map(change).collect();
    Ok(Command::Change {
        up,
        down,
        changes: changes?,
    })
}

fn change(word: &str) -> Result<Change, String> {
    let unusable = || format!("cannot use {word:?}");
    let (name, value) = word.split_once('=').ok_or_else(unusable)?;
    let number = || value.parse::<f64>().ok().filter(|number| *number >= 0.0);
    let whole = || value.parse::<u64>().ok();
    let time = || number().and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
    let change = match name {
        "loss" => number().filter(|share| *share <= 1.0).map(Change::Loss),
        "burst" => number().map(Change::Burst),
        "delay_ms" => time().map(Change::Delay),
        "jitter_ms" => time().map(Change::Jitter),
        "order" => ["kept", "free"]
            .contains(&value)
            .then_some(Change::KeepsOrder(value == "kept")),
        "rate_bps" if value == "none" => Some(Change::Rate(None)),
        "rate_bps" => whole().map(|rate| Change::Rate(Some(rate))),
        "queue_ms" => time().map(|time| Change::Queue(Queue::Time(time))),
        "queue_bytes" => whole()
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(|bytes| Change::Queue(Queue::Bytes(bytes))),
        _ => None,
    };
    change.ok_or_else(unusable)
}

/// Counters of one direction, summed over all paths.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    counters: Counters,
    waiting_bytes: usize,
}

impl Totals {
    pub(crate) fn add(&mut self, counters: Counters, waiting_bytes: usize) {
        self.counters.offered += counters.offered;
        self.counters.offered_bytes += counters.offered_bytes;
        self.counters.delivered += counters.delivered;
        self.counters.delivered_bytes += counters.delivered_bytes;
        self.counters.lost += counters.lost;
        self.counters.overflowed += counters.overflowed;
        self.waiting_bytes += waiting_bytes;
    }

    fn json(&self) -> String {
        let Counters {
            offered,
            offered_bytes,
            delivered,
            delivered_bytes,
            lost,
            overflowed,
        } = self.counters;
        format!(
            "{{\"offered\":{offered},\"offered_bytes\":{offered_bytes},\
             \"delivered\":{delivered},\"delivered_bytes\":{delivered_bytes},\"lost\":{lost},\
             \"overflowed\":{overflowed},\"waiting_bytes\":{}}}",
            self.waiting_bytes
        )
    }
}

/// How long a datagram that is sent to a client now would wait at the bottleneck; `None` in an outage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathWait {
    pub(crate) port: u16,
    pub(crate) waiting: Option<Duration>,
}

impl PathWait {
    fn json(self) -> String {
        let waiting = self.waiting.map(|time| time.as_secs_f64() * 1e3);
        let waiting = waiting.map_or_else(|| "null".to_owned(), |ms| format!("{ms:.1}"));
        format!("{{\"port\":{},\"waiting_ms\":{waiting}}}", self.port)
    }
}

/// Formats both directions as a line of JSON.
pub(crate) fn totals_json(
    paths: impl Iterator<Item = PathWait>,
    up: &Totals,
    down: &Totals,
) -> String {
    let paths: Vec<String> = paths.map(PathWait::json).collect();
    let (paths, up, down) = (paths.join(","), up.json(), down.json());
    format!("{{\"paths\":[{paths}],\"up\":{up},\"down\":{down}}}")
}
