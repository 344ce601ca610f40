//! Tests the ComfyUI client against a fake server that misbehaves on command, and against a real one.

mod bad_server;
mod cancel;
mod chosen_inputs;
mod context;
mod erasing;
mod fake_server;
mod good_server;
mod http;
mod nodes;
mod old_server;
mod real;
mod resume;
mod secure;
mod sockets;
mod work;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use stylise::comfyui::{Comfyui, ComfyuiSettings, Timeouts};
use stylise::workflow::Workflow;
use stylise::{JobId, Order, PhotoKind, Progress, RemoteOrder, Stylist, StylistError};

use self::context::RecordingContext;
use self::fake_server::FakeServer;
use crate::checks::HANG_TIMEOUT;

/// A workflow of four nodes with the style `inverted`.
fn workflow() -> Workflow {
    let toml = include_str!("../comfyui/carrier-test.toml");
    let json = include_str!("../comfyui/carrier-test.json");
    Workflow::parse("carrier-test", toml, json).expect("the fixture is valid")
}

/// Short, like the delays of the fake server.
fn timeouts() -> Timeouts {
    let ms = Duration::from_millis;
    Timeouts {
        // Longer than a busy machine delays an answer of the fake server.
        connect: ms(3000),
        call: ms(3000),
        upload: ms(3000),
        download: ms(3000),
        poll: ms(100),
        poll_finished: ms(30),
        ping: ms(300),
        silence: ms(3000),
        reconnect: ms(200),
        unavailable: ms(2000),
        unconfirmed: ms(400),
        queue_max: ms(20_000),
        step_max: ms(2500),
        loading_max: ms(2500),
        survey_ready: ms(300),
        survey_away: ms(100),
    }
}

fn settings(url: &str) -> ComfyuiSettings {
    ComfyuiSettings {
        url: url.to_owned(),
        timeouts: timeouts(),
        ..ComfyuiSettings::default()
    }
}

/// A client whose first survey has succeeded.
fn client(server: &FakeServer) -> Arc<Comfyui> {
    let client = Comfyui::connect(&settings(&server.url()), vec![workflow()], None).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    client
}

fn order(remote: Option<RemoteOrder>) -> Order {
    styled("inverted", remote)
}

fn styled(style: &str, remote: Option<RemoteOrder>) -> Order {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([x as u8, y as u8, 40]));
    picture
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .expect("a JPEG");
    Order {
        job: JobId::random(),
        style: style.to_owned(),
        photo_kind: PhotoKind::Single,
        source: jpeg.into_inner(),
        remote,
    }
}

/// Makes an order on a thread and calls `act` after its first step. Returns the result and what was
/// reported.
fn while_at_work(
    client: &Comfyui,
    act: impl FnOnce(&RecordingContext),
) -> (Result<Vec<u8>, StylistError>, RecordingContext) {
    let notes = RecordingContext::default();
    let made = thread::scope(|scope| {
        let made = scope.spawn(|| client.stylise(&order(None), &notes));
        eventually("the first step", || {
            notes.has_told(|told| matches!(told, Progress::Running { step: 1, .. }))
        });
        act(&notes);
        made.join().expect("no panic")
    });
    (made, notes)
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + HANG_TIMEOUT;
    while !holds() {
        assert!(Instant::now() < until, "timed out waiting for: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_survey_thread_restarts_after_a_panic() {
    let server = FakeServer::start();
    let settings = settings(&server.url());
    let threads = settings.threads.clone();
    threads.inject("comfyui-survey", capture::InjectedFault::Panic);
    let client = Comfyui::connect(&settings, vec![workflow()], None).expect("valid");
    eventually("a restart", || threads.restarts("comfyui-survey") == 1);
    eventually("the survey", || client.ready().is_ok());
    threads.inject("comfyui-survey", capture::InjectedFault::Hang);
    eventually("the hang is told", || {
        threads.skip_time(Duration::from_secs(3600));
        let faults = threads.faults(Instant::now());
        faults
            .iter()
            .any(|fault| fault.to_string() == "comfyui-survey hangs")
    });
    threads.inject("comfyui-survey", capture::InjectedFault::None);
}
