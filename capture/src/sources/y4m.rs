//! YUV4MPEG2 (y4m) from standard input, a FIFO or a file.
//!
//! The format has no specification of its own; this follows mjpegtools' yuv4mpeg(5) and what FFmpeg
//! writes. A header is not trusted: memory grows only with the bytes that really follow.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Instant;

use super::kind::{Request, SourceKind, file_name, not_empty};
use super::output::{OpenedSource, SourceOutput};
use super::pacer::Pacer;
use super::stall::{STALL, StallLimits};
use crate::convert::{Chroma, PixelAspect, Planar, Range, Squarer, blend_fields, planar};
use crate::error::{CaptureError, MAX_Y4M_LINE_BYTES, Y4mError};
use crate::picture::I420;

const STREAM_MARK: &[u8] = b"YUV4MPEG2";
const FRAME_MARK: &[u8] = b"FRAME";

/// A stream header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `None` when the header does not tell.
    pub(crate) fps: Option<f64>,
    pub(crate) chroma: Chroma,
    pub(crate) range: Range,
    pub(crate) aspect: PixelAspect,
    pub(crate) fields: Fields,
}

/// Whether pictures are interlaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    Progressive,
    Interlaced,
    /// Each frame tells.
    Mixed,
}

impl Header {
    /// Reads a header line without its line feed.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Y4mError> {
        let text = std::str::from_utf8(line).map_err(|_| Y4mError::NotY4m)?;
        let mut words = text.split_ascii_whitespace();
        if words.next() != Some("YUV4MPEG2") {
            return Err(Y4mError::NotY4m);
        }
        let (mut width, mut height, mut fps) = (None, None, None);
        let (mut chroma, mut range) = (Chroma::Cs420, Range::Limited);
        let (mut aspect, mut fields) = (PixelAspect::default(), Fields::Progressive);
        for field in words {
            let wrong = |why| Y4mError::Field {
                field: field.chars().take(40).collect(),
                why,
            };
            match field.split_at_checked(1) {
                Some(("W", value)) => width = Some(side(value).ok_or_else(|| wrong(SIDE))?),
                Some(("H", value)) => height = Some(side(value).ok_or_else(|| wrong(SIDE))?),
                Some(("F", value)) => fps = rate(value).map_err(wrong)?,
                Some(("I", "t" | "b")) => fields = Fields::Interlaced,
                Some(("I", "m")) => fields = Fields::Mixed,
                Some(("A", value)) => aspect = pixel_aspect(value),
                Some(("C", value)) => chroma = colours(value)?,
                Some(("X", "COLORRANGE=FULL")) => range = Range::Full,
                _ => {}
            }
        }
        let (Some(width), Some(height)) = (width, height) else {
            return Err(Y4mError::NoSize);
        };
        Ok(Self {
            width,
            height,
            fps,
            chroma,
            range,
            aspect,
            fields,
        })
    }

    /// Bytes of one picture.
    pub(crate) fn picture_bytes(&self) -> usize {
        self.chroma.picture_bytes(self.width, self.height)
    }
}

const SIDE: &str = "a side has 2 to 8192 pixels";

fn side(value: &str) -> Option<u32> {
    value
        .parse()
        .ok()
        .filter(|side| (2..=I420::MAX_SIDE_PX).contains(side))
}

/// `0:0` means "unknown".
fn rate(value: &str) -> Result<Option<f64>, &'static str> {
    let (over, under) = value.split_once(':').ok_or("a rate is written like 30:1")?;
    let number = |text: &str| {
        text.parse::<u32>()
            .map_err(|_| "a rate is written like 30:1")
    };
    let (over, under) = (number(over)?, number(under)?);
    Ok((over > 0 && under > 0).then(|| f64::from(over) / f64::from(under)))
}

/// A nonsensical ratio counts as unknown, because it makes no picture undecodable.
fn pixel_aspect(value: &str) -> PixelAspect {
    let (over, under) = value.split_once(':').unwrap_or_default();
    let number = |text: &str| text.parse().unwrap_or_default();
    PixelAspect::new(number(over), number(under))
}

