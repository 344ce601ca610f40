//! The time that detection takes in addition to the run of the network.

use std::sync::Arc;

use capture::I420;
use detector::DetectorMetrics;
use prometheus_client::registry::Registry;

use crate::rig;

/// A 720p frame with a pattern.
fn frame() -> I420 {
    let mut picture = I420::black(1280, 720).expect("even");
    for (place, sample) in picture.data_mut().iter_mut().enumerate() {
        *sample = 40 + (place * 7919 % 150) as u8;
    }
    picture
}

/// The mean of a stage in milliseconds, from the metrics.
fn mean_ms(metrics: &DetectorMetrics) -> impl Fn(&str) -> f64 {
    let (mut registry, mut text) = (Registry::default(), String::new());
    metrics.register(&mut registry);
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string");
    move |stage| {
        let value = |kind: &str| -> f64 {
            let name = format!("carrier_detector_{stage}_seconds_{kind} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&name));
            line.expect("registered").parse().expect("a number")
        };
        value("sum") / value("count") * 1e3
    }
}

#[test]
fn preprocess_and_postprocess_cost_little_beside_the_network() {
    let (Some(shared), Some(runtime)) = (rig::shared(), rig::runtime()) else {
        return;
    };
    let frame = frame();
    eprintln!(
        "{:<28} {:>8} {:>8} {:>8}  (ms, mean)",
        "model", "pre", "run", "post"
    );
    for name in [
        "yolox_nano",
        "nanodet_plus_m_416",
        "deimv2_hgnetv2_atto_coco",
    ] {
        let metrics = Arc::new(DetectorMetrics::default());
        let detector = rig::open(&runtime, &rig::model(&shared, name));
        let mut detector = detector.with_metrics(Arc::clone(&metrics));
        for _ in 0..30 {
            detector.detect(&frame, 0.3).expect("detects");
        }
        let [pre, run, post] = ["preprocess", "inference", "postprocess"].map(mean_ms(&metrics));
        eprintln!("{name:<28} {pre:>8.3} {run:>8.3} {post:>8.3}");
        // A few per cent on an idle machine; a busy machine slows all three, not always alike. This
        // detects gross errors; the benchmark measures exactly.
        let is_idle = std::env::var_os("CARRIER_CHECK_TIMES").is_some();
        assert!(
            pre + post < run * if is_idle { 0.3 } else { 1.0 },
            "{name}: {pre} + {post} ms beside {run} ms"
        );
    }
}
