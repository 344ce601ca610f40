//! When silence becomes a stall. Pure: the supervisor tells the time.

use std::time::{Duration, Instant};

use crate::frame::Frame;
use crate::spec::SourceSpec;

/// No picture for this long is a stall: with the supervisor's tick it is on the card within 2 s.
pub(crate) const STALL: Duration = Frame::STALE_AFTER;
/// A network camera that says nothing at all for so long gets words on the card.
const SILENT_OPENING: Duration = Duration::from_secs(5);
/// The longest time between pictures that counts as usual.
const LONGEST_GAP: Duration = Duration::from_secs(30);

/// After its very first picture nobody knows how slow a network camera is.
const FIRST_GAP: Duration = Duration::from_secs(6);

/// How long a kind of source is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// From start to words on the card; `None`: the card says "opening" or the old reason meanwhile.
    pub(crate) silent_opening: Option<Duration>,
    /// From start to the first picture; `None` waits for ever (a pipe has its writer's time).
    pub(crate) first_picture: Option<Duration>,
    /// From the first picture to words on the card, while the pace of the source is not known.
    pub(crate) first_gap: Duration,
    /// From the first picture to giving the attempt up.
    pub(crate) second_picture: Option<Duration>,
    /// From the last picture to giving the attempt up; `None` waits for ever. Longer for a slow source.
    pub(crate) give_up: Option<Duration>,
}

impl Patience {
    /// The patience for a kind of source.
    pub(crate) fn of(spec: &SourceSpec) -> Self {
        let seconds = |first, give_up| Self {
            silent_opening: None,
            first_picture: Some(Duration::from_secs(first)),
            first_gap: STALL,
            second_picture: Some(give_up),
            give_up: Some(give_up),
        };
        match spec {
            // A camera that falls silent comes back only when it is opened again.
            SourceSpec::Auto | SourceSpec::Webcam { .. } => seconds(8, STALL),
            // A slow network camera may give a few pictures a minute.
            SourceSpec::MjpegUrl(_) => Self {
                silent_opening: Some(SILENT_OPENING),
                first_gap: FIRST_GAP,
                second_picture: Some(LONGEST_GAP),
                ..seconds(30, Duration::from_secs(5))
            },
            SourceSpec::Url(_) => seconds(15, Duration::from_secs(6)),
            SourceSpec::File(_) | SourceSpec::Scene => seconds(10, Duration::from_secs(5)),
            // Opened again, a pipe would lose the picture under way.
            SourceSpec::Y4m(_) => Self {
                silent_opening: Some(STALL),
                first_picture: None,
                first_gap: STALL,
                second_picture: None,
                give_up: None,
            },
        }
    }

    /// When a source is said to be silent that usually has `usual_gap` between two pictures.
    pub(crate) fn stall_after(&self, usual_gap: Option<Duration>) -> Duration {
        match usual_gap {
            Some(gap) => STALL.max(2 * gap.min(LONGEST_GAP) + Duration::from_millis(250)),
            None => self.first_gap,
        }
    }
}

/// How pictures have come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flow {
    /// When the last picture came, if one ever did.
    pub(crate) last: Option<Instant>,
    /// Between two pictures; `None` before the second.
    pub(crate) usual_gap: Option<Duration>,
    /// Since the last picture others came that could not be read.
    pub(crate) is_unreadable: bool,
}

/// What to do about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StallCheck {
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
    /// What was said about the present silence.
    said: Option<Said>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Unreadable,
}

impl Watch {
    /// An attempt that began at `started`.
    pub(crate) fn new(patience: Patience, started: Instant) -> Self {
        Self {
            patience,
            started,
            said: None,
        }
    }

    /// Pictures flow again.
    pub(crate) fn flowing(&mut self) {
        self.said = None;
    }

