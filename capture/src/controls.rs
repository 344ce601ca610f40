//! The controls that cameras offer: their names here, their limits, and in which order they are set. Pure.

mod device;
mod query;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use device::ControlNode;
pub use device::camera_controls;

/// Values of controls by their keys, as the owner wants them.
pub type ControlValues = BTreeMap<String, ControlValue>;

/// The value of a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ControlValue {
    Flag(bool),
    Number(i64),
    Choice(String),
}

/// What values a control takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ControlKind {
    Flag,
    Number { min: i64, max: i64, step: i64 },
    Choice { choices: Vec<&'static str> },
}

/// A control of one camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CameraControl {
    pub key: &'static str,
    /// For people.
    pub name: &'static str,
    #[serde(flatten)]
    pub kind: ControlKind,
    pub value: ControlValue,
    pub default: ControlValue,
    /// Whether it has an effect now: exposure has none while the camera chooses it.
    pub is_active: bool,
    pub is_read_only: bool,
}

/// Why a value cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    #[error("no camera has a control \"{key}\"; carrier knows {known}")]
    Unknown { key: String, known: String },
    #[error("this camera has no control \"{0}\"")]
    NotOffered(&'static str),
    #[error("{key} takes {takes}")]
    Value { key: &'static str, takes: String },
    #[error("the camera does not let \"{0}\" be changed")]
    ReadOnly(&'static str),
    #[error("\"{0}\" has no effect while the camera chooses it itself")]
    Inactive(&'static str),
    #[error("the camera refuses \"{key}\": {why}")]
    Device { key: &'static str, why: String },
}

/// How values here are expressed in V4L2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Number,
    Flag,
    /// A menu of modes, here a flag: whether the camera chooses the exposure time.
    ExposureMode,
    /// A menu, here a choice.
    PowerLine,
}

/// A control that carrier knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownControl {
    key: &'static str,
    name: &'static str,
    /// In V4L2.
    id: u32,
    encoding: Encoding,
    /// The flag that has to be off for it to have an effect.
    chosen_by: Option<&'static str>,
}

/// `V4L2_CID_BASE` and `V4L2_CID_CAMERA_CLASS_BASE`.
const USER: u32 = 0x0098_0900;
const CAMERA: u32 = 0x009a_0900;

/// What choices the menu of the power line frequency stands for.
const POWER_LINE: [&str; 4] = ["off", "50", "60", "auto"];
/// `V4L2_EXPOSURE_AUTO`, `_MANUAL`, `_SHUTTER_PRIORITY` and `_APERTURE_PRIORITY`: in the last one the camera chooses
/// the exposure time, too.
const EXPOSURE_AUTO: i64 = 0;
const EXPOSURE_MANUAL: i64 = 1;
const EXPOSURE_SHUTTER: i64 = 2;
const EXPOSURE_APERTURE: i64 = 3;

const fn flag(key: &'static str, name: &'static str, id: u32) -> KnownControl {
    KnownControl {
        key,
        name,
        id,
        encoding: Encoding::Flag,
        chosen_by: None,
    }
}

const fn number(key: &'static str, name: &'static str, id: u32) -> KnownControl {
    KnownControl {
        encoding: Encoding::Number,
        ..flag(key, name, id)
    }
}

const fn chosen(control: KnownControl, by: &'static str) -> KnownControl {
    KnownControl {
        chosen_by: Some(by),
        ..control
    }
}

/// In the order in which they are shown.
const KNOWN: &[KnownControl] = &[
    KnownControl {
        encoding: Encoding::ExposureMode,
        ..flag("exposure_auto", "Automatic exposure", CAMERA + 1)
    },
    chosen(
        number("exposure", "Exposure time (0.1 ms)", CAMERA + 2),
        "exposure_auto",
    ),
    flag("white_balance_auto", "Automatic white balance", USER + 12),
    chosen(
        number("white_balance_k", "White balance (K)", USER + 26),
        "white_balance_auto",
    ),
    flag("focus_auto", "Automatic focus", CAMERA + 12),
    chosen(number("focus", "Focus", CAMERA + 10), "focus_auto"),
    number("zoom", "Zoom", CAMERA + 13),
    KnownControl {
        encoding: Encoding::PowerLine,
        ..flag("power_line_hz", "Power line frequency (Hz)", USER + 24)
    },
    number("brightness", "Brightness", USER),
    number("contrast", "Contrast", USER + 1),
    number("saturation", "Saturation", USER + 2),
    flag("gain_auto", "Automatic gain", USER + 18),
    chosen(number("gain", "Gain", USER + 19), "gain_auto"),
    number("sharpness", "Sharpness", USER + 27),
    number(
        "backlight_compensation",
        "Backlight compensation",
        USER + 28,
    ),
];

/// A control as the driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OfferedControl {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) step: i64,
    pub(crate) default: i64,
    pub(crate) value: i64,
    /// Of a menu: the values that it has, which may lack some between the limits.
    pub(crate) menu: Vec<i64>,
    pub(crate) is_active: bool,
    pub(crate) is_read_only: bool,
}

/// A value for the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fitted {
    pub(crate) raw: i64,
    /// `false`: the value that was asked for is out of range; this one is nearest.
    pub(crate) is_exact: bool,
}

