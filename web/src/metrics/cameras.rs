//! Metrics of the cameras that have names, read at each scrape.

use std::fmt;
use std::sync::Arc;

use capture::{CameraState, CameraStatus, SourceSwitch};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

#[derive(Debug)]
pub(crate) struct CameraCollector(pub(crate) Arc<SourceSwitch>);

impl Collector for CameraCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        encode(&self.0.cameras(), encoder)
    }
}

fn encode(cameras: &[CameraStatus], mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    if cameras.is_empty() {
        return Ok(());
    }
    let (name, help) = (
        "carrier_camera_state",
        "1 for the state that the camera is in",
    );
    let gauge = |is_in: bool| ConstGauge::new(i64::from(is_in));
    let mut states = encoder.encode_descriptor(name, help, None, gauge(true).metric_type())?;
    for camera in cameras {
        for state in CameraState::ALL {
            let labels = [("camera", &*camera.name), ("state", state.name())];
            gauge(camera.state == state).encode(states.encode_family(&labels)?)?;
        }
    }
    let (name, help) = ("carrier_camera_failures", "How often the camera failed");
    let counter = ConstCounter::<u64>::new;
    let mut failures = encoder.encode_descriptor(name, help, None, counter(0).metric_type())?;
    for camera in cameras {
        let labels = [("camera", &*camera.name)];
        counter(camera.failures).encode(failures.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[derive(Debug)]
    struct Fixed(Vec<CameraStatus>);

    impl Collector for Fixed {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
            encode(&self.0, encoder)
        }
    }

    #[test]
    fn each_camera_has_one_state() {
        let camera = |name: &str, state, failures| CameraStatus {
            name: name.into(),
            is_selected: false,
            state,
            reason: None,
            failures,
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Fixed(vec![
            camera("front", CameraState::Live, 0),
            camera("back", CameraState::Failed, 3),
        ])));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("to a string");
        for line in [
            "carrier_camera_state{camera=\"front\",state=\"live\"} 1",
            "carrier_camera_state{camera=\"front\",state=\"failed\"} 0",
            "carrier_camera_state{camera=\"back\",state=\"failed\"} 1",
            "carrier_camera_failures_total{camera=\"back\"} 3",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
