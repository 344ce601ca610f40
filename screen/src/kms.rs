//! A display without a desktop, through the kernel's mode setting.
//!
//! Three dumb buffers: one is scanned out, one waits for the next vertical blank, one is written. Each byte of a
//! buffer is written once, in order, and never read: the mapping is write-combined.

pub(crate) mod console;
mod display;
mod flip;
mod touch;

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use drm::Device as _;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::{DumbBuffer, DumbMapping};
use drm::control::{Device as _, Event, framebuffer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::console::{Console, OwnTerminal, RestoreConsole};
use self::display::Display;
use self::flip::Flips;
use self::touch::TouchScreens;
use crate::choose::{GraphicsCard, cards_below};
use crate::orientation::Rotation;
use crate::output::{Key, OutputEvent, ScreenError, ScreenOutput};
use crate::picture::ScreenPicture;

/// How often the list of displays is compared: kernel events reach only the host's network namespace.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A flip waits for one vertical blank. After this time the driver has lost it.
const FLIP_TIMEOUT: Duration = Duration::from_millis(200);

const INPUT_CLASS: &str = "/sys/class/input";
const INPUT_DEVICES: &str = "/dev/input";

/// An open graphics card.
#[derive(Debug)]
pub(crate) struct CardFile(File);

impl AsFd for CardFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for CardFile {}
impl drm::control::Device for CardFile {}

/// One picture for the display.
struct ScanoutBuffer {
    buffer: DumbBuffer,
    mapping: DumbMapping<'static>,
    framebuffer: framebuffer::Handle,
}

pub(crate) struct KmsOutput {
    card: CardFile,
    device: PathBuf,
    display: Display,
    buffers: Vec<ScanoutBuffer>,
    flips: Flips,
    /// The buffer that is scanned out, and the one that will be from the next vertical blank on.
    shown: Option<usize>,
    pending: Option<(usize, Instant)>,
    /// Where the kernel lists displays, what it listed, and when that was compared.
    class: PathBuf,
    listed: String,
    looked_at: Instant,
    terminal: OwnTerminal,
    touch: TouchScreens,
    /// Dropped last: text appears when the card is free.
    _console: Option<Console>,
}

/// Why a card cannot be opened; `None`: it can.
pub(crate) fn refusal(device: &Path) -> Option<String> {
    let error = open_card(device).err()?;
    if error.kind() != ErrorKind::PermissionDenied {
        return Some(error.to_string());
    }
    let group = fs::metadata(device).ok().and_then(|device| {
        let groups = fs::read_to_string("/etc/group").ok()?;
        group_name(&groups, device.gid())
    });
    let group = group.unwrap_or_else(|| "video".to_owned());
    Some(format!(
        "{error}; it belongs to the group `{group}`: add the user to it (usermod -aG {group} USER)"
    ))
}

/// The name of a group in the lines of `/etc/group`.
fn group_name(groups: &str, gid: u32) -> Option<String> {
    let gid = gid.to_string();
    let mut fields = groups.lines().map(|line| line.split(':'));
    fields.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == gid).then(|| name.to_owned())
    })
}

fn open_card(device: &Path) -> std::io::Result<CardFile> {
    let file = OpenOptions::new().read(true).write(true).open(device)?;
    Ok(CardFile(file))
}

