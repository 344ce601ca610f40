//! A ZIP whose files are stored as they are, written in parts (PKWARE, APPNOTE 6.3.10; section numbers refer to it).
//! Sizes and checksum of a file stand before it, so that every program can read the archive while it arrives: of the kept crates, `rawzip` and `zip` write them after it when they
//! cannot seek, and `async_zip` brings a dozen dependencies.

use jiff::civil::DateTime;

/// Names are UTF-8 (4.4.4, bit 11).
const FLAGS: u16 = 1 << 11;
const STORED: u16 = 0;
const VERSION: u16 = 10;
const VERSION_ZIP64: u16 = 45;
/// Made on Unix (4.4.2): the upper half of the attributes is the mode of the file.
const MADE_BY: u16 = 3 << 8 | VERSION_ZIP64;
const ATTRIBUTES: u32 = 0o100_644 << 16;

#[derive(Debug, Default)]
pub(super) struct StoredZip {
    /// Length of what was written.
    written: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    /// Time and date (4.4.6).
    modified: [u16; 2],
    crc: u32,
    size: u32,
    /// Of its local header.
    offset: u64,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file of 4 GB or a name of 64 kB does not fit")]
pub(crate) struct TooLargeError;

impl StoredZip {
    /// A file, as the next part of the archive.
    pub(super) fn add(
        &mut self,
        name: &str,
        modified: DateTime,
        bytes: &[u8],
    ) -> Result<Vec<u8>, TooLargeError> {
        if u16::try_from(name.len()).is_err() {
            return Err(TooLargeError);
        }
        let entry = Entry {
            name: name.to_owned(),
            modified: msdos(modified),
            crc: crc32fast::hash(bytes),
            size: u32::try_from(bytes.len()).map_err(|_| TooLargeError)?,
            offset: self.written,
        };
        let mut part = Vec::with_capacity(bytes.len() + name.len() + 30);
        // 4.3.7
        part.extend_from_slice(b"PK\x03\x04");
        part.extend_from_slice(&VERSION.to_le_bytes());
        entry.write_common(&mut part);
        part.extend_from_slice(&0u16.to_le_bytes());
        part.extend_from_slice(name.as_bytes());
        part.extend_from_slice(bytes);
        self.written += part.len() as u64;
        self.entries.push(entry);
        Ok(part)
    }

    /// The directory, which is the rest of the archive.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut part = Vec::new();
        for entry in &self.entries {
            entry.write_directory(&mut part);
        }
        let (count, length, start) = (self.entries.len() as u64, part.len() as u64, self.written);
        let is_large = count >= u64::from(u16::MAX) || start + length >= u64::from(u32::MAX);
        if is_large {
            write_zip64_end(&mut part, count, length, start);
        }
        let short = |value: u64| u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes();
        let long = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
        // 4.3.16
        part.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        part.extend_from_slice(&short(count));
        part.extend_from_slice(&short(count));
        part.extend_from_slice(&long(length));
        part.extend_from_slice(&long(start));
        part.extend_from_slice(&[0, 0]);
        part
    }
}

impl Entry {
    /// What both headers have, from the flags to the length of the name.
    fn write_common(&self, part: &mut Vec<u8>) {
        for value in [FLAGS, STORED, self.modified[0], self.modified[1]] {
            part.extend_from_slice(&value.to_le_bytes());
        }
        for value in [self.crc, self.size, self.size] {
            part.extend_from_slice(&value.to_le_bytes());
        }
        // Its length was checked.
        part.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
    }

    /// 4.3.12
    fn write_directory(&self, part: &mut Vec<u8>) {
        let short_offset = u32::try_from(self.offset).ok().filter(|at| *at < u32::MAX);
        let mut extra = Vec::new();
        if short_offset.is_none() {
            // 4.5.3: the 64-bit offset alone.
            extra.extend_from_slice(&[1, 0, 8, 0]);
            extra.extend_from_slice(&self.offset.to_le_bytes());
        }
        let version = match short_offset {
            Some(_) => VERSION,
            None => VERSION_ZIP64,
        };
        part.extend_from_slice(b"PK\x01\x02");
        part.extend_from_slice(&MADE_BY.to_le_bytes());
        part.extend_from_slice(&version.to_le_bytes());
        self.write_common(part);
        part.extend_from_slice(&(extra.len() as u16).to_le_bytes());
        // No comment, the first disk, no internal attributes.
        part.extend_from_slice(&[0; 6]);
        part.extend_from_slice(&ATTRIBUTES.to_le_bytes());
        part.extend_from_slice(&short_offset.unwrap_or(u32::MAX).to_le_bytes());
        part.extend_from_slice(self.name.as_bytes());
        part.extend_from_slice(&extra);
    }
}

