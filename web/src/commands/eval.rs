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
use detector::coco::{Accuracy, Annotations, Classes, Evaluation, Picture};

use self::report::Report;
use super::open_detector::open_detector;
use super::print;
use crate::cli::{EvalArgs, ReportFormat};

/// Twice what COCO's largest file (train2017) has.
const MOST_ANNOTATION_BYTES: u64 = 1 << 30;

/// Average precision wants to see the doubtful boxes too, as the published numbers do.
const MIN_SCORE: f32 = 0.01;

/// A picture is searched in about 20 ms: a line a second.
const PICTURES_A_LINE: usize = 50;

pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let annotations = read(&args.coco)?;
    assert_all_there(&annotations, &args.images)?;
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
    let (accuracy, took) = measure(&mut detector, &annotations, &classes, &args.images)?;
    let Some(accuracy) = accuracy else {
        bail!(
            "{} has no box of any class that {} offers: nothing can be measured",
            args.coco.display(),
            detector.name()
        );
    };
    let pictures = annotations.pictures.len();
    let report = Report {
        model: detector.name(),
        pictures,
        accuracy: &accuracy,
        categories: &annotations.categories,
        offered: classes.offered(),
        ms_per_image: took.as_secs_f64() * 1e3 / pictures as f64,
    };
    let text = match args.format {
        ReportFormat::Table => report.table(),
        ReportFormat::Json => report.json()?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
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
fn assert_all_there(annotations: &Annotations, folder: &Path) -> anyhow::Result<()> {
    let paths = annotations
        .pictures
        .iter()
        .map(|one| folder.join(&one.file_name));
    let missing: Vec<PathBuf> = paths.filter(|path| !path.is_file()).collect();
    match &missing[..] {
        [] => Ok(()),
        [one] => bail!("{}: there is no such picture", one.display()),
        [one, others @ ..] => bail!(
            "{}: there is no such picture, nor are {} others of {}",
            one.display(),
            others.len(),
            annotations.pictures.len()
        ),
    }
}

/// The accuracy, where there was something to be found, and how long finding took.
fn measure(
    detector: &mut Detector,
    annotations: &Annotations,
    classes: &Classes,
    folder: &Path,
) -> anyhow::Result<(Option<Accuracy>, Duration)> {
    let mut loader = StillLoader::new()?;
    let mut evaluation = Evaluation::new(classes.offered());
    let mut took = Duration::ZERO;
    let progress = Progress::of(annotations.pictures.len());
    for (index, picture) in annotations.pictures.iter().enumerate() {
        let still = load(&mut loader, picture, &folder.join(&picture.file_name))?;
        if index == 0 {
            // The first one allocates what the others use.
            detector.detect(&still.pixels, MIN_SCORE)?;
        }
        let started = Instant::now();
        let found = detector.detect(&still.pixels, MIN_SCORE)?;
        took += started.elapsed();
        evaluation.add(
            &picture.boxes,
            classes.scored(&found, still.width, still.height),
        );
        progress.show(index + 1);
    }
    Ok((evaluation.accuracy(), took))
}

fn load(loader: &mut StillLoader, picture: &Picture, path: &Path) -> anyhow::Result<Still> {
    let still = loader
        .load(path)
        .with_context(|| path.display().to_string())?;
    let (width, height) = (still.width, still.height);
    if let Some(told) = picture.size_px.filter(|told| *told != (width, height)) {
        bail!(
            "{} is {width}x{height}, but its annotations are for {}x{}",
            path.display(),
            told.0,
            told.1
        );
    }
    Ok(still)
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
