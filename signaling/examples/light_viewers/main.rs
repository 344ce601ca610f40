//! Many viewers in one process that receive and decrypt but do not decode, for `make bench`.
//!
//! `light_viewers 127.0.0.1:8080 VIEWERS SECONDS [JOIN_MS [whole]]`: joins are spread over `JOIN_MS` (1000),
//! and every viewer stays until `SECONDS` after the last join. Prints one line of JSON. Another WebRTC
//! implementation than the station's is used, so that a mistake in one is noticed.
//! `whole`: viewers receive with UDP_GRO, so that the kernel does less work for them on the station's account.
//! `light_viewers watch ADDRESS:PORT`: one viewer that records each picture.

mod join;
mod keyframe;
mod pictures;
mod tally;
mod viewer;
mod watch;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};

use join::{JoinResult, Offer};
use viewer::Viewer;

/// Token of the join threads' waker; lower tokens are viewers.
const JOINED: Token = Token(usize::MAX);
/// Maximum size of one receive call.
const RUN_BYTES: usize = 64 << 10;
/// Longest wait. Viewers' timers are not sorted, so that one may be late by this much.
const MAX_WAIT: Duration = Duration::from_millis(10);

type BoxedError = Box<dyn std::error::Error>;

fn main() -> Result<(), BoxedError> {
    let mut args = std::env::args().skip(1).peekable();
    let watches = args.next_if(|word| word == "watch").is_some();
    let usage =
        "light_viewers ADDRESS:PORT VIEWERS SECONDS [JOIN_MS [whole]], or watch ADDRESS:PORT";
    let mut next = || args.next().ok_or(usage);
    let station: SocketAddr = next()?.parse()?;
    if watches {
        return watch::watch(station);
    }
    let viewers: usize = next()?.parse()?;
    let stay = Duration::from_secs_f64(next()?.parse()?);
    let join_ms: u64 = next().map_or(Ok(1000), |text| text.parse())?;
    let whole = next().is_ok_and(|word| word == "whole");
    let mut crowd = Crowd::new(station, viewers, Duration::from_millis(join_ms))?;
    if whole {
        let mut viewers = crowd.viewers.iter_mut();
        viewers.try_for_each(Viewer::enable_gro)?;
    }
    crowd.run(stay)?;
    writeln!(io::stdout(), "{}", tally::json(&crowd.viewers))?;
    Ok(())
}

struct Crowd {
    station: SocketAddr,
    poll: Poll,
    waker: Arc<Waker>,
    answers: mpsc::Receiver<JoinResult>,
    answered: mpsc::Sender<JoinResult>,
    viewers: Vec<Viewer>,
    /// Time between two joins.
    pace: Duration,
}

impl Crowd {
    fn new(station: SocketAddr, count: usize, spread: Duration) -> Result<Self, BoxedError> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), JOINED)?);
        // overflow: awaited. One answer per viewer, read by the loop.
        let (answered, answers) = mpsc::channel();
        let mut viewers = Vec::with_capacity(count);
        for index in 0..count {
            let mut viewer = Viewer::new()?;
            let registry = poll.registry();
            registry.register(viewer.socket(), Token(index), Interest::READABLE)?;
            viewers.push(viewer);
        }
        let pace = spread / u32::try_from(count.max(1))?;
        Ok(Self {
            station,
            poll,
            waker,
            answers,
            answered,
            viewers,
            pace,
        })
    }

    fn run(&mut self, stay: Duration) -> Result<(), BoxedError> {
        let start = Instant::now();
        let count = u32::try_from(self.viewers.len())?;
        let end = start + self.pace * count + stay;
        let (mut asked, mut due) = (0, start);
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; RUN_BYTES];
        while Instant::now() < end {
            let wait = due.saturating_duration_since(Instant::now()).min(MAX_WAIT);
            let wait = if asked < self.viewers.len() {
                wait
            } else {
                MAX_WAIT
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error)?,
                _ => {}
            }
            if asked < self.viewers.len() && Instant::now() >= due {
                self.ask(asked);
                asked += 1;
                due += self.pace;
            }
            for answer in self.answers.try_iter() {
                self.viewers[answer.viewer].answered(&answer.outcome);
            }
            for event in &events {
                if let Some(viewer) = self.viewers.get_mut(event.token().0) {
                    viewer.receive(&mut buffer);
                }
            }
            let now = Instant::now();
            self.viewers.iter_mut().for_each(|viewer| viewer.tick(now));
        }
        self.viewers.iter_mut().for_each(Viewer::leave);
        Ok(())
    }

    fn ask(&mut self, index: usize) {
        let offer = Offer {
            viewer: index,
            sdp: self.viewers[index].offer(),
        };
        let (answered, waker) = (self.answered.clone(), Arc::clone(&self.waker));
        let station = self.station;
        // One thread each, so that a slow answer does not delay the others.
        std::thread::spawn(move || {
            // The loop may have ended.
            let _ = answered.send(join::post(station, &offer));
            let _ = waker.wake();
        });
    }
}
