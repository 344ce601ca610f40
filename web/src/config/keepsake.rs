//! `[booth.frame]`: what is on the paper around a picture. `[booth.print]`: the printer for it.

use std::path::{Path, PathBuf};

use capture::canvas::Text;
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use stylise::keepsake::{Artwork, ArtworkError, KeepsakeDesign};

use super::error::ConfigError;

/// Longer texts do not fit on the paper.
const TEXT_MAX: usize = 80;

section! {
    #[derive(Debug, Eq)]
    BoothFrameConfig {
        /// Whether pictures that are saved, shared or printed have a frame.
        enabled: bool = false,
        /// Also in the names of saved files and in alternative texts.
        event: String = String::new(),
        caption: String = String::new(),
        /// A format of strftime, or a fixed text.
        date: String = "%-d %B %Y".to_owned(),
        logo: Option<PathBuf> = None,
        /// A frame of the owner's own, with a transparent part for the picture.
        template: Option<PathBuf> = None,
    }
}

impl BoothFrameConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let text = Text::new();
        for (key, value) in [
            ("booth.frame.event", &self.event),
            ("booth.frame.caption", &self.caption),
            ("booth.frame.date", &self.date),
        ] {
            if value.chars().count() > TEXT_MAX || value.chars().any(char::is_control) {
                let why = format!("one line of at most {TEXT_MAX} characters");
                return Err(ConfigError::value(key, value.as_str(), why));
            }
            if let Some(sign) = text.missing(value) {
                let why = format!("the font has no {sign:?}: it has Latin letters");
                return Err(ConfigError::value(key, value.as_str(), why));
            }
        }
        if let Err(error) = date_text(&self.date, Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
            let why = format!("no format of a date, such as \"%d.%m.%Y\": {error}");
            return Err(ConfigError::value(
                "booth.frame.date",
                self.date.as_str(),
                why,
            ));
        }
        self.design().map(drop)
    }

    /// Reads the files.
    pub(crate) fn design(&self) -> Result<KeepsakeDesign, ConfigError> {
        Ok(KeepsakeDesign {
            is_framed: self.enabled,
            event: self.event.clone(),
            caption: self.caption.clone(),
            logo: artwork("booth.frame.logo", self.logo.as_deref(), Artwork::read)?,
            template: artwork(
                "booth.frame.template",
                self.template.as_deref(),
                Artwork::read_frame,
            )?,
        })
    }
}

/// More copies of one picture are no keepsake.
const COPIES_MAX: u32 = 20;

section! {
    #[derive(Debug, Eq)]
    BoothPrintConfig {
        /// As the print system (CUPS) calls it; `None`: nothing is printed.
        printer: Option<String> = None,
        /// Each is given to `lp` as `-o`.
        options: Vec<String> = Vec::new(),
        /// Of one picture.
        copies_max: u32 = 2,
        /// Whether the owner approves each print.
        approval: bool = true,
    }
}

impl BoothPrintConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_word = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if let Some(printer) = &self.printer
            && (!is_word(printer)
                || printer.starts_with('-')
                || printer.contains(char::is_whitespace))
        {
            let why = "the name of a printer without spaces, as `lpstat -e` lists it";
            return Err(ConfigError::value(
                "booth.print.printer",
                printer.as_str(),
                why,
            ));
        }
        if let Some(option) = self.options.iter().find(|option| !is_word(option)) {
            let why = "options of lp, such as \"media=Postcard\"";
            return Err(ConfigError::value(
                "booth.print.options",
                option.as_str(),
                why,
            ));
        }
        if !(1..=COPIES_MAX).contains(&self.copies_max) {
            let why = format!("between 1 and {COPIES_MAX}");
            let value = self.copies_max.to_string();
            return Err(ConfigError::value("booth.print.copies_max", value, why));
        }
        Ok(())
    }
}

fn artwork(
    key: &'static str,
    path: Option<&Path>,
    read: fn(&Path) -> Result<Artwork, ArtworkError>,
) -> Result<Option<Artwork>, ConfigError> {
    let read = path.map(|path| {
        let value = || path.display().to_string();
        if !path.is_file() {
            return Err(ConfigError::value(key, value(), "there is no such file"));
        }
        read(path).map_err(|error| ConfigError::value(key, value(), error.to_string()))
    });
    read.transpose()
}

/// The date as it is written on paper.
pub(crate) fn date_text(
    format: &str,
    at: Timestamp,
    zone: &TimeZone,
) -> Result<String, jiff::Error> {
    strtime::format(format, zone.to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    fn said(text: &str) -> String {
        let config: BoothFrameConfig = toml::from_str(text).expect("valid TOML");
        message(config.check())
    }

    #[test]
    fn texts_that_cannot_be_printed_are_refused() {
        assert_eq!(
            said("event = \"Sommerfest Köln & Łódź\"\ncaption = \"Ça va?\""),
            ""
        );
        assert!(said("event = \"祭り\"").starts_with("booth.frame.event = 祭り: the font has no"));
        assert!(said("caption = \"two\\nlines\"").starts_with("booth.frame.caption"));
        assert!(said(&format!("event = \"{}\"", "x".repeat(81))).contains("at most 80"));
    }

    #[test]
    fn a_date_is_a_format_or_a_text() {
        let at: Timestamp = "2026-11-28T23:30:00Z".parse().expect("a time");
        let written = |format: &str| {
            let zone = TimeZone::fixed(jiff::tz::offset(1));
            date_text(format, at, &zone).expect("a format")
        };
        assert_eq!(written("%-d %B %Y"), "29 November 2026", "the local day");
        assert_eq!(written("%d.%m.%Y"), "29.11.2026");
        assert_eq!(written("im Advent"), "im Advent");
        assert_eq!(said("date = \"\""), "");
        assert!(said("date = \"%_\"").starts_with("booth.frame.date = %_: no format"));
    }

    #[test]
    fn a_printer_is_a_word_and_copies_are_limited() {
        let said = |text: &str| {
            let config: BoothPrintConfig = toml::from_str(text).expect("valid TOML");
            message(config.check())
        };
        assert_eq!(
            said("printer = \"Canon_SELPHY\"\noptions = [\"fit-to-page\"]"),
            ""
        );
        for printer in ["", "-d", "two words", "a\\nb"] {
            let said = said(&format!("printer = \"{printer}\""));
            assert!(said.starts_with("booth.print.printer"), "{printer}: {said}");
        }
        assert!(said("options = [\"\"]").starts_with("booth.print.options"));
        for copies in [0, 21] {
            let said = said(&format!("copies_max = {copies}"));
            assert!(said.starts_with("booth.print.copies_max"), "{said}");
        }
    }

    #[test]
    fn missing_files_and_files_of_other_kinds_are_refused() {
        for key in ["logo", "template"] {
            let gone = said(&format!("{key} = \"/nowhere/{key}.png\""));
            assert!(
                gone.starts_with(&format!("booth.frame.{key}")) && gone.contains("no such file")
            );
            let folder = crate::test_folder::TestFolder::new();
            let path = folder.join("text.png");
            std::fs::write(&path, "no picture").expect("writable");
            let other = said(&format!("{key} = {:?}", path.display().to_string()));
            assert!(other.contains("no PNG picture"), "{other}");
        }
    }
}
