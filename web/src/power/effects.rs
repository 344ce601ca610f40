//! The stages that a power profile changes.

use std::sync::Arc;

use capture::SourceControl;
use detector::Pace;
use signaling::{Demand, Rendition};

use super::profile::ProfileSettings;

pub(crate) struct PowerEffects {
    pub(crate) pace: Arc<Pace>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) source: SourceControl,
    pub(crate) renditions: Vec<Rendition>,
}

impl PowerEffects {
    /// The source asks for [`super::Power::capture_limit`] itself, for each picture and at each opening.
    pub(crate) fn apply(&self, settings: &ProfileSettings) {
        self.pace.set_power_limit_fps(settings.detect_fps_max);
        self.pace
            .set_power_motion_gate(settings.gates_detection_by_motion);
        self.demand.set_most_fps(settings.capture.fps);
        let smallest = self.renditions.iter().map(|one| one.height).min();
        let highest = settings
            .rendition_height_max_px
            .map(|most| most.max(smallest.unwrap_or(0)));
        for rendition in &self.renditions {
            let is_withheld = highest.is_some_and(|highest| rendition.height > highest);
            self.demand.set_withheld(rendition.id, is_withheld);
        }
        self.source.follow_limit();
    }

    /// The machine was suspended: a camera has lost its settings or is gone, and connections are dead.
    pub(super) fn resume(&self) {
        self.source.reopen_after_suspension();
    }
}
