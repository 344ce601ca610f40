//! Keeps a source open: opens it, watches it, tells viewers what is wrong, opens it again with
//! exponential back-off. Each camera with a name has a supervisor of its own, and so has the source without a name.
//!
//! In: a [`SourceSpec`], its replacements, and the events of its attempts. Out: [`Signal`]s. The frames themselves go
//! from the attempt's thread to the [`SourceSwitch`].

mod attempt;
mod control;
mod lineup;
mod plan;
mod start;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::error::CaptureError;
use crate::frame::Signal;
use crate::lock::lock;
use crate::sources::output::{AttemptId, Event, LiveSource};
use crate::sources::stall::StallCheck;
use crate::switch::{InputNumber, SourceSwitch};
use crate::threads::{Heartbeat, TURN_MAX};
use attempt::{Attempt, AttemptContext};
use control::Replacement;
use plan::{AfterFailure, Plan, Target};

pub use control::{CaptureHandle, ShutterControl, SourceControl};
pub use lineup::SelectedSource;
pub use start::{CaptureConfig, NamedCamera, spawn};

/// How often stalls are checked for: a stall of 1.5 s is on the card after 1.6 s.
const TICK: Duration = Duration::from_millis(100);
/// How long a cancelled thread may take to end before it is left behind.
const GRACE: Duration = Duration::from_millis(600);
/// How often `auto` looks for a camera while it shows the scene.
const PROBE_INTERVAL: Duration = Duration::from_secs(3);
/// With this many threads hanging in a driver, no other is started until one of them ends.
const MAX_ABANDONED: usize = 8;
/// Waits between two attempts. The longest bounds how soon a camera shows up after it is plugged in.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));

struct Supervisor {
    context: AttemptContext,
    name: String,
    plan: Plan,
    /// Of the source that is to be open.
    input: InputNumber,
    replacement: Replacement,
    switch: Arc<SourceSwitch>,
    received: Receiver<Event>,
    backoff: Backoff,
    attempts: AttemptId,
    /// Threads that hang in a driver.
    abandoned: Vec<JoinHandle<()>>,
    /// Since when there is no signal, and the reason.
    lost: Option<(Instant, String)>,
    live: Option<LiveSource>,
    /// Nothing is to be open: the shutter is closed, or another source is selected.
    is_released: bool,
    /// Whether nothing more comes after its end.
    closes_slots: bool,
}

/// How an attempt ended.
enum Outcome {
    Failed(CaptureError),
    /// Nothing is to be open.
    Released,
    /// Another source is to be opened, or the same once more.
    Replaced,
    Stopped,
}

/// Why a wait between two attempts ended.
enum Waited {
    Due,
    /// Nothing is to be open, or a source at once.
    Changed,
    Stopped,
}

impl Supervisor {
    fn run(&mut self, heartbeat: &Heartbeat) {
        // What a run that panicked left here is not what viewers see now.
        (self.live, self.lost) = (None, None);
        if !self.is_released {
            self.publish_opening();
        }
        loop {
            if self.is_released && self.wait_while_released(heartbeat) {
                break;
            }
            let error = match self.attempt(heartbeat) {
                Outcome::Failed(error) => error,
                Outcome::Released | Outcome::Replaced => continue,
                Outcome::Stopped => break,
            };
            let error = self.attribute(error);
            let now = Instant::now();
            let after = self.plan.failed(&error);
            let detail = error.detail();
            tracing::warn!(source = self.name, %error, detail, ?after, "source failed");
            if after == AfterFailure::Fallback {
                continue;
            }
            self.publish_lost(error.to_string(), now);
            let wake = (after == AfterFailure::Retry).then(|| now + self.backoff.failed(now));
            heartbeat.rest();
            match self.wait_to_retry(wake) {
                Waited::Due => {
                    self.context.metrics.reopenings.inc();
                }
                Waited::Changed => {}
                Waited::Stopped => break,
            }
        }
        if self.closes_slots {
            self.switch.close();
        }
    }

    /// A camera that is busy because of a thread left behind is not used by "another program".
    fn attribute(&mut self, error: CaptureError) -> CaptureError {
        self.abandoned.retain(|thread| !thread.is_finished());
        match error {
            CaptureError::CameraBusy { .. } if !self.abandoned.is_empty() => {
                CaptureError::DriverHangs
            }
            other => other,
        }
    }

    /// Opens the source and watches it until it ends.
    fn attempt(&mut self, heartbeat: &Heartbeat) -> Outcome {
        // Before its thread runs, so that its first picture is published.
        self.context.gate.set_active(self.attempts + 1, self.input);
        match self.start(self.plan.target()) {
            Ok(attempt) => self.watch_attempt(attempt, heartbeat),
            Err(error) => Outcome::Failed(error),
        }
    }

