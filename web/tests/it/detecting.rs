//! `carrier detect` from outside.

use std::fs::File;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use capture::jpeg::JpegEncoder;
use capture::scene::Scene;
use capture::{Frame, PicturePool, VideoReader, WallClock};
use serde_json::Value;
use signaling::Rendition;
use signaling::encode::encoder::Encoder;
use signaling::encode::openh264_encoder::OpenH264Encoder;
use signaling::mp4::Mp4Writer;

use crate::station::{command, fresh_folder};

const SIZE: (u32, u32) = (1280, 720);
const PICTURES: u64 = 24;
const TICKS: u64 = 3000;

/// Pictures of the built-in scene, 30 a second.
fn scene() -> impl Iterator<Item = Frame> {
    let scene = Scene::new(WallClock::start(), PicturePool::new(2)).expect("prepares");
    (0..PICTURES)
        .map(move |seq| scene.frame_at(Duration::from_micros(seq * 33_333), Instant::now(), seq))
}

fn write_photo(path: &Path) {
    let frame = scene().next().expect("a picture");
    let mut encoder = JpegEncoder::new().expect("opens");
    let jpeg = encoder.encode(&frame.pixels, 90).expect("encoded");
    std::fs::write(path, jpeg).expect("written");
}

fn write_clip(path: &Path) {
    let file = File::create(path).expect("made");
    let mut file = Mp4Writer::new(file, SIZE.0, SIZE.1).expect("begun");
    let mut encoder = OpenH264Encoder::new(&Rendition::MAIN);
    for (number, frame) in (0..).zip(scene()) {
        let ticks = number * TICKS;
        let encoded = encoder.encode(&frame.pixels, false, ticks as u32);
        let encoded = encoded.expect("encoded");
        file.add(encoded.access_unit, encoded.keyframe, ticks)
            .expect("added");
    }
    file.finish(PICTURES * TICKS).expect("finished");
}

/// `None`: there is no ONNX Runtime.
fn detect(home: &Path, args: &[&str]) -> Option<(Output, String)> {
    let mut command = command(home);
    command.args(["detect", "--model", "embedded"]).args(args);
    let output = command.output().expect("runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if errors.contains("make runtime") {
        println!("skipped: {errors}");
        return None;
    }
    Some((output, errors))
}

#[test]
fn folders_with_a_bad_picture_are_read_to_the_end() {
    let home = fresh_folder();
    std::fs::create_dir(home.join("in")).expect("made");
    write_photo(&home.join("in/a.jpg"));
    std::fs::write(home.join("in/b.jpg"), b"\xff\xd8 and no more").expect("written");
    write_photo(&home.join("in/c.jpg"));
    let args = ["in", "nothing*.png", "--out", "out", "--format", "coco"];
    let Some((output, errors)) = detect(&home, &args) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("in/b.jpg: "), "{errors}");
    assert!(errors.contains("nothing*.png: nothing matches"), "{errors}");
    assert_eq!(errors.lines().count(), 2, "{errors}");
    let found: Value = serde_json::from_slice(&output.stdout).expect("one file");
    let names: Vec<&str> = found["images"]
        .as_array()
        .expect("images")
        .iter()
        .filter_map(|image| image["file_name"].as_str())
        .collect();
    assert_eq!(names, ["in/a.jpg", "in/c.jpg"]);
    assert!(
        found["annotations"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    assert!(home.join("out/a.jpg").is_file() && home.join("out/c.jpg").is_file());
    assert!(!home.join("out/b.jpg").exists());
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn a_video_is_followed_and_its_annotated_copy_plays() {
    let home = fresh_folder();
    write_clip(&home.join("clip.mp4"));
    let args = ["clip.mp4", "--out", "out"];
    let Some((output, errors)) = detect(&home, &args) else {
        return;
    };
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().map(serde_json::from_str::<Value>);
    let lines: Vec<Value> = lines.map(|line| line.expect("JSON")).collect();
    assert_eq!(lines.len(), PICTURES as usize);
    assert_eq!(
        (&lines[3]["frame"], &lines[3]["time_s"]),
        (&3.into(), &0.1.into())
    );
    let track = |line: &Value| line["detections"][0]["track"].as_u64();
    assert_eq!(track(&lines[10]), track(&lines[23]), "{text}");
    assert!(track(&lines[23]).is_some(), "{text}");
    let mut copy = VideoReader::open(&home.join("out/clip.mp4")).expect("a video");
    assert_eq!((copy.fps().round(), copy.length()), (30.0, Some(PICTURES)));
    let mut count = 0;
    while let Some((picture, _)) = copy.read().expect("decoded") {
        assert_eq!((picture.width(), picture.height()), SIZE);
        count += 1;
    }
    assert_eq!(count, PICTURES);
    assert_eq!(
        std::fs::read_dir(home.join("out")).expect("there").count(),
        1
    );
    // A damaged one leaves nothing behind.
    std::fs::write(home.join("bad.mp4"), b"\0\0\0\x20ftypisom").expect("written");
    let (output, errors) = detect(&home, &["bad.mp4", "--out", "out"]).expect("ran before");
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("bad.mp4"), "{errors}");
    assert_eq!(
        std::fs::read_dir(home.join("out")).expect("there").count(),
        1
    );
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn a_picture_on_standard_input_is_detected() {
    let home = fresh_folder();
    write_photo(&home.join("a.jpg"));
    let mut command = command(&home);
    command.args(["detect", "--model", "embedded", "-", "--format", "csv"]);
    command.stdin(File::open(home.join("a.jpg")).expect("there"));
    let output = command.output().expect("runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("make runtime") {
        println!("skipped: {errors}");
        return;
    }
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("image,frame,"), "{text}");
    assert!(
        text.lines().skip(1).any(|line| line.starts_with("-,,,")),
        "{text}"
    );
    std::fs::remove_dir_all(home).expect("cleaned");
}
