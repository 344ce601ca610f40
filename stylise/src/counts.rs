//! How often objects were seen, as numbers for each hour: what [`Booth`](crate::Booth) keeps for the event.

/// Columns and rows of a heat map, over the whole picture.
pub const HEAT_CELLS: (usize, usize) = (32, 18);
const CELLS: usize = HEAT_CELLS.0 * HEAT_CELLS.1;

/// An hour of the wall clock: hours since 1970, in UTC.
pub type UnixHour = u32;

/// What was counted. Parts add up; there is no picture and no id of an object in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    pub hours: Vec<HourCount>,
    pub heat: Vec<HeatMap>,
}

/// The objects of a class in a zone within an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCount {
    pub hour: UnixHour,
    /// Empty: the whole picture.
    pub zone: String,
    pub class: String,
    /// How many came.
    pub entered: u32,
    /// How long they were there, all together.
    pub present_ms: u64,
    /// The most at a time.
    pub most: u32,
}

/// Where the objects of a class were in the pictures of a camera within an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatMap {
    pub hour: UnixHour,
    /// Empty: a source without a name.
    pub camera: String,
    pub class: String,
    /// How long objects stood in each cell, row by row; [`HEAT_CELLS`] of them.
    pub cells_ms: Vec<u32>,
}

impl HeatMap {
    #[must_use]
    pub fn empty(hour: UnixHour, camera: String, class: String) -> Self {
        Self {
            hour,
            camera,
            class,
            cells_ms: vec![0; CELLS],
        }
    }

    /// Adds another one's cells.
    pub fn add(&mut self, cells_ms: &[u32]) {
        for (cell, more) in self.cells_ms.iter_mut().zip(cells_ms) {
            *cell = cell.saturating_add(*more);
        }
    }

    /// The cells as they are stored: little-endian.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.cells_ms
            .iter()
            .flat_map(|cell| cell.to_le_bytes())
            .collect()
    }

    /// Cells of [`HeatMap::bytes`]. What is missing is 0.
    pub(crate) fn cells_of(bytes: &[u8]) -> Vec<u32> {
        let (numbers, _) = bytes.as_chunks::<4>();
        let mut cells: Vec<u32> = numbers
            .iter()
            .map(|cell| u32::from_le_bytes(*cell))
            .collect();
        cells.resize(CELLS, 0);
        cells
    }
}
