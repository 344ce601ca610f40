//! Test pictures: a real clip decoded by ffmpeg, or synthetic ones.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use capture::I420;

/// The shared media folder; prints why the test is skipped without it.
pub(crate) fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("CARRIER_SHARED").map(PathBuf::from);
    if shared.is_none() {
        eprint_line("skipped: CARRIER_SHARED is not set");
    }
    shared
}

/// Whether `program` can be started; prints why the test is skipped if not.
pub(crate) fn installed(program: &str) -> bool {
    let probe = Command::new(program)
        .arg("-version")
        .stdout(Stdio::null())
        .status();
    if probe.is_err() {
        eprint_line(&format!("skipped: {program} is not installed"));
    }
    probe.is_ok()
}

/// Prints a line to the test's output.
#[allow(clippy::print_stderr)]
pub(crate) fn eprint_line(line: &str) {
    eprintln!("{line}");
}

/// Decodes a clip to I420 pictures.
pub(crate) struct Clip {
    ffmpeg: Child,
    width: u32,
    height: u32,
}

impl Clip {
    /// The webcam clip, scaled to this size.
    pub(crate) fn webcam(width: u32, height: u32) -> Option<Self> {
        let path = shared()?.join("media/webcam_asl_640x480.mp4");
        if !installed("ffmpeg") {
            return None;
        }
        let scale = format!("scale={width}:{height},format=yuv420p");
        let ffmpeg = Command::new("ffmpeg")
            .args(["-v", "error", "-threads", "1", "-i"])
            .arg(path)
            .args(["-vf", &scale, "-f", "rawvideo", "-"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("ffmpeg starts");
        Some(Self {
            ffmpeg,
            width,
            height,
        })
    }
}

impl Iterator for Clip {
    type Item = I420;

    fn next(&mut self) -> Option<I420> {
        let mut picture = I420::black(self.width, self.height).expect("even");
        let stdout = self.ffmpeg.stdout.as_mut().expect("piped");
        stdout.read_exact(picture.data_mut()).ok().map(|()| picture)
    }
}

impl Drop for Clip {
    fn drop(&mut self) {
        let _gone_already = self.ffmpeg.kill();
        let _status = self.ffmpeg.wait();
    }
}

/// A texture that moves by four pixels per step.
pub(crate) fn sliding(width: u32, height: u32, step: usize) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    let columns = width as usize;
    for (at, luma) in picture.planes_mut().y.iter_mut().enumerate() {
        let (x, y) = (at % columns + step * 4, at / columns);
        *luma = 16 + (((x / 5) * 37) ^ ((y / 3) * 11)) as u8 % 200;
    }
    picture
}
