//! What the shutter closes and opens, and a change of the source concerns: every stage that has a picture of the
//! camera.

use std::sync::Arc;
use std::time::Instant;

use capture::{SelectedSource, ShutterControl, Slot, SourceControl, SourceSwitch};
use detector::Tracks;
use signaling::{Composed, Demand, EngineHandle, Publisher};

use crate::shutter::ShutterState;
use crate::stills::Stills;

pub(crate) struct Shuttered {
    pub(crate) switch: Arc<SourceSwitch>,
    pub(crate) capture: ShutterControl,
    pub(crate) source: SourceControl,
    pub(crate) demand: Arc<Demand>,
    pub(crate) engine: EngineHandle,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) tracks: Arc<Slot<Tracks>>,
    pub(crate) composed: Arc<Slot<Composed>>,
    pub(crate) stills: Arc<Stills>,
}

impl Shuttered {
    /// Closes or opens everything. On return after closing, no output can show a picture of the camera, and no stage gets
    /// a new one. Blocks for a few milliseconds.
    pub(crate) fn follow(&self, state: &ShutterState) {
        if state.closed {
            self.switch
                .close_shutter(state.reason.clone(), Instant::now());
            self.capture.release_sources();
            self.discard_pictures();
            self.engine.dismiss_publisher();
        } else {
            self.switch.open_shutter();
            self.capture.open_sources();
        }
        self.forget_tracks();
    }

    /// Selects another source. On return no stage has a picture of the former one that it may still show. Viewers
    /// stay. Blocks for a few milliseconds.
    pub(crate) fn select_source(&self, chosen: SelectedSource) {
        self.source.select_source(chosen);
        // A guest's pictures go on.
        if !self.switch.guest_is_live() {
            self.discard_unsent();
            self.forget_tracks();
        }
    }

    /// Takes back every picture that was composed and not sent, or may be sent again.
    pub(crate) fn discard_pictures(&self) {
        self.discard_unsent();
        // Its library keeps packets for retransmission: only a new connection has none.
        if let Some(publisher) = &self.publisher {
            publisher.reconnect();
        }
    }

    /// Discards pictures that are not sent yet, in the order of the data flow.
    fn discard_unsent(&self) {
        self.demand.begin_picture_epoch();
        self.composed.clear();
        self.stills.clear();
        self.engine.discard_pictures();
    }

    fn forget_tracks(&self) {
        if let Some(last) = self.tracks.latest() {
            self.tracks.publish(Tracks {
                items: Vec::new(),
                ..(*last).clone()
            });
        }
    }
}
