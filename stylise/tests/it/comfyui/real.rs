//! Tests with a real ComfyUI, which `scripts/test-comfyui.sh` names in `COMFYUI_DIR` and `COMFYUI_PYTHON`.
//! It runs with its own base folder and `carrier_test_nodes.py`, so it needs neither a model nor a GPU.

mod booth;
mod built_in;
mod server;

use std::io::{Write, stderr};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use stylise::comfyui::{Comfyui, ComfyuiSettings};
use stylise::workflow::load;
use stylise::{Progress, RemoteOrder, Stylist, StylistError};

use self::server::Server;
use super::context::RecordingContext;
use super::{order, styled, workflow};
use crate::checks::{assert_made, expect_within};

fn say(words: &str) {
    let _ = writeln!(stderr(), "real ComfyUI: {words}");
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(180);
    while !holds() {
        assert!(Instant::now() < until, "timed out waiting for: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// With the program's own timeouts.
fn client(server: &Server) -> Arc<Comfyui> {
    let settings = ComfyuiSettings {
        url: server.url(),
        ..ComfyuiSettings::default()
    };
    let mut workflows = vec![workflow()];
    workflows.extend(load(None).workflows);
    let client = Comfyui::connect(&settings, workflows, None).expect("valid");
    eventually("its first answer", || client.ready().is_ok());
    client
}

/// Makes an order on a thread and does something meanwhile.
fn meanwhile(
    client: &Comfyui,
    remote: Option<RemoteOrder>,
    act: impl FnOnce(&RecordingContext),
) -> (Result<Vec<u8>, StylistError>, RecordingContext) {
    let notes = RecordingContext::default();
    let made = thread::scope(|scope| {
        let made = scope.spawn(|| client.stylise(&order(remote), &notes));
        act(&notes);
        made.join().expect("no panic")
    });
    (made, notes)
}

/// The server's id of an order: ours, or the one in the details.
fn name_of(remote: &RemoteOrder) -> String {
    let details = remote.details.as_deref().unwrap_or("null");
    let details: serde_json::Value = serde_json::from_str(details).expect("JSON");
    let own = details["order"].as_str().map(str::to_owned);
    own.unwrap_or_else(|| remote.id.to_string())
}

fn runs(notes: &RecordingContext) {
    eventually("the first step", || {
        notes.has_told(|told| matches!(told, Progress::Running { step: 1.., .. }))
    });
}

fn is_inverted(picture: &[u8]) {
    let made = image::load_from_memory(picture)
        .expect("a picture")
        .to_rgb8();
    let source = order(None).source;
    let source = image::load_from_memory(&source).expect("ours").to_rgb8();
    assert_eq!((made.width() % 16, made.height() % 16), (0, 0));
    for (x, y) in [(0.25, 0.25), (0.5, 0.75), (0.75, 0.5)] {
        let at = |picture: &image::RgbImage| {
            let (x, y) = (
                f64::from(picture.width()) * x,
                f64::from(picture.height()) * y,
            );
            picture.get_pixel(x as u32, y as u32).0
        };
        for (made, source) in at(&made).into_iter().zip(at(&source)) {
            let off = (i32::from(made) - (255 - i32::from(source))).abs();
            assert!(off < 12, "{made} is not {source} inverted");
        }
    }
}

#[test]
#[ignore = "needs ComfyUI: scripts/test-comfyui.sh"]
fn the_whole_contract() {
    let mut server = Server::start();
    let client = client(&server);
    what_it_can_do(&client);
    one_picture(&server, &client);
    behind_another_client(&server, &client);
    cancelled_while_queued(&server, &client);
    cancelled_while_running(&server, &client);
    two_at_a_time(&server, &client);
    resumed(&server, &client);
    faults(&client);
    booth::closed_in_the_middle(&server);
    killed_and_restarted(&mut server, &client);
    built_in::workflows_are_accepted(&server);
}

fn what_it_can_do(client: &Comfyui) {
    let survey = client.last_survey().expect("asked");
    say(&format!("version {}", survey.version.expect("told")));
    assert!(survey.workflows[0].is_ready(), "{:?}", survey.workflows[0]);
    assert!(
        !survey.workflows[1].is_ready(),
        "the FLUX files are missing"
    );
    for check in &survey.workflows[1..] {
        say(&format!("{} lacks {:?}", check.name, check.missing));
    }
}

fn one_picture(server: &Server, client: &Comfyui) {
    let began = Instant::now();
    let (made, notes) = meanwhile(client, None, |_| {});
    is_inverted(&made.expect("a picture"));
    let progress = notes.progress.lock().expect("a lock").clone();
    assert!(
        progress.contains(&Progress::Running { step: 8, steps: 8 }),
        "{progress:?}"
    );
    let previews = notes.previews.lock().expect("a lock").clone();
    assert!(
        previews.len() > 2 && previews[0].starts_with(&[0xFF, 0xD8]),
        "{}",
        previews.len()
    );
    let remote = notes.last_remote_order().expect("kept");
    assert!(server.history().contains_key(&name_of(&remote)));
    assert_eq!(
        server.pictures().len(),
        2,
        "photo and result: {:?}",
        server.pictures()
    );
    client.forget(&remote).expect("forgotten");
    assert!(server.history().is_empty(), "really deleted");
    assert_eq!(
        server.pictures(),
        Vec::<std::path::PathBuf>::new(),
        "overwritten"
    );
    assert!(client.erases_pictures());
    say(&format!(
        "a picture in {:?}, {progress:?}, {} previews, history erased",
        began.elapsed(),
        previews.len()
    ));
}

fn behind_another_client(server: &Server, client: &Comfyui) {
    server.foreign_order(8);
    server.foreign_order(8);
    let (made, notes) = meanwhile(client, None, |_| {});
    is_inverted(&made.expect("a picture"));
    for ahead in [2, 1] {
        assert!(
            notes.has_told(|told| *told == Progress::Waiting { ahead }),
            "{:?}",
            notes.progress
        );
    }
    say(&format!(
        "behind two foreign orders: {:?}",
        notes.progress.lock().expect("a lock")
    ));
}

fn cancelled_while_queued(server: &Server, client: &Comfyui) {
    let foreign = server.foreign_order(12);
    let (made, notes) = meanwhile(client, None, |notes| {
        eventually("the queue", || {
            notes.has_told(|told| *told == Progress::Waiting { ahead: 1 })
        });
        notes.cancelled.store(true, SeqCst);
    });
    assert_made(&made, &Err(StylistError::Cancelled));
    eventually("the foreign order runs", || server.ended_well(&foreign));
    let order = name_of(&notes.last_remote_order().expect("kept"));
    assert!(!server.history().contains_key(&order));
    say("cancelled while queued; the foreign order went on");
}

fn cancelled_while_running(server: &Server, client: &Comfyui) {
    let asked = std::sync::Mutex::new(Instant::now());
    let foreign = std::sync::Mutex::default();
    let (made, notes) = meanwhile(client, None, |notes| {
        runs(notes);
        *foreign.lock().expect("a lock") = server.foreign_order(2);
        *asked.lock().expect("a lock") = Instant::now();
        notes.cancelled.store(true, SeqCst);
    });
    let took = asked.lock().expect("a lock").elapsed();
    assert_made(&made, &Err(StylistError::Cancelled));
    expect_within("cancelling", took, Duration::from_secs(1));
    let foreign = foreign.into_inner().expect("a lock");
    eventually("the foreign order runs", || server.ended_well(&foreign));
    let remote = notes.last_remote_order().expect("kept");
    let order = name_of(&remote);
    eventually("no trace", || !server.history().contains_key(&order));
    let photo = format!("carrier-{}.jpg", remote.id);
    eventually("the photo is erased", || {
        let pictures = server.pictures();
        !pictures.iter().any(|file| file.ends_with(&photo))
    });
    say(&format!(
        "cancelled while running within {took:?}; the next order was not hit"
    ));
}

fn two_at_a_time(server: &Server, client: &Comfyui) {
    let before = server.executions();
    thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| meanwhile(client, None, |_| {})));
        for one in both {
            let (made, _) = one.join().expect("no panic");
            is_inverted(&made.expect("a picture"));
        }
    });
    assert_eq!(server.executions() - before, 2);
    say("two at a time, two executions");
}

