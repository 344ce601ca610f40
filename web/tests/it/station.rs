//! Runs the whole program on free ports, and ends it with the test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::timing::HANG_TIMEOUT;

/// A running carrier with folders of its own.
pub(crate) struct Station {
    child: Child,
    pub(crate) url: String,
    pub(crate) media_port: u16,
    pub(crate) admin_token: String,
    pub(crate) home: PathBuf,
    args: Vec<String>,
    printed: Printed,
}

type Printed = Arc<Mutex<Vec<String>>>;

/// The file of injected faults; see `web/src/supervision/inject.rs`.
pub(crate) const INJECTED: &str = "inject";

/// The folder with the `sys` and `proc` that the program reads for batteries; there is none at first.
pub(crate) const SYSTEM: &str = "system";

impl Station {
    /// Starts the scene with `args` added, and waits until its page answers.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::configured("", args)
    }

    /// As [`Self::start`], with the text of a configuration file.
    pub(crate) fn configured(toml: &str, args: &[&str]) -> Self {
        Self::in_folder(fresh_folder(), toml, args)
    }

    /// As [`Self::configured`], in a folder that the test has prepared.
    pub(crate) fn in_folder(home: PathBuf, toml: &str, args: &[&str]) -> Self {
        Self::begun(home, toml, args, None)
    }

    /// As [`Self::configured`], in the X11 session `display`.
    pub(crate) fn on_display(display: &str, toml: &str, args: &[&str]) -> Self {
        Self::begun(fresh_folder(), toml, args, Some(display))
    }

    fn begun(home: PathBuf, toml: &str, args: &[&str], display: Option<&str>) -> Self {
        std::fs::write(home.join("carrier.toml"), toml).expect("written");
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (child, printed) = spawn(&home, &args, display);
        let url = wait_for_word(&printed, |word| word.starts_with("http://127.0.0.1"));
        let mut station = Self {
            child,
            url,
            media_port: 0,
            admin_token: "test-admin-token".to_owned(),
            home,
            args,
            printed,
        };
        station.media_port = station.status()["media_port"].as_u64().expect("a port") as u16;
        station.wait_for_booth();
        station
    }

    /// The booth opens asynchronously.
    fn wait_for_booth(&self) {
        let until = Instant::now() + HANG_TIMEOUT;
        while self.status()["stylise"]["error"]
            .as_str()
            .is_some_and(|error| error.contains("opened"))
        {
            assert!(Instant::now() < until, "the booth is still being opened");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills the program and starts it again with the same folders, after `between` has seen them.
    pub(crate) fn kill_and_start_again(&mut self, between: impl FnOnce(&Path)) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
        between(&self.home);
        self.start_again();
    }

    /// Asks the program to end, as a service manager does, without waiting.
    pub(crate) fn terminate(&self) {
        let id = self.pid().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("kill runs").success());
    }

    /// Waits until the program has ended by itself.
    pub(crate) fn wait_for_end(&mut self) {
        let status = end_of(&mut self.child);
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// How the program ended, awaited.
    pub(crate) fn end(&mut self) -> ExitStatus {
        end_of(&mut self.child)
    }

    /// Starts the program again with the same folders, after it has ended.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.printed) = spawn(&self.home, &self.args, None);
        self.url = wait_for_word(&self.printed, |word| word.starts_with("http://127.0.0.1"));
        self.media_port = self.status()["media_port"].as_u64().expect("a port") as u16;
        self.wait_for_booth();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn threads(&self) -> usize {
        let tasks = format!("/proc/{}/task", self.child.id());
        std::fs::read_dir(tasks).expect("our child").count()
    }

    /// Waits for a word that the program prints.
    pub(crate) fn printed(&self, wanted: impl Fn(&str) -> bool) -> String {
        wait_for_word(&self.printed, wanted)
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// `/api/status` as the owner gets it.
    pub(crate) fn status(&self) -> serde_json::Value {
        let owner = format!("Bearer {}", self.admin_token);
        let asked = agent().get(self.at("/api/status"));
        let mut answer = asked
            .header("Authorization", owner)
            .call()
            .expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    /// What the program has written to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("log")).expect("a log")
    }

    /// Waits until `/readyz` answers 200 and returns its text.
    pub(crate) fn wait_ready(&self) -> String {
        let until = Instant::now() + HANG_TIMEOUT;
        loop {
            let (status, text) = get(&self.at("/readyz"));
            if status == 200 {
                return text;
            }
            assert!(Instant::now() < until, "not ready: {text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asserts that a new snapshot arrives and the process runs.
    pub(crate) fn assert_feed_runs(&mut self) {
        self.wait_ready();
        let snapshot = || {
            let (status, jpeg) = get_bytes(&self.at("/snapshot.jpg"));
            assert_eq!(status, 200);
            assert!(jpeg.starts_with(&[0xFF, 0xD8]), "a JPEG");
            jpeg
        };
        let (first, until) = (snapshot(), Instant::now() + HANG_TIMEOUT);
        // The timecode changes; but two requests within a frame interval get the same picture.
        while snapshot() == first {
            assert!(Instant::now() < until, "the picture stands still");
        }
        assert!(
            self.child.try_wait().expect("our child").is_none(),
            "still running"
        );
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// Waits until a program has ended by itself.
pub(crate) fn end_of(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        if let Some(status) = child.try_wait().expect("our child") {
            return status;
        }
        assert!(Instant::now() < until, "process {} hangs", child.id());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The program without the user's files and settings, but with the user's ONNX Runtime.
pub(crate) fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrier"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARRIER_")) {
        if name != "CARRIER_SHARED" {
            command.env_remove(name);
        }
    }
    for folder in ["CONFIG", "STATE", "DATA"] {
        command.env(format!("XDG_{folder}_HOME"), home.join(folder));
    }
    command.env("TMPDIR", home);
    // A test may put programs there that the station starts.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", home.join("bin").display()));
    // Cargo sets it for the tests; the program has to do so itself.
    command.env_remove("ORT_DISABLE_TELEMETRY");
    command.env("CARRIER_INJECT", home.join(INJECTED));
    command.env("CARRIER_SYSTEM_ROOT", home.join(SYSTEM));
    // Not in the repository, whose `models/` would be searched.
    command.current_dir(home);
    command
}

pub(crate) fn fresh_folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("carrier-it-{:016x}", rand::random::<u64>()));
    std::fs::create_dir_all(&folder).expect("temporary folder");
    folder
}

/// The program on free ports, with the scene unless `args` names another source.
fn spawn(home: &Path, args: &[String], display: Option<&str>) -> (Child, Printed) {
    let mut command = command(home);
    if let Some(display) = display {
        command
            .env("DISPLAY", display)
            .env_remove("WAYLAND_DISPLAY");
    }
    if !args.iter().any(|arg| arg == "--source") {
        command.args(["--source", "scene"]);
    }
    let mut child = command
        .args(["--listen", "127.0.0.1:0", "--media-port", "0"])
        .args(args)
        .arg("--config")
        .arg(home.join("carrier.toml"))
        .env("CARRIER_ADMIN_TOKEN", "test-admin-token")
        .stdout(Stdio::piped())
        .stderr(File::create(home.join("log")).expect("a log"))
        .spawn()
        .expect("the program starts");
    let printed = collect_stdout(&mut child);
    (child, printed)
}

fn collect_stdout(child: &mut Child) -> Printed {
    let stdout = child.stdout.take().expect("piped");
    let printed = Printed::default();
    let lines = Arc::clone(&printed);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            lines.lock().expect("sound").push(line);
        }
    });
    printed
}

fn wait_for_word(printed: &Printed, wanted: impl Fn(&str) -> bool) -> String {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let text = printed.lock().expect("sound").join("\n");
        if let Some(word) = text.split_whitespace().find(|word| wanted(word)) {
            return word.to_owned();
        }
        assert!(Instant::now() < until, "printed only: {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Status and text of a GET.
pub(crate) fn get(url: &str) -> (u16, String) {
    let (status, bytes) = get_bytes(url);
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// Status and body of a GET.
pub(crate) fn get_bytes(url: &str) -> (u16, Vec<u8>) {
    let mut response = agent().get(url).call().expect("an answer");
    (
        response.status().as_u16(),
        response.body_mut().read_to_vec().expect("a body"),
    )
}

/// An HTTP client that reports a status instead of making it an error.
pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(HANG_TIMEOUT));
    config.build().into()
}
