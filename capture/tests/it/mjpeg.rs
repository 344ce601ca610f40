//! MJPEG over HTTP, with a camera simulated by a socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use capture::I420;
use capture::jpeg::JpegEncoder;

use crate::timing::{HANG_TIMEOUT, expect_within};
use crate::watching::Watched;

pub(crate) const HEAD: &str =
    "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=pic\r\n\r\n";

pub(crate) fn jpeg(luma: u8) -> Vec<u8> {
    let mut picture = I420::black(64, 48).expect("even");
    picture.fill(luma, 128, 128);
    JpegEncoder::new()
        .expect("libjpeg")
        .encode(&picture, 90)
        .expect("encoded")
}

pub(crate) struct Camera {
    listener: TcpListener,
    pub(crate) source: String,
}

impl Camera {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let source = format!(
            "mjpeg:http://{}/video",
            listener.local_addr().expect("bound")
        );
        Self { listener, source }
    }

    pub(crate) fn accept(&self, head: &str) -> TcpStream {
        self.accept_asked(head).0
    }

    /// The connection, and the value of its `Authorization`.
    fn accept_asked(&self, head: &str) -> (TcpStream, Option<String>) {
        let (mut viewer, _) = self.listener.accept().expect("a connection");
        let mut request = [0; 1024];
        let count = viewer.read(&mut request).expect("a request");
        let request = String::from_utf8_lossy(&request[..count]);
        let asked = request.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_login = name.eq_ignore_ascii_case("authorization");
            is_login.then(|| value.to_owned())
        });
        viewer.write_all(head.as_bytes()).expect("an answer");
        (viewer, asked)
    }

    /// As [`Camera::start`], with a login in the address.
    fn with_login(login: &str) -> Self {
        let mut camera = Self::start();
        camera.source = camera.source.replace("://", &format!("://{login}@"));
        camera
    }
}

fn send(viewer: &mut TcpStream, jpeg: &[u8]) {
    try_send(viewer, jpeg).expect("sent");
}

pub(crate) fn try_send(viewer: &mut TcpStream, jpeg: &[u8]) -> std::io::Result<()> {
    let head = format!("--pic\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    viewer.write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat())
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
        let deadline = Instant::now() + HANG_TIMEOUT;
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
fn a_camera_that_disconnects_is_opened_again() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    watched.live();
    let first = watched.frame().seq;
    drop(viewer);
    // It is connected again at once, because some cameras close the connection after each picture.
    drop(camera.accept("HTTP/1.0 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"));
    assert!(watched.lost().contains("401"));
    drop(camera.accept("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nhello"));
    assert!(watched.lost().contains("text/html"));
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    watched.live();
    assert_eq!(watched.frame().seq, first + 1);
    assert_eq!(watched.metrics.reopenings.get(), 2);
    watched.stop();
}

#[test]
fn a_stalled_camera_is_lost_and_live_with_the_next_picture() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    watched.live();
    // The second picture tells its interval.
    send(&mut viewer, &jpeg(61));
    while watched.frame().seq < 2 {}
    let silent = Instant::now();
    let words = watched.lost();
    expect_within("a card", silent.elapsed(), Duration::from_secs(2));
    assert!(words.starts_with("The camera at 127.0.0.1:") && words.contains("no pictures"));
    send(&mut viewer, &jpeg(70));
    watched.live();
    assert_eq!(watched.metrics.stalls.get(), 1);
    assert_eq!(watched.metrics.reopenings.get(), 0);
    watched.stop();
}

#[test]
fn after_a_suspension_the_camera_is_connected_to_again_at_once() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(60));
    watched.live();
    let first = watched.frame().seq;
    // The old connection is dead, and nobody says so.
    watched.control().reopen_after_suspension();
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, &jpeg(90));
    watched.live();
    let frame = watched.frame();
    assert!(frame.seq > first && frame.pixels.planes().y[100].abs_diff(90) <= 1);
    assert_eq!(watched.metrics.reopenings.get(), 0, "it is no failure");
    assert_eq!(watched.metrics.stalls.get(), 0);
    watched.stop();
}

