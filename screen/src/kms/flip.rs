//! Sets the mode and exchanges the picture at the vertical blank: atomically where the driver offers that, else with
//! the older calls.

use std::collections::HashMap;
use std::io;

use drm::control::atomic::AtomicModeReq;
use drm::control::property::Value;
use drm::control::{
    AtomicCommitFlags, Device as _, PageFlipFlags, PlaneType, ResourceHandle, crtc, framebuffer,
    plane, property,
};
use drm::{ClientCapability, Device as _};

use super::CardFile;
use super::display::Display;

#[derive(Debug)]
pub(super) enum Flips {
    Atomic {
        plane: plane::Handle,
        framebuffer: property::Handle,
    },
    Legacy {
        crtc: crtc::Handle,
    },
}

impl Flips {
    /// Sets the display's mode and shows `first`.
    pub(super) fn start(
        card: &CardFile,
        display: &Display,
        first: framebuffer::Handle,
        is_legacy: bool,
    ) -> io::Result<Self> {
        if !is_legacy {
            match Self::start_atomic(card, display, first) {
                Ok(flips) => return Ok(flips),
                Err(error) => tracing::debug!(%error, "no atomic mode setting"),
            }
        }
        let _ = card.set_client_capability(ClientCapability::Atomic, false);
        let (crtc, connectors) = (display.crtc, [display.connector]);
        card.set_crtc(crtc, Some(first), (0, 0), &connectors, Some(display.mode))?;
        Ok(Self::Legacy { crtc })
    }

    fn start_atomic(
        card: &CardFile,
        display: &Display,
        first: framebuffer::Handle,
    ) -> io::Result<Self> {
        card.set_client_capability(ClientCapability::UniversalPlanes, true)?;
        card.set_client_capability(ClientCapability::Atomic, true)?;
        let plane = primary_plane(card, display.crtc)?;
        let of_connector = properties(card, display.connector)?;
        let of_crtc = properties(card, display.crtc)?;
        let of_plane = properties(card, plane)?;
        let (width, height) = display.size();
        let mut request = AtomicModeReq::new();
        let crtc = Value::CRTC(Some(display.crtc));
        request.add_property(display.connector, named(&of_connector, "CRTC_ID")?, crtc);
        let mode = card.create_property_blob(&display.mode)?;
        request.add_property(display.crtc, named(&of_crtc, "MODE_ID")?, mode);
        request.add_property(
            display.crtc,
            named(&of_crtc, "ACTIVE")?,
            Value::Boolean(true),
        );
        let framebuffer = named(&of_plane, "FB_ID")?;
        for (name, value) in [
            ("FB_ID", Value::Framebuffer(Some(first))),
            ("CRTC_ID", crtc),
            ("SRC_X", Value::UnsignedRange(0)),
            ("SRC_Y", Value::UnsignedRange(0)),
            // In 16.16 fixed point.
            ("SRC_W", Value::UnsignedRange(u64::from(width) << 16)),
            ("SRC_H", Value::UnsignedRange(u64::from(height) << 16)),
            ("CRTC_X", Value::SignedRange(0)),
            ("CRTC_Y", Value::SignedRange(0)),
            ("CRTC_W", Value::UnsignedRange(width.into())),
            ("CRTC_H", Value::UnsignedRange(height.into())),
        ] {
            request.add_property(plane, named(&of_plane, name)?, value);
        }
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)?;
        Ok(Self::Atomic { plane, framebuffer })
    }

    /// Shows `next` from the next vertical blank on; an event says when.
    pub(super) fn flip(&self, card: &CardFile, next: framebuffer::Handle) -> io::Result<()> {
        match self {
            Self::Atomic { plane, framebuffer } => {
                let mut request = AtomicModeReq::new();
                request.add_property(*plane, *framebuffer, Value::Framebuffer(Some(next)));
                let flags = AtomicCommitFlags::NONBLOCK | AtomicCommitFlags::PAGE_FLIP_EVENT;
                card.atomic_commit(flags, request)
            }
            Self::Legacy { crtc } => card.page_flip(*crtc, next, PageFlipFlags::EVENT, None),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Atomic { .. } => "atomic",
            Self::Legacy { .. } => "legacy",
        }
    }
}

/// The plane that shows the whole picture of `crtc`.
fn primary_plane(card: &CardFile, crtc: crtc::Handle) -> io::Result<plane::Handle> {
    let resources = card.resource_handles()?;
    for handle in card.plane_handles()? {
        let info = card.get_plane(handle)?;
        if !resources
            .filter_crtcs(info.possible_crtcs())
            .contains(&crtc)
        {
            continue;
        }
        let values = card.get_properties(handle)?;
        for (property, value) in values.iter() {
            let is_type = card.get_property(*property)?.name().to_bytes() == b"type";
            if is_type && *value == u64::from(PlaneType::Primary as u32) {
                return Ok(handle);
            }
        }
    }
    Err(io::Error::other("the display has no primary plane"))
}

fn properties(
    card: &CardFile,
    of: impl ResourceHandle,
) -> io::Result<HashMap<String, property::Info>> {
    card.get_properties(of)?.as_hashmap(card)
}

fn named(of: &HashMap<String, property::Info>, name: &str) -> io::Result<property::Handle> {
    let property = of.get(name).map(property::Info::handle);
    property.ok_or_else(|| io::Error::other(format!("the driver has no property {name}")))
}
