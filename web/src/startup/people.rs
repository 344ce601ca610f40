//! Finds faces and persons for the styles of the photo booth, with a session of its own. Opening it takes 50 ms,
//! so that it stays open while the booth is used; between visitors no memory is held.

use std::sync::{Arc, Once};
use std::time::Duration;

use anyhow::Context;
use capture::still::StillLoader;
use detector::{
    BBox, Detection, Detector, DetectorConfig, DetectorMetrics, Device, ModelChoice, Provider,
    SessionConfig,
};
use stylise::{FindPeople, People, PictureArea};

use super::kept_open::KeptOpen;

/// The embedded model knows faces, whatever the feed's model knows.
const MODEL: &str = "embedded";

/// Higher than for the feed: a style treats a wrong face as a face.
const SCORE_MIN: f32 = 0.4;

/// Longer than visitors take between a picture, its previews and the order.
const IDLE_MAX: Duration = Duration::from_mins(1);

/// `places` are those of the feed's detector. Without ONNX Runtime nobody is found, which is logged once.
pub(crate) fn find_people(config: DetectorConfig) -> FindPeople {
    let config = DetectorConfig {
        model: ModelChoice::Named(MODEL.to_owned()),
        // The feed's provider may have no room for a second session.
        session: SessionConfig {
            threads: Some(1),
            device: Device::On(Provider::Cpu),
            engines: None,
        },
        ..config
    };
    let open = move || {
        let metrics = Arc::<DetectorMetrics>::default();
        detector::open(&config, &metrics)?.context("no model was opened")
    };
    let kept = Arc::new(KeptOpen::new(open, IDLE_MAX));
    let is_told = Once::new();
    Arc::new(move |jpeg| {
        let looked = kept.with(|detector| look(detector, jpeg));
        looked.unwrap_or_else(|error| {
            is_told.call_once(|| {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "no faces are found in pictures of the photo booth; its styles treat all of a picture alike"
                );
            });
            People::default()
        })
    })
}

fn look(detector: &mut Detector, jpeg: &[u8]) -> anyhow::Result<People> {
    let still = StillLoader::new()?.decode(jpeg)?;
    let found = detector.detect(&still.pixels, SCORE_MIN)?;
    let labels = detector.labels();
    let (width, height) = (still.width as f32, still.height as f32);
    let areas = |class: &str| -> Vec<PictureArea> {
        let is_one = |one: &&Detection| labels.get(one.class_id).is_some_and(|name| name == class);
        let area = |one: &Detection| {
            let BBox { x1, y1, x2, y2 } = one.bbox;
            PictureArea {
                left: x1 / width,
                top: y1 / height,
                width: (x2 - x1) / width,
                height: (y2 - y1) / height,
            }
        };
        found.iter().filter(is_one).map(area).collect()
    };
    Ok(People {
        faces: areas("face"),
        persons: areas("person"),
    })
}
