//! What a visitor has taken: one picture, or several shots that are stored as one sheet. Pure.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Serialize};

use crate::intake::raster::Raster;

/// Several shots are one picture everywhere in the booth, so that limits, expiry, erasing and the gallery treat them
/// as they treat every picture: a sheet with the shots side by side, row by row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PhotoKind {
    #[default]
    Single,
    /// Four shots, one below the other on paper.
    Strip,
    /// Two seconds that run forwards and backwards.
    Boomerang,
}

impl PhotoKind {
    /// Columns and rows of the sheet.
    #[must_use]
    pub fn grid(self) -> (usize, usize) {
        match self {
            Self::Single => (1, 1),
            Self::Strip => (2, 2),
            Self::Boomerang => (3, 4),
        }
    }

    #[must_use]
    pub fn shots(self) -> usize {
        let (columns, rows) = self.grid();
        columns * rows
    }

    /// The name in JSON and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Strip => "strip",
            Self::Boomerang => "boomerang",
        }
    }

    /// The shots of a sheet, all of the same size. A remainder at the right and at the bottom is left out.
    pub(crate) fn cut(self, sheet: &Raster) -> Vec<Raster> {
        let (columns, rows) = self.grid();
        let (width, height) = (sheet.width_px / columns, sheet.height_px / rows);
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        places
            .map(|(column, row)| sheet.part([column * width, row * height, width, height]))
            .collect()
    }

    /// The sheet of shots of the same size.
    pub(crate) fn join(self, shots: &[Raster]) -> Raster {
        let (columns, rows) = self.grid();
        let (width, height) = shots
            .first()
            .map_or((1, 1), |shot| (shot.width_px, shot.height_px));
        let mut sheet = Raster::filled(width * columns, height * rows, 0);
        for (index, shot) in shots.iter().take(columns * rows).enumerate() {
            sheet.paste(shot, index % columns * width, index / columns * height);
        }
        sheet
    }
}

impl FromStr for PhotoKind {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in [PhotoKind::Single, PhotoKind::Strip, PhotoKind::Boomerang] {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("album".parse::<PhotoKind>().is_err());
    }

    #[test]
    fn a_sheet_is_cut_into_its_shots_and_joined_again() {
        for kind in [PhotoKind::Single, PhotoKind::Strip, PhotoKind::Boomerang] {
            let levels = 1..=kind.shots() as u8;
            let shots: Vec<_> = levels.map(|level| Raster::filled(5, 3, level)).collect();
            let sheet = kind.join(&shots);
            assert_eq!(kind.cut(&sheet), shots, "{kind:?}");
        }
    }

    #[test]
    fn a_remainder_is_left_out() {
        let shots = PhotoKind::Boomerang.cut(&Raster::filled(31, 43, 9));
        assert_eq!(shots.len(), 12);
        assert!(
            shots
                .iter()
                .all(|shot| (shot.width_px, shot.height_px) == (10, 10))
        );
    }
}
