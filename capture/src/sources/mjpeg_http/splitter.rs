//! Splits the stream of a network camera into JPEGs, by the structure of JPEG. Pure.
//!
//! Cameras write `multipart/x-mixed-replace` in many ways: without a boundary, with another one than the
//! header names, with wrong lengths, with text between the pictures, or as bare JPEGs. Hence a picture
//! begins at its start marker and ends at its end marker. The headers of a part are only used for a
//! picture without an end marker, and for a part without a picture.

mod part;
#[cfg(test)]
mod tests;

use crate::jpeg::{Marker, next_marker};
use part::Part;

/// The largest picture in bytes: an 8K JPEG of good quality. Bounds the memory.
const MAX_PICTURE_BYTES: usize = 32 << 20;
/// After so many bytes without a picture, that is reported.
const MAX_BETWEEN_BYTES: usize = 8 << 20;
/// The longest line of text.
const MAX_LINE_BYTES: usize = 64 << 10;

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// From its start marker to its end marker, or to the end of its part.
    Picture(Vec<u8>),
    /// A part that is not a picture: a description of it.
    NoPicture(String),
}

/// Accepts bytes in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct JpegSplitter {
    /// Bytes that are not consumed yet. Within a picture it begins with the start marker.
    buffer: Vec<u8>,
    state: State,
    /// Bytes since the last picture that were not part of a header.
    unknown_bytes: usize,
}

#[derive(Debug)]
enum State {
    Between(Part),
    Picture(Picture),
}

impl Default for State {
    fn default() -> Self {
        Self::Between(Part::default())
    }
}

/// A picture that is not complete yet.
#[derive(Debug)]
struct Picture {
    /// How far it was scanned for markers.
    at: usize,
    in_scan: bool,
    /// Where its part should end by its Content-Length.
    expected_end: Option<usize>,
}

impl JpegSplitter {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece, if it is complete.
    pub(crate) fn next_cut(&mut self) -> Option<Cut> {
        loop {
            let found = match &mut self.state {
                State::Between(_) => self.between(),
                State::Picture(_) => self.picture(),
            };
            match found {
                Found::Cut(cut) => return Some(cut),
                Found::Turn => {}
                Found::NeedsMore => return None,
            }
        }
    }

    /// The last piece, at the end of the stream.
    pub(crate) fn finish(&mut self) -> Option<Cut> {
        match &self.state {
            State::Picture(picture) if picture.in_scan => {
                Some(self.take_picture(without_text_behind(&self.buffer)))
            }
            State::Between(part) => part.missing_picture(&self.buffer).map(Cut::NoPicture),
            State::Picture(_) => None,
        }
    }

    fn between(&mut self) -> Found {
        let State::Between(part) = &mut self.state else {
            return Found::Turn;
        };
        let picture_at = start_marker(&self.buffer);
        let mut at = 0;
        let found = loop {
            let rest = &self.buffer[at..];
            if picture_at == Some(at) || part.is_at_picture(rest) {
                break Found::Turn;
            }
            if let Some(why) = part.wrong_body(rest) {
                *part = Part::default();
                break Found::Cut(Cut::NoPicture(why));
            }
            let line_end = rest.iter().position(|byte| *byte == b'\n');
            let line_end = line_end.map(|end| at + end + 1);
            match (line_end, picture_at) {
                (Some(end), start) if start.is_none_or(|start| end <= start) => {
                    let was_header = part.line(&self.buffer[at..end]);
                    self.unknown_bytes += if was_header { 0 } else { end - at };
                    at = end;
                    if let Some(why) = part.left_without_picture() {
                        break Found::Cut(Cut::NoPicture(why));
                    }
                }
                (_, Some(start)) => {
                    self.unknown_bytes += start - at;
                    part.skip(&self.buffer[at..start]);
                    at = start;
                }
                (_, None) => break Found::NeedsMore,
            }
        };
        self.buffer.drain(..at);
        match found {
            Found::Turn => {
                let expected_end = part.bytes_left();
                self.unknown_bytes = 0;
                self.state = State::Picture(Picture {
                    at: 2,
                    in_scan: false,
                    expected_end,
                });
                Found::Turn
            }
            Found::NeedsMore => self.without_endless_text(),
            cut @ Found::Cut(_) => cut,
        }
    }

    /// Bounds the bytes kept between two pictures, and reports when there are no pictures.
    fn without_endless_text(&mut self) -> Found {
        let State::Between(part) = &mut self.state else {
            return Found::Turn;
        };
        if self.buffer.len() > MAX_LINE_BYTES {
            // The last bytes may begin a start marker.
            let end = self.buffer.len() - 2;
            part.skip(&self.buffer[..end]);
            self.unknown_bytes += end;
            self.buffer.drain(..end);
        }
        if self.unknown_bytes < MAX_BETWEEN_BYTES {
            return Found::NeedsMore;
        }
        self.unknown_bytes = 0;
        let megabytes = MAX_BETWEEN_BYTES >> 20;
        Found::Cut(Cut::NoPicture(format!(
            "there is no JPEG in {megabytes} MiB of what it sends"
        )))
    }

