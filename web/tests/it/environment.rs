//! The environment of the process: closed output, foreign variables, no home folder.

use std::fs::OpenOptions;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::station::{agent, command, fresh_folder};
use crate::timing::HANG_TIMEOUT;

/// A station with redirected output.
struct Program {
    child: Child,
    home: PathBuf,
    at: SocketAddr,
}

impl Program {
    fn start(prepare: impl FnOnce(&mut Command)) -> Self {
        let home = fresh_folder();
        // Its output is closed, so that it cannot tell a port that it has chosen. A random address of the loopback
        // network, so that nobody else takes the port meanwhile.
        let [_, b, c, d] = rand::random::<[u8; 4]>();
        let address = Ipv4Addr::new(127, b.max(1), c, d.clamp(1, 254));
        let free = TcpListener::bind((address, 0)).and_then(|socket| socket.local_addr());
        let at = free.expect("a free port");
        let mut command = command(&home);
        command
            .args(["--source", "scene", "--model", "none", "--media-port", "0"])
            .args(["--listen", &at.to_string()])
            .env("HOME", &home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        prepare(&mut command);
        let child = command.spawn().expect("the program starts");
        Self { child, home, at }
    }

    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut answer = agent()
            .get(format!("http://{}{path}", self.at))
            .call()
            .ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), text))
    }

    fn until(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        let limit = Instant::now() + HANG_TIMEOUT;
        while !reached(self) {
            let ended = self.child.try_wait().expect("our child");
            assert!(ended.is_none(), "{what}: it has ended: {ended:?}");
            assert!(Instant::now() < limit, "{what}: not yet");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn until_ready(&mut self) {
        self.until("ready", |program| {
            program
                .get("/readyz")
                .is_some_and(|(status, _)| status == 200)
        });
    }

    /// Ends it with SIGINT.
    fn end(mut self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-INT", &id]).status();
        assert!(asked.expect("kill runs").success());
        let limit = Instant::now() + HANG_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                assert_eq!(status.code(), Some(0), "it ends in order");
                return;
            }
            assert!(Instant::now() < limit, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

fn full_disk() -> Stdio {
    let file = OpenOptions::new().write(true).open("/dev/full");
    file.expect("Linux has one").into()
}

/// A pipe whose reader is closed.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[test]
#[cfg(debug_assertions)]
fn a_log_that_cannot_be_written_harms_nothing() {
    for log in [full_disk(), closed_pipe()] {
        let mut program = Program::start(|command| {
            command.stderr(log).env("CARRIER_LOG", "debug");
        });
        program.until_ready();
        let new = program.home.join("inject.new");
        std::fs::write(&new, "capture panic").expect("writable");
        std::fs::rename(new, program.home.join("inject")).expect("in place");
        program.until("a restart, which is logged", |program| {
            let metrics = program.get("/metrics").unwrap_or_default().1;
            metrics.contains("carrier_thread_restarts_total{thread=\"capture\"} 1")
        });
        program.until_ready();
        let metrics = program.get("/metrics").expect("an answer").1;
        let lost = metrics.lines().find_map(|line| {
            let count = line.strip_prefix("carrier_log_lines_dropped_total ")?;
            count.parse::<u64>().ok()
        });
        assert!(lost.is_some_and(|lost| lost > 0), "{lost:?} lines lost");
        program.end();
    }
}

#[test]
fn a_log_that_nobody_reads_delays_nothing() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut program = Program::start(|command| {
        command.stderr(writer).env("CARRIER_LOG", "trace");
    });
    program.until_ready();
    for _ in 0..200 {
        assert!(program.get("/api/status").is_some());
    }
    program.until_ready();
    program.end();
    let mut begin = [0; 8];
    assert!(
        reader.read(&mut begin).expect("readable") > 0,
        "it was written"
    );
}

#[test]
fn a_station_with_closed_standard_output_serves() {
    for output in [full_disk(), closed_pipe()] {
        let mut program = Program::start(|command| {
            command.stdout(output);
        });
        program.until_ready();
        program.end();
    }
}

fn run(args: &[&str], prepare: impl FnOnce(&mut Command)) -> Output {
    let home = fresh_folder();
    let mut command = command(&home);
    command.args(args).env("HOME", &home);
    prepare(&mut command);
    let output = command.output().expect("it runs");
    std::fs::remove_dir_all(home).expect("cleaned");
    output
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_command_ends_at_its_first_result_that_cannot_be_written() {
    let full = run(&["models", "list"], |command| {
        command.stdout(full_disk());
    });
    assert_eq!(full.status.code(), Some(1));
    let said = words(&full);
    assert!(
        said.starts_with("carrier: standard output cannot be written"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let unread = run(&["models", "list"], |command| {
        command.stdout(closed_pipe());
    });
    assert_eq!(
        (unread.status.code(), words(&unread)),
        (Some(0), String::new())
    );
}

/// Variables of different kinds.
const VARIABLES: [&str; 16] = [
    "ADMIN_TOKEN",
    "ANNOUNCE",
    "COMFYUI",
    "COMFYUI_TOKEN",
    "DATA",
    "DEVICE",
    "LISTEN_TLS",
    "LOG",
    "LOOP",
    "METRICS_TOKEN",
    "MIN_SCORE",
    "MODEL",
    "PUBLIC_URL",
    "PUBLISH_TOKEN",
    "VIEWER_TOKEN",
    "WHIP_TOKEN",
];

#[test]
fn variables_that_others_set_count_as_not_set() {
    for command in ["devices", "models"] {
        let args: &[&str] = if command == "models" {
            &["models", "list"]
        } else {
            &["devices"]
        };
        let output = run(args, |command| {
            for name in VARIABLES {
                command.env(format!("CARRIER_{name}"), "");
            }
            command.env("CARRIER_CONFIG", "");
            // A variable that the command does not use may be invalid.
            command.env("CARRIER_MEDIA_PORT", "many");
        });
        assert_eq!(
            output.status.code(),
            Some(0),
            "{command}: {}",
            words(&output)
        );
    }
    let mut program = Program::start(|command| {
        for name in VARIABLES {
            command.env(format!("CARRIER_{name}"), "");
        }
        command.env("CARRIER_CONFIG", " ");
        command.env("CARRIER_ANNOUNCE", "tcp://10.96.0.5:8189");
    });
    program.until_ready();
    program.end();
    // As Kubernetes sets it for a service `carrier-media`; the file's value is used.
    let home = fresh_folder();
    let config = home.join("station.toml");
    let text = "source = \"/nowhere/clip.mp4\"\nmodel = \"none\"\n";
    std::fs::write(&config, text).expect("written");
    let output = command(&home)
        .args(["doctor", "--config"])
        .arg(&config)
        .env("CARRIER_MEDIA_PORT", "tcp://10.96.0.5:8189")
        .env("CARRIER_SOURCE", "")
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("/nowhere/clip.mp4"),
        "the file's source: {told}"
    );
    let said = words(&output);
    assert!(
        said.contains("CARRIER_MEDIA_PORT"),
        "left out, and told: {said}"
    );
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn without_a_folder_of_its_own_it_serves_with_a_token_for_this_run() {
    let (mut printed, writer) = std::io::pipe().expect("a pipe");
    let (mut log, log_writer) = std::io::pipe().expect("a pipe");
    let mut program = Program::start(|command| {
        for folder in ["CONFIG", "STATE", "DATA", "CACHE"] {
            command.env_remove(format!("XDG_{folder}_HOME"));
        }
        command
            .env("HOME", "/proc")
            .args(["--listen-tls", "127.0.0.1:0"])
            .stdout(writer)
            .stderr(log_writer);
    });
    program.until_ready();
    let there = std::fs::read_dir(&program.home).expect("a folder").count();
    program.end();
    let (mut said, mut logged) = (String::new(), String::new());
    printed.read_to_string(&mut said).expect("text");
    log.read_to_string(&mut logged).expect("text");
    assert!(said.contains("Admin token (for this run only)"), "{said}");
    for kept in [
        "admin token is for this run only",
        "certificate is for this run only",
    ] {
        assert!(logged.contains(kept), "{kept} in {logged}");
    }
    assert_eq!(there, 0, "nothing is left in the folder it was started in");
}

#[test]
fn the_token_is_told_renewed_and_its_file_is_named() {
    let home = fresh_folder();
    let token = |args: &[&str]| {
        let output = command(&home)
            .arg("token")
            .args(args)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        String::from_utf8(output.stdout)
            .expect("text")
            .trim()
            .to_owned()
    };
    let first = token(&[]);
    assert!(first.len() >= 32);
    assert_eq!(token(&[]), first);
    let second = token(&["--new"]);
    assert_ne!(second, first);
    assert_eq!(token(&[]), second);
    let configured = |args: &[&str]| {
        let mut command = command(&home);
        command.arg("token").args(args);
        command.env("CARRIER_ADMIN_TOKEN", "a-token-of-my-own-choice-7Yq");
        command.output().expect("it runs")
    };
    let told = configured(&[]);
    assert_eq!(told.stdout, b"a-token-of-my-own-choice-7Yq\n");
    assert_eq!(configured(&["--new"]).status.code(), Some(1));
    assert!(is_private(&home.join("STATE/carrier/admin-token")));
    std::fs::remove_dir_all(home).expect("cleaned");
}

fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file).expect("kept").permissions().mode();
    mode & 0o077 == 0
}

fn health(program: &Program) -> Output {
    let mut command = command(&program.home);
    command.args(["health", "--listen", &program.at.to_string()]);
    command.output().expect("it runs")
}

#[test]
fn secrets_come_from_files_of_the_credentials_folder_and_an_empty_one_ends_the_start() {
    let credentials = fresh_folder();
    std::fs::write(credentials.join("viewer-token"), "only-for-guests\n").expect("writable");
    let mut program = Program::start(|command| {
        command.env("CREDENTIALS_DIRECTORY", &credentials);
    });
    program.until_ready();
    let tracks = |token: &str| {
        let request = agent().get(format!("http://{}/api/tracks", program.at));
        let request = request.header("Authorization", format!("Bearer {token}"));
        request.call().expect("an answer").status().as_u16()
    };
    assert_eq!(tracks("another-token"), 401);
    assert_eq!(tracks("only-for-guests"), 200);
    let healthy = health(&program);
    assert!(healthy.status.success(), "{healthy:?}");
    assert!(healthy.stdout.is_empty() && healthy.stderr.is_empty());

    let another = || {
        let mut another = command(&program.home);
        another.env("CREDENTIALS_DIRECTORY", &credentials);
        another.args(["--source", "scene", "--listen", "127.0.0.1:0"]);
        another.output().expect("it runs")
    };
    let said = String::from_utf8_lossy(&another().stderr).into_owned();
    assert!(said.contains("a station uses"), "{said}");
    program.child.kill().expect("our child");
    program.child.wait().expect("our child");

    std::fs::write(credentials.join("viewer-token"), "").expect("writable");
    let refused = another();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("viewer-token is empty"), "{said}");

    let gone = health(&program);
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert_eq!(gone.status.code(), Some(1), "{said}");
    assert!(said.contains("no station answers"), "{said}");
    let _ = std::fs::remove_dir_all(&credentials);
}