    fn start(&mut self, target: Target) -> Result<Attempt, CaptureError> {
        self.abandoned.retain(|thread| !thread.is_finished());
        if self.abandoned.len() >= MAX_ABANDONED {
            // overflow: refused
            return Err(CaptureError::DriverHangs);
        }
        self.attempts += 1;
        Attempt::start(self.attempts, target, &self.context)
    }

    /// Handles the events of `attempt` until it ends. While `auto` shows the scene, a second attempt
    /// (`probe`) looks for a camera and takes over with its first picture.
    fn watch_attempt(&mut self, mut attempt: Attempt, heartbeat: &Heartbeat) -> Outcome {
        let mut probe: Option<Attempt> = None;
        let mut probe_at = Instant::now() + PROBE_INTERVAL;
        loop {
            heartbeat.beat(TURN_MAX);
            let event = self.received.recv_timeout(TICK);
            let now = Instant::now();
            let probing = probe.as_ref().map(|probe| probe.id);
            let ended = match event {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => Some(Outcome::Stopped),
                Ok(Event::Live(id, live)) => {
                    if probing == Some(id)
                        && let Some(camera) = probe.take()
                    {
                        self.context.gate.set_active(id, self.input);
                        self.end_or_abandon(std::mem::replace(&mut attempt, camera));
                    }
                    if attempt.id == id {
                        attempt.recovered();
                        self.publish_live(live, now);
                    }
                    None
                }
                Ok(Event::Ended(id, result)) if id == attempt.id => {
                    Some(Outcome::Failed(result.err().unwrap_or(self.stalled())))
                }
                Ok(Event::Ended(id, result)) => {
                    if probing == Some(id) {
                        self.end_probe(&mut probe, result.err());
                        probe_at = now + PROBE_INTERVAL;
                    }
                    None
                }
                Ok(command) => {
                    if matches!(command, Event::Resumed) {
                        probe_at = now;
                    }
                    self.follow(&command, &attempt)
                }
                Err(RecvTimeoutError::Timeout) => None,
            };
            let stalled = |error| Some(Outcome::Failed(error));
            let ended = ended.or_else(|| self.check_stall(&mut attempt, now).and_then(stalled));
            if let Some(outcome) = ended {
                self.end_both(attempt, probe);
                return outcome;
            }
            self.look_for_camera(&mut probe, &mut probe_at, now);
        }
    }

    /// Follows a command while `attempt` runs. Returns why the attempt ends, if it does.
    fn follow(&mut self, command: &Event, attempt: &Attempt) -> Option<Outcome> {
        match command {
            Event::Release { is_released: true } => {
                self.is_released = true;
                Some(Outcome::Released)
            }
            Event::SourceReplaced => self.adopt().then_some(Outcome::Replaced),
            Event::LimitChanged => {
                let is_outdated = attempt.is_outdated(&self.context);
                is_outdated.then_some(Outcome::Replaced)
            }
            Event::Resumed => {
                self.backoff = BACKOFF;
                let is_lost = attempt.is_lost_in_suspension();
                is_lost.then_some(Outcome::Replaced)
            }
            _ => None,
        }
    }

    fn end_both(&mut self, attempt: Attempt, probe: Option<Attempt>) {
        self.end_or_abandon(attempt);
        if let Some(probe) = probe {
            self.end_or_abandon(probe);
        }
    }

    /// Puts the card up on silence. Returns an error when the source has to be opened again.
    fn check_stall(&mut self, attempt: &mut Attempt, now: Instant) -> Option<CaptureError> {
        let checked = attempt.check(now);
        if checked == StallCheck::Fine {
            return None;
        }
        let last_picture = attempt.state().arrivals().last;
        // Before the card is up: the next picture may come at once.
        attempt.state().announce_next();
        if self.lost.is_none() && last_picture.is_some() {
            self.context.metrics.stalls.inc();
        }
        let error = match attempt.state().unreadable() {
            Some(detail) => CaptureError::Unreadable {
                name: self.name.clone(),
                detail,
            },
            None => self.stalled(),
        };
        // Before waiting for the thread to end: the card must not wait for that.
        if self.live.is_some() || checked == StallCheck::Silent {
            self.publish_lost(error.to_string(), last_picture.unwrap_or(now));
        }
        (checked == StallCheck::GiveUp).then_some(error)
    }

    fn look_for_camera(
        &mut self,
        probe: &mut Option<Attempt>,
        probe_at: &mut Instant,
        now: Instant,
    ) {
        let checked = probe.as_mut().map(|running| running.check(now));
        if checked == Some(StallCheck::GiveUp) {
            let error = self.stalled();
            self.end_probe(probe, Some(error));
            *probe_at = now + PROBE_INTERVAL;
        } else if checked.is_none() && now >= *probe_at {
            *probe_at = now + PROBE_INTERVAL;
            // The scene goes on, even if no thread can be started.
            *probe = self.plan.probe().and_then(|target| self.start(target).ok());
        }
    }

