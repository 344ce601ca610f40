//! How many frames of which size a target bitrate is spent on. Pure.
//!
//! Viewers of a larger rendition move to a smaller one when their network carries less. There is none below the
//! smallest: it halves its frame rate instead, since fewer frames of a usable quality are worth more than many that
//! show blocks.

/// The smallest rendition halves its frame rate when it is held back below this bitrate.
const SLOW_BPS: u32 = 160_000;
/// A lower frame rate is no video any more.
const FPS_LEAST: u32 = 7;

/// The frames of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The highest frame rate.
    pub(crate) fps: u32,
    /// The target of the encoder, which spends it on its rendition's own frame rate.
    pub(crate) encoder_bps: u32,
    /// Its target for a keyframe. At half the frame rate it is bounded, so that a keyframe passes within 300 ms.
    pub(crate) keyframe_bps: u32,
}

/// How `target_bps` is spent on a rendition of `rendition_fps` frames a second at most, whose own bitrate is
/// `nominal_bps`.
pub(crate) fn pace(
    rendition_fps: u32,
    nominal_bps: u32,
    target_bps: u32,
    is_smallest: bool,
) -> Pace {
    let is_slow = is_smallest && target_bps < nominal_bps.min(SLOW_BPS);
    if !is_slow || rendition_fps / 2 < FPS_LEAST {
        return Pace {
            fps: rendition_fps,
            encoder_bps: target_bps,
            keyframe_bps: target_bps,
        };
    }
    Pace {
        fps: rendition_fps / 2,
        encoder_bps: target_bps * 2,
        keyframe_bps: target_bps / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_smallest_rendition_halves_its_frame_rate() {
        let spent = |target_bps, is_smallest| pace(15, 200_000, target_bps, is_smallest);
        let whole = |bps| Pace {
            fps: 15,
            encoder_bps: bps,
            keyframe_bps: bps,
        };
        assert_eq!(spent(200_000, true), whole(200_000));
        assert_eq!(spent(160_000, true), whole(160_000));
        assert_eq!(
            spent(100_000, false),
            whole(100_000),
            "viewers can move down"
        );
        let half = Pace {
            fps: 7,
            encoder_bps: 180_000,
            keyframe_bps: 45_000,
        };
        assert_eq!(spent(90_000, true), half);
        let owners = pace(15, 120_000, 120_000, true);
        assert_eq!(owners, whole(120_000), "as it is configured");
        assert_eq!(pace(10, 200_000, 90_000, true).fps, 10);
    }
}
