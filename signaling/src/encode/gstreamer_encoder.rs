//! GStreamer elements as [`Encoder`]s: VA-API, which encodes on the graphics processor.

use capture::I420;
use gstreamer::prelude::*;
use gstreamer::{
    Buffer, BufferFlags, Caps, ClockTime, Element, ElementFactory, MessageType, Pipeline, State,
};
use gstreamer_app::{AppSink, AppSrc};
use gstreamer_video::DownstreamForceKeyUnitEvent;

use super::encoder::{Candidate, EncodeError, Encoded, Encoder, Rendition};
use super::openh264_encoder::TickCount;

/// An encoder that takes longer for a picture is of no use for live video.
const LONGEST_ENCODE: ClockTime = ClockTime::from_mseconds(500);
const NS_PER_MS: u64 = 1_000_000;
/// Keyframes come on request otherwise. This is the longest interval that VA-API's elements accept: 34 s at 30 fps.
const LONGEST_GOP_FRAMES: &str = "1024";

/// The low-power encoder first: newer Intel processors have no other one.
pub(super) const VAAPI: &[Candidate] = &[
    Candidate {
        name: "VA-API (vah264lpenc)",
        new: |rendition| {
            Box::new(GstreamerEncoder::new(
                "vah264lpenc",
                VA_PROPERTIES,
                rendition,
            ))
        },
    },
    Candidate {
        name: "VA-API (vah264enc)",
        new: |rendition| Box::new(GstreamerEncoder::new("vah264enc", VA_PROPERTIES, rendition)),
    },
];

type Properties = &'static [(&'static str, &'static str)];

const VA_PROPERTIES: Properties = &[
    ("rate-control", "cbr"),
    ("b-frames", "0"),
    ("ref-frames", "1"),
    ("cabac", "false"),
    ("dct8x8", "false"),
];

/// One element in a pipeline that is made with the first picture and again when the size changes.
struct GstreamerEncoder {
    element: &'static str,
    properties: Properties,
    rendition: Rendition,
    bitrate_bps: u32,
    open: Option<Open>,
    access_unit: Vec<u8>,
}

struct Open {
    pipeline: Pipeline,
    source: AppSrc,
    encoder: Element,
    sink: AppSink,
    width: u32,
    height: u32,
    ticks: TickCount,
}

impl GstreamerEncoder {
    fn new(element: &'static str, properties: Properties, rendition: &Rendition) -> Self {
        Self {
            element,
            properties,
            rendition: *rendition,
            bitrate_bps: rendition.bitrate_bps,
            open: None,
            access_unit: Vec::new(),
        }
    }

    fn reopen(&self, width: u32, height: u32) -> Result<Open, EncodeError> {
        self.pipeline(width, height)
            .map_err(|reason| EncodeError::Open {
                width,
                height,
                bitrate_bps: self.bitrate_bps,
                reason,
            })
    }

    fn encoder_element(&self) -> Result<Element, String> {
        let encoder = ElementFactory::make(self.element)
            .build()
            .map_err(|_| format!("GStreamer has no {} here", self.element))?;
        set_bitrate(&encoder, self.bitrate_bps);
        for (name, value) in self.properties {
            set(&encoder, name, value)?;
        }
        set(&encoder, "key-int-max", LONGEST_GOP_FRAMES)?;
        Ok(encoder)
    }

    fn pipeline(&self, width: u32, height: u32) -> Result<Open, String> {
        gstreamer::init().map_err(|error| error.to_string())?;
        let encoder = self.encoder_element()?;
        let fps = i32::try_from(self.rendition.fps.max(1)).unwrap_or(i32::MAX);
        let raw = Caps::builder("video/x-raw")
            .field("format", "NV12")
            .field("width", width.cast_signed())
            .field("height", height.cast_signed())
            .field("framerate", gstreamer::Fraction::new(fps, 1))
            .field("colorimetry", "bt601")
            .build();
        let source = AppSrc::builder()
            .caps(&raw)
            .format(gstreamer::Format::Time)
            .is_live(true)
            .build();
        let profile = ElementFactory::make("capsfilter")
            .property(
                "caps",
                Caps::builder("video/x-h264")
                    .field("profile", "constrained-baseline")
                    .build(),
            )
            .build()
            .map_err(|error| error.to_string())?;
        // The parameter sets before each keyframe.
        let parser = ElementFactory::make("h264parse")
            .property("config-interval", -1)
            .build()
            .map_err(|_| "GStreamer has no h264parse: install its plugins-bad".to_owned())?;
        let access_units = Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .build();
        let sink = AppSink::builder().caps(&access_units).sync(false).build();
        let pipeline = Pipeline::new();
        let chain = [
            source.upcast_ref(),
            &encoder,
            &profile,
            &parser,
            sink.upcast_ref(),
        ];
        pipeline
            .add_many(chain)
            .map_err(|error| error.to_string())?;
        Element::link_many(chain).map_err(|error| error.to_string())?;
        let open = Open {
            pipeline,
            source,
            encoder,
            sink,
            width,
            height,
            ticks: TickCount::default(),
        };
        match open.pipeline.set_state(State::Playing) {
            Ok(_) => Ok(open),
            Err(error) => Err(open.error().unwrap_or_else(|| error.to_string())),
        }
    }
}

impl Encoder for GstreamerEncoder {
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
            None => self.open.insert(self.reopen(width, height)?),
        };
        let failed = |reason: String| EncodeError::Encode {
            width,
            height,
            reason,
        };
        self.access_unit.clear();
        let keyframe = open
            .encode(picture, force_keyframe, ticks, &mut self.access_unit)
            .map_err(failed)?;
        Ok(Encoded {
            access_unit: &self.access_unit,
            keyframe,
        })
    }

    fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), EncodeError> {
        if bitrate_bps != self.bitrate_bps
            && let Some(open) = &self.open
        {
            set_bitrate(&open.encoder, bitrate_bps);
        }
        self.bitrate_bps = bitrate_bps;
        Ok(())
    }
}

