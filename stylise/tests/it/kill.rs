//! Kills the program at random moments while it has a hundred jobs.
//!
//! The program is this test binary, started again with the variable in `CHILD`. Its stylist talks to a
//! server over a folder. The server is a thread of the test, so it survives the kills as ComfyUI does: the
//! client writes an order as a file, and the server logs each finished order. The server never loses an
//! order, so one that it does not know was never sent, and may be sent however often its client was killed
//! before.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stylise::{
    Booth, BoothMetrics, BoothSettings, JobContext, MadeBy, Order, Progress, RemoteOrder, State,
    Style, Stylist, StylistError,
};
use uuid::Uuid;

use crate::rig::{self, Rig, ask, files, png};

const CHILD: &str = "CARRIER_STYLISE_KILLED";
const JOBS: u128 = 100;
const KILLS: u32 = 20;

/// Limit of one run without kills; generous, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(180);

struct Server {
    folder: PathBuf,
}

impl Server {
    fn order(&self, remote: &RemoteOrder) -> PathBuf {
        self.folder.join(format!("{}.order", remote.id))
    }

    fn result(&self, remote: &RemoteOrder) -> PathBuf {
        self.folder.join(format!("{}.png", remote.id))
    }
}

impl Stylist for Server {
    fn made_by(&self) -> MadeBy {
        MadeBy::Comfyui
    }

    fn styles(&self) -> Vec<Style> {
        vec![Style {
            id: "clay".to_owned(),
            title: "Clay".to_owned(),
            made_by: MadeBy::Comfyui,
            away: false,
        }]
    }

    fn ready(&self) -> Result<(), StylistError> {
        Ok(())
    }

    fn stylise(&self, order: &Order, context: &dyn JobContext) -> Result<Vec<u8>, StylistError> {
        let mut remote = order.remote.clone().unwrap_or(RemoteOrder {
            id: Uuid::new_v4(),
            sends: 0,
            details: None,
        });
        context.report(Progress::Uploading);
        let knows = self.order(&remote).exists() || self.result(&remote).exists();
        if !knows {
            remote.sends += 1;
            context.save_remote_order(&remote)?;
            place(&self.order(&remote), order.job.to_string().as_bytes());
        }
        context.report(Progress::Waiting { ahead: 1 });
        loop {
            if let Ok(picture) = fs::read(self.result(&remote)) {
                return Ok(picture);
            }
            if context.is_stopping() {
                return Err(StylistError::Stopping);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn forget(&self, remote: &RemoteOrder) -> Result<(), StylistError> {
        let _ = fs::remove_file(self.order(remote));
        let _ = fs::remove_file(self.result(remote));
        Ok(())
    }
}

/// Writes atomically.
fn place(path: &Path, bytes: &[u8]) {
    let part = path.with_extension("part");
    fs::write(&part, bytes).expect("room");
    fs::rename(&part, path).expect("the same folder");
}

/// Finishes orders one after another and logs their jobs.
fn work(folder: &Path, log: &Path, seed: u64, is_over: &AtomicBool) {
    let mut dice = StdRng::seed_from_u64(seed);
    while !is_over.load(Ordering::Relaxed) {
        for order in files(folder) {
            let result = order.with_extension("png");
            if order.extension().is_none_or(|it| it != "order") || result.exists() {
                continue;
            }
            thread::sleep(Duration::from_millis(dice.random_range(0..12)));
            let Ok(job) = fs::read_to_string(&order) else {
                continue;
            };
            let mut log = OpenOptions::new()
                .create(true)
                .append(true)
                .open(log)
                .expect("a file");
            writeln!(log, "{job}").expect("room");
            place(&result, &png([1, 2, 3]));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn settings(folder: &Path) -> BoothSettings {
    let mut settings = BoothSettings::in_folder(folder.join("booth"));
    settings.queue_max = 1000;
    settings.per_visitor_max = 1000;
    settings.tick = Duration::from_millis(50);
    settings
}

fn open(folder: &Path) -> Booth {
    let server = Server {
        folder: folder.join("server"),
    };
    let stylists: Vec<Arc<dyn Stylist>> = vec![Arc::new(server)];
    let metrics = BoothMetrics::register(&mut Registry::default(), &[MadeBy::Comfyui]);
    Booth::open(settings(folder), stylists, metrics).expect("a booth")
}

fn visitor(key: u128) -> String {
    format!("visitor {}", key % 7)
}

/// The program that is killed: submits the missing jobs, and ends when all are done and forgotten.
#[test]
fn the_killed_program() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let booth = open(&folder);
    let mut jobs = Vec::new();
    for key in 1..=JOBS {
        let mut asked = ask(&visitor(key), "clay");
        asked.key = Some(rig::key(key));
        jobs.push(booth.submit(asked).expect("taken").job.id);
    }
    let is_over = |id| {
        let view = booth.view(id).expect("readable").expect("none is lost");
        view.state.is_over()
    };
    while !jobs.iter().all(|id| is_over(*id)) || !files(&folder.join("server")).is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "kill::the_killed_program", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("this test once more")
}

fn run_to_the_end(folder: &Path) {
    let mut child = start(folder);
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("our child") {
            assert!(status.success(), "the last run failed: {status}");
            return;
        }
        if start.elapsed() > PATIENCE {
            child.kill().expect("our child");
            child.wait().expect("our child");
            panic!("not over after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn twenty_kills_lose_nothing_and_repeat_nothing() {
    let rig = Rig::new("kill");
    let folder = rig.settings.folder.clone();
    let (server, log) = (folder.join("server"), folder.join("finished"));
    fs::create_dir_all(&server).expect("a folder");
    let is_over = Arc::new(AtomicBool::new(false));
    let (their_folder, their_log, until) = (server.clone(), log.clone(), Arc::clone(&is_over));
    let worker = thread::spawn(move || work(&their_folder, &their_log, 5, &until));

    let mut dice = StdRng::seed_from_u64(11);
    let mut early = 0;
    for _ in 0..KILLS {
        let mut child = start(&folder);
        thread::sleep(Duration::from_millis(dice.random_range(5..250)));
        early += u32::from(child.try_wait().expect("our child").is_some());
        // SIGKILL, so that nothing is cleaned up.
        child.kill().expect("our child");
        child.wait().expect("our child");
    }
    let finished_before = fs::read_to_string(&log).unwrap_or_default().lines().count();
    run_to_the_end(&folder);
    is_over.store(true, Ordering::Relaxed);
    worker.join().expect("no panic");
    eprintln!("{finished_before} of {JOBS} were made between {KILLS} kills; {early} came too late");
    judge(&folder, &log);
}

fn judge(folder: &Path, log: &Path) {
    let log = fs::read_to_string(log).expect("a log");
    let mut made: HashMap<&str, u32> = HashMap::new();
    for job in log.lines() {
        *made.entry(job).or_default() += 1;
    }
    let booth = open(folder);
    for key in 1..=JOBS {
        let visitor = visitor(key);
        let job = booth.by_key(&visitor, &rig::key(key)).expect("readable");
        let job = job.expect("none is lost");
        assert_eq!(job.state, State::Done, "{job:?}");
        assert!(job.has_source && job.has_result);
        let times = made.get(job.id.to_string().as_str());
        assert_eq!(times, Some(&1), "number of times it was made");
    }
    let pictures = files(&folder.join("booth").join("pictures")).len();
    assert_eq!(
        u128::try_from(pictures),
        Ok(2 * JOBS),
        "no orphan, none missing"
    );
    assert_eq!(made.len(), usize::try_from(JOBS).expect("a hundred"));
}
