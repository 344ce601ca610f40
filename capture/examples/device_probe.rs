//! Tries the webcam path against a real driver; `scripts/test-devices.sh` runs it in a virtual
//! machine. Each step prints a line; the exit status tells.
//!
//! ```text
//! device_probe list
//! device_probe stream SOURCE WxH@FPS FORMAT FRAMES
//! device_probe outage SOURCE TAKE_AWAY BRING_BACK     two shell commands, run while it streams
//! device_probe hang SOURCE LET_GO                     a shell command, run once a thread hangs
//! device_probe arrive PLUG_IN                         a shell command, run while `auto` waits
//! device_probe controls                               of the only camera, set before and while it streams
//! ```

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{
    CameraSettings, CaptureConfig, CaptureHandle, CaptureMetrics, ControlValue, ControlValues,
    Frame, Mounting, Next, Signal, Slot, SlotReader, SourceSpec, SourceSwitch, WallClock, Wanted,
    camera_controls, devices, spawn,
};

/// Emulated machines are slow; what must be fast is measured by itself.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// A source that ends, fails or stalls is on the card within this.
const CARD: Duration = Duration::from_secs(2);

type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["list"] => list(),
        ["stream", source, size, format, frames] => stream(source, size, format, frames),
        ["outage", source, take_away, bring_back] => outage(source, take_away, bring_back),
        ["hang", source, let_go] => hang(source, let_go),
        ["arrive", plug_in] => arrive(plug_in),
        ["controls"] => controls(),
        _ => Err("see the head of capture/examples/device_probe.rs".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("FAILED: {why}"));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("probe: {line}");
}

fn list() -> Outcome {
    let devices = devices().map_err(|error| error.to_string())?;
    for device in &devices {
        say(&format!(
            "{} = {} ({})",
            device.path.display(),
            device.name,
            device.id
        ));
        for mode in device.modes.iter().filter(|mode| mode.width == 1280) {
            say(&format!("  {mode}"));
        }
        say(&format!("  ... of {} modes in all", device.modes.len()));
    }
    if devices.len() == 1 {
        Ok(())
    } else {
        Err(format!("{} cameras, not one", devices.len()))
    }
}

struct Probe {
    frames: SlotReader<Frame>,
    signals: SlotReader<Signal>,
    metrics: Arc<CaptureMetrics>,
    handle: CaptureHandle,
}

impl Probe {
    fn start(source: &str, wanted: Wanted) -> Result<Self, String> {
        Self::start_with(source, wanted, Arc::default())
    }

    fn start_with(
        source: &str,
        wanted: Wanted,
        camera: Arc<CameraSettings>,
    ) -> Result<Self, String> {
        let source: SourceSpec = source
            .parse()
            .map_err(|error: capture::SpecError| error.to_string())?;
        let config = CaptureConfig {
            selected: source.into(),
            cameras: Vec::new(),
            wanted,
            camera,
            demand: None,
            loop_file: false,
            clock: WallClock::start(),
            threads: capture::Threads::default(),
            is_shuttered: false,
        };
        let (frames, signals) = (Slot::new(), Slot::new());
        let metrics: Arc<CaptureMetrics> = Arc::default();
        let handle = spawn(
            &config,
            SourceSwitch::new(Arc::clone(&frames), Arc::clone(&signals)),
            Arc::clone(&metrics),
        );
        let handle = handle.map_err(|error| error.to_string())?;
        Ok(Self {
            frames: frames.reader(),
            signals: signals.reader(),
            metrics,
            handle,
        })
    }

    fn live(&mut self, which: impl Fn(&str) -> bool) -> Result<String, String> {
        self.signal(|signal| match signal {
            Signal::Live { source, note, .. } if which(source) => {
                Some(format!("{source}; note: {note:?}"))
            }
            _ => None,
        })
    }

