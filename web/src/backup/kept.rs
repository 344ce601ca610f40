//! What the program keeps, and where. Everything here is in a backup; what is not: locks, unfinished files and the space
//! that the booth reserves.

use std::path::{Path, PathBuf};

use stylise::backup::is_picture_name;

/// The folders of one station.
#[derive(Debug, Clone)]
pub(crate) struct KeptFolders {
    /// The shutter, changed settings, the audit, tokens and keys.
    pub(crate) state: PathBuf,
    /// Pictures of visitors.
    pub(crate) data: PathBuf,
}

impl KeptFolders {
    pub(crate) fn path(&self, folder: Folder) -> &Path {
        match folder {
            Folder::State => &self.state,
            Folder::Data => &self.data,
        }
    }

    pub(crate) fn booth(&self) -> PathBuf {
        self.data.join(BOOTH)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    State,
    Data,
}

/// A file of the program's own, besides the booth's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeptFile {
    pub(crate) folder: Folder,
    pub(crate) name: &'static str,
    /// Whoever has it can do what the owner or a visitor can.
    pub(crate) is_secret: bool,
    bytes_max: u64,
}

const fn open(name: &'static str, bytes_max: u64) -> KeptFile {
    KeptFile {
        folder: Folder::State,
        name,
        is_secret: false,
        bytes_max,
    }
}

const fn secret(folder: Folder, name: &'static str) -> KeptFile {
    KeptFile {
        folder,
        name,
        is_secret: true,
        bytes_max: 64 << 10,
    }
}

pub(crate) const SHUTTER: &str = "shutter.json";
pub(crate) const SETTINGS: &str = "settings.json";
pub(crate) const AUDIT: &str = "audit.jsonl";
pub(crate) const LEADERBOARD: &str = "leaderboard.json";
/// In the data folder.
pub(crate) const BOOTH: &str = "booth";

pub(crate) static FILES: [KeptFile; 8] = [
    open(SHUTTER, 64 << 10),
    open(SETTINGS, 4 << 20),
    open(AUDIT, 256 << 20),
    open(LEADERBOARD, 64 << 10),
    secret(Folder::State, "admin-token"),
    secret(Folder::State, "cookie-key"),
    secret(Folder::State, "self-signed.pem"),
    secret(Folder::Data, "visitor-key"),
];

/// An entry of the archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File(&'static KeptFile),
    Database,
    Picture(String),
    /// The last one.
    Manifest,
}

const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "booth/booth.sqlite3";
const PICTURES: &str = "booth/pictures/";

impl Entry {
    /// The entry of that name; `None`: there is no such entry. Every path on the disk is made from the entry, never from
    /// the name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            MANIFEST => return Some(Self::Manifest),
            DATABASE => return Some(Self::Database),
            _ => {}
        }
        if let Some(picture) = name.strip_prefix(PICTURES) {
            return is_picture_name(picture).then(|| Self::Picture(picture.to_owned()));
        }
        let mut files = FILES.iter();
        files.find(|file| file_entry(file) == name).map(Self::File)
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(file) => file_entry(file),
            Self::Database => DATABASE.to_owned(),
            Self::Picture(picture) => format!("{PICTURES}{picture}"),
            Self::Manifest => MANIFEST.to_owned(),
        }
    }

    /// A larger entry is refused.
    pub(crate) fn bytes_max(&self) -> u64 {
        match self {
            Self::File(file) => file.bytes_max,
            Self::Database => 1 << 30,
            Self::Picture(_) | Self::Manifest => 64 << 20,
        }
    }
}

fn file_entry(file: &KeptFile) -> String {
    let folder = match file.folder {
        Folder::State => "state",
        Folder::Data => "data",
    };
    format!("{folder}/{}", file.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_backup_has_are_entries() {
        for file in &FILES {
            let entry = Entry::File(file);
            assert_eq!(Entry::named(&entry.name()), Some(entry));
        }
        let picture = format!("{:032x}.jpg", 7);
        let entry = Entry::named(&format!("booth/pictures/{picture}"));
        assert_eq!(entry, Some(Entry::Picture(picture)));
        for name in [
            "",
            "/etc/passwd",
            "../state/shutter.json",
            "state/../state/shutter.json",
            "state/shutter.json/",
            "state/lock",
            "booth/pictures/../../x.jpg",
            "booth/pictures/x.jpg",
            "booth/pictures/0000000000000000000000000000000G.jpg",
            "booth/booth.sqlite3-wal",
        ] {
            assert_eq!(Entry::named(name), None, "{name}");
        }
    }
}
