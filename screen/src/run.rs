//! The screen's thread: takes the newest picture and the state, and draws when one of them has changed.

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::{Heartbeat, Next, PooledPicture, TURN_MAX, Threads, lock};

use crate::choose::{FoundOutputs, OutputChoice, cards_below, choose};
use crate::kms::console::RestoreConsole;
use crate::kms::{KmsOutput, refusal};
use crate::orientation::Orientation;
use crate::output::{Key, OutputEvent, ScreenError, ScreenOutput};
use crate::picture::ScreenPicture;
use crate::state::ScreenState;

/// What the screen shows and whom it tells of keys. The program provides it, since this crate knows neither
/// detections nor viewers.
pub trait ScreenHost: Send {
    /// Waits for a picture that is newer than the last one, at most `timeout`.
    fn next_picture(&mut self, timeout: Duration) -> Next<PooledPicture>;

    /// Changes when all earlier pictures were taken back: they must not be shown any more.
    fn picture_epoch(&self) -> u64;

    /// What to show beside the picture.
    fn state(&mut self) -> ScreenState;

    /// Somebody pressed a key at the screen.
    fn press(&mut self, key: Key);

    /// Whether pictures are needed from now on.
    fn set_watching(&mut self, is_watching: bool);
}

/// How the screen is set up.
#[derive(Debug)]
pub struct ScreenSetup {
    pub output: OutputChoice,
    /// A Wayland or X11 session, as its name.
    pub desktop: Option<&'static str>,
    /// The monitor of the window, by name; `None`: the first one.
    pub monitor: Option<String>,
    pub orientation: Orientation,
    /// Restores the console when this process dies.
    pub restore_console: Option<RestoreConsole>,
    /// Supervises the thread.
    pub threads: Threads,
}

/// The running thread. Dropping it stops the thread without waiting.
#[derive(Debug)]
pub struct ScreenHandle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// Pressed elsewhere, such as in a terminal.
    pressed: Mutex<Vec<Key>>,
}

/// An idle turn: a picture that was taken back is gone from the display within one frame of 30 a second.
const TURN: Duration = Duration::from_millis(30);
/// How often the state is read, and a display looked for.
const STATE_EVERY: Duration = Duration::from_millis(250);
const OPEN_EVERY: Duration = Duration::from_secs(1);
/// Where the kernel lists cards and displays, and their devices.
const CLASS: &str = "/sys/class/drm";
const DEVICES: &str = "/dev/dri";

/// Chooses the output and starts the thread; `None`: there is no screen. The log has the reason.
///
/// # Errors
/// When the system refuses a thread.
pub fn spawn(
    config: ScreenSetup,
    mut station: Box<dyn ScreenHost>,
) -> io::Result<Option<ScreenHandle>> {
    let (class, devices) = (Path::new(CLASS), Path::new(DEVICES));
    let found = FoundOutputs {
        has_window: cfg!(feature = "window"),
        desktop: config.desktop,
        cards: cards_below(class, devices, refusal),
    };
    let chosen = choose(config.output, &found);
    let reason = &chosen.reason;
    match chosen.output {
        OutputChoice::Off if config.output == OutputChoice::Off => return Ok(None),
        OutputChoice::Off => {
            tracing::warn!("the screen is off: {reason}");
            return Ok(None);
        }
        OutputChoice::Window => tracing::info!("the screen is a window: {reason}"),
        _ => tracing::info!("the screen is a display of its own: {reason}"),
    }
    let shared = Arc::new(Shared::default());
    let threads = config.threads.clone();
    let output = chosen.output;
    let thread = threads.spawn("screen", {
        let shared = Arc::clone(&shared);
        move |heartbeat| {
            let open = || open(output, &config);
            let orientation = config.orientation;
            Screen::new(station.as_mut(), &shared, orientation).run(open, heartbeat);
        }
    })?;
    Ok(Some(ScreenHandle {
        shared,
        thread: Mutex::new(Some(thread)),
    }))
}

fn open(output: OutputChoice, config: &ScreenSetup) -> Result<Box<dyn ScreenOutput>, ScreenError> {
    if output == OutputChoice::Window {
        #[cfg(feature = "window")]
        return Ok(Box::new(crate::window::WindowOutput::open(
            config.monitor.clone(),
        )?));
        #[cfg(not(feature = "window"))]
        return Err(ScreenError::Window("this build has no windows".to_owned()));
    }
    let (class, devices) = (PathBuf::from(CLASS), Path::new(DEVICES));
    let kms = KmsOutput::open(class, devices, config.restore_console.as_ref())?;
    Ok(Box::new(kms))
}

impl ScreenHandle {
    /// As if the key was pressed at the screen.
    pub fn press(&self, key: Key) {
        lock(&self.shared.pressed).push(key);
    }

    /// Ends the thread after the present picture, and waits for it: the console is restored then.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        let ended = lock(&self.thread).take().map(JoinHandle::join);
        if ended.is_some_and(|ended| ended.is_err()) {
            tracing::error!("the screen's thread had panicked");
        }
    }
}

impl Drop for ScreenHandle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
    }
}

/// What one run of the thread knows.
struct Screen<'a> {
    station: &'a mut dyn ScreenHost,
    shared: &'a Shared,
    orientation: Orientation,
    picture: Option<ScreenPicture>,
    feed: Option<Arc<PooledPicture>>,
    /// The picture epoch of `feed`.
    epoch: u64,
    state: ScreenState,
    state_at: Option<Instant>,
    has_large_codes: bool,
    /// Something has changed since the last picture.
    is_due: bool,
}

