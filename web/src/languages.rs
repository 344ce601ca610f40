//! The languages of the pages: those of the program, and those of the owner, which go first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::assets;

/// A file of words is some ten kilobytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Editors of Windows write it first, in UTF-8; JSON does not know it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The key in a file under which it says what its language calls itself.
const NAME_KEY: &str = "language.name";

/// Where words come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Languages {
    /// The owner's folder.
    folder: Option<PathBuf>,
}

/// One that a visitor can choose.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Language {
    code: String,
    /// As it calls itself.
    name: String,
}

impl Languages {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The file `de.json`; none when there is no such language. The owner's are read anew each time: they
    /// can be written while the program runs.
    pub(crate) fn file(&self, name: &str) -> Option<Vec<u8>> {
        let code = name.strip_suffix(".json").filter(|code| is_code(code))?;
        self.own(code)
            .or_else(|| Some(assets::find(&format!("lang/{code}.json"))?.bytes.to_vec()))
    }

    /// All there are, by code.
    pub(crate) fn list(&self) -> Vec<Language> {
        let mut names = BTreeMap::new();
        for asset in assets::folder("lang") {
            if let Some(code) = code_of(Path::new(asset.path)) {
                names.insert(code.clone(), name_in(asset.bytes).unwrap_or(code));
            }
        }
        for code in self.own_codes() {
            // A file that is no table of words is left out, and the program's own, if any, stays.
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
            tracing::warn!(file = %file.display(), "no table of words in JSON; left out");
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

/// `de`, `pt-BR`, `zh-Hant` (RFC 5646 2.1, without its rarer parts). Nothing that leads out of a folder.
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
        assert_eq!(nobody.file("../index.html"), None);
        assert_eq!(nobody.file("xx.json"), None);
    }

    #[test]
    fn the_owners_files_go_first_and_broken_ones_are_left_out() {
        let folder = std::env::temp_dir().join(format!("lang-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&folder).expect("temporary folder");
        let words = r#"{"language.name": "Plattdüütsch"}"#;
        std::fs::write(folder.join("nds.json"), words).expect("written");
        std::fs::write(folder.join("frr.json"), format!("\u{feff}{words}")).expect("written");
        std::fs::write(folder.join("fr.json"), "{").expect("written");
        std::fs::write(folder.join("notes.txt"), "x").expect("written");
        let languages = Languages::new(Some(folder.clone()));
        assert_eq!(languages.file("nds.json"), Some(words.as_bytes().to_vec()));
        assert_eq!(languages.file("frr.json"), languages.file("nds.json"));
        assert_eq!(languages.file("fr.json"), None);
        assert_eq!(languages.file("notes.txt"), None);
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
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