fn colours(value: &str) -> Result<Chroma, Y4mError> {
    match value {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(Chroma::Cs420),
        "422" => Ok(Chroma::Cs422),
        "444" => Ok(Chroma::Cs444),
        "mono" => Ok(Chroma::Mono),
        other => Err(Y4mError::Colours(other.chars().take(20).collect())),
    }
}

/// Reads pictures off a stream.
#[derive(Debug)]
pub(crate) struct Y4mReader<R> {
    input: R,
    header: Header,
    is_interlaced: bool,
}

impl<R: BufRead> Y4mReader<R> {
    /// Reads the header; `None` when the stream is empty.
    pub(crate) fn open(mut input: R) -> Result<Option<Self>, Y4mError> {
        match line(&mut input)? {
            None => Ok(None),
            Some(line) => Ok(Some(Self {
                input,
                header: Header::parse(&line)?,
                is_interlaced: false,
            })),
        }
    }

    /// The newest header.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the newest picture is interlaced.
    pub(crate) fn is_interlaced(&self) -> bool {
        self.is_interlaced
    }

    /// Reads the next picture into `pixels`; `false` at the end. A second header, from a writer that was
    /// started again, replaces the first.
    pub(crate) fn next_into(&mut self, pixels: &mut Vec<u8>) -> Result<bool, Y4mError> {
        let mut mark = match line(&mut self.input) {
            Err(Y4mError::LongLine) => return Err(self.no_mark()),
            other => other?,
        };
        if let Some(line_read) = mark.as_deref()
            && line_read.starts_with(STREAM_MARK)
        {
            self.header = Header::parse(line_read)?;
            mark = line(&mut self.input)?;
        }
        match mark {
            None => return Ok(false),
            Some(mark) if is_frame_mark(&mark) => {
                self.is_interlaced = match self.header.fields {
                    Fields::Progressive => false,
                    Fields::Interlaced => true,
                    Fields::Mixed => was_sampled_in_fields(&mark),
                };
            }
            Some(_) => return Err(self.no_mark()),
        }
        pixels.clear();
        // Grows with the bytes that really come, so that a wrong header allocates nothing.
        let wanted = self.header.picture_bytes();
        let got = (&mut self.input).take(wanted as u64).read_to_end(pixels)?;
        if got == wanted {
            Ok(true)
        } else {
            Err(Y4mError::CutShort)
        }
    }

    fn no_mark(&self) -> Y4mError {
        Y4mError::NoFrameMark {
            width: self.header.width,
            height: self.header.height,
        }
    }
}

fn is_frame_mark(line: &[u8]) -> bool {
    line.strip_prefix(FRAME_MARK)
        .is_some_and(|rest| rest.is_empty() || rest[0] == b' ')
}

/// Parses `FRAME Ixyz`: y is `i` when the two fields were captured one after the other.
fn was_sampled_in_fields(mark: &[u8]) -> bool {
    mark.split(|byte| *byte == b' ')
        .any(|word| matches!(word, [b'I', _, b'i', ..]))
}

/// A line without its line feed; `None` at the end of the stream.
fn line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Y4mError> {
    let mut line = Vec::new();
    input
        .take(MAX_Y4M_LINE_BYTES)
        .read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() as u64 + 1 >= MAX_Y4M_LINE_BYTES => Err(Y4mError::LongLine),
        Some(_) => Err(Y4mError::CutShort),
    }
}

/// A megabyte is most of a 720p picture, so that a frame takes few system calls.
const BUFFER_BYTES: usize = 1 << 20;

pub(super) static KIND: SourceKind = SourceKind {
    label: "y4m",
    keyword: Some("y4m"),
    forms: "y4m:- or y4m:PATH",
    needs: "- or a path",
    example: "y4m:-",
    parse: not_empty,
    plain_name: |input| match input {
        "-" => "pipe".to_owned(),
        path => format!("pipe {}", file_name(path)),
    },
    // A pipe waits for its writer without a limit. Opening it again would lose the picture under way.
    limits: StallLimits {
        opening_notice: Some(STALL),
        first_frame: None,
        first_interval: STALL,
        second_frame: None,
        reopen_after: None,
    },
    run,
};

