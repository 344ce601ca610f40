//! Video files through OpenCV.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use capture::I420;
use capture::jpeg::JpegEncoder;

use crate::timing::expect_within;
use crate::watching::{Watched, folder, shared};

#[test]
fn a_clip_is_paced_by_its_own_timestamps() {
    let Some(clip) = shared("media/one-by-one-person-detection.mp4") else {
        return;
    };
    let mut watched = Watched::start(&format!("file:{}", clip.display()));
    assert_eq!(watched.live(), (768, 432, 10.0));
    let first = watched.frame();
    let mut last = watched.frame();
    while last.seq < first.seq + 10 {
        last = watched.frame();
    }
    let frames = (last.seq - first.seq) as f64;
    let took = last
        .captured_at
        .duration_since(first.captured_at)
        .as_secs_f64();
    // Half a second late, the rest is shown later instead of hurried after.
    let late = Duration::from_secs_f64((took - frames * 0.1).max(0.0));
    assert!(took / frames > 0.095, "{frames} frames took {took} s");
    expect_within("the last frame", late, Duration::from_millis(50));
    watched.stop();
}

#[test]
fn a_clip_is_looped_without_a_gap_or_ends() {
    let Some(clip) = shared("media/gif_head-pose-face-detection-female-and-male.mp4") else {
        return;
    };
    let folder = folder("loop");
    let short = folder.join("short.mp4");
    if !ffmpeg(&[
        "-i",
        &clip.to_string_lossy(),
        "-frames:v",
        "8",
        &short.to_string_lossy(),
    ]) {
        return;
    }
    let source = format!("file:{}", short.display());
    let mut watched = Watched::start_looped(&source, true);
    let (mut last, mut gaps) = (watched.frame(), 0);
    while last.seq < 20 {
        let next = watched.frame();
        let step = next.captured_at.duration_since(last.captured_at);
        let frames = u32::try_from(next.seq - last.seq).expect("few");
        gaps += u32::from(step >= Duration::from_millis(100) * frames);
        last = next;
    }
    // A busy machine may leave one, but not one at each of the two turns.
    assert!(gaps < 2, "{gaps} gaps");
    assert_eq!(watched.metrics.stalls.get(), 0);
    watched.stop();
    let mut once = Watched::start(&source);
    assert_eq!(once.lost(), "The video ended.");
    assert_eq!(once.metrics.frames.get(), 8);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(once.metrics.reopenings.get(), 0, "it stays ended");
    once.stop();
}

#[test]
fn a_turned_clip_is_shown_upright() {
    let Some(clip) = shared("media/bottle-detection.mp4") else {
        return;
    };
    let folder = folder("turned");
    let turned = folder.join("turned.mp4");
    let input = clip.to_string_lossy().into_owned();
    let output = turned.to_string_lossy().into_owned();
    let short = [
        "-i",
        &input,
        "-t",
        "1",
        "-c",
        "copy",
        "-metadata:s:v:0",
        "rotate=90",
        &output,
    ];
    if !ffmpeg(&short) {
        return;
    }
    let mut watched = Watched::start(&format!("file:{output}"));
    let (width, height, _) = watched.live();
    assert_eq!((width, height), (360, 640));
    watched.stop();
}

#[test]
fn a_clip_of_oblong_pixels_is_widened() {
    let clip = folder("oblong").join("clip.mp4");
    let clip = clip.to_string_lossy();
    let made = [
        "-f",
        "lavfi",
        "-i",
        "color=gray:s=64x48:r=10",
        "-vf",
        "setsar=2/1",
        "-t",
        "3",
    ];
    if !ffmpeg(&[&made[..], &[&*clip]].concat()) {
        return;
    }
    let mut watched = Watched::start(&format!("file:{clip}"));
    let (width, height, _) = watched.live();
    assert_eq!((width, height), (128, 48));
    watched.stop();
}

#[test]
fn a_still_picture_is_held_until_the_file_changes_whatever_its_name() {
    let folder = folder("still");
    // The text before a colon is not a protocol.
    std::env::set_current_dir(&folder).expect("a folder");
    let write = |width: u32| {
        let picture = I420::black(width, 48).expect("even");
        let jpeg = JpegEncoder::new().and_then(|mut encoder| encoder.encode(&picture, 90));
        // Renamed into place, so that the reader never sees half of it.
        std::fs::write("new.jpg", jpeg.expect("encodes")).expect("written");
        std::fs::rename("new.jpg", "2025-05-01T10:30:00.jpg").expect("renamed");
    };
    write(64);
    let mut watched = Watched::start_looped("2025-05-01T10:30:00.jpg", true);
    assert_eq!(watched.live().0, 64);
    let first = watched.frame().captured_at;
    while watched.frame().seq < 4 {}
    assert!(watched.frame().captured_at > first);
    write(80);
    assert_eq!(watched.live().0, 80);
    assert_eq!(watched.metrics.reopenings.get(), 0);
    watched.stop();
}

