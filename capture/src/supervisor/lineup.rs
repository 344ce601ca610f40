//! Which sources are to be open: the selected one, and cameras on standby. Pure.

use crate::spec::SourceSpec;

/// What is selected, unless a guest's pictures are or the shutter is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectedSource {
    /// A source without a name.
    Unnamed(SourceSpec),
    /// The camera with this name.
    Camera(String),
}

impl From<SourceSpec> for SelectedSource {
    fn from(source: SourceSpec) -> Self {
        Self::Unnamed(source)
    }
}

/// The index of a camera.
pub(super) type CameraIndex = usize;

/// What the owner has chosen.
#[derive(Debug, Clone)]
pub(super) struct Lineup {
    pub(super) is_shuttered: bool,
    /// `None`: the source without a name.
    pub(super) selected: Option<CameraIndex>,
    /// Of each camera: whether it stays open while another one is shown.
    pub(super) standby: Vec<bool>,
}

impl Lineup {
    /// Whether the source without a name is to be open.
    pub(super) fn opens_source(&self) -> bool {
        !self.is_shuttered && self.selected.is_none()
    }

    /// Whether this camera is to be open. While a source without a name is selected, none is: that source may be the
    /// same device.
    pub(super) fn opens_camera(&self, camera: CameraIndex) -> bool {
        let is_on_standby = || self.standby.get(camera).copied().unwrap_or_default();
        let is_in_use = |selected| selected == camera || is_on_standby();
        !self.is_shuttered && self.selected.is_some_and(is_in_use)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the source is to be open, and each of the three cameras, of which the last two are on standby.
    fn open(is_shuttered: bool, selected: Option<CameraIndex>) -> (bool, [bool; 3]) {
        let lineup = Lineup {
            is_shuttered,
            selected,
            standby: vec![false, true, true],
        };
        let cameras = [0, 1, 2].map(|camera| lineup.opens_camera(camera));
        (lineup.opens_source(), cameras)
    }

    #[test]
    fn the_selected_camera_is_open_and_those_on_standby_are() {
        assert_eq!(open(false, Some(0)), (false, [true, true, true]));
        assert_eq!(open(false, Some(2)), (false, [false, true, true]));
    }

    #[test]
    fn a_source_without_a_name_is_open_alone() {
        assert_eq!(open(false, None), (true, [false; 3]));
    }

    #[test]
    fn nothing_is_open_under_a_closed_shutter() {
        for selected in [None, Some(0), Some(1)] {
            assert_eq!(open(true, selected), (false, [false; 3]));
        }
    }
}
