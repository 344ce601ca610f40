//! Targets for untrusted text: offers, fragments, HTTP requests.

use std::pin::pin;
use std::str;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use super::input::byte;
use crate::sdp::{
    AnswerParams, Fragment, Offer, REMOTE_CANDIDATES_MAX, RestartAnswer, answer, parse_published,
    publish_answer,
};
use crate::session::whep::{Reply, SessionPatch, Whep, WhepPost};
use crate::{Demand, Engine, EngineConfig, EngineMetrics, FrameSink};

const PARAMS: AnswerParams<'_> = AnswerParams {
    session_number: 1,
    ufrag: "ours",
    pwd: "ourpasswordourpassword",
    fingerprint: "AA:BB",
    candidates: &[],
    ssrc: 1,
    rtx_ssrc: 2,
    cname: "carrier",
};

/// Parses and answers a viewer's offer.
pub(super) fn offer(data: &[u8]) {
    let Ok(offer) = str::from_utf8(data).map(Offer::parse) else {
        return;
    };
    match offer {
        Ok(offer) => {
            assert!(offer.candidates.len() <= REMOTE_CANDIDATES_MAX);
            assert_lines(&answer(&offer, &PARAMS));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Parses and answers a publisher's offer.
pub(super) fn publish(data: &[u8]) {
    let Ok(offer) = str::from_utf8(data).map(parse_published) else {
        return;
    };
    match offer {
        Ok(offer) => assert_lines(&publish_answer(&offer, &PARAMS)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Asserts that every line is `x=value`: the offer cannot inject lines.
fn assert_lines(sdp: &str) {
    for line in sdp.split_terminator("\r\n") {
        let bytes = line.as_bytes();
        let plain = bytes.first().is_some_and(u8::is_ascii_lowercase)
            && bytes.get(1) == Some(&b'=')
            && !line.contains(['\r', '\n']);
        assert!(plain, "{line:?}");
    }
}

/// Parses the body of a PATCH.
pub(super) fn fragment(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data)
        && let Some(fragment) = Fragment::parse(text)
    {
        assert!(fragment.candidates.len() <= REMOTE_CANDIDATES_MAX);
        if let Some(credentials) = &fragment.credentials {
            let restart = RestartAnswer {
                mid: fragment.mid.as_deref(),
                credentials,
                candidates: &[],
            };
            assert_lines(&restart.text());
        }
    }
}

/// A request to a running engine: one byte of flags, then the body.
pub(super) fn whep(mut data: &[u8]) {
    let (whep, _) = endpoint();
    let choices = byte(&mut data);
    let types = [
        Some("application/sdp"),
        Some("application/trickle-ice-sdpfrag"),
        None,
        str::from_utf8(data).ok(),
    ];
    let content_type = types[usize::from(choices & 3)];
    let text = str::from_utf8(data).ok();
    let text = text.filter(|_| choices & 4 != 0);
    if choices & 8 != 0 {
        let id = text.unwrap_or("nobody");
        assert_status(&block_on(whep.patch(id, patch(text, content_type, data))));
        assert_status(&block_on(whep.delete(id)));
        return;
    }
    let reply = block_on(whep.post(WhepPost {
        content_type,
        host: text,
        rendition: text,
        body: data,
    }));
    assert_status(&reply);
    if let Some(id) = reply
        .header("Location")
        .and_then(|at| at.strip_prefix("whep/"))
    {
        assert_lines(&reply.body);
        let tag = reply.header("ETag");
        let more = block_on(whep.patch(
            id,
            patch(tag, Some("application/trickle-ice-sdpfrag"), data),
        ));
        assert_status(&more);
        assert_eq!(block_on(whep.delete(id)).status, 200, "the session exists");
    }
}

fn patch<'a>(
    if_match: Option<&'a str>,
    content_type: Option<&'a str>,
    body: &'a [u8],
) -> SessionPatch<'a> {
    SessionPatch {
        if_match,
        content_type,
        host: None,
        body,
    }
}

/// 5xx would mean that the input has broken something.
fn assert_status(reply: &Reply) {
    assert!((200..500).contains(&reply.status), "{reply:?}");
}

/// One engine for all inputs; its thread ends with the process.
fn endpoint() -> &'static (Whep, FrameSink) {
    static ENDPOINT: OnceLock<(Whep, FrameSink)> = OnceLock::new();
    ENDPOINT.get_or_init(|| {
        let config = EngineConfig {
            media_port: 0,
            ..EngineConfig::default()
        };
        let metrics = Arc::new(EngineMetrics::default());
        let started = Engine::start(config, Demand::new(), metrics);
        let (engine, sink) = started.expect("a free port is free");
        (Whep::new(engine), sink)
    })
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
