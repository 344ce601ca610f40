//! Removes file paths from texts for visitors: they would reveal the owner's user name.

/// Replaces each path by its file name, and removes clauses about where something was looked for.
pub(crate) fn redact_paths(text: &str) -> String {
    if !text.contains('/') {
        return text.to_owned();
    }
    let sentences = text.split(". ").map(|sentence| {
        let mut clauses = sentence.split("; ");
        let first = clauses.next().unwrap_or_default();
        let rest = clauses.filter(|clause| !has_path(clause));
        let clauses: Vec<String> = std::iter::once(with_file_names(first))
            .chain(rest.map(str::to_owned))
            .collect();
        clauses.join("; ")
    });
    sentences.collect::<Vec<_>>().join(". ")
}

fn has_path(text: &str) -> bool {
    text.split(' ').any(is_path)
}

/// Limit of spaces in a path.
const SPACES_MAX: usize = 4;

fn with_file_names(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut short = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if !is_path(word) {
            short.push((*word).to_owned());
            at += 1;
            continue;
        }
        // The path continues if another slash follows within a few words.
        let ahead = words.iter().enumerate().skip(at + 1).take(SPACES_MAX);
        let goes_on = ahead
            .take_while(|(_, word)| !starts_path(word))
            .filter(|(_, word)| word.contains('/') && !word.contains("://"));
        let last = goes_on.last().map_or(at, |(last, _)| last);
        short.push(to_file_name(&words[at..=last].join(" ")));
        at = last + 1;
    }
    short.join(" ")
}

fn starts_path(word: &str) -> bool {
    let bare = word.trim_start_matches(is_punctuation);
    ["/", "~/", "./", "../"]
        .iter()
        .any(|start| bare.starts_with(start))
}

/// Whether it is a path, maybe in quotes or after a colon; not a fraction, a media type or a URL.
fn is_path(word: &str) -> bool {
    if word.contains("://") {
        return word.contains("file://");
    }
    let bare = word.trim_matches(is_punctuation);
    let is_below_something = |start: &str| {
        word.match_indices(start).any(|(at, _)| {
            let before = word[..at].chars().next_back();
            before.is_none_or(is_punctuation)
        })
    };
    let is_relative_file = bare
        .rsplit_once('/')
        .is_some_and(|(_, name)| name.contains('.') && name.chars().any(char::is_alphabetic));
    ["/", "~/", "./", "../"].into_iter().any(is_below_something) || is_relative_file
}

fn is_punctuation(c: char) -> bool {
    !(c.is_alphanumeric() || "/~._-$".contains(c))
}

/// The file name, with the punctuation around the path.
fn to_file_name(word: &str) -> String {
    let end = word
        .trim_end_matches(|c| is_punctuation(c) || c == '/')
        .len();
    let (path, after) = word.split_at(end);
    let start = path.find(|c| !is_punctuation(c)).unwrap_or(0);
    let scheme = path.find(':').map_or(start, |at| at + 1);
    let before = &path[..scheme.max(start)];
    let name = path.rsplit('/').next().unwrap_or_default();
    let before = if before.contains('/') { "" } else { before };
    format!("{before}{name}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_names() {
        for (text, wanted) in [
            ("/home/ann/clips/party.mp4", "party.mp4"),
            ("file:/home/ann/party.mp4", "file:party.mp4"),
            (
                "Cannot play \"/home/ann/party.mp4\": no such file",
                "Cannot play \"party.mp4\": no such file",
            ),
            (
                "/home/ann/m.onnx cannot be loaded as a model: broken",
                "m.onnx cannot be loaded as a model: broken",
            ),
            (
                "No permission to open /dev/video0. Add this user.",
                "No permission to open video0. Add this user.",
            ),
            (
                "the model (~/models/a.onnx) is old",
                "the model (a.onnx) is old",
            ),
            ("clips/party.mp4", "party.mp4"),
            (
                "/home/ann/My Big Folder/a.onnx is odd: put (/home/ann/My Big Folder/a.toml) there",
                "a.onnx is odd: put (a.toml) there",
            ),
            ("file:///home/ann/a.mp4 is gone", "file:a.mp4 is gone"),
        ] {
            assert_eq!(redact_paths(text), wanted);
        }
    }

    #[test]
    fn search_paths_are_removed() {
        let text = "ONNX Runtime is not installed; looked for libonnxruntime.so in /home/ann/.local/x, \
                    /opt/y. `make runtime` fetches it";
        assert_eq!(
            redact_paths(text),
            "ONNX Runtime is not installed. `make runtime` fetches it"
        );
        let text = "the model `x` is not installed; looked in /home/ann/My Models, /usr/share";
        assert_eq!(redact_paths(text), "the model `x` is not installed");
    }

    #[test]
    fn other_slashes_stay() {
        for text in [
            "test scene",
            "Camera unplugged. Waiting for it.",
            "it sends text/html, not image/jpeg",
            "1280x720, 30/1 fps",
            "camera at 192.168.1.9:554",
            "rtsp://192.168.1.9:554/1",
            "run `carrier models pull yolox_nano`",
        ] {
            assert_eq!(redact_paths(text), text);
        }
    }
}
