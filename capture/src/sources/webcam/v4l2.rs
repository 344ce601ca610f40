//! What nokhwa cannot tell of a V4L2 node: its identity, its modes, whether a picture is ready, whether
//! it was unplugged.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use crate::sources::camera::{Mode, PixelFormat};

/// `ENODEV`: the device behind an open node is gone.
const NO_DEVICE: i32 = 19;
/// `EBUSY`: another program streams.
pub(crate) const BUSY: i32 = 16;
/// Sizes listed for a camera that allows any size in a range.
const USUAL_SIZES: [(u32, u32); 4] = [(640, 480), (1280, 720), (1920, 1080), (320, 240)];
/// Rates listed for a camera that allows any rate, or does not tell.
const USUAL_RATES: [u32; 3] = [30, 15, 60];

/// Every `/dev/videoN`, in order. (nokhwa's own list panics on odd names in `/dev`.)
pub(crate) fn nodes() -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir("/dev") else {
        return Vec::new();
    };
    let mut nodes: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let index = entry
                .file_name()
                .to_str()?
                .strip_prefix("video")?
                .parse()
                .ok()?;
            Some((index, entry.path()))
        })
        .collect();
    nodes.sort();
    nodes
}

/// An open node. Opening it does not disturb other programs that stream from it.
pub(crate) struct Node {
    device: Device,
}

/// What a node says about itself.
pub(crate) struct Identity {
    /// Where it is plugged in, e.g. `usb-0000:00:14.0-1`.
    pub(crate) bus: String,
    /// Whether it captures pictures, unlike metadata, output and codec nodes.
    pub(crate) is_camera: bool,
}

impl Node {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Device::with_path(path).map(|device| Self { device })
    }

    pub(crate) fn identity(&self) -> io::Result<Identity> {
        // v4l panics when a name is not UTF-8, as happens where a driver truncates a long one.
        let asked =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.device.query_caps()));
        let caps = asked.map_err(|_| io::Error::other("its name is no UTF-8"))??;
        let codec = Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE | Flags::VIDEO_OUTPUT;
        let is_camera = caps
            .capabilities
            .contains(Flags::VIDEO_CAPTURE | Flags::STREAMING)
            && !caps.capabilities.intersects(codec);
        Ok(Identity {
            bus: caps.bus,
            is_camera,
        })
    }

    /// Whether the device behind the node was unplugged.
    pub(crate) fn is_gone(&self) -> bool {
        self.device
            .format()
            .is_err_and(|error| error.raw_os_error() == Some(NO_DEVICE))
    }

    /// Waits until a picture is ready; `false` when none came in time.
    ///
    /// To be called only while it streams: on an idle node, polling starts the kernel's emulation of
    /// `read()`.
    pub(crate) fn wait_picture(&self, limit: Duration) -> io::Result<bool> {
        const POLLIN: i16 = 1;
        let ms = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        match self.device.handle().poll(POLLIN, ms) {
            Ok(ready) => Ok(ready > 0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The modes in supported formats, and the names of the other formats.
    pub(crate) fn modes(&self) -> io::Result<(Vec<Mode>, Vec<String>)> {
        let (mut modes, mut unread) = (Vec::new(), Vec::new());
        for offered in self.device.enum_formats()? {
            match PixelFormat::from_fourcc(offered.fourcc.repr) {
                Some(format) => self.modes_of(format, &mut modes),
                None => unread.push(offered.description),
            }
        }
        Ok((modes, unread))
    }

    fn modes_of(&self, format: PixelFormat, modes: &mut Vec<Mode>) {
        let fourcc = FourCC::new(&format.fourcc());
        for size in self.device.enum_framesizes(fourcc).unwrap_or_default() {
            let sizes = match size.size {
                FrameSizeEnum::Discrete(size) => vec![(size.width, size.height)],
                FrameSizeEnum::Stepwise(range) => {
                    let fits = |(width, height): &(u32, u32)| {
                        (range.min_width..=range.max_width).contains(width)
                            && (range.min_height..=range.max_height).contains(height)
                    };
                    USUAL_SIZES.into_iter().filter(fits).collect()
                }
            };
            for (width, height) in sizes {
                for fps in self.rates_of(fourcc, width, height) {
                    modes.push(Mode {
                        format,
                        width,
                        height,
                        fps,
                    });
                }
            }
        }
    }

    /// Whole numbers of frames per second, because nokhwa cannot request others.
    fn rates_of(&self, fourcc: FourCC, width: u32, height: u32) -> Vec<u32> {
        let Ok(intervals) = self.device.enum_frameintervals(fourcc, width, height) else {
            return USUAL_RATES.to_vec();
        };
        let rates = intervals
            .into_iter()
            .flat_map(|interval| match interval.interval {
                FrameIntervalEnum::Discrete(interval) => match interval.numerator {
                    1 => vec![interval.denominator],
                    _ => Vec::new(),
                },
                FrameIntervalEnum::Stepwise(_) => USUAL_RATES.to_vec(),
            });
        rates.collect()
    }

    /// Requests a mode and returns the granted one; `None` when nokhwa cannot express it.
    ///
    /// Called before nokhwa opens the node, because nokhwa refuses a camera whose present format or rate
    /// it cannot express, as another program may have left it. This node has to be dropped before nokhwa
    /// opens its own: the kernel's USB driver lets only one handle set formats (`EBUSY`).
    pub(crate) fn prepare(&self, mode: &Mode) -> io::Result<Option<Mode>> {
        let fourcc = FourCC::new(&mode.format.fourcc());
        self.device
            .set_format(&Format::new(mode.width, mode.height, fourcc))?;
        // Fails for a camera without an adjustable rate. The actual rate is read below.
        let _ = self.device.set_params(&Parameters::with_fps(mode.fps));
        let granted = self.device.format()?;
        let interval = self.device.params()?.interval;
        let format = PixelFormat::from_fourcc(granted.fourcc.repr);
        Ok(format
            .filter(|_| interval.numerator == 1)
            .map(|format| Mode {
                format,
                width: granted.width,
                height: granted.height,
                fps: interval.denominator,
            }))
    }
}
