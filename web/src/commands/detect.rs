//! `carrier detect`: runs the detector of the live feed on pictures and videos.

mod copies;
mod inputs;
mod progress;
mod report;

use std::io::{Read, Write, stderr, stdin};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use capture::still::{Still, StillLoader};
use capture::{Mounting, VideoReader};
use detector::{Detector, Track, Tracker, TrackerConfig, Tracks};

use super::open_detector;
use crate::cli::DetectArgs;
use crate::output::{OutputError, error_about, exit_code, print};
use copies::AnnotatedCopies;
use inputs::{Input, inputs_of, is_video};
use progress::Progress;
use report::{Found, FoundThing, Report, VideoFrame};

pub(crate) fn run(args: &DetectArgs) -> anyhow::Result<ExitCode> {
    if let Some(score) = args.min_score.filter(|score| !(0.0..=1.0).contains(score)) {
        bail!("--min-score {score}: a score lies between 0 and 1");
    }
    let mut failures = Failures(0);
    let mut inputs = Vec::new();
    for argument in &args.paths {
        match inputs_of(argument) {
            Ok(found) => inputs.extend(found),
            Err(error) => failures.note(argument, &error),
        }
    }
    let detector = open_detector(&args.model.model)?;
    let mut run = DetectRun {
        min_score: args.min_score.unwrap_or_else(|| detector.min_score()),
        detector,
        loader: StillLoader::new()?,
        copies: args
            .out
            .as_deref()
            .map(AnnotatedCopies::in_folder)
            .transpose()?,
        report: Report::new(args.format),
        progress: Progress::new(inputs.len()),
    };
    for input in &inputs {
        if let Err(error) = run.detect(input) {
            run.progress.clear();
            if error.is::<OutputError>() {
                return Err(error);
            }
            failures.note(input.path(), &error);
        }
        run.progress.input_done();
    }
    run.progress.clear();
    print(&run.report.end(&run.detector.labels())?)?;
    Ok(exit_code(failures.0 == 0))
}

/// One bad picture never ends a run.
struct Failures(usize);

impl Failures {
    fn note(&mut self, path: &Path, error: &anyhow::Error) {
        self.0 += 1;
        let why = error_about(path, error.as_ref());
        let _ = writeln!(stderr(), "carrier: {why}");
    }
}

struct DetectRun {
    detector: Detector,
    min_score: f32,
    loader: StillLoader,
    copies: Option<AnnotatedCopies>,
    report: Report,
    progress: Progress,
}

impl DetectRun {
    fn detect(&mut self, input: &Input) -> anyhow::Result<()> {
        match input {
            Input::File(path) if is_video(path) => self.video(path),
            Input::File(path) => {
                let still = self.loader.load(path)?;
                self.still(path, still)
            }
            Input::StandardInput => {
                let mut bytes = Vec::new();
                stdin()
                    .lock()
                    .take(StillLoader::MAX_BYTES + 1)
                    .read_to_end(&mut bytes)
                    .context("standard input cannot be read")?;
                let still = self.loader.decode(&bytes)?;
                self.still(input.path(), still)
            }
        }
    }

    fn still(&mut self, path: &Path, mut still: Still) -> anyhow::Result<()> {
        let detections = self.detector.detect(&still.pixels, self.min_score)?;
        let things = detections
            .iter()
            .zip(1..)
            .map(|(found, number)| Track::still(number, found.class_id, found.score, found.bbox));
        let size = (still.pixels.width(), still.pixels.height());
        let tracks = self.tracks(Instant::now(), size, things.collect());
        self.tell(path, None, (still.width, still.height), &tracks)?;
        if let Some(copies) = &mut self.copies {
            copies.write(path, &mut still.pixels, &tracks)?;
        }
        self.progress.picture(&path.to_string_lossy(), 1.0);
        Ok(())
    }

    /// Objects are followed as in the live feed, with the detections of each picture.
    fn video(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut video = VideoReader::open(path)?;
        let config = TrackerConfig::for_score(self.min_score);
        let (mut tracker, start) = (Tracker::new(config), Instant::now());
        let (mut copy, mut number) = (None, 0);
        while let Some((mut picture, at)) = video.read()? {
            let size = (picture.width(), picture.height());
            if copy.is_none()
                && let Some(copies) = &mut self.copies
            {
                copy = Some(copies.begin_video(path, size, video.fps())?);
            }
            let detections = self.detector.detect(&picture, config.weak_score)?;
            let items = tracker.update(&detections, start + at);
            let tracks = self.tracks(start + at, size, items);
            self.tell(path, Some(VideoFrame::new(number, at)), size, &tracks)?;
            if let Some(copy) = &mut copy {
                copy.add(&mut picture, &tracks, at)?;
            }
            number += 1;
            let part = number as f64 / video.length().unwrap_or(u64::MAX) as f64;
            self.progress.picture(&path.to_string_lossy(), part);
        }
        if number == 0 {
            bail!("the video has no picture that can be decoded");
        }
        copy.map_or(Ok(()), copies::AnnotatedVideo::finish)
    }

    fn tracks(&self, at: Instant, (width, height): (u32, u32), items: Vec<Track>) -> Tracks {
        Tracks {
            captured_at: at,
            frame_seq: 0,
            source_number: 0,
            frame_width: width,
            frame_height: height,
            mounting: Mounting::default(),
            labels: self.detector.labels(),
            items,
        }
    }

    fn tell(
        &mut self,
        path: &Path,
        frame: Option<VideoFrame>,
        (width, height): (u32, u32),
        tracks: &Tracks,
    ) -> anyhow::Result<()> {
        let labels = Arc::clone(&tracks.labels);
        let thing = |found: &Track| {
            let bbox = found.bbox.clipped(width, height)?;
            Some(FoundThing {
                class: labels.get(found.class_id).map_or("unknown", String::as_str),
                class_id: found.class_id,
                score: found.score,
                track: frame.map(|_| found.id),
                bbox_px: [bbox.x1, bbox.y1, bbox.x2, bbox.y2],
            })
        };
        let text = self.report.picture(&Found {
            image: &path.to_string_lossy(),
            frame,
            width,
            height,
            detections: tracks.items.iter().filter_map(thing).collect(),
        })?;
        Ok(print(&text)?)
    }
}
