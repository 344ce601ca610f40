//! A detector for a command that is nothing without one.

use std::sync::Arc;

use super::wanted::check_model_name;
use anyhow::bail;
use detector::{Detector, DetectorConfig, DetectorMetrics, OpenProblem, Places};

/// Opens the model that `--model` names.
pub(super) fn open_detector(model: &str) -> anyhow::Result<Detector> {
    check_model_name(model)?;
    let Ok(model) = model.parse();
    let config = DetectorConfig {
        model,
        places: Places::from_env(),
        ..DetectorConfig::default()
    };
    match detector::open(&config, &Arc::new(DetectorMetrics::default())) {
        Ok(Some(detector)) => Ok(detector),
        Ok(None) => bail!("--model none detects nothing"),
        Err(OpenProblem::Missing { message, fix } | OpenProblem::Failed { message, fix }) => {
            match fix {
                Some(fix) => bail!("{message}. To mend it: {fix}"),
                None => bail!(message),
            }
        }
    }
}
