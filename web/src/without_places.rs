//! Pure: words for visitors. Where things lie on this machine, and so what its owner is called, is nobody
//! else's business.

/// `text` without paths: a path becomes the name at its end, and what only tells where something was looked
/// for is left out. Text without paths stays as it is.
pub(crate) fn without_places(text: &str) -> String {
    if !text.contains('/') {
        return text.to_owned();
    }
    let sentences = text.split(". ").map(|sentence| {
        let mut clauses = sentence.split("; ");
        let first = clauses.next().unwrap_or_default();
        let rest = clauses.filter(|clause| !has_place(clause));
        let clauses: Vec<String> = std::iter::once(shortened(first))
            .chain(rest.map(str::to_owned))
            .collect();
        clauses.join("; ")
    });
    sentences.collect::<Vec<_>>().join(". ")
}

fn has_place(text: &str) -> bool {
    text.split(' ').any(is_place)
}

/// How many spaces a folder's name may have.
const SPACES_MAX: usize = 4;

fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut short = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if !is_place(word) {
            short.push((*word).to_owned());
            at += 1;
            continue;
        }
        // What follows belongs to the same path when there is another slash in it.
        let ahead = words.iter().enumerate().skip(at + 1).take(SPACES_MAX);
        let goes_on = ahead
            .take_while(|(_, word)| !is_start_of_place(word))
            .filter(|(_, word)| word.contains('/') && !word.contains("://"));
        let last = goes_on.last().map_or(at, |(last, _)| last);
        short.push(name_at_the_end(&words[at..=last].join(" ")));
        at = last + 1;
    }
    short.join(" ")
}

fn is_start_of_place(word: &str) -> bool {
    let bare = word.trim_start_matches(is_punctuation);
    ["/", "~/", "./", "../"]
        .iter()
        .any(|start| bare.starts_with(start))
}

/// A path, maybe in quotes or after a colon; not a fraction, a media type or an address of the network.
fn is_place(word: &str) -> bool {
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

/// What stands before and after the path stays.
fn name_at_the_end(word: &str) -> String {
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
            assert_eq!(without_places(text), wanted);
        }
    }

    #[test]
    fn where_something_was_looked_for_is_left_out() {
        let text = "ONNX Runtime is not installed; looked for libonnxruntime.so in /home/ann/.local/x, \
                    /opt/y. `make runtime` fetches it";
        assert_eq!(
            without_places(text),
            "ONNX Runtime is not installed. `make runtime` fetches it"
        );
        let text = "the model `x` is not installed; looked in /home/ann/My Models, /usr/share";
        assert_eq!(without_places(text), "the model `x` is not installed");
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
            assert_eq!(without_places(text), text);
        }
    }
}
