//! The gallery as a ZIP: pictures, stored as they are, and a table of them. Made in parts, without a file.

mod stored_zip;
mod table;

use std::collections::HashSet;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::stored_zip::{StoredZip, TooLargeError};
use self::table::Table;
pub(crate) use self::table::{ExportedPicture, GalleryState};

const TABLE: &str = "pictures.csv";

#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    #[error("a picture cannot be read: {0}")]
    Unreadable(String),
    #[error("the archive cannot be made: {0}")]
    TooLarge(#[from] TooLargeError),
}

pub(crate) struct ExportArchive {
    zip: StoredZip,
    table: Table,
    /// Of the files.
    names: HashSet<String>,
    zone: TimeZone,
}

impl ExportArchive {
    /// Times in the archive are of this zone.
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self {
            zip: StoredZip::default(),
            table: Table::new(),
            names: HashSet::new(),
            zone,
        }
    }

    /// Adds a picture. Returns the next part of the archive.
    pub(crate) fn add(
        &mut self,
        picture: ExportedPicture,
        jpeg: &[u8],
    ) -> Result<Bytes, ExportError> {
        let mut file = format!("{}.jpg", picture.name);
        let mut more = 1;
        while !self.names.insert(file.clone()) {
            more += 1;
            file = format!("{}-{more}.jpg", picture.name);
        }
        let part = self.write(&file, picture.made_at, jpeg)?;
        self.table.add(&file, &picture, &self.zone);
        Ok(part.into())
    }

    /// Adds the table. Returns the rest of the archive.
    pub(crate) fn finish(mut self) -> Result<Bytes, ExportError> {
        let table = std::mem::take(&mut self.table).into_text();
        let mut rest = self.write(TABLE, Timestamp::now(), table.as_bytes())?;
        rest.extend(self.zip.finish());
        Ok(rest.into())
    }

    fn write(&mut self, name: &str, at: Timestamp, bytes: &[u8]) -> Result<Vec<u8>, TooLargeError> {
        self.zip.add(name, self.zone.to_datetime(at), bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(name: &str, state: GalleryState) -> ExportedPicture {
        ExportedPicture {
            name: name.to_owned(),
            made_at: "2026-11-28T18:05:09Z".parse().expect("a time"),
            expires_at: "2026-11-29T18:05:00Z".parse().expect("a time"),
            style: "Oil painting".to_owned(),
            state,
        }
    }

    #[test]
    fn each_part_has_its_picture_and_the_last_one_the_table() {
        let mut archive = ExportArchive::new(TimeZone::UTC);
        let states = [
            GalleryState::Shown,
            GalleryState::Waits,
            GalleryState::Hidden,
        ];
        for (level, state) in (0..).zip(states) {
            let jpeg = vec![level; 1000];
            let part = archive.add(picture("fest-oil", state), &jpeg);
            assert!(part.expect("added").ends_with(&jpeg));
        }
        let rest = archive.finish().expect("finished");
        let rest = String::from_utf8_lossy(&rest).into_owned();
        let made = "2026-11-28 18:05:09,Oil painting";
        let expected = format!(
            "file,made,style,gallery,erased\r\n\
             fest-oil.jpg,{made},shown,2026-11-29 18:05:00\r\n\
             fest-oil-2.jpg,{made},waits for approval,2026-11-29 18:05:00\r\n\
             fest-oil-3.jpg,{made},hidden,2026-11-29 18:05:00\r\n"
        );
        assert!(rest.contains(&expected), "{rest}");
    }
}
