//! The smaller tables: the gallery, orders that servers must still forget, and the station's clock.

use rusqlite::{Connection, Row as SqlRow, params};
use uuid::Uuid;

use crate::api::{BoothError, GalleryPicture};
use crate::job::{GalleryId, JobId};
use crate::jobs::expiry::{ClockMark, ClockReading, PreviousBoot};
use crate::jobs::store::database::Store;
use crate::jobs::store::row::{SHARED_ON_CARRIERS, from_sql_ms, parsed, remote_order, sql_ms};
use crate::people::FocusPoint;
use crate::photo_kind::PhotoKind;
use crate::stylist::{MadeBy, RemoteOrder};

/// Which of the shared pictures are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GalleryFilter {
    hidden: bool,
    unapproved: bool,
}

impl GalleryFilter {
    /// For the owner.
    pub(crate) const ALL: Self = Self {
        hidden: true,
        unapproved: true,
    };

    /// What everybody may see. `approves_first`: only what the owner approved.
    pub(crate) fn shown(approves_first: bool) -> Self {
        Self {
            hidden: false,
            unapproved: !approves_first,
        }
    }
}

impl Store {
    /// The gallery, newest first, with job ids; times are the station's. What is neither approved nor hidden
    /// `waits`.
    pub(crate) fn gallery(
        &self,
        which: GalleryFilter,
    ) -> Result<Vec<(JobId, GalleryPicture)>, BoothError> {
        self.rows(
            "SELECT gallery.id, style, made_by, ended_at_ms, hidden, jobs.id, photo_kind, approved, focus_x,
                focus_y, expires_at_ms, share
             FROM gallery JOIN jobs ON jobs.seq = gallery.job
             WHERE (?1 OR NOT hidden) AND (?2 OR approved) ORDER BY ended_at_ms DESC, jobs.seq DESC",
            [which.hidden, which.unapproved],
            read_shown,
        )
    }

    /// The job of a gallery picture, the file of its result, and what is on it.
    pub(crate) fn shown(
        &self,
        id: GalleryId,
        which: GalleryFilter,
    ) -> Result<Option<(JobId, String, PhotoKind)>, BoothError> {
        self.row(
            "SELECT jobs.id, result, photo_kind FROM gallery JOIN jobs ON jobs.seq = gallery.job
             WHERE gallery.id = ?1 AND (?2 OR NOT hidden) AND (?3 OR approved) AND result IS NOT NULL",
            params![id.to_string(), which.hidden, which.unapproved],
            |row| Ok((parsed(row, 0)?, row.get(1)?, parsed(row, 2)?)),
        )
    }

    /// A job's picture in the gallery, unless the owner hid it.
    pub(crate) fn gallery_id(&self, job: JobId) -> Result<Option<GalleryId>, BoothError> {
        self.row(
            "SELECT gallery.id FROM gallery JOIN jobs ON jobs.seq = gallery.job
             WHERE jobs.id = ?1 AND NOT hidden",
            [job.to_string()],
            |row| parsed(row, 0),
        )
    }

    /// Hides a picture, or approves it. Returns whether it exists.
    pub(crate) fn hide(&mut self, id: GalleryId, hidden: bool) -> Result<bool, BoothError> {
        self.change(|db| {
            let sql = "UPDATE jobs SET hidden = ?2, approved = iif(?2, approved, 1)
                WHERE seq = (SELECT job FROM gallery WHERE id = ?1)";
            Ok(db.execute(sql, params![id.to_string(), hidden])? > 0)
        })
    }
}

fn read_shown(row: &SqlRow<'_>) -> rusqlite::Result<(JobId, GalleryPicture)> {
    let is_hidden: bool = row.get(4)?;
    let is_approved: bool = row.get(7)?;
    let focus: (Option<f32>, Option<f32>) = (row.get(8)?, row.get(9)?);
    let shown = GalleryPicture {
        id: parsed(row, 0)?,
        style: row.get(1)?,
        made_by: parsed(row, 2)?,
        made_at_unix_ms: from_sql_ms(row.get(3)?),
        expires_at_unix_ms: from_sql_ms(row.get(10)?),
        hidden: is_hidden,
        waits: !is_hidden && !is_approved,
        photo_kind: parsed(row, 6)?,
        focus: focus.0.zip(focus.1).map(|(x, y)| FocusPoint { x, y }),
        is_on_carriers: row.get::<_, i64>(11)? == SHARED_ON_CARRIERS,
    };
    Ok((parsed(row, 5)?, shown))
}

/// Maximum number of orders per call.
const BATCH: u32 = 64;

impl Store {
    /// Orders that the servers of this kind must still forget.
    pub(crate) fn orders_to_forget(&self, made_by: MadeBy) -> Result<Vec<RemoteOrder>, BoothError> {
        let sql = "SELECT ticket, sends, memo FROM tickets_to_forget WHERE made_by = ?1
             ORDER BY rowid LIMIT ?2";
        self.rows(sql, params![made_by.name(), BATCH], |row| {
            remote_order(row, 0)
        })
    }

    /// The server has forgotten the order.
    pub(crate) fn remove_order_to_forget(&mut self, remote: Uuid) -> Result<(), BoothError> {
        self.change(|db| {
            let sql = "DELETE FROM tickets_to_forget WHERE ticket = ?1";
            db.execute(sql, [remote.to_string()]).map(drop)
        })
    }
}

/// Marks a job's remote order to be forgotten, unless its id is `kept`.
pub(super) fn mark_order_to_forget(
    db: &Connection,
    seq: i64,
    kept: Option<Uuid>,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO tickets_to_forget (ticket, made_by, sends, memo)
         SELECT ticket, made_by, sends, memo FROM jobs
         WHERE seq = ?1 AND ticket IS NOT NULL AND ticket IS NOT ?2
         ON CONFLICT (ticket) DO NOTHING",
        params![seq, kept.map(|kept| kept.to_string())],
    )
    .map(drop)
}

impl Store {
    pub(crate) fn clock_mark(&self) -> Result<Option<ClockMark>, BoothError> {
        let sql = "SELECT boot, since_boot_ms, unix_ms, station_ms, is_set, before_unix_ms,
            before_station_ms FROM clock";
        self.row(sql, [], read_mark)
    }

    pub(crate) fn save_clock_mark(&mut self, mark: &ClockMark) -> Result<(), BoothError> {
        self.change(|db| {
            let sql = "INSERT OR REPLACE INTO clock (id, boot, since_boot_ms, unix_ms, station_ms,
                is_set, before_unix_ms, before_station_ms) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let values = params![
                mark.reading.boot,
                sql_ms(mark.reading.since_boot_ms),
                sql_ms(mark.reading.unix_ms),
                sql_ms(mark.station_ms),
                mark.is_set,
                mark.before.map(|before| sql_ms(before.unix_ms)),
                mark.before.map(|before| sql_ms(before.station_ms)),
            ];
            db.execute(sql, values).map(drop)
        })
    }
}

fn read_mark(row: &SqlRow<'_>) -> rusqlite::Result<ClockMark> {
    let before: (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
    let before = match before {
        (Some(unix_ms), Some(station_ms)) => Some(PreviousBoot {
            unix_ms: from_sql_ms(unix_ms),
            station_ms: from_sql_ms(station_ms),
        }),
        _ => None,
    };
    Ok(ClockMark {
        reading: ClockReading {
            boot: row.get(0)?,
            since_boot_ms: from_sql_ms(row.get(1)?),
            unix_ms: from_sql_ms(row.get(2)?),
        },
        station_ms: from_sql_ms(row.get(3)?),
        is_set: row.get(4)?,
        before,
    })
}
