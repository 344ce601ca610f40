//! Asks a driver about one control. (v4l asks about all of them, and panics at a type that it does not know.)

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::mem::zeroed;

use v4l::Device;
use v4l::control::{Flags, Type};
use v4l::v4l_sys::{v4l2_query_ext_ctrl, v4l2_querymenu};
use v4l::v4l2::{ioctl, vidioc};

/// What the driver says of a control, without its value.
pub(super) struct Description {
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) step: i64,
    pub(super) default: i64,
    pub(super) flags: Flags,
    pub(super) menu: Vec<i64>,
}

/// `None`: the driver has no such control, or none with a single value.
pub(super) fn description(device: &Device, id: u32) -> io::Result<Option<Description>> {
    let fd = device.handle().fd();
    // SAFETY: the struct holds integers and arrays of integers only, for which zeros are valid; the ioctl reads and
    // writes one struct of this type behind the pointer, which lives until it returns.
    let (asked, control) = unsafe {
        let mut control: v4l2_query_ext_ctrl = zeroed();
        control.id = id;
        let pointer = std::ptr::from_mut(&mut control).cast::<c_void>();
        (ioctl(fd, vidioc::VIDIOC_QUERY_EXT_CTRL, pointer), control)
    };
    match asked {
        Ok(()) => {}
        // How a driver says that it has no such control, or no controls.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(None),
        Err(error) if error.raw_os_error() == Some(NO_IOCTL) => return Ok(None),
        Err(error) => return Err(error),
    }
    let flags = Flags::from(control.flags);
    let menu = match Type::try_from(control.type_) {
        Ok(Type::Integer | Type::Boolean) => Vec::new(),
        Ok(Type::Menu) => (control.minimum..=control.maximum)
            .filter(|index| has_menu_item(device, id, *index))
            .collect(),
        _ => return Ok(None),
    };
    if flags.contains(Flags::DISABLED) {
        return Ok(None);
    }
    Ok(Some(Description {
        min: control.minimum,
        max: control.maximum,
        step: i64::try_from(control.step).unwrap_or(1),
        default: control.default_value,
        flags,
        menu,
    }))
}

/// `ENOTTY`.
const NO_IOCTL: i32 = 25;

fn has_menu_item(device: &Device, id: u32, index: i64) -> bool {
    let Ok(index) = u32::try_from(index) else {
        return false;
    };
    // SAFETY: as above; the union in this struct holds bytes or an integer, for which zeros are valid.
    unsafe {
        let mut item: v4l2_querymenu = zeroed();
        (item.id, item.index) = (id, index);
        let pointer = std::ptr::from_mut(&mut item).cast::<c_void>();
        ioctl(device.handle().fd(), vidioc::VIDIOC_QUERYMENU, pointer).is_ok()
    }
}
