//! What visitors take home: the design of the configuration, and the names of saved files.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use stylise::keepsake::{KeepsakeDesign, KeepsakeError, StripShot};
use stylise::{JobView, PhotoKind};

use crate::config::ConfigError;
use crate::config::keepsake::{BoothFrameConfig, date_text};

/// The style of a strip of a game, as jobs of the booth name it.
pub(crate) const GAME_STRIP: &str = "game";
/// The style of a picture without a style.
pub(crate) const PLAIN: &str = "plain";

pub(crate) struct Keepsakes {
    design: KeepsakeDesign,
    date_format: String,
    zone: TimeZone,
}

/// The file that is saved, shared and printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepsakeFile {
    /// The stored result itself.
    Result,
    Jpeg,
    Gif,
}

impl KeepsakeFile {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Result => "result.jpg",
            Self::Jpeg => "keepsake.jpg",
            Self::Gif => "keepsake.gif",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Result | Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Result | Self::Jpeg => "jpg",
            Self::Gif => "gif",
        }
    }
}

impl Keepsakes {
    /// Reads the files that the configuration names.
    pub(crate) fn new(config: &BoothFrameConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            design: config.design()?,
            date_format: config.date.clone(),
            zone: TimeZone::system(),
        })
    }

    /// The name of the event; `None` without one.
    pub(crate) fn event(&self) -> Option<&str> {
        Some(self.design.event.trim()).filter(|event| !event.is_empty())
    }

    pub(crate) fn file(&self, job: &JobView) -> KeepsakeFile {
        match job.style.as_str() {
            // It is on its own paper already.
            GAME_STRIP => KeepsakeFile::Result,
            _ => self.file_of(job.photo_kind),
        }
    }

    fn file_of(&self, kind: PhotoKind) -> KeepsakeFile {
        match kind {
            PhotoKind::Single if !self.design.is_framed => KeepsakeFile::Result,
            PhotoKind::Single | PhotoKind::Strip => KeepsakeFile::Jpeg,
            PhotoKind::Boomerang => KeepsakeFile::Gif,
        }
    }

    /// Makes the file of a stored result. Takes some tenths of a second.
    pub(crate) fn make(
        &self,
        stored: &[u8],
        job: &JobView,
        is_for_printer: bool,
    ) -> Result<Vec<u8>, KeepsakeError> {
        let date = date_text(&self.date_format, made_at(job), &self.zone);
        // The format was checked with the configuration.
        let date = date.unwrap_or_default();
        match (job.photo_kind, is_for_printer) {
            (PhotoKind::Boomerang, _) => self.design.gif(stored, &date),
            (_, true) => self.design.print(stored, job.photo_kind, &date),
            (_, false) => self.design.jpeg(stored, job.photo_kind, &date),
        }
    }

    /// The strip of a game, dated now. Takes some tenths of a second.
    pub(crate) fn strip(
        &self,
        shots: &[StripShot],
        title: &str,
        caption: &str,
    ) -> Result<Vec<u8>, KeepsakeError> {
        let date = date_text(&self.date_format, Timestamp::now(), &self.zone).unwrap_or_default();
        self.design.strip(shots, (title, caption, &date))
    }

    /// What the file is to be called when it is saved.
    pub(crate) fn file_name(&self, job: &JobView) -> String {
        let ending = self.file(job).ending();
        format!("{}.{ending}", self.name(job))
    }

    /// Event, local time and style, in letters that every system takes.
    pub(crate) fn name(&self, job: &JobView) -> String {
        self.name_of(made_at(job), &job.style)
    }

    pub(crate) fn name_of(&self, made_at: Timestamp, style: &str) -> String {
        name(&self.design.event, made_at, &self.zone, style)
    }
}

fn made_at(job: &JobView) -> Timestamp {
    let ms = i64::try_from(job.created_at_unix_ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

/// Without an event it is the photo booth's.
const UNNAMED: &str = "photo-booth";
/// Longer names are cut by some systems.
const EVENT_CHARACTERS_MAX: usize = 40;

fn name(event: &str, at: Timestamp, zone: &TimeZone, style: &str) -> String {
    let event = slug(event, EVENT_CHARACTERS_MAX);
    let event = if event.is_empty() { UNNAMED } else { &event };
    let time = date_text("%Y-%m-%d-%H%M", at, zone).unwrap_or_default();
    format!("{event}-{time}-{}", slug(style, usize::MAX))
}

/// Small letters, digits and dashes; letters with accents without them.
fn slug(text: &str, characters_max: usize) -> String {
    let mut slug = String::new();
    for letter in text.to_lowercase().chars() {
        let plain = match letter {
            'a'..='z' | '0'..='9' => {
                slug.push(letter);
                continue;
            }
            'ä' | 'æ' => "ae",
            'ö' | 'ø' | 'œ' => "oe",
            'ü' => "ue",
            'ß' => "ss",
            'à'..='å' | 'ą' => "a",
            'ç' | 'ć' | 'č' => "c",
            'è'..='ë' | 'ę' | 'ě' => "e",
            'ì'..='ï' => "i",
            'ł' => "l",
            'ñ' | 'ń' => "n",
            'ò'..='õ' => "o",
            'ś' | 'š' | 'ş' => "s",
            'ù'..='û' | 'ů' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            _ if slug.is_empty() || slug.ends_with('-') => "",
            _ => "-",
        };
        slug.push_str(plain);
    }
    slug.truncate(characters_max.min(slug.len()));
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_for_the_event() {
        let at: Timestamp = "2026-11-28T18:05:00Z".parse().expect("a time");
        let name = |event: &str| super::name(event, at, &TimeZone::UTC, "pop-art");
        assert_eq!(
            name("Sommerfest Köln '26 – Łódź!"),
            "sommerfest-koeln-26-lodz-2026-11-28-1805-pop-art"
        );
        for nothing in ["", "  ", "祭り", "\"; x=\r\n"] {
            let name = name(nothing);
            assert!(
                name == "x-2026-11-28-1805-pop-art" || name.starts_with(UNNAMED),
                "{name}"
            );
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'"'),
                "{name}"
            );
        }
        assert!(name(&"long ".repeat(30)).len() < 80);
    }

    #[test]
    fn only_what_differs_from_the_result_is_made() {
        let keepsakes = |config: &str| {
            let config = toml::from_str(config).expect("valid TOML");
            Keepsakes::new(&config).expect("no files")
        };
        let plain = keepsakes("event = \"Fest\"");
        assert_eq!(plain.file_of(PhotoKind::Single), KeepsakeFile::Result);
        assert_eq!(plain.file_of(PhotoKind::Strip), KeepsakeFile::Jpeg);
        assert_eq!(plain.file_of(PhotoKind::Boomerang), KeepsakeFile::Gif);
        assert_eq!(plain.event(), Some("Fest"));
        let framed = keepsakes("enabled = true");
        assert_eq!(framed.file_of(PhotoKind::Single), KeepsakeFile::Jpeg);
        assert_eq!(framed.event(), None);
    }
}
