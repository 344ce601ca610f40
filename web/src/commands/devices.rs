//! `carrier devices`

use std::process::ExitCode;

use anyhow::Context;
use capture::Device;

use super::print;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let devices = capture::devices().context("cannot list the cameras")?;
    let mut text: String = devices.iter().map(describe).collect();
    if devices.is_empty() {
        text += "No camera found. Without one, `carrier --source scene` shows the test scene.\n";
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
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
    text
}
