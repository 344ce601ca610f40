//! What to open next, and what to say meanwhile. Pure.

use std::path::PathBuf;

use crate::error::CaptureError;
use crate::spec::{SourceSpec, Y4mInput};
use crate::webcam::Choice;

/// One attempt's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    Camera(Choice),
    File { path: PathBuf, again: bool },
    Url(String),
    Mjpeg(String),
    Y4m { input: Y4mInput, again: bool },
    Scene,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Put the card up, wait, open again.
    Retry,
    /// Open something else at once; nothing is lost yet.
    Instead,
    /// Put the card up and leave it.
    Over,
}

/// Chooses attempts for a source.
///
/// Once a camera has given pictures, only that camera is waited for: whoever unplugs it to stop the
/// feed must not find another one running.
#[derive(Debug)]
pub(crate) struct Plan {
    spec: SourceSpec,
    again: bool,
    /// Stable id and name of the camera that gave pictures.
    camera: Option<(String, String)>,
    /// Set while `auto` shows the scene: why.
    fallback: Option<String>,
    /// Counts failed attempts, so that a hanging camera does not hide a sound one.
    turn: usize,
}

impl Plan {
    pub(crate) fn new(spec: SourceSpec, again: bool) -> Self {
        Self {
            spec,
            again,
            camera: None,
            fallback: None,
            turn: 0,
        }
    }

    /// What to open now.
    pub(crate) fn job(&self) -> Job {
        let again = self.again;
        match &self.spec {
            SourceSpec::Auto if self.fallback.is_some() => Job::Scene,
            SourceSpec::Auto | SourceSpec::Webcam { .. } => Job::Camera(self.choice()),
            SourceSpec::File(path) => Job::File {
                path: path.clone(),
                again,
            },
            SourceSpec::Url(url) => Job::Url(url.clone()),
            SourceSpec::MjpegUrl(url) => Job::Mjpeg(url.clone()),
            SourceSpec::Y4m(input) => Job::Y4m {
                input: input.clone(),
                again,
            },
            SourceSpec::Scene => Job::Scene,
        }
    }

    fn choice(&self) -> Choice {
        match (&self.camera, &self.spec) {
            (Some((id, name)), _) => Choice::Same {
                id: id.clone(),
                name: name.clone(),
            },
            (None, SourceSpec::Webcam { id: Some(id) }) => Choice::Named(id.clone()),
            (None, _) => Choice::Any { turn: self.turn },
        }
    }

    /// What to try beside the present attempt: a camera, while `auto` makes do with the scene.
    pub(crate) fn probe(&self) -> Option<Job> {
        self.fallback.as_ref().map(|_| Job::Camera(self.choice()))
    }

    /// What a viewer should know about the pictures.
    pub(crate) fn note(&self) -> Option<String> {
        self.fallback.clone()
    }

    /// Pictures flow from this camera, or from something that is none.
    pub(crate) fn flowing(&mut self, camera: Option<(String, String)>) {
        if camera.is_some() {
            self.camera = camera;
            self.fallback = None;
        }
    }

    /// The attempt failed.
    pub(crate) fn failed(&mut self, error: &CaptureError) -> After {
        self.turn += 1;
        if error.is_final() {
            return After::Over;
        }
        if self.spec == SourceSpec::Auto && self.camera.is_none() && self.fallback.is_none() {
            self.probe_failed(error);
            return After::Instead;
        }
        After::Retry
    }

    /// No camera yet; whether the note changed by that.
    pub(crate) fn probe_failed(&mut self, error: &CaptureError) -> bool {
        self.turn += 1;
        let note = match error {
            CaptureError::NoCamera => "No camera found. Showing the test scene.".to_owned(),
            other => format!("{other} Showing the test scene meanwhile."),
        };
        let changed = self.fallback.as_ref() != Some(&note);
        self.fallback = Some(note);
        changed
    }

    /// The card's words. A camera that was there and is not is unplugged, however it was named.
    pub(crate) fn reason(&self, error: &CaptureError) -> String {
        match error {
            CaptureError::NoCamera | CaptureError::CameraMissing { .. }
                if self.camera.is_some() =>
            {
                CaptureError::CameraUnplugged.to_string()
            }
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> Option<(String, String)> {
        Some(("usb-1".to_owned(), "C920".to_owned()))
    }

    #[test]
    fn auto_falls_back_to_the_scene_and_leaves_it_for_a_camera() {
        let mut plan = Plan::new(SourceSpec::Auto, false);
        assert_eq!(plan.job(), Job::Camera(Choice::Any { turn: 0 }));
        assert_eq!(plan.probe(), None);
        assert_eq!(plan.failed(&CaptureError::NoCamera), After::Instead);
        assert_eq!(plan.job(), Job::Scene);
        assert_eq!(
            plan.note().as_deref(),
            Some("No camera found. Showing the test scene.")
        );
        plan.flowing(None);
        assert!(matches!(
            plan.probe(),
            Some(Job::Camera(Choice::Any { .. }))
        ));
        assert!(!plan.probe_failed(&CaptureError::NoCamera), "nothing new");
        assert!(plan.probe_failed(&CaptureError::CameraBusy {
            name: "C920".to_owned()
        }));
        plan.flowing(camera());
        assert_eq!((plan.note(), plan.probe()), (None, None));
    }

    #[test]
    fn after_it_is_unplugged_only_the_same_camera_is_waited_for() {
        for spec in [SourceSpec::Auto, SourceSpec::Webcam { id: None }] {
            let mut plan = Plan::new(spec, false);
            plan.flowing(camera());
            assert_eq!(plan.failed(&CaptureError::CameraUnplugged), After::Retry);
            let (id, name) = camera().expect("some");
            assert_eq!(plan.job(), Job::Camera(Choice::Same { id, name }));
            let reason = plan.reason(&CaptureError::NoCamera);
            assert_eq!(reason, "Camera unplugged. Waiting for it.");
        }
    }

    #[test]
    fn a_video_that_ends_is_over_and_a_stream_that_ends_is_not() {
        let mut plan = Plan::new(SourceSpec::File("a.mp4".into()), false);
        assert_eq!(plan.failed(&CaptureError::VideoEnded), After::Over);
        let mut plan = Plan::new(SourceSpec::Url("rtsp://x".to_owned()), false);
        let error = CaptureError::StreamEnded {
            name: String::new(),
            detail: String::new(),
        };
        assert_eq!(plan.failed(&error), After::Retry);
    }
}
