//! Sheets of all styles on all pictures of a folder, for people's eyes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use capture::canvas::{Canvas, Ink, Text};
use serde::Deserialize;

use super::*;
use crate::people::{People, PictureArea};

/// Longer side of the pictures on a sheet.
const CELL_PX: u32 = 420;
const LABEL_PX: usize = 26;
const COLUMNS: usize = 4;

/// Applies every style to the pictures of a folder, and writes a sheet for each picture, one for its
/// largest face, and one for each style. The faces and persons are those of the file `detections.jsonl` of
/// the folder, as `carrier detect --format jsonl` writes it; without it faces are painted like the rest.
/// Mosaics are laid of the JPEGs of the folder `LOOK_MOSAIC`:
///
/// ```text
/// (cd FOLDER && carrier detect --model embedded --format jsonl *.jpg > detections.jsonl)
/// LOOK_AT=FOLDER LOOK_IN=FOLDER LOOK_FOR=oil,cartoon LOOK_MOSAIC=FOLDER cargo test -p stylise --lib contact_sheets -- --ignored --nocapture
/// ```
#[test]
#[ignore = "for people's eyes"]
fn contact_sheets() {
    let variable = |name| std::env::var(name);
    let (from, into) = (
        variable("LOOK_AT").expect("LOOK_AT and LOOK_IN name folders"),
        variable("LOOK_IN").expect("LOOK_AT and LOOK_IN name folders"),
    );
    let wanted = variable("LOOK_FOR").unwrap_or_default();
    let is_wanted = |id: &str| wanted.is_empty() || wanted.split(',').any(|name| name == id);
    let styles: Vec<&BuiltinStyle> = STYLES
        .iter()
        .copied()
        .filter(|style| is_wanted(style.id))
        .collect();
    let mut of_styles: Vec<Vec<Cell>> = styles.iter().map(|_| Vec::new()).collect();
    let mut milliseconds = vec![0; styles.len()];
    let detections = detections(Path::new(&from));
    let thumbnails = thumbnails_of(variable("LOOK_MOSAIC").ok());
    for path in sorted_files(&from) {
        let bytes = fs::read(&path).expect("readable");
        let Ok(source) = CheckedPicture::read(&bytes, &Limits::UPLOAD) else {
            continue;
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let people = detections.get(&*file).cloned().unwrap_or_default();
        let mut whole = vec![Cell::of(&name, source.jpeg(), None)];
        let mut faces = vec![Cell::of(&name, source.jpeg(), people.faces.first())];
        for (at, style) in styles.iter().enumerate() {
            let start = Instant::now();
            let (jpeg, stages) = (source.jpeg(), Stages::default());
            let made = make(style, jpeg, &people, WORK_PX, &thumbnails, &stages);
            let made = made.expect(style.id);
            milliseconds[at] += start.elapsed().as_millis();
            whole.push(Cell::of(style.id, &made, None));
            faces.push(Cell::of(style.id, &made, people.faces.first()));
            of_styles[at].extend(faces.last().cloned());
        }
        write_sheet(&format!("{into}/{name}.jpg"), &whole);
        if !people.faces.is_empty() {
            write_sheet(&format!("{into}/{name}-face.jpg"), &faces);
        }
    }
    for ((style, mut cells), time) in styles.iter().zip(of_styles).zip(milliseconds) {
        println!(
            "{}: {} ms a picture",
            style.id,
            time / cells.len().max(1) as u128
        );
        for (at, cell) in cells.iter_mut().enumerate() {
            style.id.clone_into(&mut cell.label);
            cell.label.push_str(&format!(" {at}"));
        }
        write_sheet(&format!("{into}/style-{}.jpg", style.id), &cells);
    }
}

fn sorted_files(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = files.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

/// Of the pictures of a folder, or drawn ones.
fn thumbnails_of(folder: Option<String>) -> Vec<Arc<Thumbnail>> {
    let Some(folder) = folder else {
        return thumbnails();
    };
    let files = fs::read_dir(folder).expect("LOOK_MOSAIC names a folder");
    let bytes = files.map(|file| fs::read(file.expect("a file").path()).expect("readable"));
    let thumbnails = bytes.filter_map(|bytes| Thumbnail::of(&bytes).ok());
    thumbnails.map(Arc::new).collect()
}

#[derive(Deserialize)]
struct Found {
    image: String,
    width: f32,
    height: f32,
    detections: Vec<FoundThing>,
}

#[derive(Deserialize)]
struct FoundThing {
    class: String,
    r#box: [f32; 4],
}

/// By file name.
fn detections(folder: &Path) -> HashMap<String, People> {
    let text = fs::read_to_string(folder.join("detections.jsonl")).unwrap_or_default();
    let one = |line: &str| {
        let found: Found = serde_json::from_str(line).expect("a line of `carrier detect`");
        let areas = |class: &str| {
            let things = found.detections.iter().filter(|thing| thing.class == class);
            let area = |thing: &FoundThing| {
                let [left, top, right, bottom] = thing.r#box;
                PictureArea {
                    left: left / found.width,
                    top: top / found.height,
                    width: (right - left) / found.width,
                    height: (bottom - top) / found.height,
                }
            };
            let mut areas: Vec<_> = things.map(area).collect();
            areas.sort_by(|one, two| (two.width * two.height).total_cmp(&(one.width * one.height)));
            areas
        };
        let people = People {
            faces: areas("face"),
            persons: areas("person"),
        };
        let name = Path::new(&found.image).file_name().unwrap_or_default();
        (name.to_string_lossy().into_owned(), people)
    };
    text.lines().map(one).collect()
}

#[derive(Clone)]
struct Cell {
    label: String,
    picture: Raster,
}

impl Cell {
    /// The picture, or the part around a face.
    fn of(label: &str, jpeg: &[u8], face: Option<&PictureArea>) -> Self {
        let image = image::load_from_memory(jpeg).expect("a JPEG").into_rgb8();
        let image = match face {
            None => image,
            Some(face) => {
                let (width, height) = (image.width() as f32, image.height() as f32);
                let left = ((face.left - 0.4 * face.width) * width).max(0.0);
                let top = ((face.top - 0.4 * face.height) * height).max(0.0);
                let (wide, high) = (1.8 * face.width * width, 1.8 * face.height * height);
                let cut = image::imageops::crop_imm(
                    &image,
                    left as u32,
                    top as u32,
                    wide as u32,
                    high as u32,
                );
                let scale = CELL_PX as f32 / wide.max(high);
                let (wide, high) = ((wide * scale) as u32, (high * scale) as u32);
                let filter = image::imageops::FilterType::Triangle;
                image::imageops::resize(&cut.to_image(), wide.max(1), high.max(1), filter)
            }
        };
        let picture = Raster {
            width_px: image.width() as usize,
            height_px: image.height() as usize,
            rgb: image.into_raw(),
        };
        Self {
            label: label.to_owned(),
            picture: picture.within(CELL_PX).expect("smaller"),
        }
    }
}

fn write_sheet(path: &str, cells: &[Cell]) {
    let width = cells.iter().map(|cell| cell.picture.width_px).max();
    let height = cells.iter().map(|cell| cell.picture.height_px).max();
    let (width, height) = (
        width.unwrap_or(1) + 4,
        (height.unwrap_or(1) + LABEL_PX).next_multiple_of(2),
    );
    let columns = COLUMNS.min(cells.len()).max(1);
    let sheet_width = width * columns;
    let rows = cells.len().div_ceil(columns);
    let mut rgb = vec![24; sheet_width * height * rows * 3];
    for (at, cell) in cells.iter().enumerate() {
        let (left, top) = (at % columns * width, at / columns * height);
        let label = label(&cell.label, width as u32);
        for (y, row) in label.chunks_exact(width).enumerate() {
            let start = ((top + y) * sheet_width + left) * 3;
            let row: Vec<u8> = row.iter().flat_map(|luma| [*luma; 3]).collect();
            rgb[start..start + row.len()].copy_from_slice(&row);
        }
        let rows = cell.picture.rgb.chunks_exact(cell.picture.width_px * 3);
        for (y, row) in rows.enumerate() {
            let start = ((top + LABEL_PX + y) * sheet_width + left) * 3;
            rgb[start..start + row.len()].copy_from_slice(row);
        }
    }
    let sheet = Raster {
        width_px: sheet_width,
        height_px: height * rows,
        rgb,
    };
    fs::write(path, samples::jpeg(&sheet, 90)).expect("written");
}

/// The luma of a line of text.
fn label(text: &str, width_px: u32) -> Vec<u8> {
    let even = width_px.next_multiple_of(2);
    let mut strip = capture::I420::black(even, LABEL_PX as u32).expect("a small picture");
    let mut canvas = Canvas::new(&mut strip);
    Text::new().draw(
        &mut canvas,
        (4.0, LABEL_PX as i32 - 8),
        text,
        16,
        Ink::WHITE,
    );
    let rows = strip.planes().y.chunks_exact(even as usize);
    rows.flat_map(|row| row[..width_px as usize].to_vec())
        .collect()
}
