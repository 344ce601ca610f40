//! Heads: from the raw outputs of a network to boxes. Pure; the session is not known here.
//!
//! In: the outputs of one run, by name ([`RawOutputs`]). Out: every box with at least the minimum
//! score, unclipped, in pixels of the network's input. Suppression and the way back to the frame are
//! the same for all heads (`detector.rs`).

mod decoding;
mod deimv2;
mod detr;
mod fastestdet;
mod grid;
mod nanodet_plus;
pub(crate) mod picodet;
mod rtdetr_rows;
mod ssd;
#[cfg(test)]
mod tests;
mod ultraface;
mod yolov10;
mod yolov5;
mod yolov8;
mod yolox;
mod yunet;

use serde::Deserialize;

pub use decoding::{BoxUnits, HeadError};
pub(crate) use decoding::{DecodeHead, HeadConfig, InputSize, RawOutputs, Values};

/// Makes [`Head`] and [`Head::decoder`] of the table below.
macro_rules! heads {
    ($($(#[$doc:meta])* $name:ident => $decoder:path,)*) => {
        /// The value of `head` in a model's manifest: which decoder its outputs need.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Head {
            $($(#[$doc])* $name,)*
        }

        impl Head {
            pub(crate) fn decoder(self, config: HeadConfig) -> Box<dyn DecodeHead> {
                match self {
                    $(Self::$name => Box::new($decoder(config)),)*
                }
            }
        }
    };
}

heads! {
    /// YOLOX: anchor-free cells with objectness, strides 8, 16, 32.
    Yolox => yolox::Yolox::new,
    /// NanoDet-Plus: class scores and a distribution per box side, strides 8, 16, 32, 64.
    NanodetPlus => nanodet_plus::NanodetPlus,
    /// DEIMv2, and RT-DETR, D-FINE and DEIM as their repositories export them: a list of decoded boxes.
    Deimv2 => deimv2::Deimv2,
    /// FastestDet: one grid of cells with objectness, stride 16.
    Fastestdet => fastestdet::Fastestdet,
    /// YuNet: faces, anchor-free cells with objectness, strides 8, 16, 32.
    Yunet => yunet::Yunet,
    /// UltraFace: faces, a list of decoded boxes.
    Ultraface => ultraface::Ultraface,
    /// YOLOv5 and YOLOv7: a list of boxes with objectness.
    Yolov5 => yolov5::Yolov5,
    /// YOLOv8, YOLOv9, YOLO11, YOLO12: a plane for each number of the boxes.
    Yolov8 => yolov8::Yolov8::new,
    /// YOLOv10, YOLO26, and exports with suppression: a list of boxes with score and class.
    Yolov10 => yolov10::Yolov10,
    /// RF-DETR, and RT-DETR and D-FINE of Hugging Face: logits and boxes.
    Detr => detr::Detr,
    /// RT-DETR of Ultralytics: a list of boxes with score and class.
    RtdetrRows => rtdetr_rows::RtdetrRows,
    /// TensorFlow's object detection API: a list of boxes after suppression.
    Ssd => ssd::Ssd,
    /// PicoDet: class scores and a distribution per box side, strides 8, 16, 32, 64.
    Picodet => picodet::Picodet,
}
