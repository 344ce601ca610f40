//! Which cameras of this machine the program has open, and as what: one device cannot be two cameras.

use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// Shared by all sources.
#[derive(Debug, Default)]
pub(crate) struct DeviceClaims(Mutex<Claims>);

#[derive(Debug, Default)]
struct Claims {
    last_number: u64,
    held: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    number: u64,
    device_id: String,
    /// The name of the camera; `None`: the source without one.
    owner: Option<Arc<str>>,
}

/// Held while the device is open.
#[derive(Debug)]
pub(crate) struct DeviceClaim {
    claims: Arc<DeviceClaims>,
    number: u64,
}

impl DeviceClaims {
    /// Reserves a device. Refused while another source has it; the error says which. The same source may have it
    /// again: a thread of its own that a driver holds is left behind.
    pub(crate) fn claim(
        self: &Arc<Self>,
        device_id: &str,
        owner: Option<&Arc<str>>,
    ) -> Result<DeviceClaim, String> {
        let mut claims = lock(&self.0);
        let is_other =
            |claim: &&Claim| claim.device_id == device_id && claim.owner.as_ref() != owner;
        if let Some(other) = claims.held.iter().find(is_other) {
            return Err(match &other.owner {
                Some(name) => format!("\"{name}\""),
                None => "the source".to_owned(),
            });
        }
        claims.last_number += 1;
        let number = claims.last_number;
        claims.held.push(Claim {
            number,
            device_id: device_id.to_owned(),
            owner: owner.cloned(),
        });
        Ok(DeviceClaim {
            claims: Arc::clone(self),
            number,
        })
    }
}

impl Drop for DeviceClaim {
    fn drop(&mut self) {
        let mut claims = lock(&self.claims.0);
        claims.held.retain(|claim| claim.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_belongs_to_one_source_until_it_is_released() {
        let claims = Arc::<DeviceClaims>::default();
        let (front, back): (Arc<str>, Arc<str>) = ("front".into(), "back".into());
        let held = claims.claim("usb-1", Some(&front)).expect("free");
        let refused = claims.claim("usb-1", Some(&back)).expect_err("taken");
        assert_eq!(refused, "\"front\"");
        assert!(claims.claim("usb-1", None).is_err());
        assert!(claims.claim("usb-2", Some(&back)).is_ok());
        let again = claims.claim("usb-1", Some(&front)).expect("its own");
        drop(held);
        assert!(claims.claim("usb-1", Some(&back)).is_err(), "still held");
        drop(again);
        let plain = claims.claim("usb-1", None).expect("free");
        let refused = claims.claim("usb-1", Some(&back)).expect_err("taken");
        assert_eq!(refused, "the source");
        drop(plain);
    }
}
