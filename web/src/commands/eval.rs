//! `carrier eval`: measures average precision of the detector of the live feed on annotated pictures.

mod report;

use std::fs::File;
use std::io::{IsTerminal, Read, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use capture::still::{Still, StillLoader};
use detector::Detector;
use detector::coco::{
    Accuracy, Annotations, BoxXywh, Classes, Evaluation, LeftOut, Picture, TrueBox,
};

use super::open_detector;
use crate::cli::{EvalArgs, ReportFormat};
use crate::commands::eval::report::Report;
use crate::output::{error_about, exit_code, print};

/// Twice the size of COCO's largest file (train2017).
const MOST_ANNOTATION_BYTES: u64 = 1 << 30;

/// Average precision is defined with low scores too, as in published results.
const MIN_SCORE: f32 = 0.01;

/// About one line per second at 20 ms per picture.
const PICTURES_A_LINE: usize = 50;

pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let annotations = read(&args.coco)?;
    note_missing(&annotations, &args.images)?;
    note_left_out(&annotations.left_out);
    let mut detector = open_detector(&args.model.model)?;
    let labels = detector.labels();
    let classes = Classes::new(&labels, &annotations.categories);
    ensure!(
        classes.offered().contains(&true),
        "{} names none of the classes of {}, which begin with {}",
        args.coco.display(),
        detector.name(),
        labels[..labels.len().min(3)].join(", ")
    );
    for (category, label) in classes.respelt(&labels, &annotations.categories) {
        note(&format!(
            "the category \"{category}\" is taken for the class \"{label}\""
        ));
    }
    let measured = measure(&mut detector, &annotations, &classes, &args.images)?;
    let Some(accuracy) = measured.accuracy else {
        bail!(
            "{} has no box of any class that {} offers: nothing can be measured",
            args.coco.display(),
            detector.name()
        );
    };
    let report = Report {
        model: detector.name(),
        pictures: measured.pictures,
        accuracy: &accuracy,
        categories: &annotations.categories,
        offered: classes.offered(),
        annotations_left_out: annotations.left_out.count,
        not_measured: &measured.bad,
        ms_per_image: measured.took.as_secs_f64() * 1e3 / measured.pictures as f64,
    };
    let text = match args.format {
        ReportFormat::Table => report.table(),
        ReportFormat::Json => report.json()?,
    };
    print(&text)?;
    Ok(exit_code(measured.bad.is_empty()))
}

/// Prints a line on standard error.
fn note(words: &str) {
    let _ = writeln!(stderr(), "carrier: {words}");
}

fn read(path: &Path) -> anyhow::Result<Annotations> {
    let named = || path.display().to_string();
    let mut json = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_ANNOTATION_BYTES + 1).read_to_end(&mut json))
        .with_context(|| format!("{} cannot be read", named()))?;
    ensure!(
        json.len() as u64 <= MOST_ANNOTATION_BYTES,
        "{} is larger than {} MiB",
        named(),
        MOST_ANNOTATION_BYTES >> 20
    );
    let annotations = Annotations::parse(&json).with_context(named)?;
    ensure!(
        !annotations.pictures.is_empty(),
        "{} lists no picture",
        named()
    );
    Ok(annotations)
}

/// Reports missing pictures before the measurement starts.
fn note_missing(annotations: &Annotations, folder: &Path) -> anyhow::Result<()> {
    let files = annotations
        .pictures
        .iter()
        .filter_map(|one| one.file.as_ref().ok());
    let missing: Vec<PathBuf> = files
        .map(|file| folder.join(file))
        .filter(|path| !path.is_file())
        .collect();
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let (count, all) = (missing.len(), annotations.pictures.len());
    let words = format!("{}: there is no such picture", first.display());
    match (count == all, count) {
        (true, 1) => bail!(words),
        (true, _) => bail!("{words}, nor any other of the {all} that are annotated"),
        (false, 1) => note(&format!("{words}; the other {} are measured", all - 1)),
        (false, _) => note(&format!(
            "{words}, nor are {} others of {all}; the rest is measured",
            count - 1
        )),
    }
    Ok(())
}

