use std::net::SocketAddr;

use super::offer::Setup;
use super::text::SdpError;
use super::*;

const CHROMIUM: &str = include_str!("../../tests/fixtures/chromium.sdp");
const FIREFOX: &str = include_str!("../../tests/fixtures/firefox.sdp");
const SAFARI: &str = include_str!("../../tests/fixtures/safari.sdp");
const MEDIAMTX: &str = include_str!("../../tests/fixtures/mediamtx.sdp");

fn params(candidates: &[String]) -> AnswerParams<'_> {
    AnswerParams {
        session_number: 42,
        ufrag: "abcdef0123456789",
        pwd: "0123456789abcdef0123456789abcdef",
        fingerprint: "AA:BB",
        candidates,
        ssrc: 1111,
        rtx_ssrc: 2222,
        cname: "carrier",
    }
}

fn answered(offer: &str) -> String {
    let candidates = ["candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host".to_owned()];
    answer(&Offer::parse(offer).expect("usable"), &params(&candidates))
}

fn sections(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("m=")).collect()
}

#[test]
fn chromium_gets_constrained_baseline_with_all_its_features() {
    let offer = Offer::parse(CHROMIUM).expect("usable");
    assert_eq!(offer.video.payload_type, 108);
    assert_eq!(offer.video.rtx_payload_type, Some(109));
    assert_eq!(offer.video.profile_level_id, "42e01f");
    assert_eq!(offer.video.playout_delay_id, Some(6));
    assert_eq!(
        offer.video.feedback,
        ["nack", "nack pli", "ccm fir", "transport-cc"]
    );
    assert!(offer.video.requests_keyframes());
    assert_eq!(offer.setup, Setup::ActPass);
    assert!(offer.candidates.is_empty(), "mDNS names are skipped");
    let text = answered(CHROMIUM);
    assert_eq!(sections(&text), ["m=video 9 UDP/TLS/RTP/SAVPF 108 109"]);
    for line in [
        "a=group:BUNDLE 0",
        "a=mid:0",
        "a=sendonly",
        "a=setup:active",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:108 H264/90000",
        "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=fmtp:109 apt=108",
        "a=rtcp-fb:108 nack pli",
        "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        "a=ssrc-group:FID 1111 2222",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host",
        "a=end-of-candidates",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} in\n{text}");
    }
    assert!(text.lines().all(|line| line.len() < 200) && text.ends_with("\r\n"));
}

#[test]
fn a_viewer_that_negotiates_neither_pli_nor_fir_does_not_request_keyframes() {
    let without = |kind: &str, text: &str| text.replace(kind, "x-unknown");
    let only_fir = without("nack pli", CHROMIUM);
    let neither = without("ccm fir", &only_fir);
    let requests = |text: &str| {
        Offer::parse(text)
            .expect("usable")
            .video
            .requests_keyframes()
    };
    assert!(requests(&only_fir));
    assert!(!requests(&neither));
}

#[test]
fn firefox_gets_its_own_payload_type_and_no_playout_delay() {
    let offer = Offer::parse(FIREFOX).expect("usable");
    assert_eq!(offer.video.payload_type, 126);
    assert_eq!(offer.video.rtx_payload_type, Some(127));
    assert_eq!(offer.video.profile_level_id, "42e01f");
    assert_eq!(offer.video.playout_delay_id, None);
    let addresses: Vec<SocketAddr> = offer.candidates.iter().map(|c| c.addr).collect();
    assert_eq!(
        addresses,
        ["192.0.2.44:51002"
            .parse::<SocketAddr>()
            .expect("an address")]
    );
    assert_eq!(
        sections(&answered(FIREFOX)),
        ["m=video 9 UDP/TLS/RTP/SAVPF 126 127"]
    );
}

#[test]
fn safari_gets_constrained_baseline_among_high_profiles() {
    let offer = Offer::parse(SAFARI).expect("usable");
    assert_eq!(offer.video.payload_type, 98);
    assert_eq!(offer.video.rtx_payload_type, Some(99));
    let text = answered(SAFARI);
    let expected = [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 98 99",
    ];
    assert_eq!(sections(&text), expected);
    assert!(text.contains("a=group:BUNDLE 0 1\r\n"));
    assert!(text.contains("a=mid:0\r\na=inactive\r\na=rtpmap:111 opus/48000/2\r\n"));
    let candidates = text.matches("a=candidate").count();
    assert_eq!(candidates, 1, "in the bundle's first section only");
}

#[test]
fn a_data_channel_is_rejected_and_leaves_the_bundle() {
    let text = answered(MEDIAMTX);
    let expected = [
        "m=video 9 UDP/TLS/RTP/SAVPF 108 109",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ];
    assert_eq!(sections(&text), expected);
    assert!(text.contains("a=group:BUNDLE 0 1\r\n"), "{text}");
}

#[test]
fn a_fixed_dtls_role_gets_the_other_role() {
    let active = CHROMIUM.replace("setup:actpass", "setup:active");
    assert!(answered(&active).contains("a=setup:passive\r\n"));
}

#[test]
fn other_profiles_and_modes_are_ranked() {
    let only = |fmtp: &str| {
        let text = FIREFOX.replace("profile-level-id=42e01f;level-asymmetry-allowed=1", fmtp);
        Offer::parse(&text).map(|offer| offer.video.payload_type)
    };
    assert_eq!(
        only("packetization-mode=1;profile-level-id=640c1f"),
        Ok(126)
    );
    assert_eq!(only("packetization-mode=1"), Ok(126));
    assert!(
        only("profile-level-id=f4001f;x=1").is_err(),
        "an unsupported profile"
    );
}