/// How a turn ended.
#[derive(Debug, PartialEq, Eq)]
enum TurnEnd {
    Goes,
    /// The user closed the window, or the program ends.
    Over,
}

impl<'a> Screen<'a> {
    fn new(station: &'a mut dyn ScreenHost, shared: &'a Shared, orientation: Orientation) -> Self {
        Self {
            station,
            shared,
            orientation,
            picture: None,
            feed: None,
            epoch: 0,
            state: ScreenState::default(),
            state_at: None,
            has_large_codes: false,
            is_due: true,
        }
    }

    fn run(
        &mut self,
        open: impl Fn() -> Result<Box<dyn ScreenOutput>, ScreenError>,
        heartbeat: &Heartbeat,
    ) {
        let mut reported = String::new();
        let mut report = |error: ScreenError| {
            let text = error.to_string();
            if text != reported {
                tracing::warn!("the screen shows nothing: {text}");
                reported = text;
            }
        };
        while !self.is_stopped() {
            heartbeat.beat(TURN_MAX);
            match open() {
                Ok(mut output) => {
                    tracing::info!("the screen is {}", output.describe());
                    let shown = self.show_on(output.as_mut(), heartbeat);
                    self.rest();
                    match shown {
                        Ok(()) => return,
                        Err(error) => report(error),
                    }
                }
                Err(error) => report(error),
            }
            let until = Instant::now() + OPEN_EVERY;
            while Instant::now() < until && !self.is_stopped() {
                std::thread::sleep(TURN);
            }
        }
    }

    /// Shows pictures until the output fails, the user closes it, or the program ends.
    fn show_on(
        &mut self,
        output: &mut dyn ScreenOutput,
        heartbeat: &Heartbeat,
    ) -> Result<(), ScreenError> {
        (self.picture, self.is_due) = (None, true);
        self.station.set_watching(true);
        while !self.is_stopped() {
            heartbeat.beat(TURN_MAX);
            if self.turn(output, TURN)? == TurnEnd::Over {
                break;
            }
        }
        Ok(())
    }

    /// Nothing is shown: no pictures are needed.
    fn rest(&mut self) {
        self.station.set_watching(false);
        (self.picture, self.feed) = (None, None);
    }

    fn turn(
        &mut self,
        output: &mut dyn ScreenOutput,
        timeout: Duration,
    ) -> Result<TurnEnd, ScreenError> {
        // Before the picture is taken: one that comes while an epoch begins counts as one of the epoch before.
        let epoch = self.station.picture_epoch();
        match self.station.next_picture(timeout) {
            Next::Newer(picture) => {
                (self.feed, self.epoch, self.is_due) = (Some(picture), epoch, true);
            }
            Next::TimedOut => {}
            Next::Closed => return Ok(TurnEnd::Over),
        }
        if self.feed.is_some() && self.epoch != self.station.picture_epoch() {
            (self.feed, self.is_due) = (None, true);
        }
        if self.follow_events(output)? == TurnEnd::Over {
            return Ok(TurnEnd::Over);
        }
        self.follow_state(Instant::now());
        if std::mem::take(&mut self.is_due) {
            self.present(output)?;
        }
        Ok(TurnEnd::Goes)
    }

    fn follow_events(&mut self, output: &mut dyn ScreenOutput) -> Result<TurnEnd, ScreenError> {
        let mut keys = std::mem::take(&mut *lock(&self.shared.pressed));
        for event in output.events()? {
            match event {
                OutputEvent::Pressed(key) => keys.push(key),
                OutputEvent::Redraw => self.is_due = true,
                OutputEvent::Closed => {
                    tracing::info!("the window was closed; the screen is off until the next start");
                    return Ok(TurnEnd::Over);
                }
            }
        }
        for key in keys {
            // The effect is seen at once, not at the next look at the state.
            self.state_at = None;
            match key {
                Key::Codes => self.has_large_codes = !self.has_large_codes,
                Key::Shutter | Key::Privacy => self.station.press(key),
            }
        }
        Ok(TurnEnd::Goes)
    }

    fn follow_state(&mut self, now: Instant) {
        if self.state_at.is_some_and(|at| now < at + STATE_EVERY) {
            return;
        }
        self.state_at = Some(now);
        let mut state = self.station.state();
        state.has_large_codes = self.has_large_codes;
        if state != self.state {
            (self.state, self.is_due) = (state, true);
        }
    }

    fn present(&mut self, output: &mut dyn ScreenOutput) -> Result<(), ScreenError> {
        let size = output.size();
        if self
            .picture
            .as_ref()
            .is_none_or(|picture| picture.size() != size)
        {
            self.picture = Some(ScreenPicture::new(size, self.orientation)?);
        }
        let Some(picture) = &mut self.picture else {
            return Ok(());
        };
        let feed = self.feed.as_deref().map(|feed| &**feed);
        picture.draw(&self.state, feed)?;
        // A picture that was taken back while it was drawn is dropped; the next turn shows none.
        let has_feed = feed.is_some();
        let (station, epoch) = (&*self.station, self.epoch);
        output.present(picture, &|| !has_feed || station.picture_epoch() == epoch)
    }

    fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }
}
