//! Starts the screen's thread and ends it.

mod turns;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use capture::{Threads, lock};

use crate::backlight;
use crate::choose::{FoundOutputs, OutputChoice, cards_below, choose};
use crate::host::ScreenHost;
use crate::kms::console::{OwnTerminal, RestoreConsole};
use crate::kms::{KmsOutput, refusal};
use crate::orientation::Rotation;
use crate::output::{Key, ScreenError, ScreenOutput};

use self::turns::Screen;

/// How the screen is set up.
#[derive(Debug)]
pub struct ScreenSetup {
    pub output: OutputChoice,
    /// A Wayland or X11 session, as its name.
    pub desktop: Option<&'static str>,
    /// The monitor of the window, by name; `None`: the first one.
    pub monitor: Option<String>,
    /// `None`: as the panel is mounted.
    pub rotation: Option<Rotation>,
    pub is_mirrored: bool,
    /// The older way of mode setting, also where the driver offers the atomic one. For tests.
    pub is_legacy: bool,
    /// Restores the console when this process dies.
    pub restore_console: Option<RestoreConsole>,
    /// Supervises the thread.
    pub threads: Threads,
}

/// The running thread. Dropping it stops the thread without waiting.
#[derive(Debug)]
pub struct ScreenHandle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// Pressed elsewhere, such as in a terminal.
    pressed: Mutex<Vec<Key>>,
}

/// Where the kernel lists cards and displays, and their devices.
const CLASS: &str = "/sys/class/drm";
const DEVICES: &str = "/dev/dri";

/// Chooses the output and starts the thread; `None`: there is no screen. The log has the reason.
///
/// # Errors
/// When the system refuses a thread.
pub fn spawn(
    config: ScreenSetup,
    mut host: Box<dyn ScreenHost>,
) -> io::Result<Option<ScreenHandle>> {
    let (class, devices) = (Path::new(CLASS), Path::new(DEVICES));
    let found = FoundOutputs {
        has_window: cfg!(feature = "window"),
        desktop: config.desktop,
        cards: cards_below(class, devices, refusal),
    };
    let chosen = choose(config.output, &found);
    let reason = &chosen.reason;
    match chosen.output {
        OutputChoice::Off if config.output == OutputChoice::Off => return Ok(None),
        OutputChoice::Off => {
            tracing::warn!("the screen is off: {reason}");
            return Ok(None);
        }
        OutputChoice::Window => tracing::info!("the screen is a window: {reason}"),
        _ => tracing::info!("the screen is a display of its own: {reason}"),
    }
    let shared = Arc::new(Shared::default());
    let threads = config.threads.clone();
    let output = chosen.output;
    let thread = threads.spawn("screen", {
        let shared = Arc::clone(&shared);
        move |heartbeat| {
            let terminal = OwnTerminal::default();
            let open = || open(output, &config, &terminal);
            let (rotation, is_mirrored) = (config.rotation, config.is_mirrored);
            let mut screen = Screen::new(host.as_mut(), &shared, rotation, is_mirrored);
            screen.backlights = Some(PathBuf::from(backlight::CLASS));
            screen.run(open, heartbeat);
        }
    })?;
    Ok(Some(ScreenHandle {
        shared,
        thread: Mutex::new(Some(thread)),
    }))
}

fn open(
    output: OutputChoice,
    config: &ScreenSetup,
    terminal: &OwnTerminal,
) -> Result<Box<dyn ScreenOutput>, ScreenError> {
    if output == OutputChoice::Window {
        #[cfg(feature = "window")]
        return Ok(Box::new(crate::window::WindowOutput::open(
            config.monitor.clone(),
        )?));
        #[cfg(not(feature = "window"))]
        return Err(ScreenError::Window("this build has no windows".to_owned()));
    }
    let (class, devices) = (PathBuf::from(CLASS), Path::new(DEVICES));
    terminal.check()?;
    let restore = config.restore_console.as_ref();
    let kms = KmsOutput::open(class, devices, restore, terminal.clone(), config.is_legacy)?;
    Ok(Box::new(kms))
}

impl ScreenHandle {
    /// As if the key was pressed at the screen.
    pub fn press(&self, key: Key) {
        lock(&self.shared.pressed).push(key);
    }

    /// Ends the thread after the present picture, and waits for it: the console is restored then.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        let ended = lock(&self.thread).take().map(JoinHandle::join);
        if ended.is_some_and(|ended| ended.is_err()) {
            tracing::error!("the screen's thread had panicked");
        }
    }
}

impl Drop for ScreenHandle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
    }
}
