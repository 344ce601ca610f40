//! The progress bar of `carrier detect`, on a terminal that does not get the results.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

const WIDTH: usize = 24;
const INTERVAL: Duration = Duration::from_millis(200);

pub(super) struct Progress {
    inputs: usize,
    done: usize,
    pictures: u64,
    started: Instant,
    shown_at: Option<Instant>,
    is_on: bool,
}

impl Progress {
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            inputs,
            done: 0,
            pictures: 0,
            started: Instant::now(),
            shown_at: None,
            is_on: stderr().is_terminal() && !stdout().is_terminal(),
        }
    }

    /// Another picture is done. `part`: of the present input, 0 to 1.
    pub(super) fn picture(&mut self, name: &str, part: f64) {
        self.pictures += 1;
        let now = Instant::now();
        let is_due = self.shown_at.is_none_or(|at| now >= at + INTERVAL);
        if self.is_on && is_due {
            self.shown_at = Some(now);
            let rate = self.pictures as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
            let bar = line((self.done, self.inputs), part, name, rate);
            let _ = write!(stderr(), "\r\x1b[K{bar}");
        }
    }

    pub(super) fn input_done(&mut self) {
        self.done += 1;
    }

    /// Makes room for a message, or for whatever comes after the last picture.
    pub(super) fn clear(&mut self) {
        if self.shown_at.take().is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// `done`: inputs, and how many there are.
fn line((done, all): (usize, usize), part: f64, name: &str, rate: f64) -> String {
    let share = ((done as f64 + part.clamp(0.0, 1.0)) / all.max(1) as f64).clamp(0.0, 1.0);
    let filled = (share * WIDTH as f64) as usize;
    let bar = "#".repeat(filled) + &" ".repeat(WIDTH - filled);
    let number = (done + 1).min(all);
    format!(
        "[{bar}] {number} of {all}, {name}: {:.0} %, {rate:.1} pictures/s",
        100.0 * share
    )
}

#[test]
fn the_bar_counts_inputs_and_the_part_of_the_present_one() {
    let begun = line((0, 2), 0.0, "a.jpg", 12.34);
    assert_eq!(
        begun,
        format!("[{}] 1 of 2, a.jpg: 0 %, 12.3 pictures/s", " ".repeat(24))
    );
    let half = line((1, 4), 1.0, "b.mp4", 30.0);
    assert!(
        half.starts_with("[############            ] 2 of 4, b.mp4: 50 %"),
        "{half}"
    );
    // A video may have more pictures than it says.
    assert!(line((3, 4), 1.7, "c", 1.0).contains("] 4 of 4, c: 100 %"));
}
