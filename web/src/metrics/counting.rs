//! Metrics of objects in the picture and in zones. Their labels are bounded: the owner's zones, and the classes that
//! [`crate::counting`] tells apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::counting::Place;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaceLabels {
    /// Empty: the whole picture.
    zone: String,
    class: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ZoneLabel {
    zone: String,
}

/// 2 s to half an hour.
const STAYS: fn() -> Histogram =
    || Histogram::new([2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0]);

/// Clones share their values.
#[derive(Debug, Clone)]
pub(crate) struct CountingMetrics {
    present: Family<PlaceLabels, Gauge>,
    entered: Family<PlaceLabels, Counter>,
    stays: Family<ZoneLabel, Histogram, fn() -> Histogram>,
    /// Those that have values.
    known: Arc<Mutex<BTreeSet<Place>>>,
}

impl Default for CountingMetrics {
    fn default() -> Self {
        Self {
            present: Family::default(),
            entered: Family::default(),
            stays: Family::new_with_constructor(STAYS),
            known: Arc::default(),
        }
    }
}

impl CountingMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help =
            "Objects that are seen now, by zone and class; an empty zone is the whole picture";
        registry.register("carrier_objects", help, self.present.clone());
        let help = "Objects that came, by zone and class; an empty zone is the whole picture";
        registry.register("carrier_objects_entered", help, self.entered.clone());
        let help = "How long objects stayed, by zone; an empty zone is the whole picture";
        registry.register_with_unit(
            "carrier_objects_stay",
            help,
            Unit::Seconds,
            self.stays.clone(),
        );
    }

    pub(crate) fn entered(&self, place: &Place) {
        self.entered.get_or_create(&labels(place)).inc();
        self.know(place);
    }

    pub(crate) fn left(&self, zone: &str, stayed: Duration) {
        let label = ZoneLabel {
            zone: zone.to_owned(),
        };
        self.stays
            .get_or_create(&label)
            .observe(stayed.as_secs_f64());
    }

    /// Others are at 0.
    pub(crate) fn set_present(&self, counts: &BTreeMap<Place, u32>) {
        for place in counts.keys() {
            self.know(place);
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for place in known.iter() {
            let count = counts.get(place).copied().unwrap_or_default();
            self.present.get_or_create(&labels(place)).set(count.into());
        }
    }

    /// Removes the values of zones with other names.
    pub(crate) fn keep_zones(&self, names: &[&str]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_gone = |place: &Place| !place.zone.is_empty() && !names.contains(&&*place.zone);
        for place in known.extract_if(.., is_gone) {
            self.present.remove(&labels(&place));
            self.entered.remove(&labels(&place));
            self.stays.remove(&ZoneLabel { zone: place.zone });
        }
    }

    fn know(&self, place: &Place) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(place) {
            known.insert(place.clone());
        }
    }
}

fn labels(place: &Place) -> PlaceLabels {
    PlaceLabels {
        zone: place.zone.clone(),
        class: place.class.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(zone: &str) -> Place {
        Place {
            zone: zone.to_owned(),
            class: "person".to_owned(),
        }
    }

    #[test]
    fn values_of_a_zone_go_with_the_zone() {
        let (metrics, mut registry) = (CountingMetrics::default(), Registry::default());
        metrics.register(&mut registry);
        let text = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).expect("to a string");
            text
        };
        for zone in ["", "door"] {
            metrics.entered(&place(zone));
            metrics.left(zone, Duration::from_secs(4));
        }
        metrics.set_present(&[(place(""), 2), (place("door"), 1)].into());
        for line in [
            "carrier_objects{zone=\"\",class=\"person\"} 2",
            "carrier_objects{zone=\"door\",class=\"person\"} 1",
            "carrier_objects_entered_total{zone=\"door\",class=\"person\"} 1",
            "carrier_objects_stay_seconds_count{zone=\"door\"} 1",
        ] {
            assert!(text().contains(line), "{line} is not in:\n{}", text());
        }
        metrics.set_present(&BTreeMap::new());
        assert!(text().contains("carrier_objects{zone=\"door\",class=\"person\"} 0"));
        metrics.keep_zones(&["shelf"]);
        let left = text();
        assert!(
            !left.contains("door") && left.contains("zone=\"\""),
            "{left}"
        );
    }
}
