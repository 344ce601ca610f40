//! What viewers of `/stream.mjpg` get.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::stills::PictureLevel;

const AGE: fn() -> Histogram = || Histogram::new([0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5]);

capture::metrics! {
    /// Clones share their values.
    pub(crate) struct MjpegMetrics;
    viewers: Family<[(&'static str, &'static str); 1], Gauge> =>
        "carrier_mjpeg_viewers", "Viewers of /stream.mjpg, by the version of the picture that they get";
    pictures: Family<[(&'static str, &'static str); 1], Counter> =>
        "carrier_mjpeg_pictures", "Pictures sent to viewers of /stream.mjpg, by version";
    age: Histogram = AGE() =>
        "carrier_mjpeg_picture_age" Seconds, "From the capture of a picture to its first byte on a connection";
}

impl MjpegMetrics {
    pub(super) fn sent(&self, level: PictureLevel, age_s: f64) {
        let labels = [("version", level.name())];
        self.pictures.get_or_create_owned(&labels).inc();
        self.age.observe(age_s);
    }

    /// Counts a viewer at `level` until the result is dropped.
    pub(super) fn watch(&self, level: PictureLevel) -> CountedViewer {
        let gauge = self
            .viewers
            .get_or_create_owned(&[("version", level.name())]);
        gauge.inc();
        CountedViewer(gauge)
    }
}

/// A viewer in the gauge of its version.
pub(super) struct CountedViewer(Gauge);

impl Drop for CountedViewer {
    fn drop(&mut self) {
        self.0.dec();
    }
}
