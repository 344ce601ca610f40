//! Rust text without comments and literals, for rules about code.

/// Blanks out comments, strings and characters; line numbers stay.
pub(super) fn code_only(text: &str) -> String {
    let source: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < source.len() {
        let end = literal_end(&source, at).unwrap_or(at);
        if end == at {
            code.push(source[at]);
            at += 1;
            continue;
        }
        let blank = |c: &char| if *c == '\n' { '\n' } else { ' ' };
        code.extend(source[at..end].iter().map(blank));
        at = end;
    }
    code
}

/// Where the comment or literal that starts at `at` ends; `None` when none starts there.
fn literal_end(source: &[char], at: usize) -> Option<usize> {
    let next = |offset: usize| source.get(at + offset).copied().unwrap_or('\0');
    match (next(0), next(1)) {
        ('/', '/') => Some(line_end(source, at)),
        ('/', '*') => Some(block_comment_end(source, at)),
        ('"', _) => Some(string_end(source, at)),
        ('r', '"' | '#') if at == 0 || !is_word(source[at - 1]) || source[at - 1] == 'b' => {
            raw_string_end(source, at)
        }
        ('\'', '\\') => Some(char_end(source, at)),
        // A lifetime has no closing quote.
        ('\'', _) if next(2) == '\'' => Some(at + 3),
        _ => None,
    }
}

fn line_end(source: &[char], at: usize) -> usize {
    (at..source.len())
        .find(|&i| source[i] == '\n')
        .unwrap_or(source.len())
}

/// Block comments nest in Rust.
fn block_comment_end(source: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut i = at;
    while i + 1 < source.len() {
        match (source[i], source[i + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                i += 1;
                continue;
            }
        }
        i += 2;
        if depth == 0 {
            return i;
        }
    }
    source.len()
}

fn string_end(source: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < source.len() && source[i] != '"' {
        i += if source[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(source.len())
}

fn char_end(source: &[char], at: usize) -> usize {
    let after_escape = at + 3;
    let close = (after_escape..source.len()).find(|&i| source[i] == '\'');
    close.map_or(source.len(), |i| i + 1)
}

/// `None` for a raw identifier such as `r#type`.
fn raw_string_end(source: &[char], at: usize) -> Option<usize> {
    let hashes = source[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if source.get(open) != Some(&'"') {
        return None;
    }
    let closes = |&i: &usize| {
        source[i] == '"'
            && source[i + 1..]
                .iter()
                .take(hashes)
                .filter(|&&c| c == '#')
                .count()
                == hashes
    };
    let close = (open + 1..source.len()).find(closes);
    Some(close.map_or(source.len(), |i| i + 1 + hashes))
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `code` contains `word` as a whole word.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Whether `code` names the crate `name`: as the root of a path, or in a plain `use`.
pub(super) fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        if before.ends_with(is_word) || after.starts_with(is_word) {
            return false;
        }
        let inside_a_path = before
            .strip_suffix("::")
            .is_some_and(|path| path.ends_with(is_word));
        let used = before.ends_with("use ") || before.ends_with("extern crate ");
        !inside_a_path && (after.starts_with("::") || used)
    })
}

#[test]
fn prose_and_literals_are_blanked() {
    let text = "let a = \"tokio::x \\\" y\"; // tokio::z\nlet b = r#\"tokio::\"#; /* /* tokio */ :: */ let c = '\"';";
    let code = code_only(text);
    assert!(!code.contains("tokio"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(code.contains("let c ="), "{code}");
}

#[test]
fn lifetimes_and_raw_identifiers_are_code() {
    let text = "fn f<'a>(r#type: &'a str) -> char { '\\'' }";
    assert_eq!(
        code_only(text),
        "fn f<'a>(r#type: &'a str) -> char {      }"
    );
}

#[test]
fn a_crate_is_named_by_the_root_of_a_path() {
    assert!(names_crate("use tokio::sync;", "tokio"));
    assert!(names_crate("use tokio as t;", "tokio"));
    assert!(names_crate("let x = ::tokio::spawn();", "tokio"));
    assert!(!names_crate("use crate::tokio::x;", "tokio"));
    assert!(!names_crate("let ort = port::x();", "ort"));
}
