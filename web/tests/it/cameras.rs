//! Two cameras with names: switched while viewers watch, closed by the shutter.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::choosing::{Watching, choose, listed, refused, until};
use crate::player::wait_for_viewers;
use crate::settings::{read, read_path, value};
use crate::station::{Station, agent, get, get_bytes};
use crate::timing::expect_within;

/// An MJPEG camera whose pictures have one brightness.
struct Camera {
    address: String,
    /// How often it was opened, and by how many it is open.
    opened: Arc<AtomicU32>,
    open: Arc<AtomicU32>,
}

impl Camera {
    fn start(luma: u8) -> Self {
        let picture = image::RgbImage::from_pixel(320, 180, image::Rgb([luma; 3]));
        let mut jpeg = std::io::Cursor::new(Vec::new());
        picture
            .write_to(&mut jpeg, image::ImageFormat::Jpeg)
            .expect("encoded");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let camera = Self {
            address: format!("mjpeg:http://{}/", listener.local_addr().expect("bound")),
            opened: Arc::default(),
            open: Arc::default(),
        };
        let (opened, open) = (Arc::clone(&camera.opened), Arc::clone(&camera.open));
        std::thread::spawn(move || {
            for viewer in listener.incoming().map_while(Result::ok) {
                opened.fetch_add(1, Ordering::Relaxed);
                open.fetch_add(1, Ordering::Relaxed);
                send(viewer, jpeg.get_ref());
                open.fetch_sub(1, Ordering::Relaxed);
            }
        });
        camera
    }

    fn opened(&self) -> u32 {
        self.opened.load(Ordering::Relaxed)
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }
}

