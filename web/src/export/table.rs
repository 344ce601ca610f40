//! The table of exported pictures: CSV (RFC 4180) that spreadsheets open without running anything of it.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// With a byte order mark, by which Excel knows UTF-8.
const HEAD: &str = "\u{feff}file,made,style,gallery,erased\r\n";

/// What of a picture is in the table.
#[derive(Debug, Clone)]
pub(crate) struct ExportedPicture {
    /// Of its file, without the ending; it need not be unique.
    pub(crate) name: String,
    pub(crate) made_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) style: String,
    pub(crate) state: GalleryState,
}

/// What visitors see of a shared picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GalleryState {
    Shown,
    /// For the owner's approval.
    Waits,
    Hidden,
}

#[derive(Debug, Default)]
pub(super) struct Table(String);

impl Table {
    pub(super) fn new() -> Self {
        Self(HEAD.to_owned())
    }

    pub(super) fn add(&mut self, file: &str, picture: &ExportedPicture, zone: &TimeZone) {
        let time = |at: Timestamp| {
            let local = zone.to_datetime(at);
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        };
        let state = match picture.state {
            GalleryState::Shown => "shown",
            GalleryState::Waits => "waits for approval",
            GalleryState::Hidden => "hidden",
        };
        let cells = [
            file,
            &time(picture.made_at),
            &picture.style,
            state,
            &time(picture.expires_at),
        ];
        let cells = cells.map(cell).join(",");
        let _ = write!(self.0, "{cells}\r\n");
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// A cell that a spreadsheet takes for text, whatever it begins with: spreadsheets run formulas (OWASP, "CSV
/// Injection").
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = match is_formula {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, expected) in [
            ("Oil painting", "Oil painting"),
            ("", ""),
            ("Ölbild, alt", "\"Ölbild, alt\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("\t=1", "'\t=1"),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
