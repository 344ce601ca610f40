//! From what the user asked for to an open detector, or to plain words why there is none.

use std::sync::Arc;

use crate::detector::{DetectError, Detector};
use crate::metrics::DetectorMetrics;
use crate::places::Places;
use crate::runtime::{Runtime, RuntimeError};
use crate::session::{SessionConfig, SessionError};
use crate::store::{ModelChoice, ModelStore, StoreError};

/// What to detect with.
#[derive(Debug, Clone, Default)]
pub struct DetectorConfig {
    /// Which model.
    pub model: ModelChoice,
    /// Boxes under this score are not shown. `None`: what the model's manifest says.
    pub min_score: Option<f32>,
    /// Threads and provider.
    pub session: SessionConfig,
    /// Where files lie.
    pub places: Places,
}

/// Why there is no detector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenProblem {
    /// Something is not installed.
    Missing {
        /// What, in plain words.
        message: String,
        /// The command that mends it.
        fix: Option<String>,
    },
    /// Something is there and does not work.
    Failed {
        /// What, in plain words.
        message: String,
        /// The command that mends it, where there is one.
        fix: Option<String>,
    },
}

/// Finds the model, loads the runtime, opens and warms up. `Ok(None)` when no detection was asked
/// for.
pub fn open(
    config: &DetectorConfig,
    metrics: &Arc<DetectorMetrics>,
) -> Result<Option<Detector>, OpenProblem> {
    let store = ModelStore::new(&config.places).map_err(|error| OpenProblem::Failed {
        message: error.to_string(),
        fix: None,
    })?;
    let Some(model) = store.find(&config.model)? else {
        return Ok(None);
    };
    let runtime = Runtime::load(&config.places)?;
    let detector = Detector::open(&runtime, &model, &config.session)?;
    Ok(Some(detector.with_metrics(Arc::clone(metrics))))
}

impl From<StoreError> for OpenProblem {
    fn from(error: StoreError) -> Self {
        let (message, fix) = (error.to_string(), error.fix());
        match error {
            StoreError::NoneInstalled | StoreError::NotInstalled { .. } => {
                Self::Missing { message, fix }
            }
            _ => Self::Failed { message, fix },
        }
    }
}

impl From<RuntimeError> for OpenProblem {
    fn from(error: RuntimeError) -> Self {
        let (message, fix) = (error.to_string(), Some(error.fix().to_owned()));
        match error {
            RuntimeError::Missing { .. } | RuntimeError::WrongPath { .. } => {
                Self::Missing { message, fix }
            }
            _ => Self::Failed { message, fix },
        }
    }
}

impl From<DetectError> for OpenProblem {
    fn from(error: DetectError) -> Self {
        let cpu = matches!(error, DetectError::Session(SessionError::Provider { .. }));
        Self::Failed {
            message: error.to_string(),
            fix: cpu.then(|| "carrier run --provider cpu".to_owned()),
        }
    }
}

impl std::fmt::Display for OpenProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { message, .. } | Self::Failed { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for OpenProblem {}