/// 4.3.14 and 4.3.15: the end of a directory that is too long or too far for 4.3.16.
fn write_zip64_end(part: &mut Vec<u8>, count: u64, length: u64, start: u64) {
    part.extend_from_slice(b"PK\x06\x06");
    // Of the rest of this record.
    part.extend_from_slice(&44u64.to_le_bytes());
    part.extend_from_slice(&MADE_BY.to_le_bytes());
    part.extend_from_slice(&VERSION_ZIP64.to_le_bytes());
    part.extend_from_slice(&[0; 8]);
    for value in [count, count, length, start] {
        part.extend_from_slice(&value.to_le_bytes());
    }
    part.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    part.extend_from_slice(&(start + length).to_le_bytes());
    part.extend_from_slice(&1u32.to_le_bytes());
}

/// Time and date of MS-DOS, which begin in 1980 and have seconds in pairs.
fn msdos(at: DateTime) -> [u16; 2] {
    let part = |part: i8| u16::from(part.unsigned_abs());
    let year = u16::try_from(at.year() - 1980).unwrap_or(0).min(127);
    let time = part(at.hour()) << 11 | part(at.minute()) << 5 | (part(at.second()) / 2);
    [time, year << 9 | part(at.month()) << 5 | part(at.day())]
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use jiff::civil::date;

    use super::*;
    use crate::test_folder::TestFolder;

    /// What Python's zipfile, which checks the checksums, finds in an archive.
    fn read_by_python(archive: &[u8]) -> String {
        let folder = TestFolder::new();
        let file = folder.join("x.zip");
        std::fs::write(&file, archive).expect("room");
        let script = "import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    infos = z.infolist()
    print(len(infos), *[(i.filename, i.file_size, i.compress_type, i.date_time, i.flag_bits & 8) for i in infos[:3]])";
        let output = Command::new("python3")
            .args(["-c", script])
            .arg(&file)
            .stderr(Stdio::inherit())
            .output()
            .expect("python3");
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn archive(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
        let at = date(2026, 11, 28).at(18, 5, 9, 0);
        let (mut zip, mut whole) = (StoredZip::default(), Vec::new());
        for (name, bytes) in files {
            whole.extend(zip.add(&name, at, &bytes).expect("small"));
        }
        whole.extend(zip.finish());
        whole
    }

    #[test]
    fn another_program_reads_the_files() {
        let files = [
            ("köln.jpg".to_owned(), vec![7; 70_000]),
            ("empty".to_owned(), Vec::new()),
        ];
        let expected = "2 ('köln.jpg', 70000, 0, (2026, 11, 28, 18, 5, 8), 0) ('empty', 0, 0, (2026, 11, 28, 18, 5, 8), 0)";
        assert_eq!(read_by_python(&archive(files)), expected);
        assert_eq!(read_by_python(&archive([])), "0");
    }

    #[test]
    fn more_than_65535_files_have_a_directory_of_64_bits() {
        let files = (0..65_536).map(|number| (number.to_string(), vec![1]));
        let whole = archive(files);
        assert!(read_by_python(&whole).starts_with("65536 ('0', 1, 0"));
        assert_eq!(&whole[whole.len() - 42..whole.len() - 38], b"PK\x06\x07");
    }

    #[test]
    fn a_file_beyond_4_gb_has_an_offset_of_64_bits() {
        let (offset, bytes) = (u64::from(u32::MAX) + 7, [1, 2, 3]);
        let mut zip = StoredZip {
            written: offset,
            ..StoredZip::default()
        };
        let part = zip.add("x", date(1970, 1, 1).at(0, 0, 0, 0), &bytes);
        assert_eq!(part.expect("small").len(), 34);
        let end = zip.finish();
        let extra = end
            .windows(12)
            .find(|field| field.starts_with(&[1, 0, 8, 0]));
        assert_eq!(extra.expect("an extra field")[4..], offset.to_le_bytes());
        assert!(end.windows(4).any(|part| part == b"PK\x06\x06"));
        let long_name = "n".repeat(65_536);
        let refused = StoredZip::default().add(&long_name, date(2026, 1, 1).at(0, 0, 0, 0), &[]);
        assert_eq!(refused, Err(TooLargeError));
    }
}
