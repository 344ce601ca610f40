//! The client of ComfyUI against a stand-in that misbehaves on command, and against a real one.

mod bad_server;
mod cancel;
mod desk;
mod erasing;
mod good_server;
mod http;
mod old_server;
mod real;
mod resume;
mod secure;
mod sockets;
mod stand_in;
mod work;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use stylise::comfyui::{Comfyui, ComfyuiSettings, Pace};
use stylise::workflow::Workflow;
use stylise::{JobId, Order, Progress, Stylist, Ticket, Trouble};

use self::desk::Notes;
use self::stand_in::StandIn;

/// One style of a workflow with four nodes, `Inverted`.
fn workflow() -> Workflow {
    let toml = include_str!("../comfyui/carrier-test.toml");
    let json = include_str!("../comfyui/carrier-test.json");
    Workflow::parse("carrier-test", toml, json).expect("the fixture is valid")
}

/// In a hurry, as the stand-in is.
fn pace() -> Pace {
    let ms = Duration::from_millis;
    Pace {
        connect: ms(500),
        call: ms(800),
        upload: ms(1000),
        download: ms(1000),
        look: ms(100),
        hurry: ms(30),
        ping: ms(300),
        silence: ms(900),
        reconnect: ms(200),
        away: ms(700),
        on_its_way: ms(400),
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
        pace: pace(),
        ..ComfyuiSettings::default()
    }
}

/// A client that has seen the server.
fn client(server: &StandIn) -> Arc<Comfyui> {
    let client = Comfyui::connect(&settings(&server.url()), vec![workflow()]).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    client
}

fn order(ticket: Option<Ticket>) -> Order {
    styled("inverted", ticket)
}

fn styled(style: &str, ticket: Option<Ticket>) -> Order {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([x as u8, y as u8, 40]));
    picture
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .expect("a JPEG");
    Order {
        job: JobId::random(),
        style: style.to_owned(),
        source: jpeg.into_inner(),
        ticket,
    }
}

/// Makes an order on a thread of its own, and acts as soon as its first step is done. Gives what the
/// client said and what it told on the way.
fn while_at_work(client: &Comfyui, act: impl FnOnce(&Notes)) -> (Result<Vec<u8>, Trouble>, Notes) {
    let notes = Notes::default();
    let made = thread::scope(|scope| {
        let made = scope.spawn(|| client.stylise(&order(None), &notes));
        eventually("work", || {
            notes.has_told(|told| matches!(told, Progress::Running { step: 1, .. }))
        });
        act(&notes);
        made.join().expect("no panic")
    });
    (made, notes)
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn after_a_panic_of_its_thread_the_server_is_asked_again() {
    let server = StandIn::start();
    let settings = settings(&server.url());
    let threads = settings.threads.clone();
    threads.inject("comfyui-survey", capture::InjectedFault::Panic);
    let client = Comfyui::connect(&settings, vec![workflow()]).expect("valid");
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
