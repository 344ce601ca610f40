//! y4m pipes and files.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use capture::Signal;

use crate::timing::{HANG_TIMEOUT, expect_within};
use crate::watching::{Watched, folder};

fn fifo(name: &str) -> PathBuf {
    let path = folder(name).join("pipe");
    let made = Command::new("mkfifo")
        .arg(&path)
        .status()
        .expect("mkfifo is in coreutils");
    assert!(made.success());
    path
}

fn writer(path: &Path) -> File {
    OpenOptions::new()
        .write(true)
        .open(path)
        .expect("the reader opens the other end")
}

fn picture(luma: u8, width: usize, height: usize) -> Vec<u8> {
    let mut picture = b"FRAME\n".to_vec();
    picture.extend(vec![luma; width * height]);
    picture.extend(vec![128; width * height / 2]);
    picture
}

#[test]
fn a_pipe_is_shown_waited_for_and_resumed() {
    let path = fifo("pipe");
    let mut watched = Watched::start(&format!("y4m:{}", path.display()));
    let mut pipe = writer(&path);
    pipe.write_all(b"YUV4MPEG2 W8 H4 F5:1 C420mpeg2\n")
        .expect("read");
    pipe.write_all(&picture(77, 8, 4)).expect("read");
    assert_eq!(watched.live(), (8, 4, 5.0));
    let first = watched.frame();
    assert_eq!(
        (first.pixels.planes().y[0], first.pixels.planes().u[0]),
        (77, 128)
    );

    // The writer pauses: the card is up within 2 s, until the writer goes on.
    let silent = Instant::now();
    assert!(watched.lost().contains("no pictures"));
    expect_within("a card", silent.elapsed(), Duration::from_secs(2));
    pipe.write_all(&picture(88, 8, 4)).expect("still read");
    watched.live();
    assert_eq!(watched.frame().pixels.planes().y[0], 88);

    // The writer closes the pipe in the middle of a picture; another one sends another size.
    pipe.write_all(&picture(99, 8, 4)[..20])
        .expect("still read");
    drop(pipe);
    assert_eq!(
        watched.lost(),
        "The program feeding the pipe went away. Waiting for it."
    );
    let mut pipe = writer(&path);
    pipe.write_all(b"YUV4MPEG2 W6 H2\n").expect("read");
    pipe.write_all(&picture(101, 6, 2)).expect("read");
    assert_eq!(watched.live(), (6, 2, 0.0));
    let frame = watched.frame();
    assert_eq!(
        (frame.pixels.planes().y[0], frame.seq),
        (101, 3),
        "numbers go on"
    );
    assert_eq!(watched.metrics.stalls.get(), 1);
    watched.stop();
}

