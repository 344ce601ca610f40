//! `carrier devices`.

use std::process::ExitCode;

use anyhow::Context;
use capture::{CameraControl, ControlKind, ControlValue, Device, camera_controls};

use crate::cli::{DevicesArgs, RunArgs};
use crate::commands::named_cameras::{CameraFound, find};
use crate::config::{CameraEntry, Config, ConfigError};
use crate::environment::{Environment, UserFolders};
use crate::output::print;

pub(crate) fn devices(args: DevicesArgs) -> anyhow::Result<ExitCode> {
    let devices = capture::devices().context("cannot list the cameras")?;
    let mut text: String = devices.iter().map(describe).collect();
    if devices.is_empty() {
        text += "No camera found. Without one, `carrier --source scene` shows the test scene.\n";
    }
    let run = RunArgs {
        file: args.file,
        ..RunArgs::default()
    };
    let default_file = UserFolders::read().config_file();
    // A wrong configuration is `carrier doctor`'s matter.
    let config = Environment::read()
        .map_err(ConfigError::from)
        .and_then(|environment| Config::load(&run, &environment, default_file.as_deref(), Ok));
    let cameras = config.map_or_else(|_| Vec::new(), |config| config.cameras);
    for (camera, found) in find(&cameras, &devices) {
        text += &entry_line(camera, &found);
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// One entry of `[[cameras]]`.
fn entry_line(camera: &CameraEntry, found: &CameraFound<'_>) -> String {
    let what = match found {
        CameraFound::Device(device) => device.name.clone(),
        CameraFound::AnyDevice => "the first camera that is free".to_owned(),
        CameraFound::NoDevice => "not plugged in".to_owned(),
        CameraFound::SameDevice(_, other) => format!("the same camera as \"{other}\""),
        CameraFound::NoFile(path) => format!("{} is not there", path.display()),
        CameraFound::Elsewhere | CameraFound::Wrong(_) => "no camera of this machine".to_owned(),
    };
    format!("[[cameras]] \"{}\": {what}\n", camera.name)
}

fn describe(device: &Device) -> String {
    let mut text = format!("{}\n", device.name);
    text += &format!("  --source webcam:{}\n", device.id);
    text += &format!("  path {}, index {}\n", device.path.display(), device.index);
    if device.modes.is_empty() {
        text += "  no mode that carrier reads (MJPEG, YUYV or NV12)\n";
    }
    for mode in &device.modes {
        text += &format!(
            "  {:<5} {:>4}x{:<4} {:>3} fps\n",
            mode.format, mode.width, mode.height, mode.fps
        );
    }
    // A camera that another program uses answers, too.
    for control in camera_controls(&device.path).unwrap_or_default() {
        text += &format!("  {}\n", control_line(&control));
    }
    text
}

/// As in `[camera] controls`, with what it takes.
fn control_line(control: &CameraControl) -> String {
    let text = |value: &ControlValue| match value {
        ControlValue::Flag(flag) => flag.to_string(),
        ControlValue::Number(number) => number.to_string(),
        ControlValue::Choice(choice) => format!("\"{choice}\""),
    };
    let takes = match &control.kind {
        ControlKind::Flag => "true or false".to_owned(),
        ControlKind::Number { min, max, step: 1 } => format!("{min} to {max}"),
        ControlKind::Number { min, max, step } => format!("{min} to {max} by {step}"),
        ControlKind::Choice { choices } => choices.join(", "),
    };
    let state = match (control.is_read_only, control.is_active) {
        (true, _) => ", fixed",
        (false, false) => ", no effect now",
        (false, true) => "",
    };
    format!(
        "{} = {} ({takes}; default {}{state})",
        control.key,
        text(&control.value),
        text(&control.default)
    )
}