fn run(request: &Request, output: &mut SourceOutput) -> Result<(), CaptureError> {
    let name = &request.name;
    let broken = |source, reopens| CaptureError::Y4m { source, reopens };
    if request.address == "-" {
        let stdin = BufReader::with_capacity(BUFFER_BYTES, io::stdin());
        stream(stdin, name, None, output).map_err(|error| broken(error, false))?;
        return Err(CaptureError::InputEnded);
    }
    let path = Path::new(&request.address);
    let is_file = path.is_file();
    // One pacer for all repetitions, so that the first frame follows the last after one interval.
    let mut pacer = None;
    while output.is_wanted() {
        let file = open(path, name)?;
        let pacing = is_file.then_some(&mut pacer);
        stream(file, name, pacing, output).map_err(|error| broken(error, true))?;
        match (is_file, request.loop_file) {
            (false, _) => return Err(CaptureError::PipeEnded),
            (true, false) => return Err(CaptureError::VideoEnded),
            (true, true) => {}
        }
    }
    Ok(())
}

fn open(path: &Path, name: &str) -> Result<impl BufRead, CaptureError> {
    // Opening a FIFO waits for a writer.
    let file = File::open(path).map_err(|error| CaptureError::Video {
        name: name.to_owned(),
        detail: error.to_string(),
    })?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// Publishes one stream to its end. A pipe is paced by its writer, a file by the rate in its header.
fn stream(
    input: impl BufRead,
    name: &str,
    mut pacing: Option<&mut Option<Pacer>>,
    output: &mut SourceOutput,
) -> Result<(), Y4mError> {
    let Some(mut reader) = Y4mReader::open(input)? else {
        // An error, because a looped empty file would otherwise be opened in a tight loop.
        return if pacing.is_some() {
            Err(Y4mError::Empty)
        } else {
            Ok(())
        };
    };
    let fps = reader.header().fps.unwrap_or_default();
    output.announce(OpenedSource {
        source: name.to_owned(),
        fps: fps as f32,
        camera: None,
    });
    let (mut pixels, mut pictures) = (Vec::new(), 0_u64);
    let mut squarer = Squarer::default();
    let mut is_warned = false;
    while output.is_wanted() {
        match reader.next_into(&mut pixels) {
            Ok(true) => pictures += 1,
            Ok(false) => break,
            Err(Y4mError::CutShort) => {
                output.count_bad_picture(&Y4mError::CutShort);
                break;
            }
            Err(error) => return Err(error),
        }
        let now = Instant::now();
        let captured_at = pacing.as_deref_mut().map_or(now, |pacer| {
            pacer.get_or_insert_with(|| Pacer::new(fps)).due(None, now)
        });
        output.pause_until(captured_at);
        if reader.is_interlaced() && !std::mem::replace(&mut is_warned, true) {
            tracing::info!(
                "the y4m pictures are interlaced and deinterlaced by blending; deinterlacing them \
                 before (ffmpeg: -vf yadif) is sharper"
            );
        }
        if !output.skip_if_surplus(captured_at) {
            publish(&reader, &pixels, captured_at, &mut squarer, output);
        }
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
    output: &mut SourceOutput,
) {
    let header = reader.header();
    let size = (header.width, header.height);
    let picture = output.timed(|| {
        let planes = Planar::contiguous(pixels, size, header.chroma, header.range);
        let picture = planes.and_then(|planes| planar(&planes, output.pool()));
        let mut picture = picture.map_err(|error| error.to_string())?;
        if reader.is_interlaced() {
            blend_fields(&mut picture);
        }
        squarer.squared(picture, header.aspect, output.pool())
    });
    match picture {
        Ok(picture) => output.publish(picture, captured_at),
        Err(error) => output.count_bad_picture(&error),
    }
}