#[test]
fn a_closed_shutter_releases_the_source_and_shows_nothing_of_it() {
    let path = fifo("shutter");
    let mut watched = Watched::start(&format!("y4m:{}", path.display()));
    let mut pipe = writer(&path);
    pipe.write_all(b"YUV4MPEG2 W8 H4 F5:1\n").expect("read");
    pipe.write_all(&picture(77, 8, 4)).expect("read");
    watched.live();
    watched.frame();

    watched.close_shutter();
    assert!(watched.newest.latest().is_none(), "at once");
    let is_closed = |signal: &Signal| matches!(signal, Signal::Closed { .. }).then_some(());
    watched.signal_that(is_closed);
    // The source is released: sooner or later nobody reads the pipe.
    let until = Instant::now() + HANG_TIMEOUT;
    while pipe.write_all(&picture(88, 8, 4)).is_ok() {
        assert!(Instant::now() < until, "the pipe is still read");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(pipe);
    assert!(watched.newest.latest().is_none());
    assert!(
        watched
            .signal
            .latest()
            .is_some_and(|signal| is_closed(&signal).is_some())
    );

    watched.open_shutter();
    let mut pipe = writer(&path);
    pipe.write_all(b"YUV4MPEG2 W8 H4 F5:1\n").expect("read");
    pipe.write_all(&picture(99, 8, 4)).expect("read");
    watched.live();
    assert_eq!(watched.frame().pixels.planes().y[0], 99);
    watched.stop();
}

#[test]
fn stopping_does_not_wait_for_a_pipe_that_nobody_feeds() {
    let path = fifo("idle");
    let mut watched = Watched::start(&format!("y4m:{}", path.display()));
    assert!(watched.lost().contains("no pictures"));
    let metrics = std::sync::Arc::clone(&watched.metrics);
    watched.stop();
    assert_eq!(
        metrics.abandoned_threads.get(),
        1,
        "its thread waits in open() for a writer"
    );
}

#[test]
fn a_wrong_header_is_reported_and_the_next_writer_is_read() {
    let path = folder("lies").join("lies.y4m");
    let mut lies = b"YUV4MPEG2 W8 H4 F30:1\n".to_vec();
    lies.extend(picture(50, 16, 16));
    lies.extend(picture(51, 16, 16));
    fs::write(&path, lies).expect("written");
    let mut watched = Watched::start(&format!("y4m:{}", path.display()));
    let words = watched.lost();
    assert!(
        words.contains("8x4") && words.contains("is wrong"),
        "{words}"
    );
    for (header, part) in [
        ("YUV4MPEG2 W100000 H4\n", "W100000"),
        ("nonsense\n", "YUV4MPEG2"),
    ] {
        fs::write(&path, header).expect("written");
        watched.signal_that(|signal| format!("{signal:?}").contains(part).then_some(()));
    }
    let mut sound = b"YUV4MPEG2 W16 H16 F30:1 C422\n".to_vec();
    for luma in 0..200 {
        sound.extend_from_slice(b"FRAME\n");
        sound.extend(vec![luma; 16 * 16]);
        sound.extend(vec![128; 16 * 16]);
    }
    fs::write(&path, sound).expect("written");
    assert_eq!(watched.live(), (16, 16, 30.0));
    watched.stop();
}

#[test]
fn a_file_is_paced_by_its_rate_and_ends() {
    let path = folder("paced").join("clip.y4m");
    let mut clip = b"YUV4MPEG2 W8 H4 F20:1\n".to_vec();
    (0..12).for_each(|index| clip.extend(picture(20 + index, 8, 4)));
    fs::write(&path, clip).expect("written");
    let start = Instant::now();
    let mut watched = Watched::start(&format!("y4m:{}", path.display()));
    assert_eq!(watched.lost(), "The video ended.");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}");
    let what = "12 pictures at 20 a second";
    expect_within(what, took, Duration::from_millis(1500));
    assert_eq!(watched.metrics.frames.get(), 12);
    watched.stop();
}

#[test]
fn interlaced_pictures_and_odd_pixels_are_shown_as_they_look() {
    let path = folder("fields").join("clip.y4m");
    let mut clip = b"YUV4MPEG2 W8 H8 F20:1 It A2:1\n".to_vec();
    for _ in 0..40 {
        clip.extend_from_slice(b"FRAME\n");
        (0..8).for_each(|row| clip.extend([if row % 2 == 0 { 60 } else { 180 }; 8]));
        clip.extend([128; 32]);
    }
    fs::write(&path, clip).expect("written");
    let mut watched = Watched::start(&format!("y4m:{}", path.display()));
    assert_eq!(watched.live(), (16, 8, 20.0));
    let frame = watched.frame();
    let rows = frame.pixels.planes().y.chunks_exact(16);
    let middle: Vec<u8> = rows.skip(1).take(6).map(|row| row[8]).collect();
    assert_eq!(middle, [120; 6], "no comb is left");
    watched.stop();
}

#[test]
fn an_empty_file_is_said_to_be_empty() {
    let path = folder("empty").join("clip.y4m");
    fs::write(&path, b"").expect("written");
    let mut watched = Watched::start(&format!("y4m:{}", path.display()));
    assert!(watched.lost().contains("empty"));
    watched.stop();
}
