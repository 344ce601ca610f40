//! `carrier hotspot`: a Wi-Fi network of this machine's own, made by NetworkManager.
//!
//! `nmcli` is NetworkManager's documented interface for programs and on every machine that has it; its D-Bus interface
//! would need a library of sixty packages. [`plan`] (pure) says what is done; here it is done, or printed.

mod plan;

use std::fmt::Write;
use std::fs;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use self::plan::{Action, CONNECTION, Hotspot};
use crate::cli::{HotspotArgs, HotspotCommand};
use crate::config::Config;
use crate::environment::{Environment, UserFolders};
use crate::network::interface::InterfaceKind;
use crate::network::interfaces_now;
use crate::output::{exit_code, print};

const GUIDE: &str = "docs/hotspot.md has the same with hostapd and dnsmasq";

pub(crate) fn run(args: &HotspotArgs) -> anyhow::Result<ExitCode> {
    let default_file = UserFolders::read().config_file();
    let environment = Environment::read()?;
    let config = Config::load(&args.run, &environment, default_file.as_deref(), Ok)?;
    let dry_run = args.dry_run || (args.command != HotspotCommand::Status && !has_nmcli());
    if dry_run && !args.dry_run {
        print(&format!(
            "NetworkManager's nmcli is not here, so nothing is done. {GUIDE}. With NetworkManager this would be done:\n"
        ))?;
    }
    match args.command {
        HotspotCommand::Status => status(),
        HotspotCommand::Up => {
            let hotspot = Hotspot::new(&config, interface(&config)?)?;
            carry_out(&hotspot.up(), dry_run, args.dry_run)
        }
        HotspotCommand::Down => carry_out(&plan::down(), dry_run, args.dry_run),
    }
}

fn has_nmcli() -> bool {
    let version = Command::new("nmcli").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// The configured Wi-Fi interface, or the first one of this machine.
fn interface(config: &Config) -> anyhow::Result<String> {
    if let Some(name) = &config.hotspot.interface {
        return Ok(name.clone());
    }
    let interfaces = interfaces_now();
    let mut wifi = interfaces
        .into_iter()
        .filter(|one| one.kind == InterfaceKind::Wifi);
    let Some(first) = wifi.next() else {
        bail!(
            "this machine has no Wi-Fi interface that is known; name one with [hotspot] interface"
        );
    };
    Ok(first.name)
}

/// `was_asked`: for the dry run, which is a success then.
fn carry_out(actions: &[Action], dry_run: bool, was_asked: bool) -> anyhow::Result<ExitCode> {
    if dry_run {
        let text: String = actions.iter().map(|action| format!("{action}\n")).collect();
        print(&text)?;
        return Ok(exit_code(was_asked));
    }
    let mut is_complete = true;
    for action in actions {
        let Err(error) = carry_out_one(action) else {
            continue;
        };
        if action.is_essential() {
            return Err(error.context(format!("{} failed", action.name())));
        }
        if action.is_expected_to_work() {
            is_complete = false;
            print(&format!("not done ({error:#}); as root:\n{action}\n"))?;
        }
    }
    print(if is_complete {
        "done\n"
    } else {
        "done but for that\n"
    })?;
    Ok(exit_code(is_complete))
}

fn carry_out_one(action: &Action) -> anyhow::Result<()> {
    match action {
        Action::Write { path, text } => fs::write(path, text)?,
        Action::Remove { path } => fs::remove_file(path)?,
        Action::Run {
            program, arguments, ..
        } => {
            let done = Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .output()
                .with_context(|| format!("{program} could not be started"))?;
            if !done.status.success() {
                bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
            }
        }
    }
    Ok(())
}

fn status() -> anyhow::Result<ExitCode> {
    let listed = Command::new("nmcli")
        .args(["-t", "-f", "NAME,DEVICE", "connection", "show", "--active"])
        .output();
    let Ok(listed) = listed else {
        print(&format!(
            "unknown: NetworkManager's nmcli is not here. {GUIDE}\n"
        ))?;
        return Ok(ExitCode::FAILURE);
    };
    let text = String::from_utf8_lossy(&listed.stdout);
    let device = text
        .lines()
        .find_map(|line| line.strip_prefix(CONNECTION)?.strip_prefix(':'));
    let mut said = String::new();
    let _ = match device {
        Some(device) => writeln!(said, "on, at {device}"),
        None => writeln!(said, "off"),
    };
    print(&said)?;
    Ok(exit_code(device.is_some()))
}
