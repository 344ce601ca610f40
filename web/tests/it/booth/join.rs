//! QR codes, read by an independent decoder.

use super::client::get;
use crate::station::Station;

const WIFI: &str = "[wifi]\nssid = \"Fête; tonight\"\npassword = 'to\"be,or:not'\n";

/// The text of a QR code, rasterised as a browser would: black paths on white.
pub(super) fn read(svg: &str) -> String {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let after = |text: &str, what: &str| {
        let (_, rest) = text.split_once(what).expect("as the renderer writes it");
        rest.split('"').next().expect("a value").to_owned()
    };
    let side = number(&after(svg, "width=\""));
    let mut dark = vec![false; side * side];
    // M{left} {top}h{width}v{height}H{left}V{top}, each a rectangle.
    for rectangle in after(svg, " d=\"").split('M').skip(1) {
        let numbers: Vec<usize> = rectangle
            .split(|c: char| !c.is_ascii_digit())
            .take(4)
            .map(number)
            .collect();
        let [left, top, width, height] = numbers[..] else {
            panic!("no rectangle: {rectangle}");
        };
        for y in top..top + height {
            dark[y * side + left..y * side + left + width].fill(true);
        }
    }
    let shade = |x: usize, y: usize| if dark[y * side + x] { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, shade);
    let codes = picture.detect_grids();
    assert_eq!(codes.len(), 1, "one code");
    codes[0].decode().expect("a code that can be read").1
}

fn code(station: &Station, name: &str) -> String {
    let answer = get(station, &format!("/qr/{name}.svg"), &[]);
    assert_eq!(answer.header("content-type"), "image/svg+xml");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    read(&answer.text())
}

#[test]
fn qr_codes_contain_page_urls_and_the_wifi_network() {
    let station = Station::configured(WIFI, &["--model", "none"]);
    let join = get(&station, "/api/join", &[]);
    assert!(!join.text().contains("or:not"), "never the password");
    let join = join.json();
    assert_eq!(join["booth_url"], station.at("/booth"));
    assert_eq!(join["feed_url"], station.url);
    assert_eq!(join["https_url"], serde_json::Value::Null);
    assert_eq!(join["wifi"]["ssid"], "Fête; tonight");
    assert_eq!(join["wifi"]["security"], "WPA");
    assert_eq!(code(&station, "booth"), station.at("/booth"));
    assert_eq!(code(&station, "feed"), station.url);
    assert_eq!(
        code(&station, "wifi"),
        r#"WIFI:T:WPA;S:Fête\; tonight;P:to\"be\,or\:not;;"#
    );
    assert!(!station.status().to_string().contains("or:not"));
}

#[test]
fn a_public_address_goes_first_and_without_a_network_there_is_no_code() {
    let toml = "public_url = \"https://booth.example/\"\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let join = get(&station, "/api/join", &[]).json();
    assert_eq!(join["booth_url"], "https://booth.example/booth");
    assert_eq!(join["https_url"], "https://booth.example/booth");
    assert_eq!(join["wifi"], serde_json::Value::Null);
    assert_eq!(code(&station, "booth"), "https://booth.example/booth");
    let none = get(&station, "/qr/wifi.svg", &[]);
    assert_eq!(none.status, 404);
    assert!(none.error().contains("[wifi]"), "{}", none.text());
}