#[test]
fn what_is_no_video_is_named_and_tried_again() {
    let folder = folder("novideo");
    let path = folder.join("odd.mp4");
    let mut watched = Watched::start(&format!("file:{}", path.display()));
    let words = watched.lost();
    assert!(
        words.contains("odd.mp4") && words.contains("No such file"),
        "{words}"
    );
    std::fs::write(&path, b"this is no video at all").expect("written");
    assert!(watched.lost().contains("no video"));
    std::fs::write(&path, b"").expect("written");
    assert!(watched.lost().contains("is empty"));
    watched.stop();
}

#[test]
fn a_stream_from_a_url_is_shown_until_it_ends() {
    let Some(clip) = shared("media/gif_head-pose-face-detection-female-and-male.mp4") else {
        return;
    };
    let stream = folder("address").join("stream.ts");
    let (input, output) = (clip.to_string_lossy(), stream.to_string_lossy());
    if !ffmpeg(&["-i", &input, "-frames:v", "24", "-f", "mpegts", &output]) {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let source = format!("http://{}/live", listener.local_addr().expect("bound"));
    let serving = std::thread::spawn(move || {
        let (mut viewer, _) = listener.accept().expect("a connection");
        let mut request = [0; 1024];
        assert!(viewer.read(&mut request).expect("a request") > 0);
        let body = std::fs::read(stream).expect("made above");
        viewer.write_all(b"HTTP/1.0 200 OK\r\n\r\n").expect("sent");
        viewer.write_all(&body).expect("sent");
    });
    let mut watched = Watched::start(&source);
    let (width, height, _) = watched.live();
    assert_eq!((width, height), (480, 270));
    serving.join().expect("served");
    assert!(watched.lost().contains("stopped sending"));
    assert!(
        watched
            .lost()
            .starts_with("Cannot reach the camera at 127.0.0.1:")
    );
    watched.stop();
}

/// Makes a clip. `false`, with a message, when there is no ffmpeg.
fn ffmpeg(arguments: &[&str]) -> bool {
    let start = Instant::now();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments)
        .status();
    let done = made.is_ok_and(|status| status.success());
    if !done {
        #[allow(clippy::print_stderr)]
        {
            eprintln!(
                "skipped: no ffmpeg to make the clip with ({:?})",
                start.elapsed()
            );
        }
    }
    done
}

#[test]
fn a_camera_that_refuses_is_distinguished_from_an_unreachable_one() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("bound");
    let serving = std::thread::spawn(move || {
        let answers = ["HTTP/1.1 401 Unauthorized", "RTSP/1.0 404 Not Found"];
        for viewer in listener.incoming() {
            let mut viewer = viewer.expect("a connection");
            let mut request = [0; 2048];
            let count = viewer.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..count]);
            let is_rtsp = usize::from(request.contains("RTSP/1.0"));
            let number = request.lines().find(|line| line.starts_with("CSeq"));
            let status = answers[is_rtsp];
            let answer = format!(
                "{status}\r\n{}\r\nContent-Length: 0\r\n\r\n",
                number.unwrap_or("X: 1")
            );
            // Fails when the client has left.
            let _ = viewer.write_all(answer.as_bytes());
            if request.starts_with("GET /end") {
                return;
            }
        }
    });
    for (source, words) in [
        (format!("http://me:secret@{at}/live"), ["401", "password"]),
        (format!("http://{at}/live"), ["401", "USER:PASSWORD"]),
        (format!("rtsp://{at}/live"), ["404", "path"]),
    ] {
        let mut watched = Watched::start(&source);
        let text = watched.lost();
        assert!(
            words.iter().all(|part| text.contains(part)),
            "{source}: {text}"
        );
        assert!(
            !text.contains("Cannot reach") && !text.contains("secret"),
            "{text}"
        );
        watched.stop();
    }
    let mut last = std::net::TcpStream::connect(at).expect("there");
    last.write_all(b"GET /end HTTP/1.1\r\n\r\n").expect("sent");
    serving.join().expect("served");
}
