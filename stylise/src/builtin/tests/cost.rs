//! Time and memory of each style.

use std::time::Duration;

use super::*;
use crate::people::PictureArea;

/// The goals on two idle cores: 3 s for the slowest styles.
const GOAL_MS: u128 = 2000;
const ROUNDS: u32 = 3;

/// More than any style needs beside the program. It does not depend on the upload, since a style works on
/// [`WORK_PX`] pixels.
const PEAK_MAX_MB: u64 = 220;

fn people() -> People {
    let face = |left: f32| PictureArea {
        left,
        top: 0.2,
        width: 0.2,
        height: 0.45,
    };
    People {
        faces: vec![face(0.1), face(0.6)],
        persons: vec![face(0.1)],
    }
}

/// Prints how long each style takes, how much memory at most, and how long the previews of all take; asserts
/// the memory alone, since times depend on what else runs:
///
/// ```text
/// cargo test -p stylise --lib builtin::tests::cost -- --ignored --nocapture
/// ```
#[test]
#[ignore = "a measurement"]
fn measures_time_and_memory() {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load: {}", load.trim());
    let limits = Limits::UPLOAD;
    let largest = CheckedPicture::read(&source(1536, 864), &limits).expect("a picture");
    let mut most_mb = 0;
    for style in STYLES {
        let (mut best, mut peak_mb) = (Duration::MAX, 0);
        for _ in 0..ROUNDS {
            let (took, mb) = measured(|| {
                let made = make(
                    style,
                    largest.jpeg(),
                    &people(),
                    WORK_PX,
                    &thumbnails(),
                    &Stages::default(),
                );
                assert!(made.is_ok(), "{}", style.id);
            });
            (best, peak_mb) = (best.min(took), peak_mb.max(mb));
        }
        let mark = if best.as_millis() > GOAL_MS {
            " (slow)"
        } else {
            ""
        };
        println!("{}: {} ms, {peak_mb} MB{mark}", style.id, best.as_millis());
        most_mb = most_mb.max(peak_mb);
    }
    // The extremes of what is accepted.
    for (width, height) in [(1536, 96), (96, 1536)] {
        let narrow = source(width, height);
        for style in STYLES {
            let stages = Stages::default();
            let (_, mb) = measured(|| {
                let made = make(style, &narrow, &people(), WORK_PX, &thumbnails(), &stages);
                assert!(made.is_ok(), "{} {width}x{height}", style.id);
            });
            most_mb = most_mb.max(mb);
        }
    }
    let photo = CheckedPicture::read(&source(640, 480), &Limits::PREVIEW).expect("a picture");
    let found: FindPeople = Arc::new(|_| people());
    let builtin = Builtin::new(Some(found), Arc::new(AtomicBool::new(true)));
    builtin.use_gallery(MemoryGallery::of(gallery()));
    for _ in 0..ROUNDS {
        let (took, mb) = measured(|| {
            let until = Instant::now() + Duration::from_secs(60);
            let made = builtin.previews(&photo, until, &Arc::default());
            assert_eq!(made.expect("made").styles.len(), STYLES.len());
        });
        println!("all previews: {} ms, {mb} MB", took.as_millis());
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("at most {most_mb} MB; load: {}", load.trim());
    assert!(most_mb <= PEAK_MAX_MB, "{most_mb} MB");
}

/// How long it took, and by how many megabytes the program grew at most.
fn measured(work: impl FnOnce()) -> (Duration, u64) {
    release_free_memory();
    // Resets the peak (proc_pid_clear_refs(5)).
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let (before, start) = (memory_kb("VmRSS"), Instant::now());
    work();
    let took = start.elapsed();
    (
        took,
        (memory_kb("VmHWM") - before.min(memory_kb("VmHWM"))) / 1000,
    )
}

fn memory_kb(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.expect("a size in kB")
}
