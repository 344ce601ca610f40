//! The sources that may be selected: the one without a name, and the cameras that have one. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::frame::{Frame, Signal};

/// Identifies what a supervisor opens: a camera with a name, or one source without. Each replacement of the source
/// without a name is another input.
pub(crate) type InputNumber = u64;

/// What a camera with a name is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameraState {
    /// It gives pictures, and viewers see them.
    Live,
    /// It gives pictures, and would be seen at once.
    Standby,
    Opening,
    /// Nobody has it open.
    Closed,
    /// It gives no pictures, and is opened again with back-off.
    Failed,
}

impl CameraState {
    pub const ALL: [Self; 5] = [
        Self::Live,
        Self::Standby,
        Self::Opening,
        Self::Closed,
        Self::Failed,
    ];

    /// For the API and the metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Standby => "standby",
            Self::Opening => "opening",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }
}

/// A camera with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraStatus {
    pub name: Arc<str>,
    /// Whether it is chosen, in whatever state it is.
    pub is_selected: bool,
    pub state: CameraState,
    /// Why it failed, in plain words.
    pub reason: Option<String>,
    /// How often it failed since the start.
    pub failures: u64,
}

/// A source as the switch sees it.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// For viewers while it is opened.
    pub(super) title: String,
    /// `None`: a source without a name.
    pub(super) camera: Option<Arc<str>>,
    /// The last signal; `None` while it is not to be open.
    signal: Option<Signal>,
    /// The newest frame while it is not selected: of a source so slow that the next one may take long.
    kept: Option<Frame>,
    failures: u64,
}

impl Input {
    pub(super) fn new(title: String, camera: Option<Arc<str>>) -> Self {
        Self {
            title,
            camera,
            ..Self::default()
        }
    }

    /// What viewers are told when it is selected.
    pub(super) fn signal(&self) -> Signal {
        self.signal.clone().unwrap_or_else(|| Signal::Opening {
            source: self.title.clone(),
        })
    }

    pub(super) fn set_signal(&mut self, signal: Signal) {
        if matches!(signal, Signal::Lost { .. }) {
            self.kept = None;
            if !matches!(self.signal, Some(Signal::Lost { .. })) {
                self.failures += 1;
            }
        }
        self.signal = Some(signal);
    }

    pub(super) fn keep(&mut self, frame: Frame) {
        self.kept = Some(frame);
    }

    /// The kept frame, unless it is too old to be shown as the present.
    pub(super) fn take_kept(&mut self, now: Instant) -> Option<Frame> {
        let is_current =
            |frame: &Frame| now.saturating_duration_since(frame.captured_at) <= frame.stale_after;
        self.kept.take().filter(is_current)
    }

    fn status(&self, is_selected: bool) -> Option<CameraStatus> {
        let (state, reason) = match &self.signal {
            None | Some(Signal::Closed { .. }) => (CameraState::Closed, None),
            Some(Signal::Opening { .. }) => (CameraState::Opening, None),
            Some(Signal::Live { .. }) if is_selected => (CameraState::Live, None),
            Some(Signal::Live { .. }) => (CameraState::Standby, None),
            Some(Signal::Lost { reason, .. }) => (CameraState::Failed, Some(reason.clone())),
        };
        Some(CameraStatus {
            name: Arc::clone(self.camera.as_ref()?),
            is_selected,
            state,
            reason,
            failures: self.failures,
        })
    }
}

/// All sources that may be selected, and the one that is.
#[derive(Debug)]
pub(super) struct Inputs {
    by_number: BTreeMap<InputNumber, Input>,
    pub(super) selected: InputNumber,
}

impl Default for Inputs {
    /// One source without a name, which is selected.
    fn default() -> Self {
        Self {
            by_number: BTreeMap::from([(0, Input::new("the camera".to_owned(), None))]),
            selected: 0,
        }
    }
}

impl Inputs {
    pub(super) fn get_mut(&mut self, number: InputNumber) -> Option<&mut Input> {
        self.by_number.get_mut(&number)
    }

    pub(super) fn add(&mut self, number: InputNumber, input: Input) {
        self.by_number.insert(number, input);
    }

    /// Removes the sources without a name: another one replaces them.
    pub(super) fn remove_unnamed(&mut self) {
        self.by_number.retain(|_, input| input.camera.is_some());
    }

    pub(super) fn selected(&mut self) -> Option<&mut Input> {
        self.by_number.get_mut(&self.selected)
    }

    pub(super) fn forget_kept(&mut self) {
        for input in self.by_number.values_mut() {
            input.kept = None;
        }
    }

    /// It is not open any more.
    pub(super) fn release(&mut self, number: InputNumber) {
        if let Some(input) = self.by_number.get_mut(&number) {
            (input.signal, input.kept) = (None, None);
        }
    }

    /// The cameras with names, in the order in which they were added.
    pub(super) fn cameras(&self) -> Vec<CameraStatus> {
        let inputs = self.by_number.iter();
        inputs
            .filter_map(|(number, input)| input.status(*number == self.selected))
            .collect()
    }
}
