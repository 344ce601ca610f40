//! The files of the pages, compiled into the binary, so that they work without the internet; and
//! language files, of the program and of the owner.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
    /// `bytes` compressed; `None`: it would gain nothing.
    pub(crate) gzip: Option<&'static [u8]>,
}

/// All files, listed by `build.rs`.
const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Browsers only download this type.
const UNKNOWN: &str = "application/octet-stream";

impl Asset {
    pub(crate) fn content_type(&self) -> &'static str {
        content_type(self.path)
    }
}

/// The `Content-Type` by the file name extension.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        // W3C Web Application Manifest, 4.
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        _ => UNKNOWN,
    }
}

/// The type of a picture of the owner's. SVG is not among them: it may contain scripts.
pub(crate) fn picture_type(path: &str) -> Option<&'static str> {
    let kind = content_type(path);
    ["image/jpeg", "image/png", "image/webp"]
        .contains(&kind)
        .then_some(kind)
}

/// The file at `path`, e.g. `app/main.js`.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The files directly in a folder, e.g. `lang`.
pub(crate) fn folder(name: &str) -> impl Iterator<Item = &'static Asset> {
    ASSETS.iter().filter(move |asset| {
        let parent = asset.path.rsplit_once('/').map(|(parent, _)| parent);
        parent == Some(name)
    })
}

/// Language files are about ten kilobytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Windows editors write it at the start of UTF-8 files; JSON does not allow it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The key of a language's own name.
const NAME_KEY: &str = "language.name";

#[derive(Debug, Clone, Default)]
pub(crate) struct Languages {
    /// The owner's folder; its files take precedence.
    folder: Option<PathBuf>,
}

/// A language that a visitor can choose.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Language {
    code: String,
    /// In the language itself.
    name: String,
}

impl Languages {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The content of the owner's `de.json`, if there is one. It is read each time, because it may change while the
    /// program runs.
    pub(crate) fn own_file(&self, name: &str) -> Option<Vec<u8>> {
        let code = name.strip_suffix(".json").filter(|code| is_code(code))?;
        self.own(code)
    }

    /// All languages, sorted by code.
    pub(crate) fn list(&self) -> Vec<Language> {
        let mut names = BTreeMap::new();
        for asset in folder("lang") {
            if let Some(code) = code_of(Path::new(asset.path)) {
                names.insert(code.clone(), name_in(asset.bytes).unwrap_or(code));
            }
        }
        for code in self.own_codes() {
            // An invalid file is ignored; the program's own language, if any, stays.
            if let Some(name) = self.own(&code).as_deref().and_then(name_in) {
                names.insert(code, name);
            }
        }
        let language = |(code, name)| Language { code, name };
        names.into_iter().map(language).collect()
    }

    fn own(&self, code: &str) -> Option<Vec<u8>> {
        let file = self.folder.as_ref()?.join(format!("{code}.json"));
        let size = std::fs::metadata(&file).ok()?.len();
        let mut words = (size <= FILE_BYTES_MAX).then(|| std::fs::read(&file).ok())??;
        if words.starts_with(BYTE_ORDER_MARK) {
            words.drain(..BYTE_ORDER_MARK.len());
        }
        if table(&words).is_none() {
            tracing::warn!(file = %file.display(), "not a language file in JSON; ignored");
            return None;
        }
        Some(words)
    }

    fn own_codes(&self) -> Vec<String> {
        let entries = self.folder.as_ref().map(std::fs::read_dir);
        let entries = entries.into_iter().flatten().flatten().flatten();
        entries.filter_map(|entry| code_of(&entry.path())).collect()
    }
}

fn code_of(file: &Path) -> Option<String> {
    let code = file.file_name()?.to_str()?.strip_suffix(".json")?;
    is_code(code).then(|| code.to_owned())
}

/// `de`, `pt-BR`, `zh-Hant` (RFC 5646 2.1, without its rarer parts). A code cannot leave the folder.
fn is_code(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let plain = |part: &str, letters: std::ops::RangeInclusive<usize>| {
        letters.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    plain(language, 2..=3) && parts.all(|part| plain(part, 2..=8)) && text.len() <= 35
}

fn name_in(words: &[u8]) -> Option<String> {
    let name = table(words)?.remove(NAME_KEY)?;
    name.as_str().map(str::to_owned)
}

fn table(words: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_slice(words).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_embedded_and_each_file_is_of_a_known_kind() {
        for path in ["index.html", "locked.html", "app/main.js", "camera/main.js"] {
            assert!(find(path).is_some(), "{path}");
        }
        assert!(find("app").is_none() && find("../Cargo.toml").is_none());
        assert_eq!(picture_type("mine/comic.jpeg"), Some("image/jpeg"));
        assert_eq!(picture_type("mine/comic.svg"), None, "may hold scripts");
        assert!(folder("app").any(|asset| asset.path == "app/main.js"));
        let unknown = |asset: &&Asset| asset.content_type() == UNKNOWN;
        let strange: Vec<_> = ASSETS.iter().filter(unknown).map(|a| a.path).collect();
        assert!(strange.is_empty(), "of unknown kind: {strange:?}");
    }

    #[test]
    fn language_files_have_the_texts_of_the_games() {
        for (code, texts) in play::TEXTS {
            let words = find(&format!("lang/{code}.json")).expect("embedded").bytes;
            let words = table(words).expect("one JSON object");
            assert!(words.contains_key(NAME_KEY));
            let games = table(texts.as_bytes()).expect("one JSON object");
            assert!(games.len() > 50);
            for (key, text) in games {
                assert_eq!(words.get(&key), Some(&text), "{code}: {key}");
            }
        }
    }

    #[test]
    fn only_codes_of_languages_are_files() {
        for code in ["en", "de", "pt-BR", "zh-Hant-TW", "yue"] {
            assert!(is_code(code), "{code}");
        }
        for wrong in [
            "", "e", "..", "../x", "en/..", "en.", "-en", "en-", "a b", "ü", "%2e",
        ] {
            assert!(!is_code(wrong), "{wrong}");
        }
        let nobody = Languages::default();
        assert_eq!(nobody.own_file("../index.html"), None);
        assert_eq!(nobody.own_file("xx.json"), None);
    }

    #[test]
    fn the_owners_files_go_first_and_broken_ones_are_left_out() {
        let folder = crate::test_folder::TestFolder::new();
        let words = r#"{"language.name": "Plattdüütsch"}"#;
        std::fs::write(folder.join("nds.json"), words).expect("written");
        std::fs::write(folder.join("frr.json"), format!("\u{feff}{words}")).expect("written");
        std::fs::write(folder.join("fr.json"), "{").expect("written");
        std::fs::write(folder.join("notes.txt"), "x").expect("written");
        let languages = Languages::new(Some(folder.to_path_buf()));
        assert_eq!(
            languages.own_file("nds.json"),
            Some(words.as_bytes().to_vec())
        );
        assert_eq!(
            languages.own_file("frr.json"),
            languages.own_file("nds.json")
        );
        assert_eq!(languages.own_file("fr.json"), None);
        assert_eq!(languages.own_file("notes.txt"), None);
        let list = languages.list();
        let own = Language {
            code: "nds".to_owned(),
            name: "Plattdüütsch".to_owned(),
        };
        assert!(list.contains(&own), "{list:?}");
        assert!(
            list.iter().all(|language| language.code != "fr"),
            "{list:?}"
        );
    }
}