    fn picture(&mut self) -> Found {
        loop {
            let State::Picture(picture) = &mut self.state else {
                return Found::Turn;
            };
            let Some(marker) = next_marker(&self.buffer, picture.at) else {
                // A marker may be split between two reads.
                let seen = self.buffer.len() - usize::from(self.buffer.ends_with(&[0xff]));
                picture.at = picture.at.max(seen);
                return self.undecided();
            };
            match picture.step(marker, &self.buffer) {
                Step::On(at) => {
                    picture.at = at;
                    // A truncated segment reaches into the next part.
                    if picture.expected_end.is_some_and(|end| at > end)
                        && let Some(cut) = self.end_by_length()
                    {
                        return Found::Cut(cut);
                    }
                }
                Step::End(end) => return Found::Cut(self.take_picture(end)),
                Step::Another(0..=4) => {
                    // The start marker twice.
                    self.buffer.drain(..marker.at);
                    picture.at = 2;
                }
                Step::Another(start) => {
                    let by_length = picture.expected_end.filter(|end| *end <= start);
                    let by_length =
                        by_length.filter(|end| part::may_follow_a_body(&self.buffer[*end..]));
                    let end =
                        by_length.unwrap_or_else(|| without_text_behind(&self.buffer[..start]));
                    return Found::Cut(self.take_picture(end));
                }
                Step::NeedsMore => return self.undecided(),
            }
        }
    }

    /// The picture up to the end of its part by its Content-Length, if the next part may begin there.
    fn end_by_length(&mut self) -> Option<Cut> {
        let State::Picture(picture) = &mut self.state else {
            return None;
        };
        let end = picture.expected_end?;
        let behind = self.buffer.get(end..).filter(|behind| behind.len() >= 2)?;
        if part::may_follow_a_body(behind) {
            return Some(self.take_picture(end));
        }
        // The length is wrong.
        picture.expected_end = None;
        None
    }

    /// All bytes were scanned without finding an end marker: decides by the part's headers.
    fn undecided(&mut self) -> Found {
        if let Some(cut) = self.end_by_length() {
            return Found::Cut(cut);
        }
        let State::Picture(picture) = &self.state else {
            return Found::Turn;
        };
        if picture.in_scan
            && let Some(end) = part::boundary_at_the_end(&self.buffer)
        {
            return Found::Cut(self.take_picture(end));
        }
        if self.buffer.len() > MAX_PICTURE_BYTES {
            (self.buffer, self.state) = (Vec::new(), State::default());
            let megabytes = MAX_PICTURE_BYTES >> 20;
            return Found::Cut(Cut::NoPicture(format!(
                "the picture is larger than {megabytes} MiB"
            )));
        }
        Found::NeedsMore
    }

    /// Returns the bytes before `end` as a picture and continues after it.
    fn take_picture(&mut self, end: usize) -> Cut {
        let rest = self.buffer.split_off(end);
        self.state = State::default();
        Cut::Picture(std::mem::replace(&mut self.buffer, rest))
    }
}

enum Found {
    Cut(Cut),
    /// The state has changed; continue.
    Turn,
    NeedsMore,
}

enum Step {
    /// Continue there.
    On(usize),
    /// The picture ends there.
    End(usize),
    /// Another picture begins there.
    Another(usize),
    NeedsMore,
}

impl Picture {
    fn step(&mut self, marker: Marker, bytes: &[u8]) -> Step {
        match (marker.kind, self.in_scan) {
            (0xd9, _) => Step::End(marker.end),
            (0xd8, _) => match bytes.get(marker.end) {
                Some(0xff) => Step::Another(marker.at),
                Some(_) => Step::On(marker.end),
                None => Step::NeedsMore,
            },
            // Restarts and TEM have no segment; reserved markers within a scan are damage.
            (0x01 | 0xd0..=0xd7, _) | (0x02..=0xbf | 0xf0..=0xfd, true) => Step::On(marker.end),
            _ => match (marker.segment(bytes), bytes.get(marker.end..marker.end + 2)) {
                (Some(body), _) => {
                    self.in_scan |= marker.kind == 0xda;
                    Step::On(body.end)
                }
                // A length shorter than the length field.
                (None, Some([0, 0 | 1])) => Step::On(marker.end),
                (None, _) => Step::NeedsMore,
            },
        }
    }
}

fn start_marker(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(3)
        .position(|three| three == [0xff, 0xd8, 0xff])
}

/// Where a picture without an end marker ends when the header of the next part follows.
fn without_text_behind(bytes: &[u8]) -> usize {
    let is_text = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\t' | b' '..=b'~');
    let text_at = bytes
        .iter()
        .rposition(|byte| !is_text(byte))
        .map_or(0, |last| last + 1);
    let line_end = bytes[text_at..]
        .iter()
        .position(|byte| matches!(byte, b'\r' | b'\n'));
    line_end.map_or(bytes.len(), |at| text_at + at)
}
