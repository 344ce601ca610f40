//! `carrier models list`.

use std::process::ExitCode;

use detector::{
    DetectorConfig, Installed, InstalledModel, ListedModel, ModelFile, ModelStore, RECOMMENDED,
    remembered,
};

use super::named::how_to_get;
use crate::output::print;

/// One line of the table.
struct Row {
    name: String,
    licence: String,
    size: String,
    published_ap: Option<f32>,
    measured_ms: Option<f64>,
    installed: String,
    source: String,
}

pub(super) fn run(store: &ModelStore, config: &DetectorConfig) -> anyhow::Result<ExitCode> {
    let listed = store.list().into_iter().map(|model| row(&model, config));
    let unpinned = store.manifest().unpinned().iter().map(|model| Row {
        name: model.name.clone(),
        licence: model.licence.clone(),
        size: String::new(),
        published_ap: Some(model.published_ap),
        measured_ms: None,
        installed: "no, see below".to_owned(),
        source: model.origin.clone(),
    });
    let rows: Vec<Row> = listed.chain(unpinned).collect();
    let mut text = table(&rows);
    text += "\nAP: published for COCO, in percent; the others find faces, or are not made for COCO's classes.\n\
             ms: the median of a detection on this machine, as `carrier models bench` measures it.\n";
    for model in store.manifest().unpinned() {
        text += &format!("{}: {}\n", model.name, how_to_get(model, &config.places));
    }
    if !rows.iter().any(|row| row.installed == "yes") {
        text += &format!("To begin with: carrier models pull {RECOMMENDED}\n");
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn row(model: &ListedModel, config: &DetectorConfig) -> Row {
    let entry = &model.entry;
    let file = match &model.state {
        Installed::At(path) => Some(ModelFile::At(path.clone())),
        Installed::BuiltIn | Installed::No | Installed::Damaged(_) => None,
    };
    let installed = file.map(|file| InstalledModel {
        entry: entry.clone(),
        file,
    });
    let built_in = matches!(model.state, Installed::BuiltIn).then(|| InstalledModel {
        entry: entry.clone(),
        // Its hash is in its manifest.
        file: ModelFile::BuiltIn(&[]),
    });
    let measured = installed
        .or(built_in)
        .and_then(|model| remembered(config, &model));
    Row {
        name: entry.name.clone(),
        licence: entry.licence.clone(),
        size: entry
            .bytes
            .map_or_else(String::new, |bytes| format!("{:.1} MB", bytes as f64 / 1e6)),
        published_ap: entry.published_ap,
        measured_ms: measured.map(|timing| timing.median_ms),
        installed: match &model.state {
            Installed::At(_) => "yes".to_owned(),
            Installed::BuiltIn if entry.experimental => "part of carrier, experimental".to_owned(),
            Installed::BuiltIn => "part of carrier".to_owned(),
            Installed::Damaged(path) => format!("damaged: {}", path.display()),
            Installed::No if entry.url.is_some() => "no".to_owned(),
            Installed::No => "no, not public".to_owned(),
        },
        source: entry.origin.clone().unwrap_or_default(),
    }
}

fn table(rows: &[Row]) -> String {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
    let cells = |row: &Row| {
        [
            row.name.clone(),
            row.licence.clone(),
            row.size.clone(),
            number(row.published_ap.map(f64::from)),
            number(row.measured_ms),
            row.installed.clone(),
            row.source.clone(),
        ]
    };
    let heads = ["NAME", "LICENCE", "SIZE", "AP", "MS", "INSTALLED", "SOURCE"].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(heads)
        .chain(rows.iter().map(cells))
        .collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..7).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let mut shown = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // Numbers are aligned to the right.
            shown += &match (2..=4).contains(&column) {
                true => format!("{cell:>width$}  "),
                false => format!("{cell:<width$}  "),
            };
        }
        text += shown.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let row = |name: &str, published_ap, measured_ms| Row {
            name: name.to_owned(),
            licence: "MIT".to_owned(),
            size: "1.0 MB".to_owned(),
            published_ap,
            measured_ms,
            installed: "yes".to_owned(),
            source: "somewhere".to_owned(),
        };
        let text = table(&[row("a", Some(25.8), Some(12.34)), row("longer", None, None)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "NAME    LICENCE    SIZE    AP    MS  INSTALLED  SOURCE"
        );
        assert_eq!(
            lines[1],
            "a       MIT      1.0 MB  25.8  12.3  yes        somewhere"
        );
        assert_eq!(
            lines[2],
            "longer  MIT      1.0 MB              yes        somewhere"
        );
    }
}
