//! Power in `/metrics`: made at each scrape, without what is unknown.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::profile::PowerProfile;
use super::state::BatteryGoal;
use super::{Power, PowerView};

#[derive(Debug)]
pub(crate) struct PowerCollector(pub(crate) Arc<Power>);

impl Collector for PowerCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let view = self.0.view();
        for (name, help, value) in gauges(&view) {
            if let Some(value) = value {
                let gauge = ConstGauge::new(value);
                let encoder = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
                gauge.encode(encoder)?;
            }
        }
        for (name, help, value) in [
            (
                "carrier_power_throttles",
                "How often the processor was slowed down because of heat since the machine started",
                view.state.throttles,
            ),
            (
                "carrier_power_suspensions",
                "How often the machine was suspended since the program started",
                Some(view.suspensions),
            ),
        ] {
            if let Some(value) = value {
                let counter = ConstCounter::new(value);
                let encoder = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
                counter.encode(encoder)?;
            }
        }
        if let Some(hottest) = &view.state.hottest {
            let gauge = ConstGauge::new(hottest.celsius);
            let help = "Temperature of the hottest sensor in degrees Celsius";
            let name = "carrier_power_temperature_celsius";
            let mut encoder = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(encoder.encode_family(&[("sensor", hottest.sensor.as_str())])?)?;
        }
        let kind = ConstGauge::new(0_i64).metric_type();
        let help = "1 for the power profile in use";
        let mut encoder = encoder.encode_descriptor("carrier_power_profile", help, None, kind)?;
        for profile in PowerProfile::ALL {
            let gauge = ConstGauge::new(i64::from(profile == view.profile));
            gauge.encode(encoder.encode_family(&[("profile", profile.name())])?)?;
        }
        Ok(())
    }
}

fn gauges(view: &PowerView) -> [(&'static str, &'static str, Option<f64>); 7] {
    let battery = view.state.battery.as_ref();
    let left = |goal| {
        let left = view.left.filter(|(toward, _)| *toward == goal);
        left.map(|(_, left)| left.as_secs_f64())
    };
    [
        (
            "carrier_power_battery_ratio",
            "Level of all batteries together: 0 to 1",
            view.state.level(),
        ),
        (
            "carrier_power_battery_health_ratio",
            "What is left of the batteries' capacity when they were new: 0 to 1",
            battery.and_then(|battery| battery.health),
        ),
        (
            "carrier_power_watts",
            "What the batteries deliver, or take while they are charged",
            battery.and_then(|battery| battery.rate_w),
        ),
        (
            "carrier_power_package_watts",
            "What the processor packages take",
            view.packages_w,
        ),
        (
            "carrier_power_seconds_left",
            "Seconds until the battery is empty",
            left(BatteryGoal::Empty),
        ),
        (
            "carrier_power_seconds_to_full",
            "Seconds until the battery is full",
            left(BatteryGoal::Full),
        ),
        (
            "carrier_power_mains",
            "1 while a power supply is connected",
            view.state.mains.map(|is_on| f64::from(u8::from(is_on))),
        ),
    ]
}
