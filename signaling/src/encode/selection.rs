//! Which encoder is used: a hardware encoder that passes a probe, else OpenH264.
//!
//! Drivers offer what they cannot do (Intel's low-power encoder without its firmware has no rate control), so that
//! only a probe that really encodes tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use capture::I420;

use super::encoder::{Candidate, EncodeError, Encoded, Encoder, NewEncoder, Rendition};
use super::openh264_encoder::OpenH264Encoder;
use crate::rtp::packetise::nal_units;

/// After this many pictures in a row that could not be encoded, OpenH264 takes over for good.
const MOST_FAILURES: u32 = 3;
/// Pictures of a probe, of which one is a keyframe on request.
const PROBE_PICTURES: u32 = 10;
const PROBE_KEYFRAME: u32 = 5;
/// From this picture of a probe on, at half the bitrate.
const PROBE_HALF_BITRATE: u32 = 7;

/// What the configuration asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EncoderChoice {
    /// VA-API where this build and this machine have it and a probe succeeds, else OpenH264.
    #[default]
    Auto,
    /// The encoder on the processor.
    OpenH264,
}

impl EncoderChoice {
    /// By the name in the configuration.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "openh264" => Some(Self::OpenH264),
            _ => None,
        }
    }
}

/// The encoder that was selected.
pub struct Selected {
    /// Makes it, and OpenH264 instead after three failures in a row.
    pub new_encoder: NewEncoder,
    /// For example "OpenH264".
    pub name: &'static str,
    /// The hardware encoders that are not used, each with the reason.
    pub refused: Vec<String>,
}

/// Probes the hardware encoders that this build knows, which takes part of a second for each, and selects the first
/// that succeeds.
#[must_use]
pub fn select_encoder(choice: EncoderChoice) -> Selected {
    match choice {
        EncoderChoice::Auto => select(candidates()),
        EncoderChoice::OpenH264 => select(&[]),
    }
}

#[cfg(feature = "vaapi")]
fn candidates() -> &'static [Candidate] {
    super::gstreamer_encoder::VAAPI
}

#[cfg(not(feature = "vaapi"))]
fn candidates() -> &'static [Candidate] {
    &[]
}

fn select(candidates: &[Candidate]) -> Selected {
    let mut refused = Vec::new();
    for candidate in candidates {
        match probe(&mut *(candidate.new)(&Rendition::MAIN)) {
            Ok(()) => {
                return Selected {
                    new_encoder: with_fall_back(*candidate),
                    name: candidate.name,
                    refused,
                };
            }
            Err(reason) => refused.push(format!("{}: {reason}", candidate.name)),
        }
    }
    Selected {
        new_encoder: Box::new(|rendition| Box::new(OpenH264Encoder::new(rendition))),
        name: "OpenH264",
        refused,
    }
}

/// Encodes some pictures. What the encoder must do: return each picture at once, and a keyframe with its parameter
/// sets on request, and follow the bitrate.
fn probe(encoder: &mut dyn Encoder) -> Result<(), String> {
    let rendition = Rendition::MAIN;
    let said = |error: EncodeError| error.to_string();
    for number in 0..PROBE_PICTURES {
        if number == PROBE_HALF_BITRATE {
            encoder
                .set_bitrate(rendition.bitrate_bps / 2)
                .map_err(said)?;
        }
        let picture = probe_picture(&rendition, number as usize);
        let is_wanted = number == PROBE_KEYFRAME;
        let ticks = number * 90_000 / rendition.fps;
        let encoded = encoder.encode(&picture, is_wanted, ticks).map_err(said)?;
        if encoded.access_unit.is_empty() {
            return Err(format!("it returned nothing for picture {number}"));
        }
        let types = || nal_units(encoded.access_unit).map(|unit| unit[0] & 0x1f);
        let is_whole_keyframe = [7, 8, 5].iter().all(|kind| types().any(|is| is == *kind));
        if encoded.keyframe != is_whole_keyframe {
            return Err(format!("picture {number} lacks its parameter sets"));
        }
        if (number == 0 || is_wanted) && !encoded.keyframe {
            return Err(format!(
                "picture {number} is no keyframe, as it was asked for"
            ));
        }
    }
    Ok(())
}

/// A pattern that moves.
fn probe_picture(rendition: &Rendition, number: usize) -> I420 {
    let Ok(mut picture) = I420::black(rendition.width, rendition.height) else {
        unreachable!("the main rendition has an even size");
    };
    let columns = rendition.width as usize;
    for (at, luma) in picture.planes_mut().y.iter_mut().enumerate() {
        let (x, y) = (at % columns + number * 4, at / columns);
        *luma = 16 + ((x ^ y) & 0x7f) as u8;
    }
    picture
}

fn with_fall_back(candidate: Candidate) -> NewEncoder {
    let failures = Arc::new(AtomicU32::new(0));
    Box::new(move |rendition| {
        if failures.load(Ordering::Relaxed) >= MOST_FAILURES {
            return Box::new(OpenH264Encoder::new(rendition));
        }
        Box::new(Counted {
            encoder: (candidate.new)(rendition),
            name: candidate.name,
            failures: Arc::clone(&failures),
        })
    })
}

