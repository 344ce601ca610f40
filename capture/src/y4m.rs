//! YUV4MPEG2: header and frames of the pipe that any tool can feed. Pure but for [`Read`].
//!
//! The format has no specification of its own; this follows mjpegtools' yuv4mpeg(5) and what FFmpeg
//! writes. Nothing in a header is believed further than the bytes that follow it.

use std::io::{self, BufRead, Read};

use thiserror::Error;

use crate::convert::{Chroma, Range};
use crate::picture::I420;
use crate::pixel_aspect::PixelAspect;

/// The longest header or frame line, in bytes.
const MAX_LINE_BYTES: u64 = 1024;
const STREAM_MARK: &[u8] = b"YUV4MPEG2";
const FRAME_MARK: &[u8] = b"FRAME";

/// What is wrong with a stream.
#[derive(Debug, Error)]
pub enum Y4mError {
    /// A file without a byte.
    #[error("This y4m file is empty.")]
    Empty,
    /// It begins with something else.
    #[error("This is no y4m stream: it does not begin with YUV4MPEG2.")]
    NotY4m,
    /// A line without an end.
    #[error("The y4m header is longer than {MAX_LINE_BYTES} bytes.")]
    LongLine,
    /// A field that says nothing sensible.
    #[error("The y4m header says \"{field}\", which cannot be: {why}.")]
    Field {
        /// The field as written.
        field: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Width or height missing.
    #[error("The y4m header gives no size (W and H).")]
    NoSize,
    /// A pixel format that is not read.
    #[error(
        "y4m pixels of the kind \"{0}\" cannot be read; use 8-bit C420, C422, C444 or Cmono \
         (ffmpeg: -pix_fmt yuv420p)."
    )]
    Colours(String),
    /// Where a frame should begin, there is something else.
    #[error(
        "The y4m header lies: after a picture of {width}x{height} no other begins. Its size or \
         colour format is not that of the pictures."
    )]
    NoFrameMark {
        /// Width said.
        width: u32,
        /// Height said.
        height: u32,
    },
    /// The end came in the middle of a picture.
    #[error("The y4m stream ended in the middle of a picture.")]
    CutShort,
    /// Reading failed.
    #[error("The y4m stream cannot be read: {0}.")]
    Io(#[from] io::Error),
}

/// What a stream header says.
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

/// Whether pictures are made of two that were taken one after the other, row by row.
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

/// What makes no sense says nothing: the picture is there all the same.
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

    /// What the newest header says.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the newest picture is made of two fields.
    pub(crate) fn is_interlaced(&self) -> bool {
        self.is_interlaced
    }

    /// Reads the next picture into `pixels`; `false` at the end. A second header (a writer that was
    /// started again) is taken as it comes.
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
        // Grows with what really comes: the header alone takes no memory.
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

/// Of `FRAME Ixyz`: y is `i` where the two fields were taken one after the other.
fn was_sampled_in_fields(mark: &[u8]) -> bool {
    mark.split(|byte| *byte == b' ')
        .any(|word| matches!(word, [b'I', _, b'i', ..]))
}