/// Sends pictures until the connection ends.
fn send(mut viewer: TcpStream, jpeg: &[u8]) {
    let _ = viewer.read(&mut [0; 1024]);
    let head = "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=pic\r\n\r\n";
    let part = format!("--pic\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    let part = [part.as_bytes(), jpeg, b"\r\n"].concat();
    let mut sent = viewer.write_all(head.as_bytes());
    while sent.is_ok() {
        std::thread::sleep(Duration::from_millis(33));
        sent = viewer.write_all(&part);
    }
}

const DARK: u8 = 60;
const BRIGHT: u8 = 200;

/// A station with a dark front and a bright back camera; `standby` of the back one.
fn station(front: &Camera, back: &Camera, standby: bool, more: &str) -> Station {
    let toml = format!(
        "{more}\n[[cameras]]\nname = \"front\"\nsource = \"{}\"\nstandby = true\n\
         [[cameras]]\nname = \"back\"\nsource = \"{}\"\nstandby = {standby}\n",
        front.address, back.address
    );
    Station::configured(&toml, &["--model", "none", "--source", "auto"])
}

fn state(station: &Station, name: &str) -> Value {
    let status = station.status();
    let cameras = status["cameras"].as_array().expect("a list");
    let camera = cameras.iter().find(|camera| camera["name"] == name);
    camera.expect("listed")["state"].clone()
}

/// The brightness of one pixel; `None`: there is no picture.
fn luma(station: &Station, path: &str, at: (u32, u32)) -> Option<u8> {
    let (status, jpeg) = get_bytes(&station.at(path));
    let picture = (status == 200).then(|| image::load_from_memory(&jpeg).expect("a JPEG"))?;
    Some(picture.to_luma8().get_pixel(at.0, at.1).0[0])
}

fn shows(station: &Station, wanted: u8) -> bool {
    let middle = luma(station, "/snapshot.jpg?boxes=0", (160, 90));
    middle.is_some_and(|luma| luma.abs_diff(wanted) < 8)
}

fn set_shutter(station: &Station, is_closed: bool) {
    let request = agent()
        .put(station.at("/api/shutter"))
        .header("Content-Type", "application/json")
        .header("Authorization", format!("Bearer {}", station.admin_token));
    let body = json!({ "closed": is_closed }).to_string();
    assert_eq!(request.send(body).expect("an answer").status(), 200);
}

#[test]
fn a_standby_camera_is_seen_at_once_and_viewers_stay() {
    let (front, back) = (Camera::start(DARK), Camera::start(BRIGHT));
    let station = station(&front, &back, true, "");
    station.wait_ready();
    until("on standby", || state(&station, "back") == "standby");
    assert_eq!(state(&station, "front"), "live");
    let mut viewer = Watching::start(&station);
    until("the front camera", || shows(&station, DARK));
    assert_eq!(listed(&station, "sources").1, ["front"]);

    for (name, luma) in [("back", BRIGHT), ("front", DARK), ("back", BRIGHT)] {
        let switched_at = Instant::now();
        choose(&station, "", &json!({ "source": name }));
        until(name, || shows(&station, luma));
        let took = switched_at.elapsed();
        expect_within("to the first picture", took, Duration::from_millis(300));
        viewer.goes_on();
        assert!(shows(&station, luma), "a picture of the other camera");
    }
    assert_eq!((front.opened(), back.opened()), (1, 1), "opened again");
    wait_for_viewers(&station, 1);
    assert_eq!(
        value(&read(&station), "source"),
        (json!("back"), json!("live"))
    );
    assert_eq!(state(&station, "front"), "standby");
    refused(&station, "source", "side");
    let metrics = get(&station.at("/metrics")).1;
    let line = "carrier_camera_state{camera=\"back\",state=\"live\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn the_name_is_painted_on_the_picture_until_it_is_switched_off() {
    let (front, back) = (Camera::start(BRIGHT), Camera::start(DARK));
    let station = station(&front, &back, false, "");
    station.wait_ready();
    assert_eq!(state(&station, "back"), "closed");
    let _viewer = Watching::start(&station);
    // Left of the text, on its dark ground; and the same place without boxes and names.
    let at = (8, 168);
    let is_dark = |path: &str| luma(&station, path, at).is_some_and(|luma| luma < 150);
    until("painted", || is_dark("/snapshot.jpg"));
    assert!(!is_dark("/snapshot.jpg?boxes=0"));
    choose(&station, "", &json!({"camera_names": false}));
    until("not painted", || !is_dark("/snapshot.jpg"));
    assert!(!back.is_open());
}

#[test]
fn the_shutter_releases_both_cameras() {
    let (front, back) = (Camera::start(DARK), Camera::start(BRIGHT));
    let station = station(&front, &back, true, "");
    until("on standby", || state(&station, "back") == "standby");
    until("selected", || state(&station, "front") == "live");
    set_shutter(&station, true);
    until("released", || !front.is_open() && !back.is_open());
    for name in ["front", "back"] {
        until("told", || state(&station, name) == "closed");
    }
    set_shutter(&station, false);
    until("on standby again", || state(&station, "back") == "standby");
    until("selected again", || state(&station, "front") == "live");
    assert_eq!((front.opened(), back.opened()), (2, 2));
}

#[test]
fn each_camera_has_a_mounting_of_its_own() {
    let (front, back) = (Camera::start(DARK), Camera::start(BRIGHT));
    let station = station(&front, &back, true, "[camera]\nmirror = true\n");
    station.wait_ready();
    let patch = json!({"cameras": {"back": {"rotation": 90, "mirror": false}}});
    choose(&station, "?save=true", &patch);
    let camera = || read_path(&station, "/api/camera").body;
    let now = camera();
    assert_eq!(
        (&now["camera"], &now["mirror"], &now["rotation"]),
        (&json!("front"), &json!(true), &json!(0))
    );
    assert_eq!(station.status()["source"]["width"], 320);
    choose(&station, "", &json!({"source": "back"}));
    until("the back camera", || {
        station.status()["source"]["height"] == 320
    });
    let now = camera();
    assert_eq!(
        (&now["camera"], &now["mirror"], &now["rotation"]),
        (&json!("back"), &json!(false), &json!(90))
    );
    let file = std::fs::read_to_string(station.home.join("carrier.toml")).expect("there");
    assert!(file.contains("rotation = 90\n"), "{file}");
    assert_eq!(file.matches("[[cameras]]").count(), 2, "{file}");
}
