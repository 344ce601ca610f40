//! Options of OpenH264 that its safe wrapper lacks: a change of the bitrate without a restart.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr::from_mut;

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL,
    SBitrateInfo, SPATIAL_LAYER_0, WELS_LOG_QUIET,
};

use super::encoder::EncodeError;

/// Stops the library from writing to stderr. Its wrapper does so only after opening, when a warning about
/// frame skipping has been written. Errors come as return codes anyway.
pub(crate) fn silence(encoder: &mut Encoder) {
    let mut level: c_int = WELS_LOG_QUIET;
    // SAFETY: as in `set_option`; this option reads one `c_int` and may be set before opening. A
    // refusal leaves a line on stderr and nothing else.
    unsafe {
        encoder
            .raw_api()
            .set_option(ENCODER_OPTION_TRACE_LEVEL, from_mut(&mut level).cast())
    };
}

/// Changes target and maximum of the rate control from `from_bps` to `to_bps`, from the next picture on.
///
/// The library refuses a maximum below the target, after it has stored it. Therefore the maximum is raised
/// first, or the target lowered first.
pub(crate) fn set_bitrate(
    encoder: &mut Encoder,
    from_bps: u32,
    to_bps: u32,
) -> Result<(), EncodeError> {
    let order = if to_bps > from_bps {
        [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE]
    } else {
        [ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE]
    };
    let bps = c_int::try_from(to_bps).unwrap_or(c_int::MAX);
    for option in order {
        let code = set_option(encoder, option, bps);
        if code != 0 {
            let setting = format!("a bitrate of {to_bps} bit/s");
            return Err(EncodeError::Setting { setting, code });
        }
    }
    Ok(())
}

fn set_option(encoder: &mut Encoder, option: ENCODER_OPTION, bps: c_int) -> c_int {
    let mut info = SBitrateInfo {
        iLayer: SPATIAL_LAYER_0,
        iBitrate: bps,
    };
    // SAFETY: `raw_api` must not change what the wrapper relies on; it relies on the picture size
    // only, which these two options leave alone. Both read one `SBitrateInfo` during the call and keep
    // no pointer to it; `&mut Encoder` excludes any other call at the same time, and the library
    // answers with an error code when it is not open yet.
    unsafe {
        encoder
            .raw_api()
            .set_option(option, from_mut(&mut info).cast())
    }
}
