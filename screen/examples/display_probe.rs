//! Shows a known picture through the kernel's mode setting; `scripts/test-display.sh` runs it in a virtual machine and
//! compares what the display shows.
//!
//! `display_probe show ROTATION [legacy|bare]` shows it until the process ends: with the older way of mode setting, or
//! without taking the console. `display_probe expected WIDTH HEIGHT ROTATION`
//! writes what a display of that size must show to standard output, as PPM.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use capture::canvas::{Canvas, Ink, Rect};
use capture::{I420, Next, PicturePool, PooledPicture, Threads};
use screen::{
    Authority, Count, DisplaySettings, Key, KeyAnswer, Orientation, OutputChoice, RestoreConsole,
    Rotation, ScreenHost, ScreenPicture, ScreenSetup, ScreenState, Watching, restore_console,
    spawn,
};

/// Red, green and blue corners on a grey ramp.
fn feed() -> Result<PooledPicture, Box<dyn Error>> {
    let mut feed = PicturePool::new(1).take(1280, 720)?;
    feed.fill(40, 128, 128);
    for (index, luma) in feed.planes_mut().y.iter_mut().enumerate() {
        *luma = 40 + (index % 1280 / 8) as u8;
    }
    let mut canvas = Canvas::new(&mut feed);
    for (x, y, ink) in [
        (0, 0, Ink::rgb(220, 30, 30)),
        (1120, 0, Ink::rgb(30, 200, 30)),
        (0, 560, Ink::rgb(30, 30, 220)),
    ] {
        canvas.fill_rect(Rect::new(x, y, 160, 160), ink, 255);
    }
    Ok(feed)
}

fn state() -> ScreenState {
    ScreenState {
        name: "Hall 3".to_owned(),
        counts: vec![Count {
            label: "person".to_owned(),
            number: 3,
        }],
        viewers: 2,
        ..ScreenState::default()
    }
}

fn orientation(degrees: &str) -> Result<Orientation, Box<dyn Error>> {
    let rotation = Rotation::from_degrees(degrees.parse()?).ok_or("0, 90, 180 or 270")?;
    Ok(Orientation {
        rotation,
        is_mirrored: false,
    })
}

/// Shows the same picture again and again, so that buffers are exchanged.
struct Still(Arc<PooledPicture>);

impl ScreenHost for Still {
    fn next_picture(&mut self, _timeout: Duration) -> Next<PooledPicture> {
        std::thread::sleep(Duration::from_millis(100));
        Next::Newer(Arc::clone(&self.0))
    }

    fn picture_epoch(&self) -> u64 {
        0
    }

    fn state(&mut self) -> ScreenState {
        state()
    }

    fn display(&self) -> DisplaySettings {
        DisplaySettings::default()
    }

    fn is_somebody_there(&mut self) -> bool {
        true
    }

    fn press(&mut self, _key: Key, _authority: Authority) -> KeyAnswer {
        KeyAnswer::Done
    }

    fn is_pin(&self, _typed: &str) -> bool {
        false
    }

    fn set_watching(&mut self, _watching: Watching) {}
}

fn expected(size: (u32, u32), orientation: Orientation) -> Result<(), Box<dyn Error>> {
    let feed = feed()?;
    let feed: &I420 = &feed;
    let mut picture = ScreenPicture::new(size, orientation)?;
    picture.draw(&state(), Some(feed))?;
    let mut pixels = Vec::new();
    picture.rows(|_, row| {
        for pixel in row.chunks_exact(4) {
            pixels.extend([pixel[2], pixel[1], pixel[0]]);
        }
    })?;
    write!(stdout(), "P6\n{} {}\n255\n", size.0, size.1)?;
    Ok(stdout().write_all(&pixels)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["expected", width, height, degrees] => {
            expected((width.parse()?, height.parse()?), orientation(degrees)?)
        }
        ["show", degrees, how @ ..] => {
            let orientation = orientation(degrees)?;
            let setup = ScreenSetup {
                output: OutputChoice::Auto,
                desktop: None,
                monitor: None,
                rotation: Some(orientation.rotation),
                is_mirrored: orientation.is_mirrored,
                is_legacy: how == ["legacy"],
                restore_console: (how != ["bare"]).then_some(RestoreConsole {
                    program: std::env::current_exe()?,
                    arguments: vec!["restore-console".to_owned()],
                }),
                threads: Threads::default(),
            };
            let screen = spawn(setup, Box::new(Still(Arc::new(feed()?))))?;
            let _screen = screen.ok_or("no display")?;
            loop {
                std::thread::park();
            }
        }
        ["restore-console", graphics, keyboard] => {
            Ok(restore_console(graphics.parse()?, keyboard.parse()?)?)
        }
        _ => Err("see the source".into()),
    }
}
