//! Each kind of bad input gets a clear error, and the feed continues.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::Stdio;

use crate::station::{Station, agent, command, fresh_folder, get};

/// Status and text of a POST to `/whep`.
fn post(station: &Station, content_type: &str, body: &[u8]) -> (u16, String) {
    let request = agent()
        .post(station.at("/whep"))
        .header("Content-Type", content_type);
    let mut response = request.send(body).expect("an answer");
    let text = response.body_mut().read_to_string().unwrap_or_default();
    (response.status().as_u16(), text)
}

#[test]
fn a_malformed_offer_is_a_400_that_says_so() {
    let mut station = Station::start(&["--model", "none"]);
    let truncated = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP";
    for offer in ["", "hello", truncated, "v=0\r\n", "\u{fffd}\0\0"] {
        let (status, text) = post(&station, "application/sdp", offer.as_bytes());
        assert!((400..500).contains(&status), "{offer:?}: {status} {text}");
        assert!(text.len() > 10, "{offer:?} is explained: {text}");
    }
    let (status, _) = post(&station, "application/sdp", &[0xFF, 0xFE, 0x00]);
    assert!((400..500).contains(&status));
    station.assert_feed_runs();
}

#[test]
fn a_wrong_content_type_is_a_415() {
    let mut station = Station::start(&["--model", "none"]);
    let (status, text) = post(&station, "application/json", b"{}");
    assert_eq!(status, 415, "{text}");
    assert!(text.contains("application/sdp"), "{text}");
    station.assert_feed_runs();
}

#[test]
fn a_ten_megabyte_body_is_refused() {
    let mut station = Station::start(&["--model", "none"]);
    let body = vec![b'a'; 10 * 1024 * 1024];
    let request = agent()
        .post(station.at("/whep"))
        .header("Content-Type", "application/sdp");
    // The server may close the connection while the client is still sending, which is a refusal too.
    if let Ok(response) = request.send(&body[..]) {
        assert_eq!(response.status().as_u16(), 413);
    }
    station.assert_feed_runs();
}

