//! The turns of the screen's thread: it takes the newest picture and the state, and draws when one of them has changed.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use capture::{Heartbeat, Next, PooledPicture, TURN_MAX, lock};

use super::Shared;
use crate::backlight::Backlight;
use crate::blanking::Blanking;
use crate::brightness::Brightness;
use crate::host::{Authority, DisplaySettings, KeyAnswer, ScreenHost, Watching};
use crate::orientation::{Orientation, Rotation};
use crate::output::{Key, OutputEvent, ScreenError, ScreenOutput};
use crate::picture::ScreenPicture;
use crate::pin::PinPrompt;
use crate::state::ScreenState;

/// An idle turn: a picture that was taken back is gone from the display within one frame of 30 a second.
const TURN: Duration = Duration::from_millis(30);
/// How often the state is read, and a display looked for.
const STATE_EVERY: Duration = Duration::from_millis(250);
const OPEN_EVERY: Duration = Duration::from_secs(1);

/// What one run of the thread knows.
pub(super) struct Screen<'a> {
    host: &'a mut dyn ScreenHost,
    shared: &'a Shared,
    /// `None`: as the output is mounted.
    rotation: Option<Rotation>,
    is_mirrored: bool,
    picture: Option<ScreenPicture>,
    feed: Option<Arc<PooledPicture>>,
    /// The picture epoch of `feed`.
    epoch: u64,
    state: ScreenState,
    state_at: Option<Instant>,
    has_large_codes: bool,
    pin: PinPrompt,
    settings: DisplaySettings,
    blanking: Blanking,
    /// When people were last looked for.
    people_at: Option<Instant>,
    is_blank: bool,
    /// Where the kernel lists backlights; `None`: none is changed.
    pub(super) backlights: Option<PathBuf>,
    backlight: Option<(Backlight, Brightness)>,
    /// Something has changed since the last picture.
    is_due: bool,
    /// The next picture is not shown earlier.
    next_at: Instant,
}

/// How a turn ended.
#[derive(Debug, PartialEq, Eq)]
enum TurnEnd {
    Goes,
    /// The user closed the window, or the program ends.
    Over,
}

impl<'a> Screen<'a> {
    pub(super) fn new(
        host: &'a mut dyn ScreenHost,
        shared: &'a Shared,
        rotation: Option<Rotation>,
        is_mirrored: bool,
    ) -> Self {
        let now = Instant::now();
        Self {
            host,
            shared,
            rotation,
            is_mirrored,
            picture: None,
            feed: None,
            epoch: 0,
            state: ScreenState::default(),
            state_at: None,
            has_large_codes: false,
            pin: PinPrompt::default(),
            settings: DisplaySettings::default(),
            blanking: Blanking::new(now),
            people_at: None,
            is_blank: false,
            backlights: None,
            backlight: None,
            is_due: true,
            next_at: now,
        }
    }

    pub(super) fn run(
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
        (self.picture, self.is_due, self.is_blank) = (None, true, false);
        self.blanking.wake(Instant::now());
        self.host.set_watching(Watching::Pictures);
        let found = self.backlights.as_deref().and_then(Backlight::find);
        self.backlight = found.map(|light| {
            let brightness = Brightness::new(light.percent());
            (light, brightness)
        });
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
        self.host.set_watching(Watching::Nothing);
        (self.picture, self.feed, self.backlight) = (None, None, None);
    }

    fn turn(
        &mut self,
        output: &mut dyn ScreenOutput,
        timeout: Duration,
    ) -> Result<TurnEnd, ScreenError> {
        // Before the picture is taken: one that comes while an epoch begins counts as one of the epoch before.
        let epoch = self.host.picture_epoch();
        match self.host.next_picture(timeout) {
            // Others may watch while the screen is blank.
            Next::Newer(_) if self.is_blank => {}
            Next::Newer(picture) => {
                (self.feed, self.epoch, self.is_due) = (Some(picture), epoch, true);
            }
            Next::TimedOut => {}
            Next::Closed => return Ok(TurnEnd::Over),
        }
        if self.feed.is_some() && self.epoch != self.host.picture_epoch() {
            // At once, whatever the limit on the rate.
            (self.feed, self.is_due, self.next_at) = (None, true, Instant::now());
        }
        if self.follow_events(output)? == TurnEnd::Over {
            return Ok(TurnEnd::Over);
        }
        let now = Instant::now();
        self.follow_people(now);
        self.follow_state(now);
        if self.is_due && now >= self.next_at {
            self.is_due = false;
            let period = self
                .settings
                .most_fps
                .map_or(Duration::ZERO, |fps| Duration::from_secs(1) / fps.max(1));
            // Times keep the period, so that pictures that come a little early do not cost a whole period.
            let is_behind = now - self.next_at > period;
            self.next_at = if is_behind { now } else { self.next_at } + period;
            self.present(output)?;
        }
        Ok(TurnEnd::Goes)
    }

