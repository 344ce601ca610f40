//! `carrier devices` and `carrier models`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use capture::{CameraControl, ControlKind, ControlValue, Device, camera_controls};
use detector::{Installed, ListedModel, ModelStore, Places};

use crate::cli::{DevicesArgs, ModelsCommand, RunArgs};
use crate::commands::meter::Meter;
use crate::commands::named_cameras::{CameraFound, find};
use crate::commands::{add_model, check_model_name};
use crate::config::{CameraEntry, Config, ConfigError};
use crate::environment::{self, Environment, UserFolders};
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

pub(crate) fn models(command: &ModelsCommand) -> anyhow::Result<ExitCode> {
    let places = environment::detector_places();
    let store = ModelStore::new(&places).context("the built-in model manifest")?;
    match command {
        ModelsCommand::List => list(&store)?,
        ModelsCommand::Pull { name } => pull(&store, &places, name)?,
        ModelsCommand::Add { file, force } => return add_model::run(&store, &places, file, *force),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(store: &ModelStore) -> anyhow::Result<()> {
    let mut text = format!(
        "{:<28} {:>9} {:<12} {:<9} INSTALLED\n",
        "NAME", "INPUT", "LICENCE", "SIZE"
    );
    for model in store.list() {
        text += &(row(&model) + "\n");
    }
    Ok(print(&text)?)
}

fn row(model: &ListedModel) -> String {
    let entry = &model.entry;
    let input = format!("{}x{}", entry.input.width, entry.input.height);
    let size = entry
        .bytes
        .map_or_else(String::new, |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
    let state = match &model.state {
        Installed::At(path) => path.display().to_string(),
        Installed::BuiltIn if entry.experimental => "part of carrier, experimental".to_owned(),
        Installed::BuiltIn => "part of carrier".to_owned(),
        Installed::Damaged(path) => format!("damaged: {}", path.display()),
        Installed::No if entry.url.is_some() => {
            format!("no (carrier models pull {})", entry.name)
        }
        Installed::No => "no, and it has no public download".to_owned(),
    };
    format!(
        "{:<28} {input:>9} {:<12} {size:<9} {state}",
        entry.name, entry.licence
    )
}

fn pull(store: &ModelStore, places: &Places, name: &str) -> anyhow::Result<()> {
    check_model_name("model", name)?;
    let known = store.list();
    let Some(model) = known.iter().find(|model| model.entry.name == name) else {
        bail!("there is no model called `{name}`; `carrier models list` shows them");
    };
    if model.state == Installed::BuiltIn {
        return Ok(print(&format!(
            "{name} is part of carrier: there is nothing to fetch\n"
        ))?);
    }
    let mut meter = Meter::new(name);
    let path = detector::pull(
        &model.entry,
        &places.pull_folder(),
        places.models_url.as_deref(),
        &mut |got, all| {
            meter.show(got, all);
        },
    );
    meter.end();
    let path = path?;
    Ok(print(&format!("{name} is in {}\n", path.display()))?)
}
