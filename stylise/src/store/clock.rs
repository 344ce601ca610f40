//! Where the station's time stands, to go on from after a restart.

use rusqlite::{OptionalExtension, Row as SqlRow, params};

use super::Store;
use super::row::{from_sql_ms, sql_ms};
use crate::error::BoothError;
use crate::station_time::{Before, Mark, Reading};

impl Store {
    pub(crate) fn mark(&self) -> Result<Option<Mark>, BoothError> {
        let sql = "SELECT boot, since_boot_ms, unix_ms, station_ms, is_set, before_unix_ms,
            before_station_ms FROM clock";
        let found = self.db.query_row(sql, [], read).optional();
        found.map_err(|error| self.explain(error))
    }

    pub(crate) fn keep_mark(&mut self, mark: &Mark) -> Result<(), BoothError> {
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

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Mark> {
    let before: (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
    let before = match before {
        (Some(unix_ms), Some(station_ms)) => Some(Before {
            unix_ms: from_sql_ms(unix_ms),
            station_ms: from_sql_ms(station_ms),
        }),
        _ => None,
    };
    Ok(Mark {
        reading: Reading {
            boot: row.get(0)?,
            since_boot_ms: from_sql_ms(row.get(1)?),
            unix_ms: from_sql_ms(row.get(2)?),
        },
        station_ms: from_sql_ms(row.get(3)?),
        is_set: row.get(4)?,
        before,
    })
}
