//! Keeps a source open: opens it, watches it, says what is wrong, opens it again.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::attempt::{Attempt, Surroundings};
use crate::backoff::Backoff;
use crate::clock::WallClock;
use crate::error::CaptureError;
use crate::frame::Signal;
use crate::metrics::CaptureMetrics;
use crate::mode::Wanted;
use crate::outlet::{Event, Gate, Opened, Ticket};
use crate::patience::StallCheck;
use crate::plan::{After, Plan};
use crate::pool::PicturePool;
use crate::spec::SourceSpec;
use crate::switch::SourceSwitch;
use crate::threads::{Heartbeat, TURN_MAX, Threads};

/// How often the watchdog looks: with its 1.5 s, a stall is on the card within 1.6 s.
const TICK: Duration = Duration::from_millis(100);
/// What a thread is given to end once it is told to; it is left behind after.
const GRACE: Duration = Duration::from_millis(600);
/// How often `auto` looks for a camera while it shows the scene.
const PROBE: Duration = Duration::from_secs(3);
/// More threads than this hanging in a driver, and no other is started until one comes back.
const MAX_ABANDONED: usize = 8;
/// Pictures kept for reuse: about a pipeline full (source, detector, compose, their slots).
const POOLED: usize = 8;

/// What to capture and how.
#[derive(Debug, Clone)]
pub struct CaptureConfig {
    /// Where pictures come from.
    pub source: SourceSpec,
    /// What is wanted of a camera.
    pub wanted: Wanted,
    /// Whether a file starts again at its end.
    pub loop_file: bool,
    /// The process's clock, for the scene's timecode.
    pub clock: WallClock,
    /// Where the supervisor's thread is registered.
    pub threads: Threads,
}

/// A running capture. Dropped without [`CaptureHandle::stop`], it ends on its own time.
#[derive(Debug)]
pub struct CaptureHandle {
    events: Sender<Event>,
    thread: Option<JoinHandle<()>>,
}

impl CaptureHandle {
    /// Ends the capture and closes both slots. Returns within a second or so, even when a driver
    /// hangs: its thread is left behind.
    pub fn stop(mut self) {
        // A supervisor that is gone has stopped already.
        let _ = self.events.send(Event::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the capture supervisor panicked");
        }
    }
}

impl Drop for CaptureHandle {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Stop);
    }
}

/// Starts capturing. Frames and how the source is doing go to the slots behind `switch`.
///
/// Nothing about the source is an error here: it is said by a [`Signal`] and tried again.
pub fn spawn(
    config: CaptureConfig,
    switch: Arc<SourceSwitch>,
    metrics: Arc<CaptureMetrics>,
) -> io::Result<CaptureHandle> {
    let (events, received) = channel();
    let mut supervisor = Supervisor {
        around: Surroundings {
            gate: Gate::new(Arc::clone(&switch)),
            events: events.clone(),
            pool: PicturePool::new(POOLED),
            metrics,
            wanted: config.wanted,
            clock: config.clock,
            threads: config.threads.clone(),
        },
        name: config.source.plain_name(),
        plan: Plan::new(config.source, config.loop_file),
        switch,
        received,
        backoff: Backoff::default(),
        tickets: 0,
        abandoned: Vec::new(),
        lost: None,
        live: None,
    };
    let run = move |heartbeat: &Heartbeat| supervisor.run(heartbeat);
    let thread = config.threads.spawn("capture", run)?;
    Ok(CaptureHandle {
        events,
        thread: Some(thread),
    })
}

struct Supervisor {
    around: Surroundings,
    /// The source in plain words.
    name: String,
    plan: Plan,
    switch: Arc<SourceSwitch>,
    received: Receiver<Event>,
    backoff: Backoff,
    tickets: Ticket,
    /// Threads that hang in a driver.
    abandoned: Vec<JoinHandle<()>>,
    /// Since when and why there is no signal.
    lost: Option<(Instant, String)>,
    /// What flows, and its size.
    live: Option<(Opened, u32, u32)>,
}

/// How an attempt came to its end.
enum Outcome {
    Failed(CaptureError),
    Stopped,
}

impl Supervisor {
    fn run(&mut self, heartbeat: &Heartbeat) {
        self.switch.house_signal(Signal::Opening {
            source: self.name.clone(),
        });
        while let Outcome::Failed(error) = self.attempt(heartbeat) {
            let error = self.blamed(error);
            let now = Instant::now();
            let after = self.plan.failed(&error);
            let detail = error.detail();
            tracing::warn!(source = self.name, %error, detail, ?after, "source failed");
            if after == After::Instead {
                continue;
            }
            self.publish_lost(self.plan.reason(&error), now);
            let wake = (after == After::Retry).then(|| now + self.backoff.failed(now));
            heartbeat.rest();
            if self.stopped_before(wake) {
                break;
            }
            self.around.metrics.reopenings.inc();
        }
        self.switch.close();
    }

    /// A thread left behind keeps its camera: "another program" would be a lie.
    fn blamed(&mut self, error: CaptureError) -> CaptureError {
        self.abandoned.retain(|thread| !thread.is_finished());
        match error {
            CaptureError::CameraBusy { .. } if !self.abandoned.is_empty() => {
                CaptureError::DriverHangs
            }
            other => other,
        }
    }

    /// Opens the source and stays with it to its end.
    fn attempt(&mut self, heartbeat: &Heartbeat) -> Outcome {
        // Before its thread runs: it must not find the gate shut with its first picture.
        self.around.gate.admit(self.tickets + 1);
        match self.start(self.plan.job()) {
            Ok(attempt) => self.attend(attempt, heartbeat),
            Err(error) => Outcome::Failed(error),
        }
    }