    fn lost(&mut self) -> Result<String, String> {
        self.signal(|signal| match signal {
            Signal::Lost { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    fn signal<T>(&mut self, pick: impl Fn(&Signal) -> Option<T>) -> Result<T, String> {
        let deadline = Instant::now() + WAIT_MAX;
        let mut last = None;
        loop {
            match self
                .signals
                .wait(deadline.saturating_duration_since(Instant::now()))
            {
                Next::Newer(signal) => match pick(&signal) {
                    Some(picked) => return Ok(picked),
                    None => last = Some(signal),
                },
                _ => return Err(format!("the signal stays {last:?}")),
            }
        }
    }

    /// Takes frames; the last one's number.
    fn frames(&mut self, count: u32) -> Result<u64, String> {
        let start = Instant::now();
        let (mut seq, mut brightest) = (0, 0);
        for _ in 0..count {
            match self.frames.wait(WAIT_MAX) {
                Next::Newer(frame) if frame.seq > seq => {
                    seq = frame.seq;
                    brightest = frame.pixels.planes().y.iter().copied().max().unwrap_or(0);
                }
                other => return Err(format!("after frame {seq}: {other:?}")),
            }
        }
        let rate = f64::from(count) / start.elapsed().as_secs_f64();
        say(&format!(
            "{count} frames at {rate:.1} a second, up to number {seq}"
        ));
        if brightest > 100 {
            Ok(seq)
        } else {
            Err("the picture is black".to_owned())
        }
    }

    /// The mean luma, the width and the height of a frame that is captured from now on.
    fn look(&mut self) -> Result<(u64, u32, u32), String> {
        let asked_at = Instant::now();
        // The driver's buffers hold pictures of before.
        let mut later = 0;
        loop {
            match self.frames.wait(WAIT_MAX) {
                Next::Newer(frame) if frame.captured_at > asked_at && later > 5 => {
                    let luma = frame.pixels.planes().y;
                    let sum: u64 = luma.iter().map(|y| u64::from(*y)).sum();
                    let mean = sum / luma.len() as u64;
                    return Ok((mean, frame.pixels.width(), frame.pixels.height()));
                }
                Next::Newer(_) => later += 1,
                other => return Err(format!("{other:?}")),
            }
        }
    }

    fn stop(self) -> Outcome {
        let abandoned = self.metrics.abandoned_threads.get();
        let start = Instant::now();
        self.handle.stop();
        say(&format!(
            "stopped in {:?}, {abandoned} threads left behind",
            start.elapsed()
        ));
        if start.elapsed() < CARD {
            Ok(())
        } else {
            Err("stopping took too long".to_owned())
        }
    }
}

fn stream(source: &str, size: &str, format: &str, frames: &str) -> Outcome {
    let number = |text: &str| {
        text.parse::<u32>()
            .map_err(|error| format!("{text}: {error}"))
    };
    let mut parts = size.split(['x', '@']).map(number);
    let mut part = || parts.next().ok_or("the mode is written like 640x360@30")?;
    let (width, height, fps) = (part()?, part()?, part()?);
    let format = Some(format.parse()?);
    let wanted = Wanted {
        width,
        height,
        fps,
        format,
    };
    let mut probe = Probe::start(source, wanted)?;
    say(&probe.live(|_| true)?);
    probe.frames(number(frames)?)?;
    probe.stop()
}

fn outage(source: &str, take_away: &str, bring_back: &str) -> Outcome {
    let mut probe = Probe::start(source, small())?;
    say(&probe.live(|_| true)?);
    let before = probe.frames(15)?;
    let start = Instant::now();
    shell(take_away)?;
    let reason = probe.lost()?;
    let took = start.elapsed();
    say(&format!("lost after {took:?}: {reason}"));
    if took > CARD {
        return Err(format!("the card took {took:?}"));
    }
    // Longer than the first waits: it must come back after several tries in vain.
    std::thread::sleep(Duration::from_secs(3));
    shell(bring_back)?;
    let start = Instant::now();
    say(&probe.live(|_| true)?);
    say(&format!("back after {:?}", start.elapsed()));
    let after = probe.frames(15)?;
    if after <= before {
        return Err(format!("frame numbers went from {before} to {after}"));
    }
    probe.stop()
}

/// The driver gives nothing from the start: nokhwa's first call never returns, its thread is left
/// behind, and the camera comes back once the driver does.
fn hang(source: &str, let_go: &str) -> Outcome {
    let mut probe = Probe::start(source, small())?;
    let deadline = Instant::now() + WAIT_MAX;
    while probe.metrics.abandoned_threads.get() == 0 {
        if Instant::now() > deadline {
            return Err("no thread was left behind".to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    say(&format!("a thread is left behind: {}", probe.lost()?));
    shell(let_go)?;
    say(&probe.live(|_| true)?);
    probe.frames(15)?;
    probe.stop()
}

fn arrive(plug_in: &str) -> Outcome {
    let mut probe = Probe::start("auto", small())?;
    say(&probe.live(|source| source.contains("scene"))?);
    probe.frames(5)?;
    shell(plug_in)?;
    let start = Instant::now();
    say(&probe.live(|source| !source.contains("scene"))?);
    say(&format!("switched after {:?}", start.elapsed()));
    probe.frames(5)?;
    probe.stop()
}

/// Controls are set at the opening and live, read back by another program, and seen in the picture.
fn controls() -> Outcome {
    let devices = devices().map_err(|error| error.to_string())?;
    let path = &devices.first().ok_or("no camera")?.path;
    for control in camera_controls(path).map_err(|error| error.to_string())? {
        say(&format!("  {control:?}"));
    }
    let values = |values: &[(&str, i64)]| -> ControlValues {
        let number = |(key, value): &(&str, i64)| ((*key).to_owned(), ControlValue::Number(*value));
        values.iter().map(number).collect()
    };
    let has = |name: &str, value: i64| {
        shell(&format!(
            "v4l2-ctl -d {} -C {name} | grep -q ': {value}$'",
            path.display()
        ))
    };
    let expect = |what: &str, holds: bool| match holds {
        true => Ok(()),
        false => Err(what.to_owned()),
    };
    let wanted = values(&[
        ("brightness", 200),
        ("gain", 50),
        ("contrast", 9999),
        ("zoom", 3),
    ]);
    let camera = Arc::new(CameraSettings::new(Mounting::default(), wanted));
    let mut probe = Probe::start_with("webcam", small(), Arc::clone(&camera))?;
    say(&probe.live(|_| true)?);
    has("brightness", 200)?;
    has("gain", 50)?;
    has("gain_automatic", 0)?;
    has("contrast", 255)?;
    let report = camera.report().ok_or("no camera is open")?;
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    say(&format!("{}: {errors:?}", report.name));
    expect("two errors: contrast and zoom", errors.len() == 2)?;
    let (bright, width, height) = probe.look()?;
    let refused = camera.check_controls(&values(&[("brightness", 9999)]));
    say(&format!("{refused:?}"));
    expect("out of range is refused", refused.is_err())?;
    camera.set_controls(values(&[("brightness", 40)]));
    has("brightness", 40)?;
    has("gain_automatic", 1)?;
    let (dark, ..) = probe.look()?;
    say(&format!("mean luma {bright} at 200, {dark} at 40"));
    expect("a darker picture", dark + 20 < bright)?;
    camera.set_controls(ControlValues::new());
    has("brightness", 128)?;
    camera.set_mounting(Mounting::new(90, true).ok_or("a quarter")?);
    let (_, turned_width, turned_height) = probe.look()?;
    say(&format!(
        "{width}x{height} turned is {turned_width}x{turned_height}"
    ));
    expect(
        "the picture is turned",
        (turned_width, turned_height) == (height, width),
    )?;
    probe.stop()
}

/// Emulation draws 720p too slowly to measure anything by.
fn small() -> Wanted {
    Wanted {
        width: 640,
        height: 360,
        ..Wanted::default()
    }
}

fn shell(command: &str) -> Outcome {
    let status = Command::new("/bin/sh").args(["-c", command]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("\"{command}\": {other:?}")),
    }
}
