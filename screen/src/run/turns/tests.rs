use capture::{PicturePool, Threads};

use super::*;

/// A station whose pictures and state the test sets.
#[derive(Default)]
struct Scripted {
    pictures: Vec<Arc<PooledPicture>>,
    epoch: u64,
    /// The epoch begins when a picture is about to be shown.
    epoch_when_asked: Option<u64>,
    asked: std::cell::Cell<u32>,
    state: ScreenState,
    pressed: Vec<(Key, Authority)>,
    watching: Option<Watching>,
    settings: DisplaySettings,
    has_somebody: bool,
    needs_pin: bool,
}

impl ScreenHost for Scripted {
    fn next_picture(&mut self, _timeout: Duration) -> Next<PooledPicture> {
        self.pictures.pop().map_or(Next::TimedOut, Next::Newer)
    }

    fn picture_epoch(&self) -> u64 {
        self.asked.set(self.asked.get() + 1);
        match self.epoch_when_asked {
            // The third question is the one before the picture is shown.
            Some(epoch) if self.asked.get() > 2 => epoch,
            _ => self.epoch,
        }
    }

    fn state(&mut self) -> ScreenState {
        self.state.clone()
    }

    fn display(&self) -> DisplaySettings {
        self.settings
    }

    fn is_somebody_there(&mut self) -> bool {
        self.has_somebody
    }

    fn press(&mut self, key: Key, authority: Authority) -> KeyAnswer {
        self.pressed.push((key, authority));
        if self.needs_pin && authority == Authority::Anybody {
            return KeyAnswer::NeedsPin;
        }
        KeyAnswer::Done
    }

    fn is_pin(&self, typed: &str) -> bool {
        typed == "1234"
    }

    fn set_watching(&mut self, watching: Watching) {
        self.watching = Some(watching);
    }
}

/// Remembers the brightness of the middle of each picture shown.
#[derive(Default)]
struct Recorded {
    shown: Vec<u8>,
    events: Vec<OutputEvent>,
    fails: bool,
}

impl ScreenOutput for Recorded {
    fn size(&self) -> (u32, u32) {
        (320, 200)
    }

    fn describe(&self) -> String {
        "a record".to_owned()
    }

    fn present(
        &mut self,
        picture: &mut ScreenPicture,
        may_show: &dyn Fn() -> bool,
    ) -> Result<(), ScreenError> {
        let mut middle = 0;
        picture.rows(|y, row| {
            if y == 80 {
                middle = row[160 * 4 + 1];
            }
        })?;
        if may_show() {
            self.shown.push(middle);
        }
        Ok(())
    }

    fn events(&mut self) -> Result<Vec<OutputEvent>, ScreenError> {
        if self.fails {
            return Err(ScreenError::Changed);
        }
        Ok(std::mem::take(&mut self.events))
    }
}

fn white() -> Arc<PooledPicture> {
    let mut picture = PicturePool::new(1).take(64, 36).expect("even");
    picture.fill(235, 128, 128);
    Arc::new(picture)
}

/// One turn of a screen that begins with these.
fn turns(station: &mut Scripted, output: &mut Recorded, count: usize) -> TurnEnd {
    let shared = Shared::default();
    let mut screen = Screen::new(station, &shared, None, false);
    let mut last = TurnEnd::Goes;
    for _ in 0..count {
        last = screen.turn(output, Duration::ZERO).expect("works");
    }
    last
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let mut output = Recorded::default();
    let mut station = Scripted {
        pictures: vec![white()],
        ..Scripted::default()
    };
    turns(&mut station, &mut output, 10);
    assert_eq!(output.shown, [255]);
}

#[test]
fn a_picture_that_is_taken_back_leaves_the_screen_in_the_next_turn() {
    let (mut station, mut output) = (Scripted::default(), Recorded::default());
    let shared = Shared::default();
    let mut screen = Screen::new(&mut station, &shared, None, false);
    screen.feed = Some(white());
    screen.turn(&mut output, Duration::ZERO).expect("works");
    assert_eq!(output.shown, [255]);
    screen.epoch = 7;
    screen.turn(&mut output, Duration::ZERO).expect("works");
    assert!(
        output.shown.len() == 2 && output.shown[1] < 50,
        "{:?}",
        output.shown
    );
}

#[test]
fn a_picture_that_is_taken_back_while_it_is_drawn_is_never_shown() {
    let mut output = Recorded::default();
    let mut station = Scripted {
        pictures: vec![white()],
        epoch_when_asked: Some(1),
        ..Scripted::default()
    };
    turns(&mut station, &mut output, 3);
    assert!(
        output.shown.iter().all(|luma| *luma < 50),
        "{:?}",
        output.shown
    );
}

#[test]
fn keys_reach_the_station_and_the_codes_are_the_screens_own() {
    let keys = [Key::Shutter, Key::Codes, Key::Privacy];
    let mut output = Recorded {
        events: keys.map(OutputEvent::Pressed).to_vec(),
        ..Recorded::default()
    };
    let mut station = Scripted::default();
    turns(&mut station, &mut output, 1);
    let anybody = Authority::Anybody;
    let expected = [(Key::Shutter, anybody), (Key::Privacy, anybody)];
    assert_eq!(station.pressed, expected);
}

