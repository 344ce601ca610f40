//! The feed without WebRTC: snapshot, MJPEG, status, events, metrics.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use socket2::{Domain, Socket, Type};

use crate::station::{Station, agent, get, get_bytes};
use crate::timing::HANG_TIMEOUT;

#[test]
fn snapshots_come_with_and_without_boxes() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    for path in [
        "/snapshot.jpg",
        "/snapshot.jpg?boxes=0",
        "/snapshot.jpg?boxes=1",
    ] {
        let (status, jpeg) = get_bytes(&station.at(path));
        assert_eq!(status, 200, "{path}");
        let picture = image::load_from_memory(&jpeg).expect("a JPEG");
        assert_eq!((picture.width(), picture.height()), (1280, 720), "{path}");
    }
}

#[test]
fn mjpeg_streams_and_its_viewer_is_counted() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let response = agent()
        .get(station.at("/stream.mjpg?fps=10"))
        .call()
        .expect("an answer");
    let kind = response
        .headers()
        .get("content-type")
        .expect("typed")
        .to_str()
        .expect("text");
    assert!(
        kind.starts_with("multipart/x-mixed-replace; boundary="),
        "{kind}"
    );
    let mut body = BufReader::new(response.into_body().into_reader());
    let first = next_jpeg(&mut body);
    // The scene moves; on a busy machine the same frame may come twice.
    let until = Instant::now() + HANG_TIMEOUT;
    while next_jpeg(&mut body) == first {
        assert!(Instant::now() < until, "the picture stands still");
    }
    while width(&next_jpeg(&mut body)) < 1280 {
        assert!(
            Instant::now() < until,
            "a fast connection gets the full size"
        );
    }
}

fn width(jpeg: &[u8]) -> u32 {
    image::load_from_memory(jpeg).expect("a JPEG").width()
}

/// A client that reads no faster than a rate.
struct SlowReader {
    stream: TcpStream,
    bytes_per_s: f64,
    began: Instant,
    read: usize,
}

impl SlowReader {
    /// With a small receive buffer, so that the rate is what the station sees.
    fn open(address: SocketAddr, bytes_per_s: f64) -> Self {
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(8192).expect("set");
        socket.connect(&address.into()).expect("connected");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
        Self {
            stream,
            bytes_per_s,
            began: Instant::now(),
            read: 0,
        }
    }

    fn read_at(&mut self, bytes_per_s: f64) {
        (self.bytes_per_s, self.began, self.read) = (bytes_per_s, Instant::now(), 0);
    }
}

impl Read for SlowReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let due = Duration::from_secs_f64(self.read as f64 / self.bytes_per_s);
        std::thread::sleep(due.saturating_sub(self.began.elapsed()));
        let most = buffer.len().min(1500);
        let read = self.stream.read(&mut buffer[..most])?;
        self.read += read;
        Ok(read)
    }
}

#[test]
fn a_slow_reader_of_mjpeg_gets_small_new_pictures_and_large_ones_when_it_is_fast() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let address = station
        .at("/")
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let mut reader = SlowReader::open(address.parse().expect("an address"), 50_000.0);
    let request = format!("GET /stream.mjpg?fps=30 HTTP/1.0\r\nHost: {address}\r\n\r\n");
    reader.stream.write_all(request.as_bytes()).expect("sent");
    let mut body = BufReader::with_capacity(1500, reader);
    let until = Instant::now() + HANG_TIMEOUT;
    let next = |body: &mut BufReader<SlowReader>| {
        assert!(Instant::now() < until, "the pictures do not adapt");
        next_part(body)
    };
    while width(&next(&mut body).jpeg) > 640 {}
    while width(&next(&mut body).jpeg) > 320 {}
    let mut ages_ms: Vec<u64> = (0..15).map(|_| next(&mut body).age_ms).collect();
    ages_ms.sort_unstable();
    // 128 kB of old pictures, which a connection holds otherwise, would be 2.6 s.
    assert!(ages_ms[7] < 1000, "ages in ms: {ages_ms:?}");
    println!("ages of pictures in ms when their first byte was read: {ages_ms:?}");
    let labels = "carrier_mjpeg_viewers{version=\"180p\"}";
    assert_eq!(metric(&station, labels), 1.0);
    body.get_mut().read_at(100e6);
    while width(&next(&mut body).jpeg) < 1280 {}
}

struct Part {
    jpeg: Vec<u8>,
    /// When its header was read, since the capture.
    age_ms: u64,
}

fn next_part(body: &mut impl BufRead) -> Part {
    let (mut length, mut age_ms) = (None, None);
    loop {
        let mut line = String::new();
        assert!(
            body.read_line(&mut line).expect("readable") > 0,
            "the stream goes on"
        );
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse::<usize>().ok();
        }
        if let Some(value) = line.strip_prefix("X-Timestamp: ") {
            let captured_s: f64 = value.trim().parse().expect("seconds");
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("after 1970");
            age_ms = Some(((now.as_secs_f64() - captured_s) * 1e3) as u64);
        }
        if let (true, Some(length), Some(age_ms)) = (line == "\r\n", length, age_ms) {
            let mut jpeg = vec![0; length];
            body.read_exact(&mut jpeg).expect("a whole part");
            return Part { jpeg, age_ms };
        }
    }
}

fn next_jpeg(body: &mut impl BufRead) -> Vec<u8> {
    next_part(body).jpeg
}

#[test]
fn nobody_watching_means_nothing_encoded() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let encoded = || metric(&station, "carrier_encode_seconds_count");
    let before = encoded();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(encoded(), before);
}

/// The sum of all samples whose name and labels start with `name`.
fn metric(station: &Station, name: &str) -> f64 {
    let (status, text) = get(&station.at("/metrics"));
    assert_eq!(status, 200);
    let samples = text.lines().filter(|line| line.starts_with(name));
    samples
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[test]
fn metrics_are_well_formed_and_name_every_stage() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let (_, text) = get(&station.at("/metrics"));
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "carrier_",
    ] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

/// Without a pulled model and a network, the embedded model detects.
#[test]
fn a_first_run_detects_with_the_embedded_model() {
    let station = Station::start(&[]);
    let ready = station.wait_ready();
    if ready.contains("make runtime") {
        println!("skipped: ONNX Runtime is not installed");
        return;
    }
    let detector = &station.status()["detector"];
    assert_eq!(detector["state"], "running", "{detector}");
    assert_eq!(detector["model"], "embedded");
    assert!(detector["experimental"].is_boolean());
    let telemetry = station.home.join(".ses");
    assert!(
        !telemetry.exists(),
        "ONNX Runtime's client for usage reports has started"
    );
}

#[test]
fn a_missing_model_is_said_with_the_command_that_fixes_it() {
    let station = Station::start(&["--model", "yolox_nano"]);
    let ready = station.wait_ready();
    assert!(ready.contains("without detection"), "{ready}");
    let status = station.status();
    assert_eq!(status["detector"]["state"], "missing", "{status}");
    let fix = status["detector"]["fix"].as_str().expect("a fix");
    assert!(
        fix.contains("carrier models pull") || fix.contains("make runtime"),
        "{fix}"
    );
}
