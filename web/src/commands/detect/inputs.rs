//! What the arguments of `carrier detect` stand for: files, folders, patterns, standard input.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use glob::MatchOptions;

const PICTURES: [&str; 4] = ["jpg", "jpeg", "png", "webp"];
const VIDEOS: [&str; 9] = [
    "mp4", "mov", "mkv", "avi", "webm", "m4v", "mpg", "mpeg", "ts",
];

/// Hidden files have to be named.
const AS_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: false,
    require_literal_leading_dot: true,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    File(PathBuf),
    StandardInput,
}

impl Input {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::StandardInput => Path::new("-"),
        }
    }
}

/// The inputs of one argument. A folder stands for the pictures and videos in it and below, by name; a pattern for what
/// it matches, unless there is a file of that very name.
pub(super) fn inputs_of(argument: &Path) -> anyhow::Result<Vec<Input>> {
    let text = argument.to_string_lossy();
    if text == "-" {
        return Ok(vec![Input::StandardInput]);
    }
    let is_pattern = text.contains(['*', '?', '[']) && !argument.exists();
    if !is_pattern && !argument.is_dir() {
        return Ok(vec![Input::File(argument.to_owned())]);
    }
    let mut files = Vec::new();
    if is_pattern {
        for path in glob::glob_with(&text, AS_A_SHELL).context("this is no pattern")? {
            let path = path.context("a folder cannot be read")?;
            match path.is_dir() {
                true => collect(&path, &mut files)?,
                false => files.push(path),
            }
        }
    } else {
        collect(argument, &mut files)?;
    }
    if files.is_empty() {
        match is_pattern {
            true => bail!("nothing matches this pattern"),
            false => bail!("the folder has no pictures and no videos"),
        }
    }
    Ok(files.into_iter().map(Input::File).collect())
}

/// Hidden files and links to folders are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let read =
        || -> std::io::Result<Vec<std::fs::DirEntry>> { std::fs::read_dir(folder)?.collect() };
    let mut entries = read().with_context(|| format!("{} cannot be read", folder.display()))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, files)?,
            Ok(_) if has_extension(&path, &PICTURES) || has_extension(&path, &VIDEOS) => {
                files.push(path);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a file is to be read as a video: by its name, else because it does not begin as a picture does.
pub(super) fn is_video(path: &Path) -> bool {
    if has_extension(path, &VIDEOS) || has_extension(path, &PICTURES) {
        return has_extension(path, &VIDEOS);
    }
    let mut begin = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut begin));
    let is_picture = begin.starts_with(&[0xff, 0xd8]) || begin == *b"\x89PNG" || begin == *b"RIFF";
    read.is_ok() && !is_picture
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    known.iter().any(|one| extension.eq_ignore_ascii_case(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("carrier-inputs-{}", uuid::Uuid::new_v4()));
        for file in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("below")).expect("made");
            std::fs::write(path, b"x").expect("written");
        }
        folder
    }

    fn names(folder: &Path, argument: &str) -> Vec<String> {
        let inputs = inputs_of(&folder.join(argument)).expect("found");
        let name = |input: &Input| {
            let below = input.path().strip_prefix(folder).expect("below");
            below.to_string_lossy().into_owned()
        };
        inputs.iter().map(name).collect()
    }

    #[test]
    fn folders_and_patterns_stand_for_what_is_in_them() {
        let files = [
            "b.JPG",
            "a.png",
            "notes.txt",
            ".hidden.png",
            "sub/c.mp4",
            "odd[1].png",
        ];
        let folder = folder_with(&files);
        assert_eq!(
            names(&folder, ""),
            ["a.png", "b.JPG", "odd[1].png", "sub/c.mp4"]
        );
        assert_eq!(names(&folder, "*.png"), ["a.png", "odd[1].png"]);
        assert_eq!(names(&folder, "s*"), ["sub/c.mp4"]);
        assert_eq!(
            names(&folder, "odd[1].png"),
            ["odd[1].png"],
            "a file of that name"
        );
        // Whether it is there is said when it is read.
        assert_eq!(names(&folder, "missing.jpg"), ["missing.jpg"]);
        assert!(inputs_of(&folder.join("*.gif")).is_err());
        std::fs::create_dir(folder.join("empty")).expect("made");
        assert!(inputs_of(&folder.join("empty")).is_err());
        assert_eq!(
            inputs_of(Path::new("-")).expect("known"),
            [Input::StandardInput]
        );
        std::fs::remove_dir_all(folder).expect("cleaned");
    }

    #[test]
    fn files_without_a_known_name_are_told_by_how_they_begin() {
        let folder = folder_with(&["x.mp4", "short"]);
        std::fs::write(folder.join("photo"), b"\xff\xd8\xff\xe0").expect("written");
        std::fs::write(folder.join("film"), b"\0\0\0\x20ftyp").expect("written");
        assert!(is_video(&folder.join("x.mp4")) && is_video(&folder.join("film")));
        assert!(!is_video(&folder.join("photo")) && !is_video(&folder.join("short")));
        assert!(!is_video(&folder.join("missing")));
        std::fs::remove_dir_all(folder).expect("cleaned");
    }
}