/// A line without its line feed; `None` at the end of the stream.
fn line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Y4mError> {
    let mut line = Vec::new();
    input.take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() as u64 + 1 >= MAX_LINE_BYTES => Err(Y4mError::LongLine),
        Some(_) => Err(Y4mError::CutShort),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, Y4mError> {
        Header::parse(text.as_bytes())
    }

    fn message(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn headers_of_real_tools_are_read() {
        let ffmpeg = "YUV4MPEG2 W640 H480 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG \
            XCOLORRANGE=LIMITED";
        let header = parse(ffmpeg).expect("sound");
        assert_eq!(
            (header.width, header.height, header.chroma),
            (640, 480, Chroma::Cs420)
        );
        assert!((header.fps.expect("told") - 29.97).abs() < 0.01);
        assert_eq!(header.picture_bytes(), 460_800);
        let full = parse("YUV4MPEG2 W3 H5 C444 XCOLORRANGE=FULL").expect("sound");
        assert_eq!(
            (full.range, full.fps, full.picture_bytes()),
            (Range::Full, None, 45)
        );
        assert_eq!(parse("YUV4MPEG2 W4 H4 F0:0").expect("sound").fps, None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        assert!(message("RIFF").contains("YUV4MPEG2"));
        assert!(message("YUV4MPEG2 W640").contains("no size"));
        assert!(message("YUV4MPEG2 W99999999 H480").contains("W99999999"));
        assert!(message("YUV4MPEG2 W0 H480").contains("W0"));
        assert!(message("YUV4MPEG2 W640 H-4").contains("H-4"));
        assert!(message("YUV4MPEG2 W640 H480 C420p10").contains("420p10"));
        assert!(message("YUV4MPEG2 W640 H480 Fsoon").contains("30:1"));
        assert!(Header::parse(b"YUV4MPEG2 W\xff").is_err());
    }

    #[test]
    fn shape_and_fields_are_told_by_header_and_frames() {
        let aspect = |text: &str| parse(text).expect("sound").aspect.shown((704, 576));
        assert_eq!(aspect("YUV4MPEG2 W704 H576 A16:11"), (1024, 576));
        for square in ["", " A1:1", " A0:0", " A", " A16", " A-1:2", " Ax:y"] {
            let header = format!("YUV4MPEG2 W704 H576{square}");
            assert_eq!(aspect(&header), (704, 576), "{header}");
        }
        let fields = |header: &str, marks: [&str; 2]| {
            let [first, second] = marks.map(|mark| format!("FRAME{mark}\n123456"));
            let stream = format!("YUV4MPEG2 W2 H2{header}\n{first}{second}");
            let reader = Y4mReader::open(stream.as_bytes()).expect("sound");
            let (mut reader, mut pixels) = (reader.expect("not empty"), Vec::new());
            [(); 2].map(|()| {
                assert!(reader.next_into(&mut pixels).expect("sound"));
                reader.is_interlaced()
            })
        };
        assert_eq!(fields("", ["", " Itip"]), [false, false]);
        assert_eq!(fields(" I?", ["", ""]), [false, false]);
        assert_eq!(fields(" It", ["", ""]), [true, true]);
        assert_eq!(fields(" Ib", ["", " Ix"]), [true, true]);
        assert_eq!(fields(" Im", [" I1pp", " Xa Ibii"]), [false, true]);
    }

    #[test]
    fn pictures_come_one_by_one_and_a_second_header_counts() {
        let mut stream = b"YUV4MPEG2 W2 H2 F5:1\nFRAME\n123456FRAME Ip\nabcdef".to_vec();
        stream.extend_from_slice(b"YUV4MPEG2 W4 H2 Cmono\nFRAME\n12345678");
        let mut reader = Y4mReader::open(&stream[..])
            .expect("sound")
            .expect("not empty");
        let (mut pixels, mut pictures) = (Vec::new(), Vec::new());
        while reader.next_into(&mut pixels).expect("sound") {
            pictures.push((reader.header().width, pixels.clone()));
        }
        let expected = [
            (2, b"123456".to_vec()),
            (2, b"abcdef".to_vec()),
            (4, b"12345678".to_vec()),
        ];
        assert_eq!(pictures, expected);
    }

    #[test]
    fn a_lying_header_is_named_and_takes_no_memory() {
        let open = |stream: &'static [u8]| Y4mReader::open(stream).expect("sound").expect("some");
        let mut pixels = Vec::new();
        let mut small = open(b"YUV4MPEG2 W2 H2\nFRAME\n123456789\nFRAME\n123456789\n");
        assert!(small.next_into(&mut pixels).expect("the first is whole"));
        let lie = small
            .next_into(&mut pixels)
            .expect_err("out of step")
            .to_string();
        assert!(lie.contains("2x2") && lie.contains("lies"), "{lie}");
        let mut large = open(b"YUV4MPEG2 W8192 H8192 C444\nFRAME\n123456");
        let mut pixels = Vec::new();
        assert!(matches!(
            large.next_into(&mut pixels),
            Err(Y4mError::CutShort)
        ));
        assert!(pixels.capacity() < 4096, "{}", pixels.capacity());
        let endless = vec![b'x'; 5000];
        assert!(matches!(
            Y4mReader::open(&endless[..]),
            Err(Y4mError::LongLine)
        ));
        assert!(
            Y4mReader::open(&b""[..])
                .expect("empty is no error")
                .is_none()
        );
    }
}
