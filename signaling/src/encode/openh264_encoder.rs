//! OpenH264 as an [`Encoder`]: the best picture quality for its CPU time among the encoders measured.

use capture::I420;
use openh264::encoder::{
    BitRate, Complexity, Encoder as Library, EncoderConfig, FrameRate, FrameType, IntraFramePeriod,
    Level, Profile, QpRange, RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};

use super::encoder::{EncodeError, Encoded, Encoder, Rendition};
use super::openh264_raw;

/// The longest interval of keyframes, 60 s at 30 fps; they come on request otherwise. Each costs viewers on slow networks
/// a visible pause and everybody a second of worse quality. It bounds what may add up in skipped blocks.
const LONGEST_GOP_FRAMES: u32 = 1800;

/// Below 24 the quality gain is invisible (45 dB and more): at 24, still scenes take a third of the bits and
/// a quarter less CPU time than at 12. The maximum is the codec's own, because frames are never skipped
/// and a complex scene must fit the bitrate, too.
const QP_MIN: u8 = 24;
const QP_MAX: u8 = 51;

const MIN_BITRATE_BPS: u32 = 10_000;

/// An OpenH264 encoder that opens with the first picture and is reopened when the size changes.
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
            // Reopened rather than resized: the first picture is certainly an IDR picture then.
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
        // The library refuses less than a bit per frame; 10 kbit/s is too little for any picture.
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

/// The picture's planes, not copied.
fn slices(picture: &I420) -> YUVSlices<'_> {
    let planes = picture.planes();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let strides = (width, width / 2, width / 2);
    YUVSlices::new((planes.y, planes.u, planes.v), (width, height), strides)
}

/// The crate's defaults do not fit live video (quality mode, skipped frames, all cores, no frame rate and
/// therefore no rate control), so that each option is set here.
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
        // A skipped frame would be a visible stutter.
        .skip_frames(false)
        // A scene change would force a keyframe for all viewers when the bitrate is highest anyway.
        .scene_change_detect(false)
        // It skips blocks that changed little, so that remains of moving objects stay visible.
        .background_detection(false)
        .intra_frame_period(IntraFramePeriod::from_num_frames(LONGEST_GOP_FRAMES))
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        // Without it browsers assume BT.709 for HD, and reds turn orange.
        .vui(VuiConfig::bt601())
}

/// The lowest level for this size and frame rate (H.264, table A-1: macroblocks per second and frame).
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

/// Extends RTP time beyond its wrap: encoders take the time since the first picture.
#[derive(Debug, Default)]
pub(super) struct TickCount {
    last: Option<u32>,
    total: u64,
}

impl TickCount {
    pub(super) fn extend(&mut self, ticks: u32) -> u64 {
        // At least one tick: OpenH264 takes a zero after the first picture as "no timestamp".
        self.total += self
            .last
            .map_or(90, |last| u64::from(ticks.wrapping_sub(last)).max(1));
        self.last = Some(ticks);
        self.total
    }
}

#[cfg(test)]
mod tests;