    /// Begins and ends the blank screen, and sets the brightness.
    fn follow_people(&mut self, now: Instant) {
        self.settings = self.host.display();
        let is_recent = |at: Instant| now < at + STATE_EVERY;
        let may_wait = !self.is_blank && self.people_at.is_some_and(is_recent);
        if self.settings.blank_after.is_some() && !may_wait {
            self.people_at = Some(now);
            if self.host.is_somebody_there() {
                self.blanking.wake(now);
            }
        }
        let is_blank = self.blanking.is_due(now, self.settings.blank_after);
        if is_blank != self.is_blank {
            self.is_blank = is_blank;
            // Now, not at the next look at the state.
            (self.state_at, self.next_at) = (None, now);
            if is_blank {
                tracing::debug!("nobody is there: the screen is blank");
                self.feed = None;
                self.host.set_watching(Watching::People);
            } else {
                tracing::debug!("somebody is there: the screen shows pictures");
                self.host.set_watching(Watching::Pictures);
            }
        }
        if let Some((light, brightness)) = &mut self.backlight {
            let next = brightness.follow(self.settings.brightness_percent, is_blank);
            if let Some(percent) = next {
                light.set(percent);
            }
        }
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
        let now = Instant::now();
        for key in keys {
            self.press(key, output, now);
        }
        Ok(TurnEnd::Goes)
    }

    fn press(&mut self, key: Key, output: &mut dyn ScreenOutput, now: Instant) {
        self.blanking.wake(now);
        // The effect is seen at once, not at the next look at the state.
        self.state_at = None;
        // Who sees nothing means to wake the screen.
        if std::mem::take(&mut self.is_blank) {
            self.host.set_watching(Watching::Pictures);
            // But closes the camera when that is what the key does.
            if key != Key::Shutter {
                return;
            }
        }
        match key {
            Key::Digit(_) | Key::Erase | Key::Enter => {
                let Some((asking, typed)) = self.pin.press(key, now) else {
                    return;
                };
                let is_right = self.host.is_pin(&typed);
                self.pin.settle(is_right, now);
                if is_right {
                    self.host.press(asking, Authority::PinKnown);
                } else {
                    tracing::warn!("a wrong PIN was typed at the screen");
                }
                return;
            }
            Key::Escape if !self.pin.is_asked() => output.leave_full_screen(),
            Key::Escape => {}
            Key::Codes => self.has_large_codes = !self.has_large_codes,
            Key::Brighter | Key::Darker => {
                if let Some((_, brightness)) = &mut self.backlight {
                    brightness.step(key == Key::Brighter);
                }
            }
            Key::Shutter | Key::Privacy | Key::NextCamera | Key::Game => {
                self.pin.cancel();
                if self.host.press(key, Authority::Anybody) == KeyAnswer::NeedsPin {
                    self.pin.ask(key, now);
                }
                return;
            }
        }
        self.pin.cancel();
    }

    fn follow_state(&mut self, now: Instant) {
        if self.state_at.is_some_and(|at| now < at + STATE_EVERY) {
            return;
        }
        self.state_at = Some(now);
        let mut state = self.host.state();
        state.has_large_codes = self.has_large_codes;
        state.is_blank = self.is_blank;
        state.pin = self.pin.question(now);
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
            let orientation = Orientation {
                rotation: self.rotation.unwrap_or_else(|| output.mounted()),
                is_mirrored: self.is_mirrored,
            };
            self.picture = Some(ScreenPicture::new(size, orientation)?);
        }
        let Some(picture) = &mut self.picture else {
            return Ok(());
        };
        let feed = self.feed.as_deref().map(|feed| &**feed);
        picture.draw(&self.state, feed)?;
        // A picture that was taken back while it was drawn is dropped; the next turn shows none.
        let has_feed = feed.is_some();
        let (host, epoch) = (&*self.host, self.epoch);
        output.present(picture, &|| !has_feed || host.picture_epoch() == epoch)
    }

    fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }
}
