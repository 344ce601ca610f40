//! The second model, which finds faces beside a main model that knows none. It has a session of its own
//! and runs on the detect thread, only while it is needed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use capture::{Backoff, Frame};

use super::detect::{BACKOFF, Detect};
use crate::opening::OpenError;
use crate::privacy::{SIGHTING_SCORE, Sighting};

type Open<D> = Box<dyn FnMut() -> Result<Option<D>, OpenError> + Send>;

/// Opens the model when it is needed, and again after a failure. Without it, the privacy filter hides the
/// heads of persons instead.
pub(super) struct FaceFinder<D> {
    open: Open<D>,
    detector: Option<D>,
    backoff: Backoff,
    retry_at: Option<Instant>,
}

impl<D: Detect> FaceFinder<D> {
    pub(super) fn new(open: Open<D>) -> Self {
        Self {
            open,
            detector: None,
            backoff: BACKOFF,
            retry_at: None,
        }
    }

    /// Frees the model until it is needed again.
    pub(super) fn close(&mut self) {
        (self.detector, self.retry_at) = (None, None);
    }

    /// Adds the faces in `frame` to its sighting.
    pub(super) fn add_to(&mut self, sighting: &mut Sighting, frame: &Frame, now: Instant) {
        if self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        let found = catch_unwind(AssertUnwindSafe(|| self.find(frame)));
        let problem = match found {
            Ok(Ok(Some((labels, found)))) => {
                self.backoff.reset();
                return sighting.add_faces(&labels, &found);
            }
            Ok(Ok(None)) => "no model for faces is installed".to_owned(),
            Ok(Err(problem)) => problem,
            Err(_) => "the face detector panicked".to_owned(),
        };
        tracing::warn!(problem, "no faces; heads of persons are hidden instead");
        self.detector = None;
        self.retry_at = Some(now + self.backoff.failed(now));
    }

    fn find(&mut self, frame: &Frame) -> Result<Option<Found>, String> {
        if self.detector.is_none() {
            self.detector = (self.open)().map_err(|problem| problem.to_string())?;
        }
        let Some(detector) = &mut self.detector else {
            return Ok(None);
        };
        let found = detector.detect(&frame.pixels, SIGHTING_SCORE);
        let found = found.map_err(|error| error.to_string())?;
        Ok(Some((detector.labels(), found)))
    }
}

type Found = (std::sync::Arc<[String]>, Vec<crate::detection::Detection>);
