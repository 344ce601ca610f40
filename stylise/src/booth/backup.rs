//! The booth's part of a backup: a copy of its database, and what of it may be used again. Works on the files, whether a
//! station uses them or not.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::api::BoothError;
use crate::booth::open::read_clocks;
use crate::job::JobId;
use crate::jobs::expiry::{Due, StationTime, due};
use crate::jobs::files::{database_file, pictures_folder};
use crate::jobs::store::database::Store;
use crate::jobs::store::row::Row;
use crate::jobs::store::schema;

/// The newest schema of a booth's database that this program knows.
pub const SCHEMA: i64 = schema::NEWEST;

/// A copy of a booth's database, with the schema of this program and without what has expired.
#[derive(Debug)]
pub struct BoothCopy {
    file: PathBuf,
    rows: Vec<Row>,
    /// How many jobs were left out because their time was over.
    pub expired: usize,
}

impl BoothCopy {
    /// Copies the database of the booth in `folder` to `file`. `None`: there is no database yet.
    pub fn of_booth(folder: &Path, file: &Path) -> Result<Option<Self>, BoothError> {
        let database = database_file(folder);
        if !database.exists() {
            return Ok(None);
        }
        schema::copy_file(&database, file)?;
        Self::open(file).map(Some)
    }

    /// Opens a copy, for example one of a backup: checks it, migrates it and removes what has expired since.
    pub fn open(file: &Path) -> Result<Self, BoothError> {
        let mut store = Store::open_copy(file)?;
        let expired = expire(&mut store)?;
        let rows = store.jobs()?;
        Ok(Self {
            file: file.to_path_buf(),
            rows,
            expired,
        })
    }

    /// How many jobs there are.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.rows.len()
    }

    /// The file names of all pictures that the jobs have.
    #[must_use]
    pub fn pictures(&self) -> HashSet<String> {
        let names = self.rows.iter().flat_map(|row| [&row.source, &row.result]);
        names.flatten().cloned().collect()
    }

    /// Removes the jobs that have one of these pictures: they were erased since the database was copied. Returns how
    /// many.
    pub fn forget(&mut self, missing: &HashSet<String>) -> Result<usize, BoothError> {
        let is_missing =
            |name: &Option<String>| name.as_ref().is_some_and(|name| missing.contains(name));
        let (erased, kept): (Vec<Row>, Vec<Row>) = std::mem::take(&mut self.rows)
            .into_iter()
            .partition(|row| is_missing(&row.source) || is_missing(&row.result));
        self.rows = kept;
        let mut store = Store::open_copy(&self.file)?;
        for row in &erased {
            store.erase(row.id)?;
        }
        store.checkpoint()?;
        Ok(erased.len())
    }
}

/// Removes what a running station would have erased by now.
fn expire(store: &mut Store) -> Result<usize, BoothError> {
    let now_ms = StationTime::resume(store.clock_mark()?, read_clocks()).now_ms();
    let mut expired = 0;
    let overdue: Vec<(JobId, Due)> = store
        .expiring(now_ms)?
        .iter()
        .map(|row| (row.id, due(row.state, row.expires_at_ms, now_ms)))
        .collect();
    for (job, due) in overdue {
        match due {
            Due::Nothing => {}
            Due::Erase => {
                store.expire(job)?;
                expired += 1;
            }
            Due::Remove => drop(store.erase(job)?),
        }
    }
    store.checkpoint()?;
    Ok(expired)
}

/// A picture of the booth in `folder`; `None` if it was erased.
pub fn picture(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, BoothError> {
    let path = picture_file(folder, name);
    match fs::read(&path) {
        Ok(jpeg) => Ok(Some(jpeg)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(BoothError::File { path, source }),
    }
}

/// Where a picture of the booth in `folder` is.
#[must_use]
pub fn picture_file(folder: &Path, name: &str) -> PathBuf {
    pictures_folder(folder).join(name)
}

/// Whether the text has the form of a picture's file name.
#[must_use]
pub fn is_picture_name(name: &str) -> bool {
    let digits = name.strip_suffix(".jpg").unwrap_or_default();
    digits.len() == 32
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