/// One step of setting controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) control: &'static KnownControl,
    /// `None`: the camera's default.
    pub(crate) value: Option<ControlValue>,
    /// It follows from another value: a camera without this control is no error.
    pub(crate) is_implied: bool,
}

/// Refuses keys that no camera has.
pub fn check_control_keys(values: &ControlValues) -> Result<(), ControlError> {
    match values.keys().find(|key| known(key).is_none()) {
        None => Ok(()),
        Some(key) => {
            let keys: Vec<&str> = KNOWN.iter().map(|control| control.key).collect();
            Err(ControlError::Unknown {
                key: key.clone(),
                known: keys.join(", "),
            })
        }
    }
}

fn known(key: &str) -> Option<&'static KnownControl> {
    KNOWN.iter().find(|control| control.key == key)
}

/// What to set, in this order: what the camera chooses itself before what it would choose otherwise. A value that is
/// given switches off the camera's own choice; where that is given and on, the value waits. What `before` had and
/// `wanted` has not returns to its default.
pub(crate) fn steps(before: &ControlValues, wanted: &ControlValues) -> Vec<Step> {
    let (before, all) = (with_choices_off(before), with_choices_off(wanted));
    let is_choice = |control: &KnownControl| {
        let is_chosen_by = |other: &KnownControl| other.chosen_by == Some(control.key);
        KNOWN.iter().any(is_chosen_by)
    };
    let is_chosen = |control: &KnownControl| {
        let choice = control.chosen_by.and_then(|choice| all.get(choice));
        choice == Some(&ControlValue::Flag(true))
    };
    let step = |control: &'static KnownControl| {
        let value = all
            .get(control.key)
            .filter(|_| !is_chosen(control))
            .cloned();
        (value.is_some() || before.contains_key(control.key)).then_some(Step {
            control,
            value,
            is_implied: !wanted.contains_key(control.key),
        })
    };
    let choices = KNOWN.iter().filter(|control| is_choice(control));
    let others = KNOWN.iter().filter(|control| !is_choice(control));
    choices.chain(others).filter_map(step).collect()
}

fn with_choices_off(values: &ControlValues) -> ControlValues {
    let mut all = values.clone();
    for control in KNOWN
        .iter()
        .filter(|control| values.contains_key(control.key))
    {
        if let Some(choice) = control.chosen_by {
            all.entry(choice.to_owned())
                .or_insert(ControlValue::Flag(false));
        }
    }
    all
}

