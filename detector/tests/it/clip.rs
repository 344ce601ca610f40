//! Clips, decoded by ffmpeg.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use capture::I420;

/// The pictures of a clip, one after the other.
pub(crate) struct Clip {
    child: Child,
    stream: BufReader<std::process::ChildStdout>,
    size: (u32, u32),
    pub(crate) fps: f64,
}

impl Clip {
    /// `None`, with the reason: ffmpeg is not installed.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-i"]).arg(path);
        command.args(["-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                eprintln!("skipped: ffmpeg: {error}");
                return None;
            }
        };
        let mut stream = BufReader::new(child.stdout.take().expect("piped"));
        let mut header = String::new();
        stream.read_line(&mut header).expect("readable");
        let field = |letter: char| {
            let mut words = header.split_whitespace().skip(1);
            words
                .find_map(|word| word.strip_prefix(letter))
                .expect("in the header")
        };
        let number = |text: &str| text.parse::<u32>().expect("a number");
        let (above, below) = field('F').split_once(':').expect("a fraction");
        let fps = f64::from(number(above)) / f64::from(number(below));
        let size = (number(field('W')), number(field('H')));
        Some(Self {
            child,
            stream,
            size,
            fps,
        })
    }
}

impl Iterator for Clip {
    type Item = I420;

    fn next(&mut self) -> Option<I420> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("readable");
        if line.is_empty() {
            return None;
        }
        let mut picture = I420::black(self.size.0, self.size.1).expect("even");
        self.stream
            .read_exact(picture.data_mut())
            .expect("a whole picture");
        Some(picture)
    }
}

impl Drop for Clip {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
