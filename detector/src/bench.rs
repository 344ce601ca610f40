//! What `carrier models bench` and `carrier models verify` do with one model.

use crate::config::DetectorConfig;
use crate::detector::Detector;
use crate::measuring::{Effort, measure, remember};
use crate::models::installed::InstalledModel;
use crate::models::timing::Timing;
use crate::opening::OpenError;

/// Opens a model on the device of `config`, measures it and remembers the time.
pub fn bench(
    config: &DetectorConfig,
    model: &InstalledModel,
    effort: Effort,
) -> Result<(Detector, Timing), OpenError> {
    let runtime = config.runtime()?;
    let mut detector = Detector::open_tested(&runtime, model, &config.session)?;
    let timing = measure(&mut detector, effort)?;
    remember(model, &detector, config, &runtime, timing);
    Ok((detector, timing))
}

/// Opens a model and runs the test of its answers, also if its hash is known. What is odd is the detector's warning.
pub fn try_out(config: &DetectorConfig, model: &InstalledModel) -> Result<Detector, OpenError> {
    let mut detector = Detector::open(&config.runtime()?, model, &config.session)?;
    detector.test()?;
    Ok(detector)
}