fn resumed(server: &Server, client: &Comfyui) {
    let before = server.executions();
    let leave = || {
        let (made, notes) = meanwhile(client, None, |notes| {
            runs(notes);
            notes.stopping.store(true, SeqCst);
        });
        assert_made(&made, &Err(StylistError::Stopping));
        notes.last_remote_order()
    };
    let running = leave();
    let (made, notes) = meanwhile(client, running, |_| {});
    is_inverted(&made.expect("followed"));
    assert!(notes.has_told(|told| matches!(told, Progress::Running { step: 4.., .. })));
    let finished = leave().expect("kept");
    eventually("the order ends", || server.ended_well(&name_of(&finished)));
    let (made, _) = meanwhile(client, Some(finished.clone()), |_| {});
    is_inverted(&made.expect("fetched"));
    assert_eq!(server.executions() - before, 2, "none was made twice");
    say(
        "resumed after a restart: one while running, with its steps, one when it was finished; none made twice",
    );
}

fn faults(client: &Comfyui) {
    let told = |style: &str| {
        let notes = RecordingContext::default();
        let error = client
            .stylise(&styled(style, None), &notes)
            .expect_err(style);
        let sends = notes.last_remote_order().map(|remote| remote.sends);
        say(&format!("{style}: {error} (sent {sends:?})"));
        (error.to_string(), sends)
    };
    let (memory, sends) = told("out-of-memory");
    assert!(memory.contains("memory") && sends == Some(2));
    let (failed, sends) = told("failing");
    assert!(failed.contains("cannot make this style") && sends == Some(1));
}

fn killed_and_restarted(server: &mut Server, client: &Comfyui) {
    let (made, notes) = thread::scope(|scope| {
        let (running, is_running) = std::sync::mpsc::channel();
        let made = scope.spawn(move || {
            meanwhile(client, None, |notes| {
                runs(notes);
                let _ = running.send(());
            })
        });
        is_running.recv().expect("it runs");
        server.kill();
        made.join().expect("no panic")
    });
    let error = made.expect_err("it is gone");
    assert!(matches!(error, StylistError::Unavailable(_)), "{error:?}");
    say(&format!("killed in the middle: {error}"));
    server.restart();
    eventually("the server returns", || client.ready().is_ok());
    let (made, again) = meanwhile(client, notes.last_remote_order(), |_| {});
    is_inverted(&made.expect("made eventually"));
    let remote = again.last_remote_order().expect("a second one");
    assert_eq!(remote.sends, 2);
    assert_eq!(server.history().len(), 1, "made once after the restart");
    client.forget(&remote).expect("forgotten");
    assert!(server.history().is_empty());
    say("restarted with an empty queue: sent once more, and made once");
}
