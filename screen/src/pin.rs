//! Asks for the PIN at the screen before what needs it. Pure: the caller passes the time.

use std::time::{Duration, Instant};

use crate::output::Key;

/// Nobody typed for so long: the question is taken back.
const TIMEOUT: Duration = Duration::from_secs(20);
/// So many wrong PINs in a row cost no time.
const FREE_GUESSES: u32 = 3;
/// The wait after the next wrong one, doubled after each, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(900);
const MOST_DIGITS: usize = 12;

/// The question on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinQuestion {
    /// What the PIN is for.
    pub key: Key,
    /// Shown as dots.
    pub digits: u32,
    pub notice: PinNotice,
}

/// What is said beside the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinNotice {
    None,
    Wrong,
    /// Too many were wrong.
    Wait {
        seconds: u32,
    },
}

/// The question, and the wrong answers so far.
#[derive(Debug, Default)]
pub(crate) struct PinPrompt {
    asked: Option<Asked>,
    wrong: u32,
    refused_until: Option<Instant>,
}

#[derive(Debug)]
struct Asked {
    key: Key,
    typed: String,
    was_wrong: bool,
    typed_at: Instant,
}

impl PinPrompt {
    /// Asks for the PIN that `key` needs.
    pub(crate) fn ask(&mut self, key: Key, now: Instant) {
        self.asked = Some(Asked {
            key,
            typed: String::new(),
            was_wrong: false,
            typed_at: now,
        });
    }

    /// Takes the question back.
    pub(crate) fn cancel(&mut self) {
        self.asked = None;
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// A key while the question is on the screen. Returns what was typed, once that is a whole answer.
    pub(crate) fn press(&mut self, key: Key, now: Instant) -> Option<(Key, String)> {
        let wait = self.wait(now);
        let asked = self.asked.as_mut()?;
        asked.typed_at = now;
        match key {
            Key::Digit(digit) if wait.is_zero() && asked.typed.len() < MOST_DIGITS => {
                asked.was_wrong = false;
                asked.typed.push(char::from(b'0' + digit % 10));
            }
            Key::Erase => drop(asked.typed.pop()),
            Key::Enter if wait.is_zero() && !asked.typed.is_empty() => {
                return Some((asked.key, std::mem::take(&mut asked.typed)));
            }
            _ => {}
        }
        None
    }

    /// Whether the answer was right.
    pub(crate) fn settle(&mut self, is_right: bool, now: Instant) {
        if is_right {
            *self = Self::default();
            return;
        }
        self.wrong += 1;
        let doublings = self.wrong.checked_sub(FREE_GUESSES);
        self.refused_until = doublings.map(|doublings| {
            let wait = FIRST_WAIT.saturating_mul(1 << doublings.min(16));
            now + wait.min(LONGEST_WAIT)
        });
        if let Some(asked) = &mut self.asked {
            asked.was_wrong = true;
        }
    }

    /// What the screen asks now.
    pub(crate) fn question(&mut self, now: Instant) -> Option<PinQuestion> {
        let wait = self.wait(now);
        let is_over =
            |asked: &Asked| now.saturating_duration_since(asked.typed_at) >= TIMEOUT.max(wait);
        self.asked.take_if(|asked| is_over(asked));
        let asked = self.asked.as_ref()?;
        let notice = match (wait.is_zero(), asked.was_wrong) {
            (false, _) => PinNotice::Wait {
                seconds: u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX),
            },
            (true, true) => PinNotice::Wrong,
            (true, false) => PinNotice::None,
        };
        Some(PinQuestion {
            key: asked.key,
            digits: asked.typed.len() as u32,
            notice,
        })
    }

    fn wait(&self, now: Instant) -> Duration {
        let until = self.refused_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(prompt: &mut PinPrompt, digits: &str, now: Instant) -> Option<(Key, String)> {
        for digit in digits.bytes() {
            assert_eq!(prompt.press(Key::Digit(digit - b'0'), now), None);
        }
        prompt.press(Key::Enter, now)
    }

    #[test]
    fn digits_are_collected_until_enter_and_never_shown() {
        let now = Instant::now();
        let mut prompt = PinPrompt::default();
        assert_eq!(typed(&mut prompt, "12", now), None, "nothing is asked");
        prompt.ask(Key::Shutter, now);
        assert_eq!(prompt.press(Key::Enter, now), None, "no digits");
        let answer = typed(&mut prompt, "1234", now);
        assert_eq!(answer, Some((Key::Shutter, "1234".to_owned())));
        prompt.ask(Key::Privacy, now);
        prompt.press(Key::Digit(1), now);
        prompt.press(Key::Digit(2), now);
        prompt.press(Key::Erase, now);
        let expected = PinQuestion {
            key: Key::Privacy,
            digits: 1,
            notice: PinNotice::None,
        };
        assert_eq!(prompt.question(now), Some(expected));
    }

    #[test]
    fn wrong_answers_cost_more_and_more_time() {
        let mut now = Instant::now();
        let mut prompt = PinPrompt::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            prompt.ask(Key::Shutter, now);
            assert!(typed(&mut prompt, "0000", now).is_some());
            prompt.settle(false, now);
            let wait = prompt.wait(now);
            if !wait.is_zero() {
                prompt.ask(Key::Shutter, now);
                assert_eq!(typed(&mut prompt, "0000", now), None, "too early");
            }
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [0, 0, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
        prompt.ask(Key::Shutter, now);
        prompt.settle(true, now);
        assert!(!prompt.is_asked() && prompt.wait(now).is_zero());
    }

    #[test]
    fn a_question_that_nobody_answers_disappears() {
        let now = Instant::now();
        let mut prompt = PinPrompt::default();
        prompt.ask(Key::Shutter, now);
        prompt.press(Key::Digit(1), now + TIMEOUT / 2);
        assert!(prompt.question(now + TIMEOUT).is_some());
        assert_eq!(prompt.question(now + TIMEOUT * 2), None);
        assert!(!prompt.is_asked());
    }

    #[test]
    fn the_notice_says_what_is_wrong() {
        let now = Instant::now();
        let mut prompt = PinPrompt::default();
        prompt.ask(Key::Shutter, now);
        let notice = |prompt: &mut PinPrompt| prompt.question(now).map(|asked| asked.notice);
        prompt.settle(false, now);
        assert_eq!(notice(&mut prompt), Some(PinNotice::Wrong));
        prompt.settle(false, now);
        prompt.settle(false, now);
        assert_eq!(notice(&mut prompt), Some(PinNotice::Wait { seconds: 11 }));
    }
}
