//! `carrier detect`: runs the detector of the live feed on still pictures.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use capture::jpeg::JpegEncoder;
use capture::still::{Still, StillLoader};
use capture::{I420, Mounting};
use detector::{Detection, Detector, OverlayPainter, Track, Tracks};
use serde::Serialize;

use super::open_detector;
use crate::cli::{DetectArgs, Format};
use crate::output::{OutputError, error_about, exit_code, print};

/// Higher than for the stream: annotated copies are examined closely.
const QUALITY: u8 = 92;

#[derive(Debug, Serialize)]
struct Found<'a> {
    image: &'a str,
    width: u32,
    height: u32,
    detections: Vec<FoundThing<'a>>,
}

#[derive(Debug, Serialize)]
struct FoundThing<'a> {
    class: &'a str,
    class_id: usize,
    score: f32,
    /// Left, top, right, bottom in pixels.
    #[serde(rename = "box")]
    bbox_px: [f32; 4],
}

pub(crate) fn run(args: &DetectArgs) -> anyhow::Result<ExitCode> {
    if let Some(score) = args.min_score.filter(|score| !(0.0..=1.0).contains(score)) {
        bail!("--min-score {score}: a score lies between 0 and 1");
    }
    let detector = open_detector(&args.model.model)?;
    let mut stills = StillDetector {
        min_score: args.min_score.unwrap_or_else(|| detector.min_score()),
        detector,
        loader: StillLoader::new()?,
        copies: args
            .out
            .as_deref()
            .map(AnnotatedCopies::in_folder)
            .transpose()?,
        format: args.format,
    };
    let mut failed = false;
    for path in &args.paths {
        if let Err(error) = stills.detect(path) {
            if error.is::<OutputError>() {
                return Err(error);
            }
            failed = true;
            let why = error_about(path, error.as_ref());
            let _ = writeln!(stderr(), "carrier: {why}");
        }
    }
    Ok(exit_code(!failed))
}

struct StillDetector {
    detector: Detector,
    min_score: f32,
    loader: StillLoader,
    copies: Option<AnnotatedCopies>,
    format: Format,
}

impl StillDetector {
    fn detect(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut still = self.loader.load(path)?;
        let detections = self.detector.detect(&still.pixels, self.min_score)?;
        let labels = self.detector.labels();
        let name = path.to_string_lossy();
        let found = describe(&name, &still, &detections, &labels);
        let text = match self.format {
            Format::Jsonl => serde_json::to_string(&found)? + "\n",
            Format::Table => table(&found),
        };
        print(&text)?;
        if let Some(copies) = &mut self.copies {
            copies.write(path, &mut still.pixels, &detections, labels)?;
        }
        Ok(())
    }
}

fn describe<'a>(
    image: &'a str,
    still: &Still,
    detections: &[Detection],
    labels: &'a [String],
) -> Found<'a> {
    let thing = |found: &Detection| FoundThing {
        class: labels.get(found.class_id).map_or("unknown", String::as_str),
        class_id: found.class_id,
        score: found.score,
        bbox_px: [
            found.bbox.x1,
            found.bbox.y1,
            found.bbox.x2.min(still.width as f32),
            found.bbox.y2.min(still.height as f32),
        ],
    };
    Found {
        image,
        width: still.width,
        height: still.height,
        detections: detections.iter().map(thing).collect(),
    }
}

fn table(found: &Found<'_>) -> String {
    let mut text = format!("{} ({}x{})\n", found.image, found.width, found.height);
    if found.detections.is_empty() {
        text += "  nothing found\n";
    }
    for thing in &found.detections {
        let [x1, y1, x2, y2] = thing.bbox_px;
        let at = format!("{x1:.0},{y1:.0} to {x2:.0},{y2:.0}");
        text += &format!(
            "  {:<16} {:>3.0} %  {at}\n",
            thing.class,
            thing.score * 100.0
        );
    }
    text
}

/// Writes annotated copies into one folder.
struct AnnotatedCopies {
    folder: PathBuf,
    painter: OverlayPainter,
    encoder: JpegEncoder,
    taken: BTreeSet<OsString>,
}

impl AnnotatedCopies {
    fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            painter: OverlayPainter::new(),
            encoder: JpegEncoder::new()?,
            taken: BTreeSet::new(),
        })
    }

    fn write(
        &mut self,
        original: &Path,
        picture: &mut I420,
        detections: &[Detection],
        labels: Arc<[String]>,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        let still = |(index, found): (usize, &Detection)| {
            Track::still(index as u64 + 1, found.class_id, found.score, found.bbox)
        };
        let tracks = Tracks {
            captured_at: now,
            frame_seq: 0,
            source_number: 0,
            frame_width: picture.width(),
            frame_height: picture.height(),
            mounting: Mounting::default(),
            labels,
            items: detections.iter().enumerate().map(still).collect(),
        };
        self.painter.paint_tracks(picture, &tracks, now, 0);
        let jpeg = self.encoder.encode(picture, QUALITY)?;
        let name = self.free_name(original);
        let target = self.folder.join(name);
        if same_file(original, &target) {
            bail!(
                "{} would overwrite the original: name another --out",
                target.display()
            );
        }
        std::fs::write(&target, jpeg).with_context(|| format!("cannot write {}", target.display()))
    }

    /// `a/x.png` and `b/x.jpg` must not overwrite each other's copy.
    fn free_name(&mut self, original: &Path) -> OsString {
        let stem = original
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let names = std::iter::once(format!("{stem}.jpg"))
            .chain((2..).map(|number| format!("{stem}-{number}.jpg")));
        let mut free = names
            .map(OsString::from)
            .skip_while(|name| self.taken.contains(name));
        let name = free.next().unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
