//! One viewer that records each picture a decoder could have shown, for `make bench-network`.
//!
//! `light_viewers watch 127.0.0.1:8080` ends with its standard input and prints one line of JSON with times
//! in Unix milliseconds: `began`, `pictures` as `[time, height]`, and once a second `samples` as `[time,
//! bytes received, round trip in ms or null]`. `port` is that of its UDP socket.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Interest, Poll, Token};

use crate::BoxedError;
use crate::join::{self, Offer};
use crate::viewer::{Sample, Shown, Viewer};

const MAX_WAIT: Duration = Duration::from_millis(5);
/// A viewer whose picture is frozen by a missing packet requests a keyframe, as browsers do.
const KEYFRAME_AFTER: Duration = Duration::from_millis(500);
const KEYFRAME_REQUEST_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) fn watch(station: SocketAddr) -> Result<(), BoxedError> {
    let enough = Arc::new(AtomicBool::new(false));
    std::thread::spawn({
        let enough = Arc::clone(&enough);
        move || {
            // Any result means the end of the input.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            enough.store(true, Ordering::Relaxed);
        }
    });
    let (start, unix) = (
        Instant::now(),
        SystemTime::now().duration_since(UNIX_EPOCH)?,
    );
    let mut poll = Poll::new()?;
    let mut viewer = Viewer::watching()?;
    let registry = poll.registry();
    registry.register(viewer.socket(), Token(0), Interest::READABLE)?;
    let offer = Offer {
        viewer: 0,
        sdp: viewer.offer(),
    };
    viewer.answered(&join::post(station, &offer).outcome);
    let mut events = Events::with_capacity(8);
    let (mut asked, mut requests) = (start, 0);
    let mut buffer = [0; 2000];
    while !enough.load(Ordering::Relaxed) && viewer.failure.is_none() {
        match poll.poll(&mut events, Some(MAX_WAIT)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error)?,
            _ => {}
        }
        viewer.receive(&mut buffer);
        let now = Instant::now();
        viewer.tick(now);
        let still = now - viewer.shown.last().map_or(start, |shown| shown.at);
        let again = now - asked >= KEYFRAME_REQUEST_INTERVAL;
        if again && still >= KEYFRAME_AFTER && viewer.has_gap() && viewer.request_keyframe_pli() {
            asked = now;
            requests += 1;
        }
    }
    viewer.leave();
    let unix_ms = |at: Instant| (unix + (at - start)).as_millis();
    let began = unix.as_millis();
    writeln!(io::stdout(), "{}", json(&viewer, began, requests, unix_ms))?;
    Ok(())
}

fn json(viewer: &Viewer, began: u128, requests: u32, unix_ms: impl Fn(Instant) -> u128) -> String {
    let picture = |Shown { at, height_px }: &Shown| format!("[{},{height_px}]", unix_ms(*at));
    let sample = |sample: &Sample| {
        let rtt = sample.round_trip.map(|rtt| rtt.as_secs_f64() * 1e3);
        let rtt = rtt.map_or_else(|| "null".to_owned(), |ms| format!("{ms:.1}"));
        format!("[{},{},{rtt}]", unix_ms(sample.at), sample.bytes)
    };
    let pictures: Vec<String> = viewer.shown.iter().map(picture).collect();
    let samples: Vec<String> = viewer.samples.iter().map(sample).collect();
    let failure = viewer.failure.as_deref();
    format!(
        "{{\"began\":{began},\"port\":{},\"keyframe_requests\":{requests},\"failure\":{},\"pictures\":[{}],\"samples\":[{}]}}",
        viewer.port(),
        // Debug formatting quotes these plain messages as JSON does.
        failure.map_or_else(|| "null".to_owned(), |text| format!("{text:?}")),
        pictures.join(","),
        samples.join(",")
    )
}
