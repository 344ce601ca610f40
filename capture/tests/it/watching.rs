//! A running capture, and what a viewer would see of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{
    CaptureConfig, CaptureHandle, CaptureMetrics, Frame, NamedCamera, Next, SelectedSource, Signal,
    Slot, SlotReader, SourceControl, SourceSpec, SourceSwitch, WallClock, Wanted, spawn,
};

use crate::timing::{HANG_TIMEOUT, expect_within};

pub(crate) struct Watched {
    pub(crate) metrics: Arc<CaptureMetrics>,
    pub(crate) signal: Arc<Slot<Signal>>,
    pub(crate) switch: Arc<SourceSwitch>,
    pub(crate) newest: Arc<Slot<Frame>>,
    frames: SlotReader<Frame>,
    signals: SlotReader<Signal>,
    handle: CaptureHandle,
    pub(crate) threads: capture::Threads,
}

impl Watched {
    pub(crate) fn start(source: &str) -> Self {
        Self::start_looped(source, false)
    }

    pub(crate) fn start_looped(source: &str, loop_file: bool) -> Self {
        let source: SourceSpec = source.parse().expect("a source");
        Self::start_with(source.into(), Vec::new(), loop_file)
    }

    pub(crate) fn start_with(
        selected: SelectedSource,
        cameras: Vec<NamedCamera>,
        loop_file: bool,
    ) -> Self {
        let clock = WallClock::start();
        let threads = capture::Threads::default();
        let config = CaptureConfig {
            selected,
            cameras,
            wanted: Wanted::default(),
            camera: Arc::default(),
            demand: None,
            loop_file,
            clock,
            threads: threads.clone(),
            is_shuttered: false,
        };
        let (frames, signal) = (Slot::new(), Slot::new());
        let metrics: Arc<CaptureMetrics> = Arc::default();
        let switch = SourceSwitch::new(Arc::clone(&frames), Arc::clone(&signal));
        let handle = spawn(&config, Arc::clone(&switch), Arc::clone(&metrics)).expect("threads");
        let (newest, frames, signals) = (Arc::clone(&frames), frames.reader(), signal.reader());
        Self {
            metrics,
            signal,
            switch,
            newest,
            frames,
            signals,
            handle,
            threads,
        }
    }

    pub(crate) fn control(&self) -> SourceControl {
        self.handle.source()
    }

    pub(crate) fn close_shutter(&self) {
        self.switch.close_shutter(None, Instant::now());
        self.handle.shutter().release_sources();
    }

    pub(crate) fn open_shutter(&self) {
        self.switch.open_shutter();
        self.handle.shutter().open_sources();
    }

    pub(crate) fn frame(&mut self) -> Arc<Frame> {
        match self.frames.wait(HANG_TIMEOUT) {
            Next::Newer(frame) => frame,
            other => panic!(
                "no frame but {other:?}; the signal is {:?}",
                self.signal.latest()
            ),
        }
    }

    /// Waits until the source is lost. Returns the text of the card.
    pub(crate) fn lost(&mut self) -> String {
        self.signal_that(|signal| match signal {
            Signal::Lost { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    /// Waits until the source is live. Returns width, height and rate.
    pub(crate) fn live(&mut self) -> (u32, u32, f32) {
        self.signal_that(|signal| match signal {
            Signal::Live {
                width, height, fps, ..
            } => Some((*width, *height, *fps)),
            _ => None,
        })
    }

    /// Waits for the next signal for which `pick` returns a value.
    pub(crate) fn signal_that<T>(&mut self, pick: impl Fn(&Signal) -> Option<T>) -> T {
        let deadline = Instant::now() + HANG_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.signals.wait(left) {
                Next::Newer(signal) => {
                    if let Some(picked) = pick(&signal) {
                        return picked;
                    }
                }
                other => panic!("{other:?}; the signal stays {:?}", self.signal.latest()),
            }
        }
    }

    /// Stops the capture, and checks that this closes the slot.
    pub(crate) fn stop(mut self) {
        let start = Instant::now();
        self.handle.stop();
        expect_within("stopping", start.elapsed(), Duration::from_secs(3));
        while let Next::Newer(_) = self.frames.wait(Duration::ZERO) {}
        assert!(matches!(self.frames.wait(Duration::ZERO), Next::Closed));
    }
}

/// A file of the shared folder of pictures and clips. `None`, with a message, without such a folder.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    match std::env::var_os("CARRIER_SHARED") {
        Some(folder) => Some(PathBuf::from(folder).join(file)),
        None => {
            // A skipped test is reported in the test's own output.
            #[allow(clippy::print_stderr)]
            {
                eprintln!("skipped: CARRIER_SHARED is not set");
            }
            None
        }
    }
}

/// An empty temporary folder.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("carrier-it-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}