#[test]
fn garbage_on_the_media_port_is_ignored() {
    let mut station = Station::start(&["--model", "none"]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let target = ("127.0.0.1", station.media_port);
    for length in [0_usize, 1, 3, 12, 20, 100, 1200, 9000] {
        for first in [0_u8, 1, 2, 20, 22, 63, 64, 128, 144, 191, 200, 255] {
            let mut datagram: Vec<u8> = (0..length).map(|_| rand::random()).collect();
            datagram
                .first_mut()
                .into_iter()
                .for_each(|byte| *byte = first);
            socket.send_to(&datagram, target).expect("sent");
        }
    }
    station.assert_feed_runs();
    assert_eq!(station.status()["viewers"], 0);
}

#[test]
fn a_corrupt_model_leaves_the_feed_running_and_is_named() {
    let home = fresh_folder();
    let model = home.join("yolox_nano.onnx");
    std::fs::write(&model, vec![7_u8; 4096]).expect("written");
    let mut station = Station::start(&["--model", &model.to_string_lossy()]);
    let ready = station.wait_ready();
    assert!(ready.contains("without detection"), "{ready}");
    let status = station.status();
    let detector = &status["detector"];
    assert!(
        ["failed", "missing"].contains(&detector["state"].as_str().unwrap_or("")),
        "{status}"
    );
    assert!(
        detector["message"]
            .as_str()
            .is_some_and(|text| text.len() > 10),
        "{status}"
    );
    assert!(
        detector["fix"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{status}"
    );
    station.assert_feed_runs();
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn a_typo_in_the_configuration_ends_with_2_and_names_it() {
    let home = fresh_folder();
    let file = home.join("my.toml");
    std::fs::write(&file, "lisen = \"[::]:8080\"\n").expect("written");
    let output = command(&home)
        .arg("--config")
        .arg(&file)
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("my.toml") && text.contains("lisen"), "{text}");
    let output = command(&home)
        .args(["--source", "webcm:0"])
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("webcm"), "{text}");
    std::fs::remove_dir_all(home).expect("cleaned");
}

/// Exit code and error message of a station that must not start.
fn refused(home: &Path, args: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = command(home)
        .args(["--listen", "127.0.0.1:0", "--media-port", "0"])
        .args(args)
        .envs(environment.iter().copied())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[test]
fn an_unknown_model_exits_with_2_and_a_suggestion() {
    let home = fresh_folder();
    let file = home.join("my.toml");
    std::fs::write(
        &file,
        "source = \"scene\"\nmodel = \"nanodet_plus_m_461\"\n",
    )
    .expect("written");
    let file = file.to_string_lossy().into_owned();
    std::fs::write(home.join("mine.onnx"), "x").expect("written");
    let check = |args: &[&str], environment: &[(&str, &str)], hint: &str| {
        let scene = [&["--source", "scene"][..], args].concat();
        let (code, text) = refused(&home, &scene, environment);
        assert_eq!(code, Some(2), "{args:?} {environment:?}: {text}");
        let told = text.contains("model = ") && text.contains(hint);
        assert!(told, "{args:?}: {text}");
    };
    for (model, hint) in [
        ("yolox-nano", "Did you mean `yolox_nano`?"),
        ("EMBEDED", "Did you mean `embedded`?"),
        ("nope", "Known are yolox_nano"),
        ("./mine.onx.onnx", "./mine.onnx"),
    ] {
        check(&["--model", model], &[], hint);
    }
    let variable = [("CARRIER_MODEL", "fastdet")];
    check(&[], &variable, "Did you mean `fastestdet`?");
    let meant = "Did you mean `nanodet_plus_m_416`?";
    check(&["--config", &file], &[], meant);
    let detect = command(&home)
        .args(["detect", "--model", "nope", "a.jpg"])
        .output();
    let detect = detect.expect("runs");
    assert_eq!(detect.status.code(), Some(2), "also where no station runs");
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn a_video_that_is_not_there_ends_with_2_when_it_was_typed() {
    let home = fresh_folder();
    std::fs::write(home.join("holiday.mp4"), "x").expect("written");
    std::fs::create_dir(home.join("clips.d")).expect("made");
    let near = home.join("holidy.mp4").to_string_lossy().into_owned();
    let cases: [(&str, &str); 6] = [
        ("nosuch.mp4", "--source scene"),
        ("file:nosuch", "--source scene"),
        ("holidays.mp4", "\"holiday.mp4\""),
        (&near, "holiday.mp4"),
        ("no/such/folder/a.mp4", "--source scene"),
        ("./clips.d", "folder"),
    ];
    for (source, hint) in cases {
        let (code, text) = refused(&home, &["--model", "none", "--source", source], &[]);
        assert_eq!(code, Some(2), "{source}: {text}");
        assert!(
            text.contains("source = ") && text.contains(hint),
            "{source}: {text}"
        );
    }
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn files_below_dev_and_media_may_appear_later() {
    for source in [
        "webcam:nosuch",
        "/dev/video97",
        "y4m:nosuch.y4m",
        "/media/nobody/stick/a.mp4",
    ] {
        let station = Station::start(&["--model", "none", "--source", source]);
        assert_eq!(get(&station.at("/healthz")).0, 200, "{source}");
    }
    let toml = "model = \"./nosuch.onnx\"\n";
    let station = Station::configured(toml, &[]);
    assert_eq!(get(&station.at("/healthz")).0, 200);
}

#[test]
fn a_video_that_the_environment_names_may_come_later() {
    let home = fresh_folder();
    let mut child = command(&home)
        .args([
            "--listen",
            "127.0.0.1:0",
            "--media-port",
            "0",
            "--model",
            "none",
        ])
        .env("CARRIER_SOURCE", "nosuch.mp4")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let printed = child.stdout.take().expect("piped");
    let is_on = BufReader::new(printed)
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("is on"));
    child.kill().expect("our child");
    child.wait().expect("our child");
    std::fs::remove_dir_all(home).expect("cleaned");
    assert!(is_on, "nobody typed it: the station waits for the file");
}

#[test]
fn an_unknown_page_is_a_404_and_state_needs_the_token() {
    let station = Station::start(&["--model", "none"]);
    assert_eq!(get(&station.at("/nothing")).0, 404);
    let put = |token: Option<&str>, body: &str| {
        let mut request = agent()
            .put(station.at("/api/admin/bitrate"))
            .header("Content-Type", "application/json");
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        request.send(body).expect("an answer").status().as_u16()
    };
    let wanted = r#"{"bitrate_bps": 900000}"#;
    assert_eq!(put(None, wanted), 401);
    assert_eq!(put(Some("guess"), wanted), 401);
    assert_eq!(
        put(Some(&station.admin_token), r#"{"bitrate_bps": 1}"#),
        422
    );
    assert_eq!(put(Some(&station.admin_token), wanted), 204);
    assert_eq!(station.status()["renditions"][0]["bitrate_bps"], 900_000);
}
