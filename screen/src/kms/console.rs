//! The virtual terminal behind the picture: no text is drawn on it, and its keys reach no shell.
//!
//! The kernel keeps both settings when the process dies. A second process, which waits for the end of this one,
//! restores them then, also after SIGKILL.

use std::fs::{File, OpenOptions};
use std::io::{Read, stdin};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

mod modes;

use crate::output::ScreenError;

use self::modes::{ConsoleModes, Graphics, Keyboard};

/// The program that restores the console, and its arguments before those of [`restore_console`].
#[derive(Debug, Clone)]
pub struct RestoreConsole {
    pub program: PathBuf,
    pub arguments: Vec<String>,
}

/// The virtual terminal that was on the display when the program began: the screen is shown while it is there.
#[derive(Debug, Clone)]
pub(crate) struct OwnTerminal(Option<String>);

/// The kernel's name of the terminal on the display.
const ACTIVE: &str = "/sys/class/tty/tty0/active";

fn active_terminal() -> Option<String> {
    Some(std::fs::read_to_string(ACTIVE).ok()?.trim().to_owned())
}

impl Default for OwnTerminal {
    fn default() -> Self {
        Self(active_terminal())
    }
}

impl OwnTerminal {
    /// An error while another terminal is on the display.
    pub(crate) fn check(&self) -> Result<(), ScreenError> {
        match (active_terminal(), &self.0) {
            (Some(terminal), Some(own)) if terminal != *own => {
                Err(ScreenError::OtherTerminal { terminal })
            }
            _ => Ok(()),
        }
    }
}

/// Taken until it is dropped.
#[derive(Debug)]
pub(crate) struct Console {
    terminal: OwnedFd,
    before: ConsoleModes,
    restorer: Child,
}

/// The terminal that is on the display.
const FOREGROUND: &str = "/dev/tty0";

impl Console {
    /// Takes the terminal of standard input, if it is a virtual one, else the one on the display. `None`: there is
    /// none, or it may not be opened; nothing changes then.
    pub(crate) fn take(restore: Option<&RestoreConsole>) -> Option<Self> {
        let restore = restore?;
        let own = rustix::io::dup(stdin()).ok();
        let own = own.and_then(|own| Some((ConsoleModes::of(&own)?, own, true)));
        let (before, terminal, is_own) = own.or_else(|| {
            let options = OpenOptions::new().read(true).write(true).open(FOREGROUND);
            let terminal = OwnedFd::from(options.ok()?);
            Some((ConsoleModes::of(&terminal)?, terminal, false))
        })?;
        // Without it, a killed process would leave a console without text and keys.
        let restorer = start_restorer(restore, &terminal, before)?;
        let taken = ConsoleModes {
            graphics: Graphics::Pictures,
            // The program reads its own terminal, so that no shell gets the keys.
            keyboard: if is_own {
                before.keyboard
            } else {
                Keyboard::OFF
            },
        };
        if let Err(error) = taken.set(&terminal) {
            tracing::debug!(%error, "the console cannot be switched to pictures");
        }
        Some(Self {
            terminal,
            before,
            restorer,
        })
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if let Err(error) = self.before.set(&self.terminal) {
            tracing::debug!(%error, "the console cannot be switched back");
        }
        // Ends at the end of its input.
        drop(self.restorer.stdin.take());
        let _ = self.restorer.wait();
    }
}

fn start_restorer(
    restore: &RestoreConsole,
    terminal: &OwnedFd,
    before: ConsoleModes,
) -> Option<Child> {
    let output = Stdio::from(terminal.try_clone().ok()?);
    let started = Command::new(&restore.program)
        .args(&restore.arguments)
        .arg(before.graphics.number().to_string())
        .arg(before.keyboard.0.to_string())
        .stdin(Stdio::piped())
        // The terminal.
        .stdout(output)
        // A signal for the group of this process is not for it.
        .process_group(0)
        .spawn();
    started
        .inspect_err(
            |error| tracing::warn!(%error, "the console is left as it is: nobody would restore it"),
        )
        .ok()
}

/// The body of the restoring process: waits for the end of standard input, and restores the modes of the terminal
/// on standard output.
pub fn restore_console(graphics: i32, keyboard: i32) -> std::io::Result<()> {
    let mut nothing = [0; 16];
    while stdin().read(&mut nothing).is_ok_and(|length| length > 0) {}
    let terminal = File::from(rustix::io::dup(std::io::stdout())?);
    let modes = ConsoleModes {
        graphics: Graphics::from_number(graphics),
        keyboard: Keyboard(keyboard),
    };
    modes.set(&terminal)
}
