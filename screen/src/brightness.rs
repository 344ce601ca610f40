//! Which brightness the display has: as configured, as keys say, or none while the screen is blank. Pure.

/// What a key changes, in percent.
const STEP: u8 = 10;
const DARKEST: u8 = 5;

/// The brightness in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Brightness {
    /// Before the program changed it.
    original: u8,
    wanted: Option<u8>,
    /// By keys, until the wanted one changes.
    chosen: Option<u8>,
    set: u8,
}

impl Brightness {
    pub(crate) fn new(original: u8) -> Self {
        Self {
            original,
            wanted: None,
            chosen: None,
            set: original,
        }
    }

    /// A key was pressed.
    pub(crate) fn step(&mut self, is_up: bool) {
        let present = self.lit();
        let next = match is_up {
            true => present.saturating_add(STEP).min(100),
            false => present.saturating_sub(STEP).max(DARKEST),
        };
        self.chosen = Some(next);
    }

    /// The brightness to set now, if it is another one than before. `wanted`: by the configuration or the power
    /// profile; `None`: as it was.
    pub(crate) fn follow(&mut self, wanted: Option<u8>, is_blank: bool) -> Option<u8> {
        if wanted != self.wanted {
            (self.wanted, self.chosen) = (wanted, None);
        }
        let next = if is_blank { 0 } else { self.lit() };
        (std::mem::replace(&mut self.set, next) != next).then_some(next)
    }

    fn lit(&self) -> u8 {
        let wanted = self.wanted.map(|percent| percent.clamp(DARKEST, 100));
        self.chosen.or(wanted).unwrap_or(self.original)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_until_another_brightness_is_wanted() {
        let mut brightness = Brightness::new(80);
        assert_eq!(brightness.follow(None, false), None);
        brightness.step(true);
        assert_eq!(brightness.follow(None, false), Some(90));
        assert_eq!(brightness.follow(Some(50), false), Some(50));
        brightness.step(false);
        assert_eq!(brightness.follow(Some(50), false), Some(40));
        assert_eq!(brightness.follow(Some(50), false), None);
        assert_eq!(
            brightness.follow(Some(30), false),
            Some(30),
            "another profile"
        );
    }

    #[test]
    fn a_blank_screen_is_dark_and_has_its_brightness_again() {
        let mut brightness = Brightness::new(80);
        assert_eq!(brightness.follow(None, true), Some(0));
        assert_eq!(brightness.follow(None, true), None);
        assert_eq!(brightness.follow(None, false), Some(80));
    }

    #[test]
    fn no_key_makes_the_screen_unreadable() {
        let mut brightness = Brightness::new(20);
        for _ in 0..20 {
            brightness.step(false);
        }
        assert_eq!(brightness.follow(None, false), Some(DARKEST));
        for _ in 0..20 {
            brightness.step(true);
        }
        assert_eq!(brightness.follow(None, false), Some(100));
        assert_eq!(brightness.follow(Some(0), false), Some(DARKEST));
    }
}