    /// Looks at the clock. [`StallCheck::Silent`] is given once for each silence, and once more when
    /// pictures come that cannot be read.
    pub(crate) fn check(&mut self, flow: &Flow, now: Instant) -> StallCheck {
        let stall = self.patience.stall_after(flow.usual_gap);
        let (since, limit, silence) = match (flow.last, flow.usual_gap) {
            (None, _) => (
                self.started,
                self.patience.first_picture,
                self.patience.silent_opening,
            ),
            (Some(at), None) => (at, self.patience.second_picture, Some(stall)),
            (Some(at), Some(_)) => {
                let give_up = self.patience.give_up.map(|limit| limit + (stall - STALL));
                (at, give_up, Some(stall))
            }
        };
        let quiet = now.saturating_duration_since(since);
        if limit.is_some_and(|limit| quiet >= limit) {
            return StallCheck::GiveUp;
        }
        let (silence, say) = if flow.is_unreadable {
            (Some(STALL), Said::Unreadable)
        } else {
            (silence, Said::Nothing)
        };
        if silence.is_some_and(|silence| quiet >= silence) && self.said != Some(say) {
            self.said = Some(say);
            return StallCheck::Silent;
        }
        StallCheck::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Y4mInput;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn came(at: Instant, gap: Duration) -> Flow {
        Flow {
            last: Some(at),
            usual_gap: Some(gap),
            is_unreadable: false,
        }
    }

    fn watch(spec: &SourceSpec, start: Instant) -> Watch {
        Watch::new(Patience::of(spec), start)
    }

    const NOTHING: Flow = Flow {
        last: None,
        usual_gap: None,
        is_unreadable: false,
    };

    #[test]
    fn a_webcam_that_falls_silent_is_given_up_at_once() {
        let start = Instant::now();
        let mut watch = watch(&SourceSpec::Webcam { id: None }, start);
        let opening = watch.check(&NOTHING, start + ms(7999));
        assert_eq!(opening, StallCheck::Fine, "still opening");
        assert_eq!(watch.check(&NOTHING, start + ms(8000)), StallCheck::GiveUp);
        let last = start + ms(2000);
        watch.flowing();
        let flow = came(last, ms(33));
        assert_eq!(watch.check(&flow, last + ms(1499)), StallCheck::Fine);
        assert_eq!(watch.check(&flow, last + ms(1500)), StallCheck::GiveUp);
    }

    #[test]
    fn a_pipe_is_waited_for_for_ever_but_said_to_be_silent_once() {
        let start = Instant::now();
        let mut watch = watch(&SourceSpec::Y4m(Y4mInput::Stdin), start);
        assert_eq!(watch.check(&NOTHING, start + ms(1500)), StallCheck::Silent);
        assert_eq!(watch.check(&NOTHING, start + ms(900_000)), StallCheck::Fine);
        watch.flowing();
        let last = start + ms(1_000_000);
        let flow = came(last, ms(40));
        assert_eq!(watch.check(&flow, last + ms(1600)), StallCheck::Silent);
        assert_eq!(watch.check(&flow, last + ms(900_000)), StallCheck::Fine);
    }

    #[test]
    fn a_network_camera_gets_a_second_chance_before_it_is_opened_anew() {
        let start = Instant::now();
        let mut watch = watch(&SourceSpec::MjpegUrl(String::new()), start);
        let flow = came(start, ms(100));
        assert_eq!(watch.check(&flow, start + ms(1500)), StallCheck::Silent);
        assert_eq!(watch.check(&flow, start + ms(4900)), StallCheck::Fine);
        assert_eq!(watch.check(&flow, start + ms(5000)), StallCheck::GiveUp);
    }

    #[test]
    fn a_slow_camera_is_silent_only_after_twice_its_usual_time() {
        let start = Instant::now();
        let mut watch = watch(&SourceSpec::MjpegUrl(String::new()), start);
        assert_eq!(watch.check(&NOTHING, start + ms(4999)), StallCheck::Fine);
        assert_eq!(watch.check(&NOTHING, start + ms(5000)), StallCheck::Silent);
        assert_eq!(watch.check(&NOTHING, start + ms(29_900)), StallCheck::Fine);
        // Nobody knows yet how slow it is.
        watch.flowing();
        let first = Flow {
            last: Some(start),
            ..NOTHING
        };
        assert_eq!(watch.check(&first, start + ms(5999)), StallCheck::Fine);
        assert_eq!(watch.check(&first, start + ms(6000)), StallCheck::Silent);
        assert_eq!(watch.check(&first, start + ms(20_000)), StallCheck::Fine);
        watch.flowing();
        let slow = came(start, ms(5000));
        assert_eq!(watch.check(&slow, start + ms(10_200)), StallCheck::Fine);
        assert_eq!(watch.check(&slow, start + ms(10_250)), StallCheck::Silent);
        assert_eq!(watch.check(&slow, start + ms(13_750)), StallCheck::GiveUp);
    }

    #[test]
    fn pictures_that_cannot_be_read_are_told_while_opening_and_after_a_silence() {
        let start = Instant::now();
        let bad = Flow {
            is_unreadable: true,
            ..NOTHING
        };
        for spec in [SourceSpec::MjpegUrl(String::new()), SourceSpec::Auto] {
            let mut watch = watch(&spec, start);
            assert_eq!(watch.check(&bad, start + ms(1400)), StallCheck::Fine);
            assert_eq!(watch.check(&bad, start + ms(1500)), StallCheck::Silent);
            assert_eq!(watch.check(&bad, start + ms(1600)), StallCheck::Fine);
        }
        let mut watch = watch(&SourceSpec::MjpegUrl(String::new()), start);
        assert_eq!(watch.check(&NOTHING, start + ms(5000)), StallCheck::Silent);
        assert_eq!(watch.check(&bad, start + ms(6100)), StallCheck::Silent);
    }
}
