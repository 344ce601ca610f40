//! The counts of objects in the database.

use rusqlite::{OptionalExtension, Row as SqlRow, Transaction, params};

use crate::api::BoothError;
use crate::counts::{Counts, HeatMap, HourCount};
use crate::jobs::store::database::Store;
use crate::jobs::store::row::{from_sql_ms, sql_ms};

impl Store {
    /// Adds to what was counted; rows that are written live until `expires_at_ms` of the station's time.
    pub(crate) fn add_counts(
        &mut self,
        counts: &Counts,
        expires_at_ms: u64,
    ) -> Result<(), BoothError> {
        self.change(|db| {
            for count in &counts.hours {
                add_hour(db, count, expires_at_ms)?;
            }
            for map in &counts.heat {
                add_heat(db, map, expires_at_ms)?;
            }
            Ok(())
        })
    }

    /// All that was counted, oldest first.
    pub(crate) fn counts(&self) -> Result<Counts, BoothError> {
        let hours = "SELECT hour, zone, class, entered, present_ms, most FROM counts
            ORDER BY hour, zone, class";
        let heat = "SELECT hour, camera, class, cells FROM heat ORDER BY hour, camera, class";
        Ok(Counts {
            hours: self.rows(hours, [], read_hour)?,
            heat: self.rows(heat, [], read_heat)?,
        })
    }

    /// Erases all that was counted.
    pub(crate) fn erase_counts(&mut self) -> Result<(), BoothError> {
        self.change(|db| db.execute_batch("DELETE FROM counts; DELETE FROM heat;"))
    }

    /// Erases what has expired. Returns whether there was something.
    pub(crate) fn expire_counts(&mut self, now_ms: u64) -> Result<bool, BoothError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM counts WHERE expires_at_ms <= ?1)
            OR EXISTS (SELECT 1 FROM heat WHERE expires_at_ms <= ?1)";
        let is_due: Option<bool> = self.row(sql, [sql_ms(now_ms)], |row| row.get(0))?;
        if is_due != Some(true) {
            return Ok(false);
        }
        self.change(|db| {
            for sql in [
                "DELETE FROM counts WHERE expires_at_ms <= ?1",
                "DELETE FROM heat WHERE expires_at_ms <= ?1",
            ] {
                db.execute(sql, [sql_ms(now_ms)])?;
            }
            Ok(true)
        })
    }
}

fn add_hour(db: &Transaction<'_>, count: &HourCount, expires_at_ms: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO counts (hour, zone, class, entered, present_ms, most, expires_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (hour, zone, class) DO UPDATE SET entered = entered + excluded.entered,
            present_ms = present_ms + excluded.present_ms, most = max(most, excluded.most),
            expires_at_ms = excluded.expires_at_ms";
    let values = params![
        count.hour,
        count.zone,
        count.class,
        count.entered,
        sql_ms(count.present_ms),
        count.most,
        sql_ms(expires_at_ms),
    ];
    db.execute(sql, values).map(drop)
}

fn add_heat(db: &Transaction<'_>, map: &HeatMap, expires_at_ms: u64) -> rusqlite::Result<()> {
    let sql = "SELECT cells FROM heat WHERE hour = ?1 AND camera = ?2 AND class = ?3";
    let key = params![map.hour, map.camera, map.class];
    let known: Option<Vec<u8>> = db.query_row(sql, key, |row| row.get(0)).optional()?;
    let mut sum = map.clone();
    if let Some(known) = known {
        sum.add(&HeatMap::cells_of(&known));
    }
    let sql = "INSERT OR REPLACE INTO heat (hour, camera, class, cells, expires_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let (cells, expires_at_ms) = (sum.bytes(), sql_ms(expires_at_ms));
    let values = params![map.hour, map.camera, map.class, cells, expires_at_ms];
    db.execute(sql, values).map(drop)
}

fn read_hour(row: &SqlRow<'_>) -> rusqlite::Result<HourCount> {
    Ok(HourCount {
        hour: row.get(0)?,
        zone: row.get(1)?,
        class: row.get(2)?,
        entered: row.get(3)?,
        present_ms: from_sql_ms(row.get(4)?),
        most: row.get(5)?,
    })
}

fn read_heat(row: &SqlRow<'_>) -> rusqlite::Result<HeatMap> {
    let cells: Vec<u8> = row.get(3)?;
    Ok(HeatMap {
        hour: row.get(0)?,
        camera: row.get(1)?,
        class: row.get(2)?,
        cells_ms: HeatMap::cells_of(&cells),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    fn opened(dir: &TestFolder) -> Store {
        Store::open(&dir.path().join("booth.sqlite3")).expect("a store")
    }

    fn counts(hour: u32, entered: u32, most: u32, cell: usize) -> Counts {
        let mut map = HeatMap::empty(hour, String::new(), "person".to_owned());
        map.cells_ms[cell] = 500;
        Counts {
            hours: vec![HourCount {
                hour,
                zone: "door".to_owned(),
                class: "person".to_owned(),
                entered,
                present_ms: 1500,
                most,
            }],
            heat: vec![map],
        }
    }

    #[test]
    fn counts_add_up_over_a_restart() {
        let dir = TestFolder::new("counts");
        let mut store = opened(&dir);
        store
            .add_counts(&counts(10, 2, 2, 0), 1000)
            .expect("written");
        drop(store);
        let mut store = opened(&dir);
        store
            .add_counts(&counts(10, 3, 1, 575), 1000)
            .expect("written");
        store
            .add_counts(&counts(11, 1, 1, 0), 2000)
            .expect("written");
        let read = store.counts().expect("readable");
        let sums = |count: &HourCount| (count.hour, count.entered, count.present_ms, count.most);
        let hours: Vec<_> = read.hours.iter().map(sums).collect();
        assert_eq!(hours, [(10, 5, 3000, 2), (11, 1, 1500, 1)]);
        let first = &read.heat[0].cells_ms;
        assert_eq!((first[0], first[1], first[575]), (500, 0, 500));
        assert_eq!((read.heat.len(), first.len()), (2, 576));
    }

    #[test]
    fn counts_expire_and_can_be_erased() {
        let dir = TestFolder::new("counts-expire");
        let mut store = opened(&dir);
        store
            .add_counts(&counts(10, 2, 2, 0), 1000)
            .expect("written");
        store
            .add_counts(&counts(11, 2, 2, 0), 2000)
            .expect("written");
        assert!(!store.expire_counts(999).expect("nothing is due"));
        assert!(store.expire_counts(1000).expect("one is"));
        let read = store.counts().expect("readable");
        assert_eq!((read.hours.len(), read.heat.len()), (1, 1));
        assert_eq!(read.hours[0].hour, 11);
        store.erase_counts().expect("erased");
        assert_eq!(store.counts().expect("readable"), Counts::default());
    }

    #[test]
    fn cells_that_are_missing_in_the_file_are_empty() {
        let cells = HeatMap::cells_of(&[1, 0, 0, 0, 9]);
        assert_eq!((cells.len(), cells[0], cells[1]), (576, 1, 0));
    }
}
