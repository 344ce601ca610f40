//! What visitors agreed to show.

use rusqlite::{OptionalExtension, Row as SqlRow, params};

use super::Store;
use super::row::{from_sql_ms, job_id, made_by, uuid};
use crate::error::BoothError;
use crate::job::JobId;
use crate::view::{GalleryId, Shown};

impl Store {
    /// Newest first, with their jobs; when they were made is the station's time.
    pub(crate) fn gallery(&self, all: bool) -> Result<Vec<(JobId, Shown)>, BoothError> {
        let ask = || {
            let mut statement = self.db.prepare_cached(
                "SELECT gallery.id, style, made_by, ended_at_ms, hidden, jobs.id
                 FROM gallery JOIN jobs ON jobs.seq = gallery.job
                 WHERE ?1 OR NOT hidden ORDER BY ended_at_ms DESC, jobs.seq DESC",
            )?;
            statement
                .query_map([all], read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        ask().map_err(|error| self.explain(error))
    }

    /// The job behind a picture, and the file of its result.
    pub(crate) fn shown(
        &self,
        id: GalleryId,
        all: bool,
    ) -> Result<Option<(JobId, String)>, BoothError> {
        let ask = || {
            let mut statement = self.db.prepare_cached(
                "SELECT jobs.id, result FROM gallery JOIN jobs ON jobs.seq = gallery.job
                 WHERE gallery.id = ?1 AND (?2 OR NOT hidden) AND result IS NOT NULL",
            )?;
            statement
                .query_row(params![id.to_string(), all], |row| {
                    Ok((row.get::<_, String>(0)?, row.get(1)?))
                })
                .optional()
        };
        let found = ask().map_err(|error| self.explain(error))?;
        Ok(found.and_then(|(job, file)| Some((job.parse().ok()?, file))))
    }

    /// Whether there is such a picture.
    pub(crate) fn hide(&mut self, id: GalleryId, hidden: bool) -> Result<bool, BoothError> {
        self.change(|db| {
            let sql = "UPDATE jobs SET hidden = ?2
                WHERE seq = (SELECT job FROM gallery WHERE id = ?1)";
            Ok(db.execute(sql, params![id.to_string(), hidden])? > 0)
        })
    }
}

fn read(row: &SqlRow<'_>) -> rusqlite::Result<(JobId, Shown)> {
    let id: String = row.get(0)?;
    let shown = Shown {
        id: GalleryId::from(uuid(0, &id)?),
        style: row.get(1)?,
        made_by: made_by(2, &row.get::<_, String>(2)?)?,
        made_at_unix_ms: from_sql_ms(row.get(3)?),
        hidden: row.get(4)?,
    };
    Ok((job_id(5, &row.get::<_, String>(5)?)?, shown))
}