#[test]
fn a_closed_window_ends_the_screen() {
    let mut output = Recorded {
        events: vec![OutputEvent::Closed],
        ..Recorded::default()
    };
    assert_eq!(
        turns(&mut Scripted::default(), &mut output, 1),
        TurnEnd::Over
    );
}

#[test]
fn a_display_that_fails_is_opened_again_and_nobody_watches_meanwhile() {
    let (mut station, shared) = (Scripted::default(), Shared::default());
    let heartbeat = Threads::default().enter("screen");
    let opened = std::cell::Cell::new(0);
    let mut screen = Screen::new(&mut station, &shared, None, false);
    screen.run(
        || {
            opened.set(opened.get() + 1);
            if opened.get() == 2 {
                shared.stop.store(true, Ordering::Release);
            }
            Ok(Box::new(Recorded {
                fails: true,
                ..Recorded::default()
            }))
        },
        &heartbeat,
    );
    assert_eq!(opened.get(), 2);
    assert_eq!(station.watching, Some(Watching::Nothing));
}

/// Presses keys, one turn for all, and returns what the screen asks then.
fn press(screen: &mut Screen<'_>, keys: &[Key]) -> Option<crate::pin::PinQuestion> {
    let mut output = Recorded {
        events: keys.iter().copied().map(OutputEvent::Pressed).collect(),
        ..Recorded::default()
    };
    screen.turn(&mut output, Duration::ZERO).expect("works");
    screen.state.pin
}

#[test]
fn what_needs_the_pin_happens_once_it_was_typed() {
    let mut station = Scripted {
        needs_pin: true,
        ..Scripted::default()
    };
    let shared = Shared::default();
    let mut screen = Screen::new(&mut station, &shared, None, false);
    let digits = |typed: [u8; 4]| typed.map(Key::Digit);
    assert!(press(&mut screen, &[Key::Shutter]).is_some());
    press(&mut screen, &digits([9, 9, 9, 9]));
    let wrong = press(&mut screen, &[Key::Enter]).expect("asked again");
    assert_eq!(wrong.notice, crate::pin::PinNotice::Wrong);
    press(&mut screen, &digits([1, 2, 3, 4]));
    assert_eq!(press(&mut screen, &[Key::Enter]), None);
    let expected = [
        (Key::Shutter, Authority::Anybody),
        (Key::Shutter, Authority::PinKnown),
    ];
    assert_eq!(station.pressed, expected);
}

#[test]
fn another_key_takes_the_question_back() {
    for key in [Key::Escape, Key::Codes] {
        let mut station = Scripted {
            needs_pin: true,
            ..Scripted::default()
        };
        let shared = Shared::default();
        let mut screen = Screen::new(&mut station, &shared, None, false);
        assert!(press(&mut screen, &[Key::Privacy, Key::Digit(1)]).is_some());
        assert_eq!(press(&mut screen, &[key]), None, "{key:?}");
    }
}

#[test]
fn without_anybody_there_the_screen_is_black_and_wakes_in_one_turn() {
    let mut station = Scripted {
        pictures: vec![white()],
        ..Scripted::default()
    };
    station.settings.blank_after = Some(Duration::ZERO);
    let mut output = Recorded::default();
    turns(&mut station, &mut output, 3);
    assert_eq!(output.shown, [0], "nothing of the picture");
    assert_eq!(station.watching, Some(Watching::People));

    let (shared, later) = (Shared::default(), Some(Duration::from_secs(60)));
    let mut output = Recorded::default();
    (station.settings.blank_after, station.has_somebody) = (later, true);
    station.pictures = vec![white(), white()];
    let mut screen = Screen::new(&mut station, &shared, None, false);
    (screen.is_blank, screen.state.is_blank) = (true, true);
    screen.turn(&mut output, Duration::ZERO).expect("works");
    assert!(output.shown[0] > 0, "the theme's ground");
    screen.turn(&mut output, Duration::ZERO).expect("works");
    assert_eq!(output.shown[1..], [255]);
    drop(screen);
    assert_eq!(station.watching, Some(Watching::Pictures));
}

#[test]
fn a_key_that_wakes_the_screen_does_nothing_else_but_close_the_camera() {
    for (key, expected) in [(Key::Privacy, 0), (Key::Shutter, 1)] {
        let mut station = Scripted::default();
        let shared = Shared::default();
        let mut screen = Screen::new(&mut station, &shared, None, false);
        screen.is_blank = true;
        press(&mut screen, &[key]);
        assert!(!screen.is_blank);
        drop(screen);
        assert_eq!(station.pressed.len(), expected, "{key:?}");
    }
}

#[test]
fn pictures_beyond_the_limit_are_not_drawn() {
    let mut station = Scripted {
        pictures: (0..8).map(|_| white()).collect(),
        ..Scripted::default()
    };
    station.settings.most_fps = Some(1);
    let mut output = Recorded::default();
    turns(&mut station, &mut output, 8);
    assert_eq!(output.shown.len(), 1);
}
