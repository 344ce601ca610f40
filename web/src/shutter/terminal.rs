//! Single keys from the terminal that the program runs in.

use std::io::{IsTerminal, Read, stdin};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// How often a program in the background checks whether it is in the foreground again.
const FOREGROUND_CHECK_EVERY: Duration = Duration::from_secs(1);

/// Restores the terminal's modes when it is dropped.
pub(crate) struct TerminalModes(Termios);

impl Drop for TerminalModes {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(stdin(), OptionalActions::Now, &self.0) {
            tracing::debug!(%error, "the terminal's modes cannot be restored");
        }
    }
}

/// Calls `pressed` for each key, on a thread of its own. `None`: standard input is no terminal, or the program
/// does not run in its foreground.
pub(crate) fn watch_keys(pressed: impl Fn(u8) + Send + 'static) -> Option<TerminalModes> {
    if !stdin().is_terminal() || !is_in_foreground() {
        return None;
    }
    let before = tcgetattr(stdin()).ok()?;
    let mut modes = before.clone();
    // Keys without Enter, not echoed; Ctrl-C and Ctrl-Z go on sending signals.
    modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    tcsetattr(stdin(), OptionalActions::Now, &modes).ok()?;
    let restored = TerminalModes(before);
    let keys = thread::Builder::new().name("keyboard".to_owned());
    let read = move || while read_key(&pressed) {};
    keys.spawn(read).ok()?;
    Some(restored)
}

/// Waits for one key. `false`: no more keys come. A program in the background reads nothing: the kernel would
/// stop it.
fn read_key(pressed: &impl Fn(u8)) -> bool {
    let input = stdin();
    let mut ready = [PollFd::new(&input, PollFlags::IN)];
    if poll(&mut ready, None).is_err() {
        return false;
    }
    if !is_in_foreground() {
        thread::sleep(FOREGROUND_CHECK_EVERY);
        return true;
    }
    let mut key = [0];
    match stdin().read(&mut key) {
        Ok(1) => pressed(key[0]),
        _ => return false,
    }
    true
}

fn is_in_foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}
