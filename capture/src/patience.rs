//! When silence becomes a stall. Pure: the supervisor tells the time.

use std::time::{Duration, Instant};

use crate::spec::SourceSpec;

/// No picture for this long is a stall: with the supervisor's tick it is on the card within 2 s.
pub(crate) const STALL: Duration = Duration::from_millis(1500);

/// How long a kind of source is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// From start to the first picture; `None` waits for ever (a pipe has its writer's time).
    pub(crate) first_picture: Option<Duration>,
    /// From the last picture to giving the attempt up; `None` waits for ever.
    pub(crate) give_up: Option<Duration>,
}

impl Patience {
    /// The patience for a kind of source.
    pub(crate) fn of(spec: &SourceSpec) -> Self {
        let seconds = |first, give_up| Self {
            first_picture: Some(Duration::from_secs(first)),
            give_up: Some(give_up),
        };
        match spec {
            // A camera that falls silent comes back only when it is opened again.
            SourceSpec::Auto | SourceSpec::Webcam { .. } => seconds(8, STALL),
            // A slow network camera may give less than a picture a second.
            SourceSpec::MjpegUrl(_) => seconds(10, Duration::from_secs(5)),
            SourceSpec::Url(_) => seconds(15, Duration::from_secs(6)),
            SourceSpec::File(_) | SourceSpec::Scene => seconds(10, Duration::from_secs(5)),
            // Opened again, a pipe would lose the picture under way.
            SourceSpec::Y4m(_) => Self {
                first_picture: None,
                give_up: None,
            },
        }
    }
}

/// What to do about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Fine,
    /// Put the card up, but go on waiting.
    Silent,
    /// Put the card up and open the source anew.
    GiveUp,
}

/// Watches one attempt to read a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    patience: Patience,
    started: Instant,
    silent: bool,
}

impl Watch {
    /// An attempt that began at `started`.
    pub(crate) fn new(patience: Patience, started: Instant) -> Self {
        Self {
            patience,
            started,
            silent: false,
        }
    }

    /// Pictures flow again.
    pub(crate) fn flowing(&mut self) {
        self.silent = false;
    }

    /// Looks at the clock. `last_progress` is when the last picture came, if one ever did.
    /// [`Verdict::Silent`] is given once for each silence.
    pub(crate) fn verdict(&mut self, last_progress: Option<Instant>, now: Instant) -> Verdict {
        let (quiet, limit) = match last_progress {
            Some(at) => (now.saturating_duration_since(at), self.patience.give_up),
            None => (
                now.saturating_duration_since(self.started),
                self.patience.first_picture,
            ),
        };
        if limit.is_some_and(|limit| quiet >= limit) {
            return Verdict::GiveUp;
        }
        // Opening takes what it takes, and the card says "opening" or the old reason meanwhile.
        let opening = last_progress.is_none() && limit.is_some();
        if quiet >= STALL && !opening && !self.silent {
            self.silent = true;
            return Verdict::Silent;
        }
        Verdict::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Y4mInput;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_webcam_that_falls_silent_is_given_up_at_once() {
        let start = Instant::now();
        let mut watch = Watch::new(Patience::of(&SourceSpec::Webcam { id: None }), start);
        assert_eq!(
            watch.verdict(None, start + ms(7999)),
            Verdict::Fine,
            "still opening"
        );
        assert_eq!(watch.verdict(None, start + ms(8000)), Verdict::GiveUp);
        let last = start + ms(2000);
        watch.flowing();
        assert_eq!(watch.verdict(Some(last), last + ms(1499)), Verdict::Fine);
        assert_eq!(watch.verdict(Some(last), last + ms(1500)), Verdict::GiveUp);
    }

    #[test]
    fn a_pipe_is_waited_for_for_ever_but_said_to_be_silent_once() {
        let start = Instant::now();
        let mut watch = Watch::new(Patience::of(&SourceSpec::Y4m(Y4mInput::Stdin)), start);
        assert_eq!(watch.verdict(None, start + ms(1500)), Verdict::Silent);
        assert_eq!(watch.verdict(None, start + ms(900_000)), Verdict::Fine);
        watch.flowing();
        let last = start + ms(1_000_000);
        assert_eq!(watch.verdict(Some(last), last + ms(1600)), Verdict::Silent);
        assert_eq!(watch.verdict(Some(last), last + ms(900_000)), Verdict::Fine);
    }

    #[test]
    fn a_network_camera_gets_a_second_chance_before_it_is_opened_anew() {
        let start = Instant::now();
        let mut watch = Watch::new(Patience::of(&SourceSpec::MjpegUrl(String::new())), start);
        assert_eq!(
            watch.verdict(Some(start), start + ms(1500)),
            Verdict::Silent
        );
        assert_eq!(watch.verdict(Some(start), start + ms(4900)), Verdict::Fine);
        assert_eq!(
            watch.verdict(Some(start), start + ms(5000)),
            Verdict::GiveUp
        );
    }
}
