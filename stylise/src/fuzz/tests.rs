#![allow(
    clippy::print_stdout,
    reason = "measurements are for whoever runs them"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fuzzing::{corpus, run_corpus_and_mutations};

use crate::fuzz::*;
use crate::intake::tests::samples::{
    cmyk_jpeg, exif, extended_webp, grey_jpeg, interlaced_png, jpeg, jpeg_with_exif, png,
    progressive_jpeg, scene, webp,
};

/// How long mutated inputs are tried.
const TIME: Duration = Duration::from_secs(3);

/// A process that reads these inputs, limited to a megapixel each, takes 30 MB in total.
const PEAK_MAX_KB: u64 = 100_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/upload")
}

#[test]
fn mutated_uploads_never_panic() {
    for (path, bytes) in corpus(&folder()).expect("readable") {
        let read = CheckedPicture::read(&bytes, &Limits::UPLOAD);
        let is_broken = matches!(read, Err(IntakeError::Broken(_)));
        assert!(!is_broken, "{}", path.display());
    }
    run_corpus_and_mutations(("upload", upload), &folder(), TIME);
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("peak: {}", peak.expect("Linux tells the peak"));
}

/// Runs the test above in its own process to measure its memory.
#[test]
fn uploads_take_bounded_memory() {
    let this = std::env::current_exe().expect("a test");
    let output = Command::new(this)
        .args([
            "fuzz::tests::mutated_uploads_never_panic",
            "--exact",
            "--nocapture",
        ])
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let peak = said.split("peak: ").nth(1).expect("the peak was told");
    let peak = peak
        .split_whitespace()
        .next()
        .and_then(|kb| kb.parse().ok());
    let peak: u64 = peak.expect("a number of kilobytes");
    assert!(peak < PEAK_MAX_KB, "{peak} kB");
}

/// Writes the corpus: `cargo test -p stylise --lib fuzz::tests::writes -- --ignored`. Files that a fuzzer
/// found, and lossy WebP, which nothing here can encode, are kept.
#[test]
#[ignore = "changes files of the repository"]
fn writes_the_corpus() {
    let raster = scene(48, 32);
    let plain = jpeg(&raster, 80);
    let flat = webp(&scene(32, 32));
    let files: [(&str, Vec<u8>); 20] = [
        ("baseline.jpg", plain.clone()),
        ("progressive.jpg", progressive_jpeg(&raster)),
        ("grey.jpg", grey_jpeg(&raster)),
        ("cmyk.jpg", cmyk_jpeg(&raster)),
        ("turned.jpg", jpeg_with_exif(&plain, &exif(6))),
        ("cut.jpg", plain[..plain.len() / 2].to_vec()),
        ("no-scan.jpg", plain[..200].to_vec()),
        (
            "polyglot.jpg",
            [&plain[..], b"<html><script>PK\x03\x04"].concat(),
        ),
        ("plain.png", png(&raster, Some(exif(8)))),
        ("interlaced.png", interlaced_png(&scene(19, 17))),
        ("cut.png", png(&raster, None)[..900].to_vec()),
        ("lossless.webp", flat.clone()),
        (
            "extended.webp",
            extended_webp(&flat, 0b1000, (32, 32), &exif(3)),
        ),
        ("lying.webp", extended_webp(&flat, 0, (16, 16), &[])),
        ("animated.webp", extended_webp(&flat, 0b10, (32, 32), &[])),
        ("cut.webp", flat[..flat.len() / 2].to_vec()),
        (
            "phone.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08meta".to_vec(),
        ),
        (
            "page.html",
            b"<!doctype html><script>alert(1)</script>".to_vec(),
        ),
        (
            "still.gif",
            b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff;".to_vec(),
        ),
        (
            "drawing.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
        ),
    ];
    fs::create_dir_all(folder()).expect("a folder");
    for (name, bytes) in files {
        fs::write(folder().join(name), bytes).expect("written");
    }
}
