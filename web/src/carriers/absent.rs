//! The program without the crate `mesh`.

use std::path::Path;
use std::sync::Arc;

use capture::Slot;
use signaling::{Composed, Demand};

use super::report::{CarriersReport, CodeReport, PairedReport};
use super::{CarrierPicture, CarriersError};
use crate::config::MeshConfig;

const NOT_BUILT: CarriersError = CarriersError::Unavailable(
    "this program was built without other carriers: build it with --features mesh",
);

pub(crate) async fn read_link(
    _demand: &Arc<Demand>,
    _composed: &Arc<Slot<Composed>>,
) -> Result<String, CarriersError> {
    Err(NOT_BUILT)
}

pub(crate) struct Carriers;

impl Carriers {
    pub(crate) fn new(_state: Option<&Path>, _config: &MeshConfig) -> Self {
        Self
    }

    pub(crate) fn report(&self, config: &MeshConfig) -> CarriersReport {
        CarriersReport::without(config)
    }

    pub(crate) fn show_code(&self) -> Result<CodeReport, CarriersError> {
        Err(NOT_BUILT)
    }

    pub(crate) fn code(&self) -> Option<CodeReport> {
        None
    }

    pub(crate) fn hide_code(&self) {}

    pub(crate) async fn join(&self, _code: &str) -> Result<PairedReport, CarriersError> {
        Err(NOT_BUILT)
    }

    pub(crate) fn revoke(&self, _id: &str) -> Result<bool, CarriersError> {
        Err(NOT_BUILT)
    }

    pub(crate) fn shares_pictures(&self) -> bool {
        false
    }

    pub(crate) fn gallery(&self) -> Vec<CarrierPicture> {
        Vec::new()
    }

    pub(crate) fn picture(&self, _hash: &str) -> Option<Arc<[u8]>> {
        None
    }

    pub(crate) fn hide(&self, _hash: &str) -> bool {
        false
    }

    pub(crate) fn start_round(
        &self,
        _game: play::GameKind,
    ) -> Result<play::SharedRound, CarriersError> {
        Err(NOT_BUILT)
    }

    pub(crate) fn stop_round(&self) {}

    pub(crate) fn target_seen(&self, _ago: std::time::Duration) {}

    pub(crate) fn share_score(&self, _game: play::GameKind, _outcome: &play::RoundOutcome) {}
}
