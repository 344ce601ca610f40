//! Replaces what is kept by what was staged beside it, so that a kill at any point leaves all of the old or all of the
//! new: what is staged counts once the journal is written, and whoever comes next (a station, a restore) does the steps
//! that are left.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backup::error::{BackupError, at};
use crate::private_file;

/// The folder within a kept folder that holds what replaces it. They are on one disk, so that a rename suffices.
const STAGED: &str = ".restore";
/// Folders that were replaced, until the end of the restore.
const REPLACED: &str = ".restore-replaced";
/// In the state folder, while staged content has to replace what is kept.
const JOURNAL: &str = "restore.json";

/// What is replaced in one folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replacement {
    pub(crate) folder: PathBuf,
    /// Names of files and folders, directly in it.
    pub(crate) names: Vec<String>,
}

/// One change on the disk. Doing it twice, or after a kill within it, gives the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    from: PathBuf,
    to: PathBuf,
}

impl Step {
    pub(crate) fn run(&self) -> io::Result<()> {
        match fs::rename(&self.from, &self.to) {
            // Done before.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            renamed => renamed,
        }
    }
}

/// An empty folder for what replaces the content of `folder`.
pub(crate) fn begin_staging(folder: &Path) -> Result<PathBuf, BackupError> {
    let staged = folder.join(STAGED);
    for old in [&staged, &folder.join(REPLACED)] {
        remove(old).map_err(at(old))?;
    }
    private_folder(&staged)?;
    Ok(staged)
}

pub(crate) fn private_folder(folder: &Path) -> Result<(), BackupError> {
    let mut options = DirBuilder::new();
    let made = options.recursive(true).mode(0o700).create(folder);
    made.map_err(at(folder))
}

/// From the return of this on, what is staged replaces what is kept.
pub(crate) fn commit(state: &Path, replacements: &[Replacement]) -> Result<(), BackupError> {
    for replacement in replacements {
        sync_folders(&replacement.folder.join(STAGED))?;
    }
    let journal = state.join(JOURNAL);
    let json = serde_json::to_vec(replacements).map_err(io::Error::from);
    let written = json.and_then(|json| private_file::write(&journal, &json));
    written.map_err(at(&journal))?;
    sync(state)
}

/// The steps that are left, in order.
pub(crate) fn steps(replacements: &[Replacement]) -> Vec<Step> {
    let mut steps = Vec::new();
    for Replacement { folder, names } in replacements {
        for name in names {
            let (staged, kept) = (folder.join(STAGED).join(name), folder.join(name));
            // A folder that is not empty is moved away first, since rename(2) replaces files only. Once the new one is in
            // its place, it stays there.
            if kept.is_dir() && staged.exists() {
                steps.push(Step {
                    from: kept.clone(),
                    to: folder.join(REPLACED).join(name),
                });
            }
            steps.push(Step {
                from: staged,
                to: kept,
            });
        }
    }
    steps
}

/// Does what an interrupted restore has left to do. `true`: there was one. Nobody else may use the state folder.
pub(crate) fn finish(state: &Path) -> Result<bool, BackupError> {
    let journal = state.join(JOURNAL);
    let json = match fs::read(&journal) {
        Ok(json) => json,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(at(&journal)(error)),
    };
    let replacements: Vec<Replacement> =
        serde_json::from_slice(&json).map_err(|error| at(&journal)(error.into()))?;
    for replacement in &replacements {
        private_folder(&replacement.folder.join(REPLACED))?;
    }
    for step in steps(&replacements) {
        step.run().map_err(at(&step.to))?;
    }
    for replacement in &replacements {
        sync(&replacement.folder)?;
    }
    fs::remove_file(&journal).map_err(at(&journal))?;
    sync(state)?;
    for replacement in &replacements {
        remove_leftover(&replacement.folder);
    }
    Ok(true)
}

/// Whether a restore was interrupted after it had begun to replace what is kept.
pub(crate) fn is_interrupted(state: &Path) -> bool {
    state.join(JOURNAL).exists()
}

/// Deletes what a restore left in `folder`; there must be no journal.
pub(crate) fn remove_leftover(folder: &Path) {
    for old in [STAGED, REPLACED].map(|name| folder.join(name)) {
        if let Err(error) = remove(&old) {
            let old = old.display();
            tracing::warn!(%error, "the leftover of a restore cannot be deleted: {old}");
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(at(folder))
}

/// The folder and those within it; the files are synced already.
fn sync_folders(folder: &Path) -> Result<(), BackupError> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    sync(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Two folders with old content, and new content staged.
    fn staged(home: &Path) -> Vec<Replacement> {
        let (state, data) = (home.join("state"), home.join("data"));
        for folder in [&state, &data] {
            fs::create_dir_all(folder).expect("room");
        }
        fs::write(state.join("shutter.json"), "old").expect("room");
        fs::create_dir(data.join("booth")).expect("room");
        fs::write(data.join("booth/database"), "old").expect("room");
        fs::write(data.join("booth/old-picture"), "old").expect("room");
        let new_state = begin_staging(&state).expect("room");
        fs::write(new_state.join("shutter.json"), "new").expect("room");
        fs::write(new_state.join("settings.json"), "new").expect("room");
        let new_data = begin_staging(&data).expect("room");
        fs::create_dir(new_data.join("booth")).expect("room");
        fs::write(new_data.join("booth/database"), "new").expect("room");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        vec![
            Replacement {
                folder: state,
                names: names(&["shutter.json", "settings.json"]),
            },
            Replacement {
                folder: data,
                names: names(&["booth"]),
            },
        ]
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_kill_before_the_journal_leaves_the_old_and_after_it_the_new() {
        let home = TestFolder::new();
        let (state, data) = (home.join("state"), home.join("data"));
        staged(&home);
        assert!(!finish(&state).expect("nothing to do"));
        remove_leftover(&state);
        assert_eq!(text(&state.join("shutter.json")), "old");
        assert_eq!(names_in(&state), ["shutter.json"]);
        assert_eq!(text(&data.join("booth/database")), "old");

        let count = steps(&staged(&TestFolder::new())).len();
        assert_eq!(count, 4);
        for killed_after in 0..=count {
            let home = TestFolder::new();
            let (state, data) = (home.join("state"), home.join("data"));
            let replacements = staged(&home);
            commit(&state, &replacements).expect("written");
            assert!(is_interrupted(&state));
            fs::create_dir(data.join(REPLACED)).expect("room");
            for step in steps(&replacements).iter().take(killed_after) {
                step.run().expect("done");
            }
            assert!(finish(&state).expect("finished"), "{killed_after}");
            assert_eq!(names_in(&state), ["settings.json", "shutter.json"]);
            assert_eq!(text(&state.join("shutter.json")), "new");
            assert_eq!(names_in(&data), ["booth"]);
            assert_eq!(
                names_in(&data.join("booth")),
                ["database"],
                "{killed_after}"
            );
            assert_eq!(text(&data.join("booth/database")), "new");
            assert!(!finish(&state).expect("nothing to do"));
        }
    }

    #[test]
    fn a_damaged_journal_changes_nothing_and_is_named() {
        let home = TestFolder::new();
        staged(&home);
        let state = home.join("state");
        fs::write(state.join(JOURNAL), "{").expect("room");
        let error = finish(&state).expect_err("damaged").to_string();
        assert!(error.contains(JOURNAL), "{error}");
        assert_eq!(text(&state.join("shutter.json")), "old");
    }
}