impl Open {
    /// Appends the access unit and returns whether it is a keyframe.
    fn encode(
        &mut self,
        picture: &I420,
        force_keyframe: bool,
        ticks: u32,
        access_unit: &mut Vec<u8>,
    ) -> Result<bool, String> {
        let at = ClockTime::from_nseconds(self.ticks.extend(ticks) * NS_PER_MS / 90);
        if force_keyframe {
            let event = DownstreamForceKeyUnitEvent::builder()
                .running_time(at)
                .all_headers(true)
                .build();
            self.source.send_event(event);
        }
        let mut buffer = nv12(picture).map_err(|error| error.to_string())?;
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(at);
        }
        self.source
            .push_buffer(buffer)
            .map_err(|error| self.error().unwrap_or_else(|| error.to_string()))?;
        let sample = self.sink.try_pull_sample(LONGEST_ENCODE);
        let sample = sample.ok_or_else(|| {
            let late = || format!("it returned no picture within {LONGEST_ENCODE}");
            self.error().unwrap_or_else(late)
        })?;
        let encoded = sample.buffer().ok_or("it returned an empty sample")?;
        let bytes = encoded.map_readable().map_err(|error| error.to_string())?;
        access_unit.extend_from_slice(&bytes);
        Ok(!encoded.flags().contains(BufferFlags::DELTA_UNIT))
    }

    /// What an element of the pipeline has reported.
    fn error(&self) -> Option<String> {
        let message = self.pipeline.bus()?.pop_filtered(&[MessageType::Error])?;
        match message.view() {
            gstreamer::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Ends the threads of the pipeline.
        if let Err(error) = self.pipeline.set_state(State::Null) {
            tracing::debug!(%error, "a GStreamer pipeline did not stop");
        }
    }
}

/// All elements here take kilobits a second.
fn set_bitrate(encoder: &Element, bitrate_bps: u32) {
    encoder.set_property("bitrate", (bitrate_bps / 1000).max(1));
}

/// Drivers offer different properties: a missing one is not needed, a value that a driver lacks is an error.
fn set(encoder: &Element, name: &str, value: &str) -> Result<(), String> {
    let Some(property) = encoder.find_property(name) else {
        return Ok(());
    };
    let typed = gstreamer::glib::Value::deserialize(value, property.value_type())
        .map_err(|_| format!("the driver has no {name} {value}"))?;
    encoder.set_property_from_value(name, &typed);
    Ok(())
}

/// The picture as graphics processors take it: U and V interleaved. Written once.
fn nv12(picture: &I420) -> Result<Buffer, gstreamer::glib::BoolError> {
    let planes = picture.planes();
    let luma_bytes = planes.y.len();
    let mut buffer = Buffer::with_size(luma_bytes + planes.u.len() + planes.v.len())?;
    if let Some(buffer) = buffer.get_mut() {
        let mut bytes = buffer.map_writable()?;
        let (luma, chroma) = bytes.split_at_mut(luma_bytes);
        luma.copy_from_slice(planes.y);
        let samples = planes.u.iter().zip(planes.v);
        for (pair, (u, v)) in chroma.chunks_exact_mut(2).zip(samples) {
            pair.copy_from_slice(&[*u, *v]);
        }
    }
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::*;
    use crate::encode::encoder::contract;

    /// Runs everywhere, with what makes it an encoder for live video.
    const X264_PROPERTIES: Properties = &[
        ("tune", "zerolatency"),
        ("speed-preset", "ultrafast"),
        ("bframes", "0"),
        ("threads", "1"),
        // As VA-API, it begins no keyframe at a change of the scene.
        ("option-string", "scenecut=0"),
    ];

    #[test]
    fn the_pipeline_fulfils_the_contract_with_a_software_encoder() {
        gstreamer::init().expect("GStreamer starts");
        if ElementFactory::find("x264enc").is_none() {
            writeln!(io::stderr(), "skipped: GStreamer has no x264enc here").expect("stderr");
            return;
        }
        contract::check(&|rendition| {
            Box::new(GstreamerEncoder::new("x264enc", X264_PROPERTIES, rendition))
        });
    }

    #[test]
    fn each_va_api_encoder_of_this_machine_fulfils_the_contract() {
        gstreamer::init().expect("GStreamer starts");
        for (candidate, element) in VAAPI.iter().zip(["vah264lpenc", "vah264enc"]) {
            if ElementFactory::find(element).is_none() {
                writeln!(io::stderr(), "skipped: this machine has no {element}").expect("stderr");
                continue;
            }
            contract::check(&candidate.new);
        }
    }

    #[test]
    fn an_element_or_a_value_that_is_missing_is_an_error_that_names_it() {
        let picture = I420::black(320, 180).expect("even");
        let refused = |element, properties| {
            let mut encoder = GstreamerEncoder::new(element, properties, &Rendition::MAIN);
            let error = encoder.encode(&picture, false, 0).map(|_| ());
            error.expect_err("it is not there").to_string()
        };
        let missing = refused("nosuchh264enc", &[]);
        assert!(missing.contains("nosuchh264enc"), "{missing}");
        let value = refused("x264enc", &[("pass", "nosuchmode")]);
        assert!(
            value.contains("pass nosuchmode") || value.contains("x264enc"),
            "{value}"
        );
    }
}
