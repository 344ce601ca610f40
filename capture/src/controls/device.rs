//! The controls of a V4L2 node. They are read and set through a descriptor of their own, beside the one that streams.

use std::io;
use std::path::Path;

use v4l::Device;
use v4l::control::{Control, Flags, Value};

use super::query::description;
use super::{
    CameraControl, ControlError, ControlValues, KnownControl, OfferedControl, Step, steps,
};

/// An open node.
pub(crate) struct ControlNode {
    device: Device,
}

/// The controls of the camera at `path`.
pub fn camera_controls(path: &Path) -> io::Result<Vec<CameraControl>> {
    Ok(ControlNode::open(path)?.list())
}

impl ControlNode {
    /// Opening it does not disturb a stream.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Device::with_path(path).map(|device| Self { device })
    }

    /// Those that carrier knows and the driver answers for.
    #[must_use]
    pub(crate) fn list(&self) -> Vec<CameraControl> {
        let described = |known: &'static KnownControl| {
            let offered = self.offered(known).ok()??;
            Some(known.described(&offered))
        };
        KnownControl::all().filter_map(described).collect()
    }

    /// Refuses values that the camera does not take. What it does not have is no error.
    pub(crate) fn check(&self, wanted: &ControlValues) -> Result<(), ControlError> {
        for Step { control, value, .. } in steps(&ControlValues::new(), wanted) {
            if let (Ok(Some(offered)), Some(value)) = (self.offered(control), value) {
                match control.fitted(&offered, &value) {
                    Ok(fitted) if !fitted.is_exact => return Err(control.wrong_value(&offered)),
                    Ok(_) | Err(ControlError::ReadOnly(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Sets what is wanted, and what only `before` had to its default. Goes on after an error; returns all errors.
    pub(crate) fn apply(
        &self,
        before: &ControlValues,
        wanted: &ControlValues,
    ) -> Vec<ControlError> {
        let steps = steps(before, wanted).into_iter();
        steps.filter_map(|step| self.take(&step).err()).collect()
    }

    /// Sets a value, or the nearest one with an error.
    fn take(&self, step: &Step) -> Result<(), ControlError> {
        let (control, value) = (step.control, &step.value);
        let key = control.key();
        let failed = |error: io::Error| ControlError::Device {
            key,
            why: error.to_string(),
        };
        let offered = match self.offered(control).map_err(failed)? {
            Some(offered) => offered,
            // A camera that never chooses a value itself has nothing to switch off.
            None if step.is_implied => return Ok(()),
            None => return Err(ControlError::NotOffered(key)),
        };
        let (raw, is_exact) = match value {
            Some(value) => {
                let fitted = control.fitted(&offered, value)?;
                (fitted.raw, fitted.is_exact)
            }
            None => (offered.default, true),
        };
        if raw != offered.value {
            if !offered.is_active {
                return match value {
                    Some(_) => Err(ControlError::Inactive(key)),
                    None => Ok(()),
                };
            }
            let (id, value) = (control.id(), Value::Integer(raw));
            self.device
                .set_control(Control { id, value })
                .map_err(failed)?;
        }
        match is_exact {
            true => Ok(()),
            false => Err(control.wrong_value(&offered)),
        }
    }

    fn offered(&self, known: &KnownControl) -> io::Result<Option<OfferedControl>> {
        let Some(found) = description(&self.device, known.id())? else {
            return Ok(None);
        };
        let value = match self.device.control(known.id())?.value {
            Value::Integer(value) => value,
            Value::Boolean(value) => i64::from(value),
            _ => return Ok(None),
        };
        let flags = found.flags;
        Ok(Some(OfferedControl {
            min: found.min,
            max: found.max,
            step: found.step,
            default: found.default,
            value,
            menu: found.menu,
            is_active: !flags.contains(Flags::INACTIVE),
            is_read_only: flags.intersects(Flags::READ_ONLY | Flags::GRABBED),
        }))
    }
}
