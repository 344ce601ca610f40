//! Reads a y4m stream from standard input, a FIFO or a file.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use crate::convert::{Planar, blend_fields, planar};
use crate::error::CaptureError;
use crate::outlet::{Opened, Outlet};
use crate::pace::Pacer;
use crate::pixel_aspect::Squarer;
use crate::spec::{SourceSpec, Y4mInput};
use crate::y4m::{Y4mError, Y4mReader};

/// A megabyte is most of a 720p picture: few system calls a frame.
const BUFFER_BYTES: usize = 1 << 20;

/// Reads until the stream ends or nobody wants it.
pub(crate) fn run(input: &Y4mInput, again: bool, outlet: &mut Outlet) -> Result<(), CaptureError> {
    let name = SourceSpec::Y4m(input.clone()).plain_name();
    match input {
        Y4mInput::Stdin => {
            let stdin = BufReader::with_capacity(BUFFER_BYTES, std::io::stdin());
            let broken = |source| CaptureError::Y4m {
                source,
                reopens: false,
            };
            stream(stdin, name, None, outlet).map_err(broken)?;
            Err(CaptureError::InputEnded)
        }
        Y4mInput::Path(path) => {
            let broken = |source| CaptureError::Y4m {
                source,
                reopens: true,
            };
            let paced = path.is_file();
            // Across the turns of a loop, so that the seam is one interval wide.
            let mut pacer = None;
            while outlet.wanted() {
                let file = open(path, &name)?;
                let pacing = paced.then_some(&mut pacer);
                stream(file, name.clone(), pacing, outlet).map_err(broken)?;
                match (paced, again) {
                    (false, _) => return Err(CaptureError::PipeEnded),
                    (true, false) => return Err(CaptureError::VideoEnded),
                    (true, true) => {}
                }
            }
            Ok(())
        }
    }
}

fn open(path: &Path, name: &str) -> Result<impl BufRead, CaptureError> {
    // For a FIFO this waits for a writer.
    let file = File::open(path).map_err(|error| CaptureError::Video {
        name: name.to_owned(),
        detail: error.to_string(),
    })?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// Reads one stream to its end. A writer paces a pipe; a file is paced by its header's rate.
fn stream(
    input: impl BufRead,
    name: String,
    mut pacing: Option<&mut Option<Pacer>>,
    outlet: &mut Outlet,
) -> Result<(), Y4mError> {
    let Some(mut reader) = Y4mReader::open(input)? else {
        // An empty file must not be opened in a tight loop.
        return if pacing.is_some() {
            Err(Y4mError::Empty)
        } else {
            Ok(())
        };
    };
    let fps = reader.header().fps.unwrap_or_default();
    outlet.opened(Opened {
        source: name,
        fps: fps as f32,
        camera: None,
    });
    let (mut pixels, mut pictures) = (Vec::new(), 0_u64);
    let mut squarer = Squarer::default();
    let mut is_advised = false;
    while outlet.wanted() {
        match reader.next_into(&mut pixels) {
            Ok(true) => pictures += 1,
            Ok(false) => break,
            Err(Y4mError::CutShort) => {
                outlet.bad_picture(&Y4mError::CutShort);
                break;
            }
            Err(error) => return Err(error),
        }
        let now = Instant::now();
        let captured_at = pacing.as_deref_mut().map_or(now, |pacer| {
            pacer.get_or_insert_with(|| Pacer::new(fps)).due(None, now)
        });
        outlet.pause_until(captured_at);
        if reader.is_interlaced() && !std::mem::replace(&mut is_advised, true) {
            tracing::info!(
                "the y4m pictures are interlaced and shown with their rows mixed; sharper is to \
                 deinterlace before (ffmpeg: -vf yadif)"
            );
        }
        publish(&reader, &pixels, captured_at, &mut squarer, outlet);
    }
    if pictures == 0 && pacing.is_some() {
        Err(Y4mError::CutShort)
    } else {
        Ok(())
    }
}

fn publish<R: BufRead>(
    reader: &Y4mReader<R>,
    pixels: &[u8],
    captured_at: Instant,
    squarer: &mut Squarer,
    outlet: &mut Outlet,
) {
    let header = reader.header();
    let size = (header.width, header.height);
    let picture = outlet.timed(|| {
        let planes = Planar::tight(pixels, size, header.chroma, header.range);
        let picture = planes.and_then(|planes| planar(&planes, outlet.pool()));
        let mut picture = picture.map_err(|error| error.to_string())?;
        if reader.is_interlaced() {
            blend_fields(&mut picture);
        }
        squarer.squared(picture, header.aspect, outlet.pool())
    });
    match picture {
        Ok(picture) => outlet.publish(picture, captured_at),
        Err(error) => outlet.bad_picture(&error),
    }
}
