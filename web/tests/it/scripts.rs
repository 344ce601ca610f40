//! The scripts behind `make`, with fakes for commands that would change the machine.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::timing::expect_within;

/// A folder that is the whole `PATH` of a script under test.
struct Commands {
    folder: PathBuf,
}

impl Commands {
    /// The real commands of these names.
    fn real(test: &str, names: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder for stand-ins");
        let path = std::env::var_os("PATH").expect("PATH is set");
        for name in names {
            let places = std::env::split_paths(&path).map(|place| place.join(name));
            let real = places.into_iter().find(|place| place.exists());
            let real = real.unwrap_or_else(|| panic!("this machine has {name}"));
            symlink(real, folder.join(name)).expect("a link");
        }
        Self { folder }
    }

    /// A fake command that runs `body`.
    fn fake(self, name: &str, body: &str) -> Self {
        let path = self.folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a stand-in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        self
    }

    fn run(&self, script: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
        Command::new("/bin/sh")
            .arg(scripts.join(script))
            .args(arguments)
            .env_clear()
            .env("PATH", &self.folder)
            .env("HOME", &self.folder)
            .envs(environment.iter().copied())
            .output()
            .expect("the script starts")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const BUILD_COMMANDS: [&str; 7] = [
    "dirname",
    "cargo",
    "c++",
    "cmake",
    "clang",
    "pkg-config",
    "sh",
];

/// All tools but nasm, whose absence must be noticed.
fn without_nasm(test: &str) -> Commands {
    Commands::real(test, &BUILD_COMMANDS)
        .fake("python3", "exit 0")
        .fake("pip3", "exit 0")
}

#[test]
fn a_machine_with_all_tools_needs_no_installation() {
    let commands = without_nasm("build-needs-met").fake("nasm", "exit 0");
    let began = Instant::now();
    let output = commands.run("install-build-needs.sh", &[], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    // It takes 15 ms; the bound catches a check that starts something heavy.
    let limit = Duration::from_secs(1);
    expect_within("the check", began.elapsed(), limit);
}

#[test]
fn a_missing_nasm_is_named_with_its_reason_and_installed() {
    let commands = without_nasm("nasm-missing")
        .fake("id", "echo 1000")
        .fake("sudo", "echo \"as root: $*\"");
    let commands = commands.fake("apt-get", "exit 1");
    let output = commands.run("install-build-needs.sh", &[], &[]);
    let said = text(&output.stdout);
    assert!(
        said.contains("nasm: without it OpenH264 builds silently without SIMD"),
        "{said}"
    );
    assert!(said.contains("as root: apt-get -q update"), "{said}");
    assert!(
        said.contains("install nasm\n"),
        "only what is missing is installed: {said}"
    );
    // The fake installed nothing, which the script must notice.
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("Still missing"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn without_apt_the_missing_packages_are_named() {
    let commands = without_nasm("no-apt").fake("cat", "exit 0");
    let output = commands.run("install-build-needs.sh", &[], &[]);
    assert!(!output.status.success());
    assert!(
        text(&output.stdout).contains("nasm: "),
        "{}",
        text(&output.stdout)
    );
    assert!(
        text(&output.stderr).contains("your own"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn an_unknown_runtime_flavour_is_refused_with_the_known_ones() {
    let commands = Commands::real("flavour", &["dirname"]);
    let output = commands.run("fetch-runtime.sh", &["npu"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cpu, openvino (Intel), cuda"));
}

/// The real tools that `fetch-runtime.sh` needs.
const FOR_FETCHING: [&str; 9] = [
    "dirname",
    "uname",
    "sha256sum",
    "cat",
    "sed",
    "head",
    "mkdir",
    "mktemp",
    "rm",
];

#[test]
fn a_failed_fetch_leaves_nothing_behind() {
    let commands = Commands::real("fetch-fails", &FOR_FETCHING).fake("python3", "exit 1");
    let cache = commands.folder.join("cache");
    let environment = [("XDG_CACHE_HOME", cache.to_str().expect("a plain path"))];
    let output = commands.run("fetch-runtime.sh", &[], &environment);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("carrier runs without detection"));
    let left = fs::read_dir(cache.join("carrier/runtime"))
        .expect("the folder")
        .count();
    assert_eq!(left, 0, "no half-fetched runtime stays");
}

/// All that `run.sh` needs, with a build that does nothing, and a carrier that notes its arguments and does `body`.
fn for_run(test: &str, body: &str) -> Commands {
    let names = [&FOR_FETCHING[..], &["sh", "timeout"]].concat();
    let mut commands = Commands::real(test, &names).fake("python3", "exit 1");
    for tool in [
        "cargo",
        "c++",
        "cmake",
        "clang",
        "pkg-config",
        "nasm",
        "pip3",
    ] {
        commands = commands.fake(tool, "exit 0");
    }
    fs::create_dir_all(commands.folder.join("release")).expect("a folder");
    let noted = commands.folder.join("noted");
    let noting = format!("echo \"$@\" >>{}\n{body}", noted.display());
    commands.fake("release/carrier", &noting)
}

/// The output of `run.sh`, and the commands that it gave to carrier.
fn ran(commands: &Commands, model: &str) -> (String, Vec<String>) {
    let target = commands.folder.to_str().expect("a plain path");
    let environment = [("CARGO_TARGET_DIR", target), ("MODEL", model)];
    let output = commands.run("run.sh", &["", "--source", "scene"], &environment);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let noted = fs::read_to_string(commands.folder.join("noted")).unwrap_or_default();
    (
        text(&output.stdout),
        noted.lines().map(str::to_owned).collect(),
    )
}

#[test]
fn a_run_fetches_the_recommended_model_first_and_says_so_once() {
    let commands = for_run(
        "run-fetches",
        "[ \"$1\" != models ] || echo it is in a folder",
    );
    let (said, noted) = ran(&commands, "yolox_nano");
    assert_eq!(noted, ["models pull yolox_nano", "--source scene"]);
    assert!(
        said.contains("it is in a folder (make run MODEL=none"),
        "{said}"
    );
    let commands = for_run(
        "run-has",
        "[ \"$1\" != models ] || echo it is there already",
    );
    let (said, noted) = ran(&commands, "");
    assert_eq!(noted, ["models pull yolox_nano", "--source scene"]);
    assert!(!said.contains("already"), "{said}");
}

#[test]
fn a_run_without_a_network_is_silent_and_starts() {
    let failing = "[ \"$1\" != models ] || { echo no network >&2; exit 1; }";
    let commands = for_run("run-offline", failing);
    let (said, noted) = ran(&commands, "yolox_nano");
    assert_eq!(noted, ["models pull yolox_nano", "--source scene"]);
    assert!(!said.contains("network"), "{said}");
    let (_, noted) = ran(&for_run("run-none", failing), "none");
    assert_eq!(noted, ["--source scene"]);
}

#[test]
fn a_download_that_hangs_ends_after_ten_seconds() {
    let commands = for_run("run-hangs", "");
    fs::remove_file(commands.folder.join("timeout")).expect("the real one");
    let noted = commands.folder.join("limits");
    let body = format!("echo \"$1\" >>{}; exit 124", noted.display());
    let commands = commands.fake("timeout", &body);
    let (_, given) = ran(&commands, "yolox_nano");
    assert_eq!(given, ["--source scene"], "it starts all the same");
    assert_eq!(fs::read_to_string(noted).expect("used"), "10\n");
}
