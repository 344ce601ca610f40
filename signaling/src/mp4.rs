//! An MP4 file of one H.264 track. Pure, apart from the writer that it is given.
//!
//! Boxes: ISO/IEC 14496-12; H.264 in them: ISO/IEC 14496-15. The samples come first and the index last, so that nothing is
//! held in memory but eight bytes a sample.

use std::io::{self, Seek, SeekFrom, Write};

use crate::rtp::packetise::nal_units;

/// Ticks a second, as in RTP.
const TIMESCALE: u32 = 90_000;
/// NAL unit types of H.264, table 7-1.
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;
/// A transformation that changes nothing, in fixed point (14496-12, 8.2.2).
const UNIT_MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// Writes access units into an MP4 file.
#[derive(Debug)]
pub struct Mp4Writer<W> {
    out: W,
    size: (u16, u16),
    samples: Vec<Sample>,
    /// Of all samples.
    bytes: u64,
    sequence_parameters: Vec<u8>,
    picture_parameters: Vec<u8>,
    sample: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    bytes: u32,
    ticks: u64,
    is_keyframe: bool,
}

impl<W: Write + Seek> Mp4Writer<W> {
    /// Begins a file of pictures of this size in pixels.
    pub fn new(mut out: W, width: u32, height: u32) -> io::Result<Self> {
        let side = |px: u32| u16::try_from(px).map_err(|_| io::Error::other("picture too large"));
        let size = (side(width)?, side(height)?);
        out.write_all(&file_type())?;
        // The length is told at the end.
        out.write_all(&1_u32.to_be_bytes())?;
        out.write_all(b"mdat")?;
        out.write_all(&0_u64.to_be_bytes())?;
        Ok(Self {
            out,
            size,
            samples: Vec::new(),
            bytes: 0,
            sequence_parameters: Vec::new(),
            picture_parameters: Vec::new(),
            sample: Vec::new(),
        })
    }

    /// Appends a picture, shown from `ticks` (90 kHz, ascending) on, as an Annex B stream.
    pub fn add(&mut self, access_unit: &[u8], is_keyframe: bool, ticks: u64) -> io::Result<()> {
        self.sample.clear();
        for unit in nal_units(access_unit) {
            match unit.first().map_or(0, |header| header & 0x1f) {
                SEQUENCE_PARAMETERS => unit.clone_into(&mut self.sequence_parameters),
                PICTURE_PARAMETERS => unit.clone_into(&mut self.picture_parameters),
                _ => {
                    self.sample.extend((unit.len() as u32).to_be_bytes());
                    self.sample.extend(unit);
                }
            }
        }
        self.out.write_all(&self.sample)?;
        self.bytes += self.sample.len() as u64;
        self.samples.push(Sample {
            bytes: self.sample.len() as u32,
            ticks,
            is_keyframe,
        });
        Ok(())
    }

