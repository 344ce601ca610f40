//! Annotated copies of pictures and videos, in one folder.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use capture::I420;
use capture::jpeg::JpegEncoder;
use detector::{OverlayPainter, Tracks};
use signaling::encode::encoder::Encoder;
use signaling::encode::openh264_encoder::OpenH264Encoder;
use signaling::mp4::Mp4Writer;
use signaling::{Rendition, RenditionId};

/// Higher than for the stream: annotated copies are examined closely.
const QUALITY: u8 = 92;
/// Bits for each pixel of each picture of a video, four times as many as in the stream.
const BITS_A_PIXEL: f64 = 0.2;
const KEYFRAME_PERIOD: Duration = Duration::from_secs(2);
const TICKS_A_SECOND: f64 = 90_000.0;

/// Writes annotated copies into one folder.
pub(super) struct AnnotatedCopies {
    folder: PathBuf,
    painter: OverlayPainter,
    encoder: JpegEncoder,
    taken: BTreeSet<OsString>,
}

impl AnnotatedCopies {
    pub(super) fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            painter: OverlayPainter::new(),
            encoder: JpegEncoder::new()?,
            taken: BTreeSet::new(),
        })
    }

    pub(super) fn write(
        &mut self,
        original: &Path,
        picture: &mut I420,
        tracks: &Tracks,
    ) -> anyhow::Result<()> {
        self.painter
            .paint_tracks(picture, tracks, tracks.captured_at, 0);
        let jpeg = self.encoder.encode(picture, QUALITY)?;
        let target = self.free_place(original, "jpg")?;
        std::fs::write(&target, jpeg).with_context(|| cannot_write(&target))
    }

    /// Begins the copy of a video. `size`: of its pictures.
    pub(super) fn begin_video(
        &mut self,
        original: &Path,
        size: (u32, u32),
        fps: f64,
    ) -> anyhow::Result<AnnotatedVideo> {
        let target = self.free_place(original, "mp4")?;
        AnnotatedVideo::begin(target, size, fps)
    }

    /// `a/x.png` and `b/x.jpg` must not overwrite each other's copy, nor a copy its original.
    fn free_place(&mut self, original: &Path, extension: &str) -> anyhow::Result<PathBuf> {
        let stem = match original == Path::new("-") {
            true => "stdin".into(),
            false => original.file_stem().unwrap_or_default().to_string_lossy(),
        };
        let names = std::iter::once(format!("{stem}.{extension}"))
            .chain((2..).map(|number| format!("{stem}-{number}.{extension}")));
        let mut free = names
            .map(OsString::from)
            .skip_while(|name| self.taken.contains(name));
        let name = free.next().unwrap_or_default();
        self.taken.insert(name.clone());
        let target = self.folder.join(name);
        if is_same_file(original, &target) {
            bail!(
                "{} would overwrite the original: name another --out",
                target.display()
            );
        }
        Ok(target)
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// A video file that is written under another name until it is whole.
pub(super) struct AnnotatedVideo {
    target: PathBuf,
    part: PathBuf,
    file: Option<Mp4Writer<BufWriter<File>>>,
    painter: OverlayPainter,
    encoder: OpenH264Encoder,
    size: (u32, u32),
    fps: f64,
    keyframe_at: Duration,
    pictures: u64,
}

impl AnnotatedVideo {
    fn begin(target: PathBuf, size: (u32, u32), fps: f64) -> anyhow::Result<Self> {
        let part = target.with_extension("mp4.part");
        let file = File::create(&part)
            .and_then(|file| Mp4Writer::new(BufWriter::new(file), size.0, size.1))
            .with_context(|| cannot_write(&part))?;
        let bits_a_second = f64::from(size.0) * f64::from(size.1) * fps * BITS_A_PIXEL;
        let encoder = OpenH264Encoder::new(&Rendition {
            id: RenditionId::MAIN,
            width: size.0,
            height: size.1,
            bitrate_bps: bits_a_second as u32,
            fps: fps.ceil() as u32,
        });
        Ok(Self {
            target,
            part,
            file: Some(file),
            painter: OverlayPainter::new(),
            encoder,
            size,
            fps,
            keyframe_at: Duration::ZERO,
            pictures: 0,
        })
    }

    /// Appends a picture that is shown from `at` on.
    pub(super) fn add(
        &mut self,
        picture: &mut I420,
        tracks: &Tracks,
        at: Duration,
    ) -> anyhow::Result<()> {
        if (picture.width(), picture.height()) != self.size {
            bail!("the size of the pictures changes");
        }
        self.painter
            .paint_tracks(picture, tracks, tracks.captured_at, 0);
        let is_keyframe_due = at >= self.keyframe_at;
        if is_keyframe_due {
            self.keyframe_at = at + KEYFRAME_PERIOD;
        }
        let ticks = self.ticks();
        let encoded = self
            .encoder
            .encode(picture, is_keyframe_due, ticks as u32)?;
        self.pictures += 1;
        if let Some(file) = &mut self.file {
            file.add(encoded.access_unit, encoded.keyframe, ticks)
                .with_context(|| cannot_write(&self.part))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let end = self.ticks();
        if let Some(file) = self.file.take() {
            file.finish(end)
                .and_then(|_| std::fs::rename(&self.part, &self.target))
                .with_context(|| cannot_write(&self.target))?;
        }
        Ok(())
    }

    /// When the next picture is shown.
    fn ticks(&self) -> u64 {
        (self.pictures as f64 / self.fps * TICKS_A_SECOND).round() as u64
    }
}

impl Drop for AnnotatedVideo {
    /// A video that ended with an error is not kept.
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
