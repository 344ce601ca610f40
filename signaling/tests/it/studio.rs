//! An engine with a fake encoder: frames contain their number and time, and keyframes follow requests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use signaling::whep::{Reply, SessionPatch, Whep, WhepPost};
use signaling::{Demand, EncodedFrame, Engine, EngineConfig, EngineHandle, EngineMetrics};
use signaling::{FrameSink, Rendition, RenditionId};

use crate::timing::HANG_TIMEOUT;

/// 30 frames a second.
const FRAME_TIME: Duration = Duration::from_micros(33_333);
const PACKETS: usize = 5;
const KEYFRAME_PACKETS: usize = 40;

/// Origin of the time in frames.
pub(crate) fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

pub(crate) struct Studio {
    pub(crate) engine: EngineHandle,
    pub(crate) whep: Whep,
    pub(crate) demand: Arc<Demand>,
    pub(crate) metrics: Arc<EngineMetrics>,
    ended: Arc<AtomicBool>,
    keyframes: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Studio {
    pub(crate) fn open() -> Self {
        Self::with(EngineConfig::default())
    }

    pub(crate) fn with(config: EngineConfig) -> Self {
        let (demand, metrics) = (Demand::new(), Arc::new(EngineMetrics::default()));
        let config = EngineConfig {
            media_port: 0,
            threads: threads().unwrap_or(config.threads),
            // The fake encoder makes no other rendition.
            renditions: vec![Rendition::MAIN],
            ..config
        };
        let (engine, sink) = Engine::start(config, Arc::clone(&demand), Arc::clone(&metrics))
            .expect("a free port is free");
        let ended = Arc::new(AtomicBool::new(false));
        let keyframes = Arc::new(AtomicU64::new(0));
        let thread = std::thread::spawn({
            let (ended, keyframes) = (Arc::clone(&ended), Arc::clone(&keyframes));
            let (demand, metrics) = (Arc::clone(&demand), Arc::clone(&metrics));
            move || encode(&sink, &demand, &metrics, &ended, &keyframes)
        });
        Self {
            whep: Whep::new(engine.clone()),
            engine,
            demand,
            metrics,
            ended,
            keyframes,
            thread: Some(thread),
        }
    }

    /// Keyframes made so far.
    pub(crate) fn keyframes(&self) -> u64 {
        self.keyframes.load(Ordering::Relaxed)
    }

    pub(crate) fn post(&self, offer: &str) -> Reply {
        block_on(self.whep.post(WhepPost {
            rendition: None,
            content_type: Some("application/sdp"),
            host: Some("localhost:8080"),
            body: offer.as_bytes(),
        }))
    }

    pub(crate) fn patch(
        &self,
        id: &str,
        if_match: Option<&str>,
        content_type: Option<&str>,
        body: &str,
    ) -> Reply {
        let patch = SessionPatch {
            if_match,
            content_type,
            host: Some("localhost:8080"),
            body: body.as_bytes(),
        };
        block_on(self.whep.patch(id, patch))
    }

    pub(crate) fn delete(&self, location: &str) -> Reply {
        block_on(self.whep.delete(id_of(location)))
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the studio's thread did not panic");
        }
        self.engine.stop();
    }
}

/// Engine threads for every test, to run all of them with several: `CARRIER_TEST_ENGINE_THREADS`.
pub(crate) fn threads() -> Option<usize> {
    let text = std::env::var("CARRIER_TEST_ENGINE_THREADS").ok()?;
    Some(text.parse().expect("a number"))
}

/// The session id in a `Location`.
pub(crate) fn id_of(location: &str) -> &str {
    location.strip_prefix("whep/").expect("below the endpoint")
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Waits for another thread, for 10 s at most.
pub(crate) fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + HANG_TIMEOUT;
    while !happened() {
        assert!(Instant::now() < until, "it hangs: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn encode(
    sink: &FrameSink,
    demand: &Demand,
    metrics: &EngineMetrics,
    ended: &AtomicBool,
    keyframes: &AtomicU64,
) {
    let (mut seq, mut answered, mut needs_keyframe) = (0, 0, true);
    let mut next = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        next += FRAME_TIME;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        if demand.viewers(RenditionId::MAIN) == 0 {
            continue;
        }
        let asked = metrics.keyframe_requests.get();
        let keyframe = asked > answered || needs_keyframe;
        answered = asked;
        keyframes.fetch_add(u64::from(keyframe), Ordering::Relaxed);
        // As the compose thread does it.
        let epoch = demand.picture_epoch();
        let present = epoch.now();
        epoch.publish_in(present, || {
            needs_keyframe = sink.send(frame(seq, keyframe)).needs_keyframe;
        });
        seq += 1;
    }
}

fn frame(seq: u64, keyframe: bool) -> EncodedFrame {
    let packets = if keyframe { KEYFRAME_PACKETS } else { PACKETS };
    let made = u64::try_from(epoch().elapsed().as_micros()).expect("a short test");
    let payloads: Vec<Bytes> = (0..packets)
        .map(|index| {
            let mut payload = vec![u8::from(keyframe)];
            payload.extend_from_slice(&seq.to_be_bytes());
            payload.extend_from_slice(&made.to_be_bytes());
            payload.resize(if index + 1 == packets { 300 } else { 1150 }, 0x5a);
            Bytes::from(payload)
        })
        .collect();
    EncodedFrame {
        rendition: RenditionId::MAIN,
        keyframe,
        frame_seq: seq,
        captured_at: Instant::now(),
        rtp_ticks: u32::try_from(seq * 3000).expect("a short test"),
        bytes: payloads.iter().map(Bytes::len).sum(),
        payloads,
        trace: None,
    }
}