    /// Writes the index. The last picture is shown until `end_ticks`.
    pub fn finish(mut self, end_ticks: u64) -> io::Result<W> {
        let start = file_type().len() as u64;
        let index = self.index(end_ticks, start + 16);
        self.out.write_all(&index)?;
        self.out.seek(SeekFrom::Start(start + 8))?;
        self.out.write_all(&(self.bytes + 16).to_be_bytes())?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// The `moov` box. `first`: where the first sample is in the file.
    fn index(&self, end_ticks: u64, first: u64) -> Vec<u8> {
        let begin = self.samples.first().map_or(0, |sample| sample.ticks);
        let length = u32::try_from(end_ticks.saturating_sub(begin)).unwrap_or(u32::MAX);
        let (width, height) = self.size;
        let movie = full(b"mvhd", 0, |out| {
            put(out, &[0, 0, TIMESCALE, length, 0x1_0000, 0x0100_0000, 0, 0]);
            put(out, &UNIT_MATRIX);
            put(out, &[0, 0, 0, 0, 0, 0, 2]);
        });
        // Enabled, and part of the movie.
        let track = full(b"tkhd", 3, |out| {
            put(out, &[0, 0, 1, 0, length, 0, 0, 0, 0]);
            put(out, &UNIT_MATRIX);
            put(out, &[u32::from(width) << 16, u32::from(height) << 16]);
        });
        let media = full(b"mdhd", 0, |out| {
            put(out, &[0, 0, TIMESCALE, length]);
            // "und", no language.
            put(out, &[0x55c4_0000]);
        });
        let handler = full(b"hdlr", 0, |out| {
            out.extend(b"\0\0\0\0vide\0\0\0\0\0\0\0\0\0\0\0\0video\0");
        });
        let here = full(b"url ", 1, |_| {});
        let references = full(b"dref", 0, |out| {
            put(out, &[1]);
            out.extend(here);
        });
        let information = boxed(b"minf", |out| {
            out.extend(full(b"vmhd", 1, |out| put(out, &[0, 0])));
            out.extend(boxed(b"dinf", |out| out.extend(references)));
            out.extend(boxed(b"stbl", |out| self.table(end_ticks, first, out)));
        });
        boxed(b"moov", |out| {
            out.extend(movie);
            out.extend(boxed(b"trak", |out| {
                out.extend(track);
                out.extend(boxed(b"mdia", |out| {
                    out.extend(media);
                    out.extend(handler);
                    out.extend(information);
                }));
            }));
        })
    }

    /// When each sample is shown, which are keyframes, how long they are, and where.
    fn table(&self, end_ticks: u64, first: u64, out: &mut Vec<u8>) {
        let count = self.samples.len() as u32;
        out.extend(full(b"stsd", 0, |out| {
            put(out, &[1]);
            out.extend(self.sample_entry());
        }));
        let ends = self.samples.iter().skip(1).map(|sample| sample.ticks);
        let ends = ends.chain([end_ticks]);
        let lengths = self.samples.iter().zip(ends);
        let lengths = lengths.map(|(sample, end)| end.saturating_sub(sample.ticks) as u32);
        let mut runs: Vec<[u32; 2]> = Vec::new();
        for length in lengths {
            match runs.last_mut() {
                Some(run) if run[1] == length => run[0] += 1,
                _ => runs.push([1, length]),
            }
        }
        out.extend(full(b"stts", 0, |out| {
            put(out, &[runs.len() as u32]);
            put(out, runs.as_flattened());
        }));
        let keyframes = (1..).zip(&self.samples);
        let keyframes = keyframes.filter(|(_, sample)| sample.is_keyframe);
        let keyframes: Vec<u32> = keyframes.map(|(number, _)| number).collect();
        out.extend(full(b"stss", 0, |out| {
            put(out, &[keyframes.len() as u32]);
            put(out, &keyframes);
        }));
        // One chunk of all samples.
        out.extend(full(b"stsc", 0, |out| put(out, &[1, 1, count, 1])));
        out.extend(full(b"stsz", 0, |out| {
            put(out, &[0, count]);
            self.samples
                .iter()
                .for_each(|sample| put(out, &[sample.bytes]));
        }));
        out.extend(full(b"co64", 0, |out| {
            put(out, &[1]);
            out.extend(first.to_be_bytes());
        }));
    }

    /// The decoder's configuration in `avc1` (14496-15, 5.4.2).
    fn sample_entry(&self) -> Vec<u8> {
        let with_length = |out: &mut Vec<u8>, unit: &[u8]| {
            out.extend((unit.len() as u16).to_be_bytes());
            out.extend(unit);
        };
        let configuration = boxed(b"avcC", |out| {
            out.push(1);
            // Profile, compatible profiles, level.
            let profile = self.sequence_parameters.get(1..4).unwrap_or(&[66, 0, 31]);
            out.extend(profile);
            // Four bytes of length before each NAL unit; one set of each kind.
            out.extend([0xff, 0xe1]);
            with_length(out, &self.sequence_parameters);
            out.push(1);
            with_length(out, &self.picture_parameters);
        });
        boxed(b"avc1", |out| {
            out.extend([0, 0, 0, 0, 0, 0, 0, 1]);
            out.extend([0; 16]);
            out.extend(self.size.0.to_be_bytes());
            out.extend(self.size.1.to_be_bytes());
            // 72 dots per inch, one picture a sample, no name, 24 bits.
            put(out, &[0x48_0000, 0x48_0000, 0]);
            out.extend(1_u16.to_be_bytes());
            out.extend([0; 32]);
            out.extend([0, 24, 0xff, 0xff]);
            out.extend(configuration);
        })
    }
}

fn file_type() -> Vec<u8> {
    boxed(b"ftyp", |out| out.extend(b"isom\0\0\x02\0isomiso2avc1mp41"))
}

fn boxed(name: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend(name);
    fill(&mut out);
    let length = out.len() as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// A box with a version, 0, and flags.
fn full(name: &[u8; 4], flags: u32, fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    boxed(name, |out| {
        put(out, &[flags]);
        fill(out);
    })
}

fn put(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// The contents of the box with this path.
    fn contents<'a>(mut bytes: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
        for name in path {
            loop {
                let length = u32::from_be_bytes(bytes[..4].try_into().expect("a length"));
                let (length, header) = match length {
                    1 => (
                        u64::from_be_bytes(bytes[8..16].try_into().expect("a length")),
                        16,
                    ),
                    length => (u64::from(length), 8),
                };
                let (this, rest) = bytes.split_at(length as usize);
                if this[4..8] == **name {
                    bytes = &this[header..];
                    break;
                }
                bytes = rest;
            }
        }
        bytes
    }

    fn words(bytes: &[u8]) -> Vec<u32> {
        let word = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four"));
        bytes.chunks_exact(4).map(word).collect()
    }

    #[test]
    fn samples_times_and_keyframes_are_where_the_index_says() {
        let file = Cursor::new(Vec::new());
        let mut writer = Mp4Writer::new(file, 640, 360).expect("begun");
        let start = [0, 0, 0, 1];
        let parameters = [&start[..], &[0x67, 66, 0xc0, 30, 9], &start[..], &[0x68, 5]].concat();
        let key = [&parameters[..], &start[..], &[0x65, 1, 2, 3]].concat();
        writer.add(&key, true, 500).expect("added");
        writer.add(&[0, 0, 1, 0x41, 7], false, 3500).expect("added");
        writer
            .add(&[0, 0, 1, 0x41, 8, 9], false, 6500)
            .expect("added");
        writer.add(&key, true, 12_500).expect("added");
        let bytes = writer.finish(15_500).expect("finished").into_inner();
        assert_eq!(&bytes[4..8], b"ftyp");
        let data = [&[0, 0, 0, 4, 0x65, 1, 2, 3][..], &[0, 0, 0, 2, 0x41, 7]].concat();
        assert!(contents(&bytes, &[b"mdat"]).starts_with(&data));
        let media = contents(&bytes, &[b"moov", b"trak", b"mdia"]);
        assert_eq!(
            words(&contents(media, &[b"mdhd"])[12..20]),
            [90_000, 15_000]
        );
        let table = contents(media, &[b"minf", b"stbl"]);
        // Version and flags come first.
        let of = |name| words(contents(table, &[name]))[1..].to_vec();
        assert_eq!(of(b"stts"), [3, 2, 3000, 1, 6000, 1, 3000]);
        assert_eq!(of(b"stss"), [2, 1, 4]);
        assert_eq!(of(b"stsz"), [0, 4, 8, 6, 7, 8]);
        let at = of(b"co64");
        assert_eq!(at[..2], [1, 0]);
        assert_eq!(bytes[at[2] as usize..][..data.len()], data);
        let entry = contents(table, &[b"stsd"]);
        let configuration = [
            1, 66, 0xc0, 30, 0xff, 0xe1, 0, 5, 0x67, 66, 0xc0, 30, 9, 1, 0, 2, 0x68, 5,
        ];
        assert!(entry.ends_with(&configuration));
    }

    #[test]
    fn a_picture_that_the_format_cannot_name_is_refused() {
        assert!(Mp4Writer::new(Cursor::new(Vec::new()), 70_000, 2).is_err());
    }
}