impl KmsOutput {
    /// Opens the first card with a connected display.
    pub(crate) fn open(
        class: PathBuf,
        devices: &Path,
        restore: Option<&RestoreConsole>,
        terminal: OwnTerminal,
        is_legacy: bool,
    ) -> Result<Self, ScreenError> {
        let cards = cards_below(&class, devices, refusal);
        let mut failed = ScreenError::NoDisplay {
            card: "any graphics card".to_owned(),
        };
        for card in cards.iter().filter(|card| !card.connected.is_empty()) {
            let opened = Self::open_on(card, &class, restore, terminal.clone(), is_legacy);
            match opened {
                Ok(output) => return Ok(output),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn open_on(
        card: &GraphicsCard,
        class: &Path,
        restore: Option<&RestoreConsole>,
        terminal: OwnTerminal,
        is_legacy: bool,
    ) -> Result<Self, ScreenError> {
        let device = card.device.clone();
        let name = device.display().to_string();
        let failed = |what: &str| {
            let what = format!("{name}: {what}");
            move |source| ScreenError::System { what, source }
        };
        let file = open_card(&device).map_err(failed("cannot be opened"))?;
        // The first one to open a card has it already; a card from a session manager refuses, and works.
        let _ = file.acquire_master_lock();
        let display = Display::find(&file, &name)?;
        let size = display.size();
        let mut buffers = Vec::new();
        for _ in 0..3 {
            let buffer = ScanoutBuffer::new(&file, size);
            buffers.push(buffer.map_err(failed("no memory for a picture"))?);
        }
        let first = buffers[0].framebuffer;
        let flips = Flips::start(&file, &display, first, is_legacy);
        let flips = flips.map_err(failed(
            "the mode cannot be set; another program may have the display",
        ))?;
        // Only now: a display that another program has is tried again and again.
        let console = Console::take(restore);
        Ok(Self {
            card: file,
            device,
            display,
            buffers,
            flips,
            shown: Some(0),
            pending: None,
            class: class.to_owned(),
            listed: listed(class),
            looked_at: Instant::now(),
            terminal,
            touch: TouchScreens::open(Path::new(INPUT_CLASS), Path::new(INPUT_DEVICES)),
            _console: console,
        })
    }

    fn failed(&self, what: &str, source: std::io::Error) -> ScreenError {
        ScreenError::System {
            what: format!("{}: {what}", self.device.display()),
            source,
        }
    }

    /// A buffer that is neither shown nor about to be.
    fn free_buffer(&self) -> usize {
        let pending = self.pending.map(|(index, _)| index);
        let is_free = |index: &usize| Some(*index) != self.shown && Some(*index) != pending;
        (0..self.buffers.len()).find(is_free).unwrap_or(0)
    }

    /// Takes note of flips that are done, and waits at most `timeout` for one.
    fn collect_flips(&mut self, timeout: Duration) -> Result<(), ScreenError> {
        let Some((index, since)) = self.pending else {
            return Ok(());
        };
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut ready = [PollFd::new(&self.card, PollFlags::IN)];
        let count = poll(&mut ready, Some(&timeout));
        let count = count.map_err(|error| self.failed("cannot be waited for", error.into()))?;
        if count > 0 {
            let events = self.card.receive_events();
            let mut events = events.map_err(|error| self.failed("gives no events", error))?;
            if events.any(|event| matches!(event, Event::PageFlip(_))) {
                (self.shown, self.pending) = (Some(index), None);
            }
        } else if since.elapsed() >= FLIP_TIMEOUT {
            let error = ErrorKind::TimedOut.into();
            return Err(self.failed("the driver has lost a picture", error));
        }
        Ok(())
    }
}

impl ScreenOutput for KmsOutput {
    fn size(&self) -> (u32, u32) {
        self.display.size()
    }

    fn mounted(&self) -> Rotation {
        self.display.mounted()
    }

    fn describe(&self) -> String {
        let (width, height) = self.size();
        let (name, device) = (self.display.name(), self.device.display());
        let how = self.flips.name();
        format!("{name} of {device}, {width}x{height}, {how} mode setting")
    }

    fn present(
        &mut self,
        picture: &mut ScreenPicture,
        may_show: &dyn Fn() -> bool,
    ) -> Result<(), ScreenError> {
        self.collect_flips(Duration::ZERO)?;
        let index = self.free_buffer();
        let target = &mut self.buffers[index];
        let pitch = target.buffer.pitch() as usize;
        let mapping = &mut target.mapping;
        picture.rows(|y, row| {
            if let Some(line) = mapping.get_mut(y * pitch..y * pitch + row.len()) {
                line.copy_from_slice(row);
            }
        })?;
        while self.pending.is_some() {
            self.collect_flips(FLIP_TIMEOUT)?;
        }
        if !may_show() {
            return Ok(());
        }
        let framebuffer = self.buffers[index].framebuffer;
        let flipped = self.flips.flip(&self.card, framebuffer);
        flipped.map_err(|error| self.failed("a picture cannot be shown", error))?;
        self.pending = Some((index, Instant::now()));
        Ok(())
    }

    fn events(&mut self) -> Result<Vec<OutputEvent>, ScreenError> {
        self.collect_flips(Duration::ZERO)?;
        if self.looked_at.elapsed() >= LOOK_EVERY {
            self.looked_at = Instant::now();
            if listed(&self.class) != self.listed {
                return Err(ScreenError::Changed);
            }
            // The console's text cannot appear while this program has the card.
            self.terminal.check()?;
        }
        // A tap shows the codes.
        let tapped = self.touch.tapped();
        Ok(tapped
            .then_some(OutputEvent::Pressed(Key::Codes))
            .into_iter()
            .collect())
    }
}

impl Drop for KmsOutput {
    fn drop(&mut self) {
        // A driver that is gone refuses all of this.
        for buffer in self.buffers.drain(..) {
            let _ = self.card.destroy_framebuffer(buffer.framebuffer);
            drop(buffer.mapping);
            let _ = self.card.destroy_dumb_buffer(buffer.buffer);
        }
        let _ = self.card.release_master_lock();
    }
}

impl ScanoutBuffer {
    fn new(card: &CardFile, size: (u32, u32)) -> std::io::Result<Self> {
        let buffer = card.create_dumb_buffer(size, DrmFourcc::Xrgb8888, 32)?;
        let framebuffer = card.add_framebuffer(&buffer, 24, 32)?;
        // The mapping borrows a description of 40 bytes, which is given up: there are three at each opening.
        let borrowed: &'static mut DumbBuffer = Box::leak(Box::new(buffer));
        let mut mapping = card.map_dumb_buffer(borrowed)?;
        mapping.fill(0);
        Ok(Self {
            buffer,
            mapping,
            framebuffer,
        })
    }
}

/// The displays that the kernel knows and their modes. Cached by the kernel: reading probes nothing.
fn listed(class: &Path) -> String {
    let Ok(entries) = fs::read_dir(class) else {
        return String::new();
    };
    let mut lines: Vec<String> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let status = fs::read_to_string(path.join("status")).ok()?;
            let modes = fs::read_to_string(path.join("modes")).unwrap_or_default();
            Some(format!("{} {status} {modes}", path.display()))
        })
        .collect();
    lines.sort();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_a_card_is_named() {
        let groups = "root:x:0:\nvideo:x:44:me,you\nrender:x:105:\n";
        assert_eq!(group_name(groups, 44).as_deref(), Some("video"));
        assert_eq!(group_name(groups, 105).as_deref(), Some("render"));
        assert_eq!(group_name(groups, 4), None);
    }
}