#[test]
fn an_unreachable_address_is_reported() {
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

#[test]
fn a_camera_that_closes_after_each_picture_is_asked_again_and_again() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    for (index, level) in [40, 80, 120, 160].into_iter().enumerate() {
        let picture = jpeg(level);
        let length = picture.len();
        // With a length, without one, and as a stream of one part.
        let head = match index {
            0 => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
            ),
            1 => "HTTP/1.0 200 OK\r\n\r\n".to_owned(),
            _ => format!("{HEAD}--pic\r\nContent-Type: image/jpeg\r\n\r\n"),
        };
        let mut viewer = camera.accept(&head);
        viewer.write_all(&picture).expect("sent");
        drop(viewer);
        assert!(luma(&mut watched).abs_diff(level) <= 1, "picture {index}");
    }
    assert_eq!(watched.metrics.reopenings.get(), 0);
    watched.stop();
}

#[test]
fn answers_that_deviate_from_http_are_read() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    for head in [
        "ICY 200 OK\r\nicy-name: gate\r\nContent-Type: multipart/x-mixed-replace;boundary=pic\r\n\r\n",
        "HTTP/1.0 200 OK\nContent-Type: multipart/x-mixed-replace\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: video/x-motion-jpeg\r\n\r\n",
    ] {
        let mut viewer = camera.accept(head);
        send(&mut viewer, &jpeg(90));
        assert!(luma(&mut watched).abs_diff(90) <= 1, "{head}");
    }
    assert_eq!(watched.metrics.reopenings.get(), 0);
    watched.stop();
}

#[test]
fn pictures_that_cannot_be_read_are_named_on_the_card() {
    let camera = Camera::start();
    let mut watched = Watched::start(&camera.source);
    let mut viewer = camera.accept(HEAD);
    send(&mut viewer, b"no picture at all");
    let words = watched.lost();
    assert!(
        words.contains("cannot be read") && words.contains("no picture at all"),
        "{words}"
    );
    let whole = jpeg(70);
    send(&mut viewer, &whole[..whole.len() / 2]);
    send(&mut viewer, &whole);
    watched.live();
    assert!(luma(&mut watched).abs_diff(70) <= 1);
    drop(viewer);
    // The error tells what came instead of pictures.
    let mut viewer = camera.accept("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n");
    viewer.write_all(b"\0\0\0\x18ftypisom").expect("sent");
    drop(viewer);
    let words = watched.lost();
    assert!(words.contains("video/mp4"), "{words}");
    watched.stop();
}

const DENIED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: ";

#[test]
fn an_escaped_password_is_sent_as_it_is_and_shown_nowhere() {
    let camera = Camera::with_login("w%61tcher:a%40b%3A50%25%2fc%20d");
    let mut watched = Watched::start(&camera.source);
    let basic = format!("{DENIED}Basic realm=\"eye\"\r\n\r\n");
    let (_, asked) = camera.accept_asked(&basic);
    assert_eq!(asked, None, "only who asks for a password gets it");
    let (mut viewer, asked) = camera.accept_asked(HEAD);
    // Base64 of watcher:a@b:50%/c d.
    assert_eq!(asked.as_deref(), Some("Basic d2F0Y2hlcjphQGI6NTAlL2MgZA=="));
    send(&mut viewer, &jpeg(70));
    watched.live();
    drop(viewer);
    // The login is sent from now on. When it is refused, the error says that it is wrong.
    let (_, asked) = camera.accept_asked(&basic);
    assert!(asked.is_some());
    drop(camera.accept(&basic));
    let words = watched.lost();
    assert!(
        words.contains("401") && words.contains("password"),
        "{words}"
    );
    assert!(
        !words.contains("a%40b") && !words.contains("a@b"),
        "{words}"
    );
    watched.stop();
}

#[test]
fn a_digest_challenge_is_answered_and_a_stale_one_once_more() {
    let camera = Camera::with_login("me:secret");
    let mut watched = Watched::start(&camera.source);
    let challenge = |more: &str| {
        format!("{DENIED}Digest realm=\"eye\", nonce=\"0a1b\", qop=\"auth\"{more}\r\n\r\n")
    };
    drop(camera.accept(&challenge("")));
    let (_, asked) = camera.accept_asked(&challenge(", stale=true, algorithm=SHA-256"));
    let asked = asked.expect("an answer");
    for part in [
        "Digest ",
        "username=\"me\"",
        "uri=\"/video\"",
        "nc=00000001",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    let (mut viewer, asked) = camera.accept_asked(HEAD);
    assert!(asked.is_some_and(|asked| asked.contains("SHA-256") && !asked.contains("secret")));
    send(&mut viewer, &jpeg(70));
    watched.live();
    // The next connection sends the login without a challenge.
    drop(viewer);
    let (_, asked) = camera.accept_asked(HEAD);
    assert!(asked.is_some_and(|asked| asked.contains("nc=00000002")));
    watched.stop();
}
