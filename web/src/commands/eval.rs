//! `carrier eval`: the live code path on pictures in which everything is known.

mod report;

use std::fs::File;
use std::io::{IsTerminal, Read, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use capture::still::{Still, StillLoader};
use detector::Detector;
use detector::coco::{Accuracy, Annotations, Classes, Evaluation, LeftOut, Picture, Rect, TrueBox};

use self::report::Report;
use super::open_detector::open_detector;
use super::print;
use crate::cli::{EvalArgs, ReportFormat};
use crate::complaint::plainly;

/// Twice what COCO's largest file (train2017) has.
const MOST_ANNOTATION_BYTES: u64 = 1 << 30;

/// Average precision wants to see the doubtful boxes too, as the published numbers do.
const MIN_SCORE: f32 = 0.01;

/// A picture is searched in about 20 ms: a line a second.
const PICTURES_A_LINE: usize = 50;

pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let annotations = read(&args.coco)?;
    note_missing(&annotations, &args.images)?;
    note_left_out(&annotations.left_out);
    let mut detector = open_detector(&args.model)?;
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
    Ok(if measured.bad.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One line for people, beside the report.
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

/// Before the long work, not in the middle of it.
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
    if left_out.count > 0 {
        let more = left_out.count - left_out.first.len();
        let more = if more > 0 {
            format!("; {more} more")
        } else {
            String::new()
        };
        let named = left_out.first.join("; ");
        note(&format!(
            "annotations left out: {}: {named}{more}",
            left_out.count
        ));
    }
}

/// What came of all pictures.
struct Measured {
    /// `None`: the pictures have no annotated box.
    accuracy: Option<Accuracy>,
    /// How long finding took.
    took: Duration,
    /// How many were measured.
    pictures: usize,
    /// The others, each named with the reason.
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
                    // The first one allocates what the others use.
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

/// The picture, upright, with its boxes, or what is wrong with it.
fn load(
    loader: &mut StillLoader,
    picture: &Picture,
    folder: &Path,
) -> Result<(Still, Vec<TrueBox>), String> {
    let path = folder.join(picture.file.as_ref()?);
    let name = path.display();
    // A pipe of that name would be waited for.
    if !path.is_file() {
        return Err(format!("{name}: there is no such picture"));
    }
    let still = loader.load(&path).map_err(|error| {
        let why = plainly(&error);
        if why.starts_with(&name.to_string()) {
            why
        } else {
            format!("{name}: {why}")
        }
    })?;
    let (upright, stored) = ((still.width, still.height), still.stored_size_px());
    let mut boxes = picture.boxes.clone();
    match picture.size_px {
        Some(told) if told == upright => {}
        // Annotated without regard to EXIF.
        Some(told) if told == stored => {
            for one in &mut boxes {
                let Rect {
                    x,
                    y,
                    width,
                    height,
                } = one.rect;
                one.rect = Rect::from(still.upright([x, y, width, height]));
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

/// One line that counts on a terminal, now and then a line in a log file.
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