fn note_left_out(left_out: &LeftOut) {
    if left_out.count == 0 {
        return;
    }
    let more = match left_out.count - left_out.first.len() {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    let named = left_out.first.join("; ");
    note(&format!(
        "annotations left out: {}: {named}{more}",
        left_out.count
    ));
}

struct Measured {
    /// `None`: there is no annotated box.
    accuracy: Option<Accuracy>,
    took: Duration,
    pictures: usize,
    /// Pictures that could not be measured, each with the reason.
    bad: Vec<String>,
}

fn measure(
    detector: &mut Detector,
    annotations: &Annotations,
    classes: &Classes,
    folder: &Path,
) -> anyhow::Result<Measured> {
    let mut loader = StillLoader::new()?;
    let mut evaluation = Evaluation::new(classes.offered());
    let (mut took, mut pictures, mut bad) = (Duration::ZERO, 0, Vec::new());
    let progress = Progress::of(annotations.pictures.len());
    for (index, picture) in annotations.pictures.iter().enumerate() {
        match load(&mut loader, picture, folder) {
            Ok((still, boxes)) => {
                if pictures == 0 {
                    // Warm-up: the first detection allocates buffers.
                    detector.detect(&still.pixels, MIN_SCORE)?;
                }
                let started = Instant::now();
                let found = detector.detect(&still.pixels, MIN_SCORE)?;
                took += started.elapsed();
                let found = classes.scored(&found, still.width, still.height);
                evaluation.add(&boxes, found);
                pictures += 1;
            }
            Err(why) => bad.push(why),
        }
        progress.show(index + 1);
    }
    for why in &bad {
        note(&format!("not measured: {why}"));
    }
    if let (0, Some(first)) = (pictures, bad.first()) {
        bail!("none of {} pictures can be measured: {first}", bad.len());
    }
    Ok(Measured {
        accuracy: evaluation.accuracy(),
        took,
        pictures,
        bad,
    })
}

/// The upright picture with its boxes, or why it cannot be measured.
fn load(
    loader: &mut StillLoader,
    picture: &Picture,
    folder: &Path,
) -> Result<(Still, Vec<TrueBox>), String> {
    let path = folder.join(picture.file.as_ref()?);
    let name = path.display();
    // Reading a named pipe would block.
    if !path.is_file() {
        return Err(format!("{name}: there is no such picture"));
    }
    let still = loader.load(&path);
    let still = still.map_err(|error| error_about(&path, &error))?;
    let (upright, stored) = ((still.width, still.height), still.stored_size_px());
    let mut boxes = picture.boxes.clone();
    match picture.size_px {
        Some(told) if told == upright => {}
        // It was annotated without applying its EXIF orientation.
        Some(told) if told == stored => {
            for one in &mut boxes {
                let BoxXywh {
                    x,
                    y,
                    width,
                    height,
                } = one.rect;
                one.rect = BoxXywh::from(still.upright([x, y, width, height]));
            }
        }
        Some((width, height)) => {
            return Err(format!(
                "{name} is {}x{}, but its annotations are for {width}x{height}",
                upright.0, upright.1
            ));
        }
        None => {}
    }
    Ok((still, boxes))
}

/// Progress: one updated line on a terminal, otherwise a line for every [`PICTURES_A_LINE`].
struct Progress {
    all: usize,
    on_terminal: bool,
}

impl Progress {
    fn of(all: usize) -> Self {
        Self {
            all,
            on_terminal: stderr().is_terminal(),
        }
    }

    fn show(&self, done: usize) {
        let all = self.all;
        let _ = match (self.on_terminal, done == all) {
            (true, true) => writeln!(stderr(), "\r{done} of {all} pictures"),
            (true, false) => write!(stderr(), "\r{done} of {all} pictures"),
            (false, _) if done.is_multiple_of(PICTURES_A_LINE) => {
                writeln!(stderr(), "{done} of {all} pictures")
            }
            (false, _) => Ok(()),
        };
    }
}