impl KnownControl {
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        KNOWN.iter()
    }

    pub(crate) fn key(&self) -> &'static str {
        self.key
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The control as it is shown.
    pub(crate) fn described(&self, offered: &OfferedControl) -> CameraControl {
        let kind = match self.encoding {
            Encoding::Number => ControlKind::Number {
                min: offered.min,
                max: offered.max,
                step: offered.step.max(1),
            },
            Encoding::Flag | Encoding::ExposureMode => ControlKind::Flag,
            Encoding::PowerLine => ControlKind::Choice {
                choices: power_lines(offered).map(|(_, text)| text).collect(),
            },
        };
        CameraControl {
            key: self.key,
            name: self.name,
            kind,
            value: self.shown(offered.value),
            default: self.shown(offered.default),
            is_active: offered.is_active,
            is_read_only: offered.is_read_only,
        }
    }

    fn shown(&self, raw: i64) -> ControlValue {
        match self.encoding {
            Encoding::Number => ControlValue::Number(raw),
            Encoding::Flag => ControlValue::Flag(raw != 0),
            Encoding::ExposureMode => {
                ControlValue::Flag(matches!(raw, EXPOSURE_AUTO | EXPOSURE_APERTURE))
            }
            Encoding::PowerLine => {
                let name = usize::try_from(raw)
                    .ok()
                    .and_then(|raw| POWER_LINE.get(raw));
                ControlValue::Choice((*name.unwrap_or(&"off")).to_owned())
            }
        }
    }

    /// The driver's value for `value`.
    pub(crate) fn fitted(
        &self,
        offered: &OfferedControl,
        value: &ControlValue,
    ) -> Result<Fitted, ControlError> {
        if offered.is_read_only {
            return Err(ControlError::ReadOnly(self.key));
        }
        let exact = |raw| Fitted {
            raw,
            is_exact: true,
        };
        let first_offered =
            |raws: [i64; 2]| raws.into_iter().find(|raw| offered.menu.contains(raw));
        let raw = match (self.encoding, value) {
            (Encoding::Number, ControlValue::Number(number)) => {
                return Ok(nearest(*number, offered));
            }
            (Encoding::Flag, ControlValue::Flag(flag)) => Some(i64::from(*flag)),
            (Encoding::ExposureMode, ControlValue::Flag(true)) => {
                first_offered([EXPOSURE_APERTURE, EXPOSURE_AUTO])
            }
            (Encoding::ExposureMode, ControlValue::Flag(false)) => {
                first_offered([EXPOSURE_MANUAL, EXPOSURE_SHUTTER])
            }
            (Encoding::PowerLine, ControlValue::Choice(text)) => raw_power_line(offered, text),
            (Encoding::PowerLine, ControlValue::Number(hz)) => {
                raw_power_line(offered, &hz.to_string())
            }
            _ => None,
        };
        raw.map(exact).ok_or_else(|| self.wrong_value(offered))
    }

    /// That a value is not one of those that the control takes.
    pub(crate) fn wrong_value(&self, offered: &OfferedControl) -> ControlError {
        let takes = match self.described(offered).kind {
            ControlKind::Flag => "true or false".to_owned(),
            ControlKind::Number { min, max, step: 1 } => {
                format!("whole numbers from {min} to {max}")
            }
            ControlKind::Number { min, max, step } => {
                format!("whole numbers from {min} to {max} in steps of {step}")
            }
            ControlKind::Choice { choices } => format!("one of {}", choices.join(", ")),
        };
        ControlError::Value {
            key: self.key,
            takes,
        }
    }
}

fn power_lines(offered: &OfferedControl) -> impl Iterator<Item = (i64, &'static str)> {
    let all = (0..).zip(POWER_LINE);
    all.filter(|(raw, _)| offered.menu.contains(raw))
}

fn raw_power_line(offered: &OfferedControl, text: &str) -> Option<i64> {
    let found = power_lines(offered).find(|(_, name)| *name == text);
    found.map(|(raw, _)| raw)
}

/// Rounded down to the driver's steps, which begin at the lowest value.
fn nearest(number: i64, offered: &OfferedControl) -> Fitted {
    let (min, max) = (offered.min, offered.max.max(offered.min));
    let inside = number.clamp(min, max);
    let raw = inside - inside.saturating_sub(min) % offered.step.max(1);
    Fitted {
        raw,
        is_exact: raw == number,
    }
}

#[cfg(test)]
mod tests;