    fn end_probe(&mut self, probe: &mut Option<Attempt>, error: Option<CaptureError>) {
        if let Some(probe) = probe.take() {
            self.end_or_abandon(probe);
        }
        if let Some(error) = error
            && self.plan.probe_failed(&error)
            && let Some(live) = self.live.take()
        {
            self.publish_live(live, Instant::now());
        }
    }

    /// Ends an attempt. Its thread is left behind when it does not end: a driver may hold it for ever.
    fn end_or_abandon(&mut self, attempt: Attempt) {
        if let Err(thread) = attempt.end(GRACE) {
            // overflow: counted
            self.context.metrics.abandoned_threads.inc();
            let name = thread.thread().name().unwrap_or("source").to_owned();
            tracing::warn!(
                thread = name,
                "the source's thread hangs and is left behind"
            );
            self.abandoned.push(thread);
        }
    }

    /// Sleeps until the source is to be opened. Returns whether the capture was stopped meanwhile.
    fn wait_while_released(&mut self, heartbeat: &Heartbeat) -> bool {
        // Threads that a driver holds publish nothing from now on.
        self.attempts += 1;
        self.context.gate.set_active(self.attempts, self.input);
        self.switch.release(self.input);
        (self.live, self.lost) = (None, None);
        heartbeat.rest();
        while self.is_released {
            match self.received.recv() {
                Ok(Event::Release { is_released }) => self.is_released = is_released,
                Ok(Event::SourceReplaced) => {
                    self.adopt();
                }
                Ok(Event::Stop) | Err(_) => return true,
                // Late events of threads that were left behind.
                Ok(_) => {}
            }
        }
        self.backoff = BACKOFF;
        self.publish_opening();
        false
    }

    /// Sleeps until `wake` (`None`: for ever), until nothing is to be open, or another source.
    fn wait_to_retry(&mut self, wake: Option<Instant>) -> Waited {
        loop {
            let left = wake.map_or(Duration::MAX, |wake| {
                wake.saturating_duration_since(Instant::now())
            });
            match self.received.recv_timeout(left) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Waited::Stopped,
                Err(RecvTimeoutError::Timeout) => return Waited::Due,
                Ok(Event::Release { is_released: true }) => {
                    self.is_released = true;
                    return Waited::Changed;
                }
                Ok(Event::SourceReplaced) => {
                    if self.adopt() {
                        return Waited::Changed;
                    }
                }
                Ok(Event::Resumed) if wake.is_some() => {
                    self.backoff = BACKOFF;
                    return Waited::Changed;
                }
                // Late events of threads that were left behind.
                Ok(_) => {}
            }
        }
    }

    /// Takes the source that replaces the present one into use. Returns `false` when there is none.
    fn adopt(&mut self) -> bool {
        let Some((number, source)) = lock(&self.replacement).take() else {
            return false;
        };
        tracing::info!(
            from = self.name,
            to = source.plain_name(),
            "source replaced"
        );
        (self.input, self.name) = (number, source.plain_name());
        self.plan = Plan::new(source);
        self.backoff = BACKOFF;
        (self.live, self.lost) = (None, None);
        true
    }

    fn publish_opening(&self) {
        self.publish_signal(Signal::Opening {
            source: self.name.clone(),
        });
    }

    fn publish_signal(&self, signal: Signal) {
        self.switch.publish_source_signal(self.input, signal);
    }

    fn publish_live(&mut self, live: LiveSource, now: Instant) {
        let (opened, width, height) = &live;
        self.plan.succeeded(opened.camera.clone());
        self.backoff.running(now);
        if let Some((since, _)) = self.lost.take() {
            let seconds = now.saturating_duration_since(since).as_secs_f32();
            tracing::info!(source = opened.source, seconds, "source recovered");
        }
        self.publish_signal(Signal::Live {
            source: opened.source.clone(),
            note: self.plan.note(),
            width: *width,
            height: *height,
            fps: opened.fps,
        });
        self.live = Some(live);
    }

    /// Puts the card up, unless it shows the same reason already.
    fn publish_lost(&mut self, reason: String, at: Instant) {
        self.live = None;
        let since = self.lost.as_ref().map_or(at, |(since, _)| *since);
        if self.lost.as_ref().is_some_and(|(_, old)| *old == reason) {
            return;
        }
        self.lost = Some((since, reason.clone()));
        self.publish_signal(Signal::Lost {
            source: self.name.clone(),
            reason,
            since,
        });
    }

    fn stalled(&self) -> CaptureError {
        CaptureError::Stalled {
            name: self.name.clone(),
        }
    }
}