#[test]
fn an_unusable_offer_is_rejected_with_a_reason() {
    let error = |offer: String| Offer::parse(&offer).expect_err("unusable");
    let vp8 = CHROMIUM.replace("H264/90000", "VP8/90000");
    let message = error(vp8).to_string();
    assert!(message.contains("it has VP8, rtx"), "{message}");
    assert_eq!(
        error(CHROMIUM.replace("packetization-mode=1", "packetization-mode=0")),
        SdpError::NoH264("VP8, rtx, H264, AV1, red".to_owned())
    );
    assert_eq!(
        error(CHROMIUM.replace("a=recvonly", "a=sendonly")),
        SdpError::NotReceiving
    );
    assert_eq!(
        error(CHROMIUM.replace("m=video", "m=audio")),
        SdpError::NoVideo
    );
    assert_eq!(
        error(CHROMIUM.replace("a=rtcp-mux\n", "")),
        SdpError::NoRtcpMux
    );
    assert_eq!(
        error(CHROMIUM.replace("sha-256", "sha-1")),
        SdpError::Fingerprint("sha-1".to_owned())
    );
    for (cut, name) in [("a=ice-ufrag", "ice-ufrag"), ("a=ice-pwd", "ice-pwd")] {
        let text = CHROMIUM.replace(cut, "a=x-none");
        let error = error(text);
        assert!(
            error.is_malformed() && error.to_string().contains(name),
            "{error}"
        );
    }
}

#[test]
fn malformed_text_is_an_error_and_never_panics() {
    for text in [
        "",
        "hello",
        "v=0",
        "v=0\nnonsense",
        "v=0\nm=video",
        "v=1\n",
        "\u{0}",
        "m=video 9",
    ] {
        let error = Offer::parse(text).expect_err("unusable");
        assert!(
            error.is_malformed() || error == SdpError::NoVideo,
            "{text:?}: {error}"
        );
    }
    let many = format!("v=0\n{}", "m=video 9 UDP/TLS/RTP/SAVPF 96\n".repeat(1000));
    assert!(Offer::parse(&many).expect_err("too many").is_malformed());
    for offer in [CHROMIUM, FIREFOX, SAFARI, MEDIAMTX] {
        let lines: Vec<&str> = offer.lines().collect();
        for skip in 0..lines.len() {
            let mut less = lines.clone();
            less.remove(skip);
            let _ = Offer::parse(&less.join("\r\n")).map(|offer| answer(&offer, &params(&[])));
            let cut: String = offer.chars().take(skip * 40).collect();
            let _ = Offer::parse(&cut).map(|offer| answer(&offer, &params(&[])));
        }
    }
}

#[test]
fn fragments_keep_only_usable_candidates() {
    let text = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\n\
                a=mid:0\r\na=candidate:1 1 UDP 2122 192.0.2.1 61764 typ host\r\n\
                a=candidate:2 1 UDP 2122 x.local 61764 typ host\r\n\
                a=candidate:3 1 tcp 2122 192.0.2.1 9 typ host tcptype active\r\n\
                a=candidate:4 2 UDP 2122 192.0.2.1 61765 typ host\r\n\
                a=candidate:5 1 UDP 2122 fe80::1 61765 typ host\r\n\
                a=candidate:6 1 UDP 99999999999 192.0.2.1 61766 typ host\r\n\
                a=candidate:garbage\r\na=end-of-candidates\r\n";
    let fragment = Fragment::parse(text).expect("a fragment");
    assert_eq!(fragment.ufrag.as_deref(), Some("EsAw"));
    assert_eq!(fragment.candidates.len(), 1);
    assert_eq!(fragment.candidates[0].addr.port(), 61_764);
    assert_eq!(Fragment::parse("hello"), None);
    let flood = "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\n".repeat(500);
    assert!(
        Fragment::parse(&flood)
            .expect("a fragment")
            .candidates
            .len()
            <= REMOTE_CANDIDATES_MAX
    );
}

#[test]
fn a_restart_fragment_is_parsed_and_answered() {
    let asked = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
                 m=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
                 a=candidate:1 1 UDP 2130706431 198.51.100.1 39132 typ host\r\n\
                 a=end-of-candidates\r\n";
    let fragment = Fragment::parse(asked).expect("a fragment");
    let credentials = fragment.credentials.expect("both halves");
    assert_eq!(credentials.ufrag, "EsAw");
    assert_eq!(fragment.mid.as_deref(), Some("0"));
    assert_eq!(fragment.candidates.len(), 1);
    let half = asked.replace("a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "a=ice-pwd:short");
    assert_eq!(
        Fragment::parse(&half).expect("a fragment").credentials,
        None
    );

    let answer = RestartAnswer {
        mid: Some("0"),
        credentials: &credentials,
        candidates: &["candidate:1 1 udp 5 192.0.2.1 8189 typ host".to_owned()],
    };
    let text = answer.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "a=ice-options:trickle",
            "m=video 9 UDP/TLS/RTP/SAVPF 0",
            "a=mid:0",
            "a=ice-ufrag:EsAw",
            "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
            "a=candidate:1 1 udp 5 192.0.2.1 8189 typ host",
            "a=end-of-candidates",
        ]
    );
    let back = Fragment::parse(&text).expect("our own answer");
    assert_eq!(back.credentials, Some(credentials));
}

#[test]
fn a_lone_carriage_return_cannot_inject_lines_into_the_answer() {
    let text = CHROMIUM.replacen("a=mid:0", "a=mid:0\ra=inactive", 1);
    assert_ne!(text, CHROMIUM);
    let error = Offer::parse(&text).expect_err("a control character");
    assert!(error.to_string().contains("control character"), "{error}");
}
