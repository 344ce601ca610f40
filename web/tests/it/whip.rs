//! The right to publish, and refusals.

use crate::station::{Station, agent, get};

const VIEWER_OFFER: &str = include_str!("../../../signaling/tests/fixtures/chromium.sdp");

fn post(station: &Station, token: Option<&str>, kind: &str, body: &str) -> (u16, String) {
    let mut request = agent()
        .post(station.at("/whip"))
        .header("Content-Type", kind);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut response = request.send(body).expect("an answer");
    let text = response.body_mut().read_to_string().unwrap_or_default();
    (response.status().as_u16(), text)
}

#[test]
fn publishing_needs_a_token_and_says_so() {
    let token = "whip_token = \"only-for-the-phone\"\n";
    let station = Station::configured(token, &["--model", "none"]);
    let offer = VIEWER_OFFER.replace("a=recvonly", "a=sendonly");
    let sdp = "application/sdp";
    for wrong in [None, Some("wrong"), Some("")] {
        let (status, text) = post(&station, wrong, sdp, &offer);
        assert_eq!(status, 401, "{wrong:?}: {text}");
        assert!(text.contains("admin token"), "{text}");
    }
    let admin = station.admin_token.clone();
    let (status, text) = post(&station, Some(&admin), sdp, VIEWER_OFFER);
    assert_eq!(status, 422, "{text}");
    let (status, _) = post(&station, Some(&admin), "text/plain", &offer);
    assert_eq!(status, 415);
    let (status, text) = post(&station, Some("only-for-the-phone"), sdp, &offer);
    assert_eq!(status, 201, "{text}");
    assert!(text.contains("a=recvonly"), "{text}");
    let (status, text) = post(&station, Some("only-for-the-phone"), sdp, &offer);
    assert_eq!(status, 409, "{text}");
    let (_, metrics) = get(&station.at("/metrics"));
    assert!(metrics.contains("carrier_whip_publishers 1"), "{metrics}");
    assert_eq!(station.status()["source"]["description"], "test scene");
}

#[test]
fn the_camera_page_is_served_with_its_parts() {
    let station = Station::start(&["--model", "none"]);
    let (status, page) = get(&station.at("/camera"));
    assert_eq!(status, 200);
    for path in page.split('"').filter(|text| text.starts_with("/camera/")) {
        assert_eq!(get(&station.at(path)).0, 200, "{path}");
    }
    assert_eq!(get(&station.at("/camera/../index.html")).0, 404);
}
