//! What the owner sets of the camera, also while it is open: its mounting and its controls.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::controls::{CameraControl, ControlError, ControlNode, ControlValues};
use crate::lock::lock;
use crate::mounting::{Mounting, MountingControl};

/// Shared by the owner's threads and the thread that reads the camera.
#[derive(Debug, Default)]
pub struct CameraSettings {
    mounting: MountingControl,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    wanted: ControlValues,
    /// The webcam that is open.
    open: Option<OpenCamera>,
    /// Counts the openings.
    opened: u64,
    /// Of setting the controls last.
    errors: Vec<ControlError>,
}

#[derive(Debug, Clone)]
struct OpenCamera {
    opening: u64,
    path: PathBuf,
    name: String,
}

/// The open webcam with its controls.
#[derive(Debug)]
pub struct CameraReport {
    pub name: String,
    pub controls: Vec<CameraControl>,
    /// What could not be set as wanted.
    pub errors: Vec<ControlError>,
}

/// Held while a webcam is open.
#[derive(Debug)]
pub(crate) struct CameraLease {
    settings: Arc<CameraSettings>,
    opening: u64,
}

impl CameraSettings {
    #[must_use]
    pub fn new(mounting: Mounting, controls: ControlValues) -> Self {
        let settings = Self::default();
        settings.set_mounting(mounting);
        lock(&settings.state).wanted = controls;
        settings
    }

    /// How pictures become upright, from the next one on.
    pub fn set_mounting(&self, mounting: Mounting) {
        self.mounting.set(mounting);
    }

    pub(crate) fn mounting(&self) -> Mounting {
        self.mounting.get()
    }

    /// Refuses what the open webcam does not take, with its limits; without one, nothing. Asks the driver.
    pub fn check_controls(&self, wanted: &ControlValues) -> Result<(), ControlError> {
        match self.open_node() {
            Some((_, node)) => node.check(wanted),
            None => Ok(()),
        }
    }

    /// Sets these controls on the open webcam, and on each that is opened later. Those that were set before and are
    /// not among them return to their defaults. What the camera refuses is logged.
    pub fn set_controls(&self, wanted: ControlValues) {
        let before = {
            let mut state = lock(&self.state);
            if state.wanted == wanted {
                return;
            }
            std::mem::replace(&mut state.wanted, wanted.clone())
        };
        if let Some((camera, node)) = self.open_node() {
            self.note(&camera, node.apply(&before, &wanted));
        }
    }

    /// The open webcam; `None`: none is. Asks the driver.
    #[must_use]
    pub fn report(&self) -> Option<CameraReport> {
        let (camera, node) = self.open_node()?;
        Some(CameraReport {
            name: camera.name,
            controls: node.list(),
            errors: lock(&self.state).errors.clone(),
        })
    }

    /// A webcam was opened: sets the controls.
    pub(crate) fn opened(self: &Arc<Self>, path: PathBuf, name: String) -> CameraLease {
        let (opening, wanted) = {
            let mut state = lock(&self.state);
            state.opened += 1;
            state.errors.clear();
            let opening = state.opened;
            state.open = Some(OpenCamera {
                opening,
                path,
                name,
            });
            (opening, state.wanted.clone())
        };
        let lease = CameraLease {
            settings: Arc::clone(self),
            opening,
        };
        if !wanted.is_empty()
            && let Some((camera, node)) = self.open_node()
        {
            self.note(&camera, node.apply(&ControlValues::new(), &wanted));
        }
        lease
    }

    /// A descriptor of its own. The lock is not held while a driver is asked: some take seconds to answer.
    fn open_node(&self) -> Option<(OpenCamera, ControlNode)> {
        let camera = lock(&self.state).open.clone()?;
        match ControlNode::open(&camera.path) {
            Ok(node) => Some((camera, node)),
            Err(error) => {
                tracing::warn!(camera = camera.name, %error, "the camera's controls cannot be reached");
                None
            }
        }
    }

    fn note(&self, camera: &OpenCamera, errors: Vec<ControlError>) {
        for error in &errors {
            tracing::warn!(camera = camera.name, %error, "a camera control was not set as wanted");
        }
        let mut state = lock(&self.state);
        if state.opened == camera.opening {
            state.errors = errors;
        }
    }
}

impl Drop for CameraLease {
    fn drop(&mut self) {
        let mut state = lock(&self.settings.state);
        // A thread that was left behind may end after another camera was opened.
        if state.opened == self.opening {
            state.open = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::ControlValue;

    #[test]
    fn the_newest_opening_counts() {
        let settings = Arc::new(CameraSettings::default());
        assert!(settings.report().is_none());
        let open = |name: &str| settings.opened("/dev/null".into(), name.to_owned());
        let left_behind = open("first");
        let newest = open("second");
        drop(left_behind);
        let report = settings.report().expect("open");
        assert_eq!((report.name.as_str(), report.controls.len()), ("second", 0));
        drop(newest);
        assert!(settings.report().is_none());
    }

    #[test]
    fn a_node_without_controls_breaks_nothing() {
        let wanted: ControlValues = [("brightness".to_owned(), ControlValue::Number(3))].into();
        let settings = Arc::new(CameraSettings::new(Mounting::default(), wanted.clone()));
        let _lease = settings.opened("/dev/null".into(), "none".to_owned());
        assert!(settings.check_controls(&wanted).is_ok());
        let errors = settings.report().expect("open").errors;
        assert_eq!(errors, [ControlError::NotOffered("brightness")]);
        settings.set_controls(ControlValues::new());
        assert!(settings.report().expect("open").errors.is_empty());
    }
}