/// Counts the failures in a row of an encoder and those that replace it.
struct Counted {
    encoder: Box<dyn Encoder>,
    name: &'static str,
    failures: Arc<AtomicU32>,
}

impl Counted {
    fn note_failure(failures: &AtomicU32, name: &str) {
        if failures.fetch_add(1, Ordering::Relaxed) + 1 == MOST_FAILURES {
            tracing::warn!(
                encoder = name,
                failures = MOST_FAILURES,
                "the hardware encoder fails again and again: OpenH264 encodes from now on"
            );
        }
    }
}

impl Encoder for Counted {
    fn encode(
        &mut self,
        picture: &I420,
        force_keyframe: bool,
        ticks: u32,
    ) -> Result<Encoded<'_>, EncodeError> {
        let encoded = self.encoder.encode(picture, force_keyframe, ticks);
        match &encoded {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(_) => Self::note_failure(&self.failures, self.name),
        }
        encoded
    }

    fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), EncodeError> {
        let set = self.encoder.set_bitrate(bitrate_bps);
        if set.is_err() {
            Self::note_failure(&self.failures, self.name);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes with OpenH264, but for what it does wrong.
    struct Faulty {
        encoder: OpenH264Encoder,
        fault: Fault,
        pictures: u32,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Fault {
        None,
        FailsFrom(u32),
        ReturnsNothing,
        IgnoresKeyframes,
    }

    impl Encoder for Faulty {
        fn encode(
            &mut self,
            picture: &I420,
            force_keyframe: bool,
            ticks: u32,
        ) -> Result<Encoded<'_>, EncodeError> {
            self.pictures += 1;
            let (width, height) = (picture.width(), picture.height());
            let force_keyframe = force_keyframe && self.fault != Fault::IgnoresKeyframes;
            match self.fault {
                Fault::FailsFrom(number) if self.pictures >= number => Err(EncodeError::Encode {
                    width,
                    height,
                    reason: "the device is gone".to_owned(),
                }),
                Fault::ReturnsNothing => Ok(Encoded {
                    access_unit: &[],
                    keyframe: false,
                }),
                _ => self.encoder.encode(picture, force_keyframe, ticks),
            }
        }

        fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), EncodeError> {
            self.encoder.set_bitrate(bitrate_bps)
        }
    }

    fn faulty(rendition: &Rendition, fault: Fault) -> Box<dyn Encoder> {
        Box::new(Faulty {
            encoder: OpenH264Encoder::new(rendition),
            fault,
            pictures: 0,
        })
    }

    const FAILING: Candidate = Candidate {
        name: "failing",
        new: |rendition| faulty(rendition, Fault::FailsFrom(3)),
    };
    const EMPTY: Candidate = Candidate {
        name: "empty",
        new: |rendition| faulty(rendition, Fault::ReturnsNothing),
    };
    const WITHOUT_KEYFRAMES: Candidate = Candidate {
        name: "without keyframes",
        new: |rendition| faulty(rendition, Fault::IgnoresKeyframes),
    };
    const SOUND: Candidate = Candidate {
        name: "sound",
        new: |rendition| faulty(rendition, Fault::None),
    };

    #[test]
    fn the_first_encoder_that_passes_the_probe_is_selected_and_the_others_are_named() {
        let selected = select(&[FAILING, EMPTY, WITHOUT_KEYFRAMES, SOUND]);
        assert_eq!(selected.name, "sound");
        let [failing, empty, without_keyframes] = &selected.refused[..] else {
            panic!("{:?}", selected.refused);
        };
        assert!(failing.contains("the device is gone"), "{failing}");
        assert!(empty.contains("nothing for picture 0"), "{empty}");
        assert!(
            without_keyframes.contains("picture 5 is no keyframe"),
            "{without_keyframes}"
        );
        assert_eq!(select(&[FAILING]).name, "OpenH264");
        assert_eq!(select_encoder(EncoderChoice::OpenH264).name, "OpenH264");
    }

    #[test]
    fn openh264_takes_over_after_failures_in_a_row() {
        let new_encoder = with_fall_back(FAILING);
        let picture = I420::black(320, 180).expect("even");
        let mut failures = 0;
        // Each encoder fails at its third picture, after two that reset the count.
        for _ in 0..5 {
            let mut encoder = new_encoder(&Rendition::MAIN);
            for ticks in 0..3 {
                let encoded = encoder.encode(&picture, false, ticks * 3000);
                failures += u32::from(encoded.is_err());
            }
        }
        assert_eq!(failures, 5, "single failures");
        let always = with_fall_back(Candidate {
            name: "always failing",
            new: |rendition| faulty(rendition, Fault::FailsFrom(0)),
        });
        let results = (0..5).map(|_| always(&Rendition::MAIN).encode(&picture, false, 0).is_ok());
        assert_eq!(
            results.collect::<Vec<_>>(),
            [false, false, false, true, true]
        );
    }
}
