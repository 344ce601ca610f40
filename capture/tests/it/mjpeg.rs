//! A network camera, played by a socket of this test.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use capture::I420;
use capture::jpeg::JpegEncoder;

use crate::watching::Watched;

const HEAD: &str =
    "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=pic\r\n\r\n";

fn jpeg(luma: u8) -> Vec<u8> {
    let mut picture = I420::black(64, 48).expect("even");
    picture.fill(luma, 128, 128);
    JpegEncoder::new()
        .expect("libjpeg")
        .encode(&picture, 90)
        .expect("encoded")
}

struct Camera {
    listener: TcpListener,
    source: String,
}

impl Camera {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let source = format!(
            "mjpeg:http://{}/video",
            listener.local_addr().expect("bound")
        );
        Self { listener, source }
    }

    fn accept(&self, head: &str) -> TcpStream {
        let (mut viewer, _) = self.listener.accept().expect("a connection");
        let mut request = [0; 1024];
        assert!(viewer.read(&mut request).expect("a request") > 0);
        viewer.write_all(head.as_bytes()).expect("an answer");
        viewer
    }
}

fn send(viewer: &mut TcpStream, jpeg: &[u8]) {
    let head = format!("--pic\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    viewer
        .write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat())
        .expect("sent");
}

fn luma(watched: &mut Watched) -> u8 {
    watched.frame().pixels.planes().y[100]
}

#[test]
fn broken_pictures_are_counted_and_the_feed_goes_on() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    assert_eq!(watched.live(), (64, 48, 0.0));
    assert!(luma(&mut watched).abs_diff(60) <= 1);
    let whole = jpeg(120);
    let claims_to_be_huge = {
        let mut huge = jpeg(90);
        let at = huge
            .windows(2)
            .position(|mark| mark == [0xff, 0xc0])
            .expect("a frame header");
        huge[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
        huge
    };
    let broken: [&[u8]; 4] = [
        &whole[..whole.len() / 2],
        b"no jpeg",
        &claims_to_be_huge,
        &[0xff],
    ];
    let label = capture::SourceLabel { source: "mjpeg" };
    for (count, bytes) in broken.into_iter().enumerate() {
        send(&mut viewer, bytes);
        let deadline = Instant::now() + Duration::from_secs(5);
        let counted = || watched.metrics.bad_pictures.get_or_create(&label).get();
        while counted() <= count as u64 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(counted(), count as u64 + 1);
    }
    send(&mut viewer, &whole);
    assert!(luma(&mut watched).abs_diff(120) <= 1);
    assert_eq!(watched.metrics.frames.get(), 2);
    watched.stop();
}

#[test]
fn a_camera_that_dies_and_comes_back_is_shown_again() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    watched.live();
    let first = watched.frame().seq;
    drop(viewer);
    assert!(watched.lost().contains("stopped sending"));
    // Once more it answers, but with a page.
    drop(camera.accept("HTTP/1.0 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"));
    assert!(watched.lost().contains("401"));
    drop(camera.accept("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nhello"));
    assert!(watched.lost().contains("text/html"));
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    watched.live();
    assert_eq!(watched.frame().seq, first + 1);
    assert_eq!(watched.metrics.reopenings.get(), 3);
    watched.stop();
}

#[test]
fn a_camera_that_stalls_is_lost_within_two_seconds_and_live_with_the_next_picture() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    watched.live();
    let silent = Instant::now();
    let words = watched.lost();
    assert!(
        silent.elapsed() < Duration::from_secs(2),
        "{:?}",
        silent.elapsed()
    );
    assert!(words.starts_with("The camera at 127.0.0.1:") && words.contains("no pictures"));
    send(&mut viewer, &jpeg(70));
    watched.live();
    assert_eq!(watched.metrics.stalls.get(), 1);
    assert_eq!(watched.metrics.reopenings.get(), 0);
    watched.stop();
}

#[test]
fn nobody_at_the_address_is_said_so() {
    let camera = Camera::start();
    let source = camera.source.clone();
    drop(camera);
    let mut watched = Watched::start(&source);
    assert!(
        watched
            .lost()
            .starts_with("Cannot reach the camera at 127.0.0.1:")
    );
    watched.stop();
}
