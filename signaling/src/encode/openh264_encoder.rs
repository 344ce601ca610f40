//! OpenH264 behind the [`Encoder`] trait: the best picture per CPU of all measured.

use capture::I420;
use openh264::encoder::{
    BitRate, Complexity, Encoder as Library, EncoderConfig, FrameRate, FrameType, IntraFramePeriod,
    Level, Profile, QpRange, RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};

use super::encoder::{EncodeError, Encoded, Encoder, Rendition};
use super::openh264_raw;

/// Keyframes come when somebody asks; this is for a recorder that never does. 10 s at 30 fps.
const LONGEST_GOP_FRAMES: u32 = 300;

/// Finer than 24 nobody sees (45 dB and more) and everybody pays for: still scenes take a third of the
/// bits and a quarter less CPU than at 12. The top is open, because frames are never skipped and a
/// hard scene must fit somehow.
const QP_MIN: u8 = 24;
const QP_MAX: u8 = 51;

const MIN_BITRATE_BPS: u32 = 10_000;

/// An OpenH264 encoder that opens with the first picture and opens anew when the size changes.
pub struct OpenH264Encoder {
    rendition: Rendition,
    bitrate_bps: u32,
    open: Option<Open>,
    access_unit: Vec<u8>,
}

struct Open {
    library: Library,
    width: u32,
    height: u32,
    ticks: TickCount,
}

impl OpenH264Encoder {
    /// An encoder for this rendition. Nothing is allocated until the first picture.
    #[must_use]
    pub fn new(rendition: &Rendition) -> Self {
        Self {
            rendition: *rendition,
            bitrate_bps: rendition.bitrate_bps,
            open: None,
            access_unit: Vec::new(),
        }
    }

    fn reopen(&self, width: u32, height: u32) -> Result<Open, EncodeError> {
        let config = config(&self.rendition, self.bitrate_bps, width, height);
        let library = Library::with_api_config(OpenH264API::from_source(), config);
        let mut library = library.map_err(|error| EncodeError::Open {
            width,
            height,
            bitrate_bps: self.bitrate_bps,
            reason: error.to_string(),
        })?;
        openh264_raw::silence(&mut library);
        Ok(Open {
            library,
            width,
            height,
            ticks: TickCount::default(),
        })
    }
}

impl Encoder for OpenH264Encoder {
    fn encode(
        &mut self,
        picture: &I420,
        force_keyframe: bool,
        ticks: u32,
    ) -> Result<Encoded<'_>, EncodeError> {
        let (width, height) = (picture.width(), picture.height());
        self.open = self
            .open
            .take()
            .filter(|open| (open.width, open.height) == (width, height));
        let open = match &mut self.open {
            Some(open) => open,
            // A fresh library rather than its own resizing: the first picture is an IDR for certain.
            None => self.open.insert(self.reopen(width, height)?),
        };
        if force_keyframe {
            open.library.force_intra_frame();
        }
        let at = Timestamp::from_millis(open.ticks.extend(ticks) / 90);
        let failed = |error: openh264::Error| EncodeError::Encode {
            width,
            height,
            reason: error.to_string(),
        };
        let stream = open
            .library
            .encode_at(&slices(picture), at)
            .map_err(failed)?;
        self.access_unit.clear();
        stream.write_vec(&mut self.access_unit);
        let keyframe = stream.frame_type() == FrameType::IDR;
        Ok(Encoded {
            access_unit: &self.access_unit,
            keyframe,
        })
    }

    fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), EncodeError> {
        // Less than a bit per frame is refused by the library, and 10 kbit/s is no picture already.
        let bitrate_bps = bitrate_bps.max(MIN_BITRATE_BPS);
        if bitrate_bps == self.bitrate_bps {
            return Ok(());
        }
        if let Some(open) = &mut self.open {
            openh264_raw::set_bitrate(&mut open.library, self.bitrate_bps, bitrate_bps)?;
        }
        self.bitrate_bps = bitrate_bps;
        Ok(())
    }
}

/// The picture's own planes, without a copy.
fn slices(picture: &I420) -> YUVSlices<'_> {
    let planes = picture.planes();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let strides = (width, width / 2, width / 2);
    YUVSlices::new((planes.y, planes.u, planes.v), (width, height), strides)
}

/// The crate's defaults are for files of unknown purpose: quality mode, skipped frames, all cores, no
/// frame rate (so no rate control). Each is set here.
fn config(rendition: &Rendition, bitrate_bps: u32, width: u32, height: u32) -> EncoderConfig {
    EncoderConfig::new()
        .profile(Profile::Baseline)
        .level(level(width, height, rendition.fps))
        .usage_type(UsageType::CameraVideoRealTime)
        .complexity(Complexity::Low)
        .num_threads(1)
        .rate_control_mode(RateControlMode::Bitrate)
        .bitrate(BitRate::from_bps(bitrate_bps))
        .max_frame_rate(FrameRate::from_hz(rendition.fps.max(1) as f32))
        .qp(QpRange::new(QP_MIN, QP_MAX))
        // A skipped frame is a visible stutter that no counter of ours would show.
        .skip_frames(false)
        // A cut would make a keyframe for everybody, at the worst moment for the network.
        .scene_change_detect(false)
        // It leaves blocks out that changed a little, and specks of what moved there stay behind.
        .background_detection(false)
        .intra_frame_period(IntraFramePeriod::from_num_frames(LONGEST_GOP_FRAMES))
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        // Without it browsers guess BT.709 for HD and reds turn orange.
        .vui(VuiConfig::bt601())
}

/// The lowest level that holds size and rate (H.264, table A-1: macroblocks per second and frame).
fn level(width: u32, height: u32, fps: u32) -> Level {
    let frame = width.div_ceil(16) * height.div_ceil(16);
    match (frame * fps, frame) {
        (..=40_500, ..=1_620) => Level::Level_3_0,
        (..=108_000, ..=3_600) => Level::Level_3_1,
        (..=216_000, ..=5_120) => Level::Level_3_2,
        (..=245_760, ..=8_192) => Level::Level_4_0,
        (..=522_240, ..=8_704) => Level::Level_4_2,
        (..=589_824, ..=22_080) => Level::Level_5_0,
        (..=983_040, ..=36_864) => Level::Level_5_1,
        _ => Level::Level_5_2,
    }
}

/// RTP time without its wrap: OpenH264 counts milliseconds from the first picture.
#[derive(Debug, Default)]
struct TickCount {
    last: Option<u32>,
    total: u64,
}

impl TickCount {
    fn extend(&mut self, ticks: u32) -> u64 {
        // One at least: OpenH264 reads a zero after the first picture as "no timestamp".
        self.total += self
            .last
            .map_or(90, |last| u64::from(ticks.wrapping_sub(last)).max(1));
        self.last = Some(ticks);
        self.total
    }
}

#[cfg(test)]
mod tests;
