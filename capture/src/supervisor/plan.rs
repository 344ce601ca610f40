//! Which source is opened next, and what viewers are told meanwhile. Pure.

use crate::error::CaptureError;
use crate::sources::camera::CameraChoice;
use crate::sources::kind::SourceKind;
use crate::spec::SourceSpec;

/// What one attempt opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: &'static SourceKind,
    pub(crate) address: String,
    /// Used by webcams only.
    pub(crate) camera: CameraChoice,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// Put the card up, wait, open the source again.
    Retry,
    /// Open another source at once, without a card.
    Fallback,
    /// Put the card up and leave it.
    Stop,
}

/// Chooses what each attempt opens.
///
/// Once a camera has given pictures, only that camera is opened again: whoever unplugs it to stop
/// the feed must not find another one running.
#[derive(Debug)]
pub(crate) struct Plan {
    spec: SourceSpec,
    /// Stable id and name of the camera that gave pictures.
    camera: Option<(String, String)>,
    /// The reason why `auto` shows the scene, while it does.
    fallback: Option<String>,
    /// Failed attempts. Each begins with another camera, so that one that hangs does not hide the
    /// next.
    failures: usize,
}

impl Plan {
    pub(crate) fn new(spec: SourceSpec) -> Self {
        Self {
            spec,
            camera: None,
            fallback: None,
            failures: 0,
        }
    }

    /// What to open now.
    pub(crate) fn target(&self) -> Target {
        match &self.spec {
            SourceSpec::Auto if self.fallback.is_some() => self.target_of(&SourceSpec::Scene),
            SourceSpec::Auto | SourceSpec::Webcam { .. } => self.camera_target(),
            other => self.target_of(other),
        }
    }

    fn target_of(&self, spec: &SourceSpec) -> Target {
        let (kind, address) = spec.kind_and_address();
        Target {
            kind,
            address,
            camera: self.choice(),
        }
    }

    fn camera_target(&self) -> Target {
        self.target_of(&SourceSpec::Webcam { id: None })
    }

    fn choice(&self) -> CameraChoice {
        match (&self.camera, &self.spec) {
            (Some((id, name)), _) => CameraChoice::Same {
                id: id.clone(),
                name: name.clone(),
            },
            (None, SourceSpec::Webcam { id: Some(id) }) => CameraChoice::Named(id.clone()),
            (None, _) => CameraChoice::Any {
                first: self.failures,
            },
        }
    }

    /// What to try beside the present attempt: a camera, while `auto` shows the scene.
    pub(crate) fn probe(&self) -> Option<Target> {
        self.fallback.as_ref().map(|_| self.camera_target())
    }

    /// What viewers should know about the pictures.
    pub(crate) fn note(&self) -> Option<String> {
        self.fallback.clone()
    }

    /// Pictures arrive, from this camera if it is one.
    pub(crate) fn succeeded(&mut self, camera: Option<(String, String)>) {
        if camera.is_some() {
            self.camera = camera;
            self.fallback = None;
        }
    }

    pub(crate) fn failed(&mut self, error: &CaptureError) -> AfterFailure {
        self.failures += 1;
        if error.is_final() {
            return AfterFailure::Stop;
        }
        if self.spec == SourceSpec::Auto && self.camera.is_none() && self.fallback.is_none() {
            self.fall_back(error);
            return AfterFailure::Fallback;
        }
        AfterFailure::Retry
    }

    /// There is still no camera. Returns whether [`Plan::note`] changed.
    pub(crate) fn probe_failed(&mut self, error: &CaptureError) -> bool {
        self.failures += 1;
        self.fall_back(error)
    }

    /// Shows the scene because of `error`. Returns whether [`Plan::note`] changed.
    fn fall_back(&mut self, error: &CaptureError) -> bool {
        let note = match error {
            CaptureError::NoCamera => "No camera found. Showing the test scene.".to_owned(),
            other => format!("{other} Showing the test scene meanwhile."),
        };
        let changed = self.fallback.as_ref() != Some(&note);
        self.fallback = Some(note);
        changed
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
        let mut plan = Plan::new(SourceSpec::Auto);
        assert_eq!(plan.target().camera, CameraChoice::Any { first: 0 });
        assert_eq!(plan.probe(), None);
        assert_eq!(plan.failed(&CaptureError::NoCamera), AfterFailure::Fallback);
        assert_eq!(plan.target().kind.label, "scene");
        assert_eq!(
            plan.note().as_deref(),
            Some("No camera found. Showing the test scene.")
        );
        plan.succeeded(None);
        let probe = plan.probe().expect("a camera is looked for");
        assert_eq!(probe.camera, CameraChoice::Any { first: 1 });
        assert!(!plan.probe_failed(&CaptureError::NoCamera), "the same note");
        let probe = plan.probe().expect("a camera is looked for");
        assert_eq!(probe.camera, CameraChoice::Any { first: 2 });
        assert!(plan.probe_failed(&CaptureError::CameraBusy {
            name: "C920".to_owned()
        }));
        plan.succeeded(camera());
        assert_eq!((plan.note(), plan.probe()), (None, None));
    }

    #[test]
    fn an_unplugged_camera_is_not_replaced_by_another() {
        for spec in [SourceSpec::Auto, SourceSpec::Webcam { id: None }] {
            let mut plan = Plan::new(spec);
            plan.succeeded(camera());
            assert_eq!(
                plan.failed(&CaptureError::CameraUnplugged),
                AfterFailure::Retry
            );
            let (id, name) = camera().expect("some");
            assert_eq!(plan.target().camera, CameraChoice::Same { id, name });
        }
    }

    #[test]
    fn a_stream_that_ends_is_opened_again_and_a_video_is_not() {
        let mut plan = Plan::new(SourceSpec::File("a.mp4".into()));
        assert_eq!(plan.failed(&CaptureError::VideoEnded), AfterFailure::Stop);
        let mut plan = Plan::new("rtsp://x/".parse().expect("a source"));
        let error = CaptureError::StreamEnded {
            name: String::new(),
            detail: String::new(),
        };
        assert_eq!(plan.failed(&error), AfterFailure::Retry);
    }
}