    fn start(&mut self, job: crate::plan::Job) -> Result<Attempt, CaptureError> {
        self.abandoned.retain(|thread| !thread.is_finished());
        if self.abandoned.len() >= MAX_ABANDONED {
            // overflow: refused
            return Err(CaptureError::DriverHangs);
        }
        self.tickets += 1;
        Attempt::start(self.tickets, job, &self.around)
    }

    fn attend(&mut self, mut attempt: Attempt, heartbeat: &Heartbeat) -> Outcome {
        let mut probe: Option<Attempt> = None;
        let mut probe_at = Instant::now() + PROBE;
        loop {
            heartbeat.beat(TURN_MAX);
            let event = self.received.recv_timeout(TICK);
            let now = Instant::now();
            let probing = probe.as_ref().map(|probe| probe.ticket);
            match event {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    self.retire(attempt);
                    probe.into_iter().for_each(|probe| self.retire(probe));
                    return Outcome::Stopped;
                }
                Ok(Event::Flowing {
                    ticket,
                    opened,
                    width,
                    height,
                }) => {
                    if probing == Some(ticket)
                        && let Some(camera) = probe.take()
                    {
                        self.around.gate.admit(ticket);
                        self.retire(std::mem::replace(&mut attempt, camera));
                    }
                    if attempt.ticket == ticket {
                        attempt.flowing();
                        self.publish_live((opened, width, height), now);
                    }
                }
                Ok(Event::Ended { ticket, result }) if ticket == attempt.ticket => {
                    self.retire(attempt);
                    probe.into_iter().for_each(|probe| self.retire(probe));
                    return Outcome::Failed(result.err().unwrap_or(self.stalled()));
                }
                Ok(Event::Ended { ticket, result }) => {
                    if probing == Some(ticket) {
                        self.end_probe(&mut probe, result.err());
                        probe_at = now + PROBE;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(error) = self.watch(&mut attempt, now) {
                self.retire(attempt);
                probe.into_iter().for_each(|probe| self.retire(probe));
                return Outcome::Failed(error);
            }
            self.look_for_camera(&mut probe, &mut probe_at, now);
        }
    }

    /// The watchdog: puts the card up on silence; an error when the attempt is to be given up.
    fn watch(&mut self, attempt: &mut Attempt, now: Instant) -> Option<CaptureError> {
        let checked = attempt.check(now);
        if checked == StallCheck::Fine {
            return None;
        }
        if self.lost.is_none() && attempt.last_picture().is_some() {
            self.around.metrics.stalls.inc();
        }
        let error = match attempt.unreadable() {
            Some(detail) => CaptureError::Unreadable {
                name: self.name.clone(),
                detail,
            },
            None => self.stalled(),
        };
        // Before the thread is given its grace: the card must not wait for that.
        if self.live.is_some() || checked == StallCheck::Silent {
            let reason = self.plan.reason(&error);
            self.publish_lost(reason, attempt.last_picture().unwrap_or(now));
        }
        attempt.announce_next();
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
            *probe_at = now + PROBE;
        } else if checked.is_none() && now >= *probe_at {
            *probe_at = now + PROBE;
            // Refused or not, the scene goes on.
            *probe = self.plan.probe().and_then(|job| self.start(job).ok());
        }
    }

    fn end_probe(&mut self, probe: &mut Option<Attempt>, error: Option<CaptureError>) {
        probe
            .take()
            .into_iter()
            .for_each(|probe| self.retire(probe));
        if let Some(error) = error
            && self.plan.probe_failed(&error)
            && let Some(live) = self.live.take()
        {
            self.publish_live(live, Instant::now());
        }
    }

    /// Ends an attempt, or leaves its thread behind: a driver may hold it for ever.
    fn retire(&mut self, attempt: Attempt) {
        if let Err(thread) = attempt.end(GRACE) {
            // overflow: counted
            self.around.metrics.abandoned_threads.inc();
            let name = thread.thread().name().unwrap_or("source").to_owned();
            tracing::warn!(
                thread = name,
                "the source's thread hangs; it is left behind"
            );
            self.abandoned.push(thread);
        }
    }

    /// Sleeps until `wake`, for ever without one; whether the capture was stopped meanwhile.
    fn stopped_before(&mut self, wake: Option<Instant>) -> bool {
        loop {
            let event = match wake {
                None => self
                    .received
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
                Some(wake) => {
                    let left = wake.saturating_duration_since(Instant::now());
                    self.received.recv_timeout(left)
                }
            };
            match event {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
                // Old news of threads left behind.
                Ok(_) => {}
            }
        }
    }

    fn publish_live(&mut self, live: (Opened, u32, u32), now: Instant) {
        let (opened, width, height) = &live;
        self.plan.flowing(opened.camera.clone());
        self.backoff.flowing(now);
        if let Some((since, _)) = self.lost.take() {
            let seconds = now.saturating_duration_since(since).as_secs_f32();
            tracing::info!(source = opened.source, seconds, "the source is back");
        }
        self.switch.house_signal(Signal::Live {
            source: opened.source.clone(),
            note: self.plan.note(),
            width: *width,
            height: *height,
            fps: opened.fps,
        });
        self.live = Some(live);
    }

    /// Puts the card up; the same words again change nothing.
    fn publish_lost(&mut self, reason: String, at: Instant) {
        self.live = None;
        let since = self.lost.as_ref().map_or(at, |(since, _)| *since);
        if self.lost.as_ref().is_some_and(|(_, old)| *old == reason) {
            return;
        }
        self.lost = Some((since, reason.clone()));
        self.switch.house_signal(Signal::Lost {
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
