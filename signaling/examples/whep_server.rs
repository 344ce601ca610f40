//! Serves a page with a moving picture over WHEP: the engine without camera, detector and web server.
//!
//! `cargo run -p signaling --example whep_server -- 8080`, then open <http://localhost:8080/>.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, RateControlMode, UsageType,
};
use openh264::formats::YUVSlices;
use signaling::rtp::packetise::{nal_units, packetise};
use signaling::whep::{Reply, SessionPatch, Whep, WhepPost};
use signaling::{
    Demand, EncodedFrame, Engine, EngineConfig, EngineMetrics, FrameSink, Rendition, RenditionId,
};

const WIDTH: usize = 1280;
const HEIGHT: usize = 720;
const FRAME_TIME: Duration = Duration::from_micros(33_333);

const PAGE: &str = include_str!("whep_player.html");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(8080), |port| port.parse())?;
    let (demand, metrics) = (Demand::new(), Arc::new(EngineMetrics::default()));
    let config = EngineConfig {
        media_port: 0,
        renditions: vec![Rendition::MAIN],
        ..EngineConfig::default()
    };
    let (engine, sink) = Engine::start(config, Arc::clone(&demand), Arc::clone(&metrics))?;
    std::thread::spawn(move || film(&sink, &demand, &metrics));
    let whep = Whep::new(engine);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    writeln!(io::stdout(), "http://localhost:{port}/")?;
    for stream in listener.incoming() {
        let whep = whep.clone();
        std::thread::spawn(move || serve(stream?, &whep));
    }
    Ok(())
}

/// Encodes a moving pattern, with a keyframe first and whenever the engine requests one.
fn film(sink: &FrameSink, demand: &Demand, metrics: &EngineMetrics) {
    let config = EncoderConfig::new()
        .rate_control_mode(RateControlMode::Bitrate)
        .bitrate(BitRate::from_bps(1_500_000))
        .max_frame_rate(FrameRate::from_hz(30.0))
        .usage_type(UsageType::CameraVideoRealTime)
        .complexity(Complexity::Low)
        .skip_frames(false)
        .num_threads(1);
    let api = openh264::OpenH264API::from_source();
    let mut encoder = Encoder::with_api_config(api, config).expect("the encoder opens");
    let (mut seq, mut answered, mut next) = (0_u64, 0, Instant::now());
    let mut luma = vec![0_u8; WIDTH * HEIGHT];
    let chroma = vec![128_u8; WIDTH * HEIGHT / 4];
    loop {
        next += FRAME_TIME;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        if demand.viewers(RenditionId::MAIN) == 0 {
            continue;
        }
        let asked = metrics.keyframe_requests.get();
        if asked > answered {
            encoder.force_intra_frame();
            answered = asked;
        }
        draw(&mut luma, seq);
        let yuv = YUVSlices::new(
            (&luma, &chroma, &chroma),
            (WIDTH, HEIGHT),
            (WIDTH, WIDTH / 2, WIDTH / 2),
        );
        let stream = encoder.encode(&yuv).expect("a frame encodes").to_vec();
        sink.send(encoded(&stream, seq));
        seq += 1;
    }
}

fn draw(luma: &mut [u8], seq: u64) {
    let shift = usize::try_from(seq % WIDTH as u64).unwrap_or(0) * 4;
    for (y, row) in luma.chunks_exact_mut(WIDTH).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let checks = ((x + shift) / 80 + y / 80) % 2;
            *pixel = if checks == 0 { 60 } else { 180 };
        }
    }
}

fn encoded(stream: &[u8], seq: u64) -> EncodedFrame {
    const IDR: u8 = 5;
    let payloads = packetise(stream);
    EncodedFrame {
        rendition: RenditionId::MAIN,
        keyframe: nal_units(stream).any(|unit| unit.first().is_some_and(|head| head & 0x1f == IDR)),
        frame_seq: seq,
        captured_at: Instant::now(),
        rtp_ticks: u32::try_from(seq * 3000 % (1 << 32)).unwrap_or(0),
        bytes: payloads.iter().map(bytes::Bytes::len).sum(),
        payloads,
        trace: None,
    }
}

fn serve(mut stream: TcpStream, whep: &Whep) -> io::Result<()> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    let (head, length) = loop {
        let read = stream.read(&mut chunk)?;
        request.extend_from_slice(&chunk[..read]);
        let end = request.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&request[..end]).into_owned();
            let length = header(&head, "content-length").and_then(|value| value.parse().ok());
            request.drain(..end + 4);
            break (head, length.unwrap_or(0_usize));
        }
        if read == 0 || request.len() > 64 * 1024 {
            return Ok(());
        }
    };
    while request.len() < length && length <= 128 * 1024 {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        request.extend_from_slice(&chunk[..read]);
    }
    let reply = answer(whep, &head, &request);
    let mut text = format!("HTTP/1.1 {} .\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!(
        "Content-Length: {}\r\n\r\n{}",
        reply.body.len(),
        reply.body
    ));
    stream.write_all(text.as_bytes())
}

fn answer(whep: &Whep, head: &str, body: &[u8]) -> Reply {
    let mut words = head.split_ascii_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let id = path.strip_prefix("/whep/");
    match (method, id) {
        ("POST", None) if path == "/whep" => runtime.block_on(whep.post(WhepPost {
            rendition: None,
            content_type: header(head, "content-type"),
            host: header(head, "host"),
            body,
        })),
        ("PATCH", Some(id)) => {
            let patch = SessionPatch {
                if_match: header(head, "if-match"),
                content_type: header(head, "content-type"),
                host: header(head, "host"),
                body,
            };
            runtime.block_on(whep.patch(id, patch))
        }
        ("DELETE", Some(id)) => runtime.block_on(whep.delete(id)),
        ("OPTIONS", _) => whep.options(),
        _ => Reply {
            status: 200,
            headers: vec![("Content-Type", "text/html".to_owned())],
            body: PAGE.to_owned(),
        },
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
