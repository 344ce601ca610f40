//! Measures how long detections take on this machine, and remembers it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::DetectorConfig;
use crate::detector::{DetectError, Detector};
use crate::models::automatic::{Candidate, Step, next_step};
use crate::models::installed::InstalledModel;
use crate::models::measured::{MeasuredOn, Measurements, processor};
use crate::models::timing::Timing;
use crate::onnx::provider::Provider;
use crate::onnx::runtime::Runtime;
use crate::onnx::session_config::SessionConfig;
use crate::self_test::TestPicture;

/// How much is measured: at least so many detections, at most so many, and none begins after the time.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub runs_least: usize,
    pub runs_most: usize,
    pub time: Duration,
}

impl Effort {
    /// For a choice at the start, which a station waits for.
    pub const QUICK: Self = Self {
        runs_least: 5,
        runs_most: 15,
        time: Duration::from_millis(300),
    };
    /// For people who ask.
    pub const THOROUGH: Self = Self {
        runs_least: 20,
        runs_most: 200,
        time: Duration::from_secs(3),
    };
}

/// Detects on the built-in scene at 1280x720, repeatedly.
pub(crate) fn measure(detector: &mut Detector, effort: Effort) -> Result<Timing, DetectError> {
    let picture = TestPicture::paint().ok_or(DetectError::NoTestPicture)?;
    let min_score = detector.min_score();
    // The first one allocates.
    detector.detect(&picture.frame.pixels, min_score)?;
    let (started, mut times) = (Instant::now(), Vec::new());
    while times.len() < effort.runs_least
        || (times.len() < effort.runs_most && started.elapsed() < effort.time)
    {
        let began = Instant::now();
        detector.detect(&picture.frame.pixels, min_score)?;
        times.push(began.elapsed());
    }
    Timing::of(&times).ok_or(DetectError::NoTestPicture)
}

/// What a time of this model is of. `None`: its file cannot be read.
pub(crate) fn measured_on(
    model: &InstalledModel,
    session: &SessionConfig,
    provider: Provider,
    library: &Path,
) -> Option<MeasuredOn> {
    let known = model.entry.sha256.clone();
    let sha256 = known.or_else(|| model.sha256().ok())?;
    let device = session.device.name_on(provider);
    let kind = if cfg!(debug_assertions) { " debug" } else { "" };
    Some(MeasuredOn {
        model: sha256,
        device: format!("{device}, {} threads", session.threads()),
        processor: processor(),
        runtime: library.file_name()?.to_string_lossy().into_owned(),
        program: format!("{}{kind}", env!("CARGO_PKG_VERSION")),
    })
}

/// Remembers a time that was measured. Failing to is no reason to do without the model.
pub(crate) fn remember(
    model: &InstalledModel,
    detector: &Detector,
    config: &DetectorConfig,
    runtime: &Runtime,
    timing: Timing,
) {
    let memory = Measurements::below(config.places.cache_home.as_deref());
    let (provider, library) = (detector.provider(), runtime.library());
    let Some(on) = measured_on(model, &config.session, provider, library) else {
        return;
    };
    if let Err(error) = memory.remember(on, timing) {
        tracing::warn!(%error, "the time of the model is not remembered");
    }
}

/// The time that was measured of an installed model on the device of `config`; `None`: none was.
#[must_use]
pub fn remembered(config: &DetectorConfig, model: &InstalledModel) -> Option<Timing> {
    let (library, flavour) = config.runtime_installed().ok()?;
    let provider = config.session.device.provider().unwrap_or(flavour);
    let on = measured_on(model, &config.session, provider, &library)?;
    Measurements::below(config.places.cache_home.as_deref()).of(&on)
}

/// The choice of `auto`, with the models that it is among.
pub(crate) struct AutomaticChoice<'a> {
    config: &'a DetectorConfig,
    models: Vec<InstalledModel>,
    candidates: Vec<Candidate>,
    /// The one that was measured last.
    open: Option<(usize, Detector)>,
}

impl<'a> AutomaticChoice<'a> {
    /// `models`: the most accurate first.
    pub(crate) fn new(models: Vec<InstalledModel>, config: &'a DetectorConfig) -> Self {
        let candidate = |model: &InstalledModel| Candidate {
            name: model.entry.name.clone(),
            median_ms: remembered(config, model).map(|timing| timing.median_ms),
        };
        Self {
            candidates: models.iter().map(candidate).collect(),
            models,
            config,
            open: None,
        }
    }

    pub(crate) fn next(&self, longest_ms: f64, may_measure: bool) -> Option<Step> {
        next_step(&self.candidates, longest_ms, may_measure)
    }

    /// Opens and measures a candidate. One that fails is no candidate any more.
    pub(crate) fn measure(&mut self, index: usize, runtime: &Runtime) -> Result<(), DetectError> {
        // Never two at once.
        self.open = None;
        let result = self.try_measure(index, runtime);
        result.inspect_err(|error| self.drop_candidate(index, error))
    }

    fn try_measure(&mut self, index: usize, runtime: &Runtime) -> Result<(), DetectError> {
        let model = &self.models[index];
        let mut detector = Detector::open_tested(runtime, model, &self.config.session)?;
        let timing = measure(&mut detector, Effort::QUICK)?;
        let Timing {
            median_ms,
            p95_ms,
            runs,
        } = timing;
        tracing::info!(
            model = detector.name(),
            median_ms,
            p95_ms,
            runs,
            "model measured"
        );
        remember(model, &detector, self.config, runtime, timing);
        self.candidates[index].median_ms = Some(median_ms);
        self.open = Some((index, detector));
        Ok(())
    }

    /// Opens a candidate, unless it is the one that was measured last. One that fails is no candidate any more.
    pub(crate) fn open(
        &mut self,
        index: usize,
        runtime: &Runtime,
    ) -> Result<Detector, DetectError> {
        match self.open.take() {
            Some((open, detector)) if open == index => Ok(detector),
            other => {
                drop(other);
                let model = &self.models[index];
                let opened = Detector::open_tested(runtime, model, &self.config.session);
                opened.inspect_err(|error| self.drop_candidate(index, error))
            }
        }
    }

    fn drop_candidate(&mut self, index: usize, error: &DetectError) {
        self.models.remove(index);
        let model = self.candidates.remove(index).name;
        tracing::warn!(model, "model skipped: {error}");
    }
}
