//! The display of a card: its connector, its preferred mode, and the controller that feeds it.

use drm::control::{Device as _, Mode, ModeTypeFlags, ResourceHandles, connector, crtc, property};

use super::CardFile;
use crate::orientation::Rotation;
use crate::output::ScreenError;

#[derive(Debug)]
pub(super) struct Display {
    pub(super) connector: connector::Handle,
    pub(super) crtc: crtc::Handle,
    pub(super) mode: Mode,
    name: String,
    /// How the panel is mounted in its case.
    mounted: Rotation,
}

impl Display {
    /// The first connected one with a mode.
    pub(super) fn find(card: &CardFile, card_name: &str) -> Result<Self, ScreenError> {
        let failed = |source| ScreenError::System {
            what: format!("{card_name}: has no list of displays"),
            source,
        };
        let resources = card.resource_handles().map_err(failed)?;
        for handle in resources.connectors() {
            // Probes the display: a cached answer may have no modes after a plug.
            let Ok(info) = card.get_connector(*handle, true) else {
                continue;
            };
            if info.state() != connector::State::Connected {
                continue;
            }
            let (Some(mode), Some(crtc)) =
                (preferred(info.modes()), crtc_of(card, &resources, &info))
            else {
                continue;
            };
            return Ok(Self {
                connector: *handle,
                crtc,
                mode,
                mounted: mounted(card, *handle),
                name: format!("{}-{}", info.interface().as_str(), info.interface_id()),
            });
        }
        Err(ScreenError::NoDisplay {
            card: card_name.to_owned(),
        })
    }

    pub(super) fn size(&self) -> (u32, u32) {
        let (width, height) = self.mode.size();
        (width.into(), height.into())
    }

    /// The rotation with which pictures are upright on a panel that is mounted turned, as in some tablets.
    pub(super) fn mounted(&self) -> Rotation {
        self.mounted
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

fn mounted(card: &CardFile, connector: connector::Handle) -> Rotation {
    let value = || -> std::io::Result<Rotation> {
        let properties = card.get_properties(connector)?;
        for (handle, value) in properties.iter() {
            let property = card.get_property(*handle)?;
            if property.name().to_bytes() != b"panel orientation" {
                continue;
            }
            if let property::Value::Enum(Some(entry)) = property.value_type().convert_value(*value)
            {
                return Ok(rotation_for(entry.name().to_bytes()));
            }
        }
        Ok(Rotation::None)
    };
    value().unwrap_or_default()
}

/// The rotation, clockwise, for a panel whose "panel orientation" has this value.
fn rotation_for(orientation: &[u8]) -> Rotation {
    match orientation {
        b"Upside Down" => Rotation::Half,
        b"Left Side Up" => Rotation::ThreeQuarters,
        b"Right Side Up" => Rotation::Quarter,
        _ => Rotation::None,
    }
}

/// The mode that the display prefers, else the first one.
fn preferred(modes: &[Mode]) -> Option<Mode> {
    let is_preferred = |mode: &&Mode| mode.mode_type().contains(ModeTypeFlags::PREFERRED);
    modes.iter().find(is_preferred).or(modes.first()).copied()
}

/// The controller that feeds the connector now, or the first one that can.
fn crtc_of(
    card: &CardFile,
    resources: &ResourceHandles,
    info: &connector::Info,
) -> Option<crtc::Handle> {
    let present = info
        .current_encoder()
        .and_then(|encoder| card.get_encoder(encoder).ok()?.crtc());
    present.or_else(|| {
        let encoders = info.encoders().iter();
        encoders
            .filter_map(|encoder| card.get_encoder(*encoder).ok())
            .find_map(|encoder| {
                let possible = resources.filter_crtcs(encoder.possible_crtcs());
                possible.first().copied()
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_that_is_mounted_turned_is_turned_back() {
        assert_eq!(rotation_for(b"Normal"), Rotation::None);
        assert_eq!(rotation_for(b"Upside Down"), Rotation::Half);
        // Its left side is up when the picture was turned clockwise by a quarter: three more make it upright.
        assert_eq!(rotation_for(b"Left Side Up"), Rotation::ThreeQuarters);
        assert_eq!(rotation_for(b"Right Side Up"), Rotation::Quarter);
    }
}
