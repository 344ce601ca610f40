//! HTTP requests as real players send them, and malformed ones.

use signaling::whep::BODY_BYTES_MAX;

use crate::client::{Client, run};
use crate::remote_end::trickled;
use crate::studio::{Studio, block_on, id_of};

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// Adds what MediaMTX's reader offers: audio to receive, and a data channel.
fn mediamtx_offer(offer: &str) -> String {
    let transport: String = offer
        .lines()
        .filter(|line| {
            ["a=ice-", "a=fingerprint", "a=setup"]
                .iter()
                .any(|name| line.starts_with(name))
        })
        .map(|line| format!("{line}\r\n"))
        .collect();
    let group = offer
        .lines()
        .find(|line| line.starts_with("a=group:BUNDLE"))
        .expect("a bundle");
    let audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:snd\r\na=recvonly\r\n\
                 a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";
    let data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
                a=mid:dat\r\na=sctp-port:5000\r\n";
    format!(
        "{}{audio}{transport}{data}{transport}",
        offer.replace(group, &format!("{group} snd dat"))
    )
}

#[test]
fn the_requests_of_mediamtx_reader_are_served() {
    let studio = Studio::open();
    let options = studio.whep.options();
    assert_eq!(options.status, 204);
    assert_eq!(options.header("Accept-Post"), Some("application/sdp"));
    let client = Client::new();
    let reply = studio.post(&mediamtx_offer(&client.offer));
    assert_eq!(reply.status, 201, "{}", reply.body);
    let id = id_of(reply.header("Location").expect("a session")).to_owned();
    let sections: Vec<&str> = reply
        .body
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    assert_eq!(sections.len(), 3);
    assert!(sections[0].starts_with("m=video 9 ") && sections[1].starts_with("m=audio 9 "));
    assert!(sections[2].starts_with("m=application 0 "));
    let fragment = trickled(&client.offer);
    let patch = |tag: Option<&str>, body: &str| studio.patch(&id, tag, Some(FRAGMENT), body).status;
    let etag = reply.header("ETag").expect("a tag");
    for tag in [
        Some("*"),
        Some("\"*\""),
        None,
        Some(etag),
        Some(etag.trim_matches('"')),
    ] {
        assert_eq!(patch(tag, &fragment), 204, "{tag:?}");
    }
    assert_eq!(patch(Some("\"other\""), &fragment), 412);
    assert_eq!(
        patch(Some("*"), "a=ice-ufrag:another\r\na=ice-pwd:x\r\n"),
        400,
        "half a restart"
    );
    assert_eq!(patch(None, "hello"), 400);
    let typed = studio.patch(&id, None, Some("application/sdp"), "v=0");
    assert_eq!(typed.status, 415);
    assert_eq!(block_on(studio.whep.delete(&id)).status, 200);
    assert_eq!(patch(Some("*"), &fragment), 404);
    assert_eq!(
        (studio.whep.head().status, studio.whep.get().status),
        (200, 204)
    );
}

#[test]
fn an_offer_with_audio_and_data_still_plays() {
    let studio = Studio::open();
    let mut clients = [Client::new()];
    let extended = mediamtx_offer(&clients[0].offer);
    let reply = studio.post(&extended);
    assert_eq!(reply.status, 201, "{}", reply.body);
    // str0m has offered only the video, and gets that part of the answer.
    let video = reply
        .body
        .split("m=audio")
        .next()
        .expect("the first section");
    let answer = video.replace(" snd", "");
    clients[0].accept(&answer);
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
}

#[test]
fn session_ids_are_unguessable_and_distinct() {
    let studio = Studio::open();
    let ids: Vec<String> = (0..4)
        .map(|_| {
            let reply = studio.post(&Client::new().offer);
            id_of(reply.header("Location").expect("a session")).to_owned()
        })
        .collect();
    for (index, id) in ids.iter().enumerate() {
        assert_eq!(id.len(), 32, "128 bits");
        assert!(!ids[..index].contains(id));
    }
}

#[test]
fn bad_offers_get_problems_and_create_no_session() {
    let studio = Studio::open();
    let good = Client::new().offer;
    let post = |content_type: Option<&str>, body: &[u8]| {
        block_on(studio.whep.post(signaling::whep::WhepPost {
            rendition: None,
            content_type,
            host: Some("192.0.2.1"),
            body,
        }))
    };
    let sdp = Some("application/sdp");
    let cases: [(u16, Option<&str>, Vec<u8>); 8] = [
        (415, Some("application/json"), good.clone().into_bytes()),
        (400, sdp, b"hello".to_vec()),
        (400, sdp, Vec::new()),
        (400, sdp, vec![0xff; 100]),
        (
            400,
            sdp,
            b"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=nothing\r\nrubbish".to_vec(),
        ),
        (413, sdp, vec![b'a'; BODY_BYTES_MAX + 1]),
        (422, sdp, good.replace("H264", "VP8").into_bytes()),
        (422, sdp, good.replace("m=video", "m=audio").into_bytes()),
    ];
    for (status, content_type, body) in cases {
        let reply = post(content_type, &body);
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_eq!(
            reply.header("Content-Type"),
            Some("application/problem+json")
        );
        assert!(reply.body.contains("\"detail\":\"") && reply.body.contains("\"error\":\""));
    }
    assert_eq!(studio.metrics.viewers.get(), 0);
    assert_eq!(studio.metrics.joins.get(), 0);
}

#[test]
fn requests_after_the_engine_has_ended_get_503() {
    let studio = Studio::open();
    studio.engine.stop();
    assert_eq!(studio.post(&Client::new().offer).status, 503);
    assert_eq!(block_on(studio.whep.delete("x")).status, 503);
}
