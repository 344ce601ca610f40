//! Comments of a configuration file as Markdown.

/// Paragraphs, and lists of what is aligned in two columns.
pub(super) fn markdown(lines: &[String]) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut is_list = false;
    for line in lines {
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() {
            is_list = false;
            blocks.push(String::new());
        } else if let Some(begun) = item(line, indent) {
            is_list = true;
            blocks.push(begun);
        } else if is_list == (indent > 0)
            && let Some(last) = blocks.last_mut()
        {
            let space = if last.is_empty() { "" } else { " " };
            *last += space;
            *last += line.trim();
        } else {
            is_list = false;
            blocks.push(line.trim().to_owned());
        }
    }
    blocks.retain(|block| !block.is_empty());
    let is_item = |block: &String| block.starts_with("- ") || block.starts_with("1. ");
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            let both = is_item(block) && is_item(&blocks[index - 1]);
            text.push_str(if both { "\n" } else { "\n\n" });
        }
        text.push_str(&inline(block));
    }
    text
}

/// The item of a list that a line begins: numbered, or with two columns.
fn item(line: &str, indent: usize) -> Option<String> {
    if !(2..8).contains(&indent) {
        return None;
    }
    let line = line.trim();
    if let Some((number, text)) = line.split_once(". ")
        && number.parse::<u8>().is_ok()
    {
        let (what, example) = columns(text).unwrap_or((text, ""));
        let mark = if example.is_empty() { "" } else { ": " };
        return Some(format!("1. {what}{mark}{example}"));
    }
    let (term, text) = columns(line)?;
    Some(format!("- `{term}`: {text}"))
}

/// Both columns of an aligned line.
fn columns(line: &str) -> Option<(&str, &str)> {
    let (term, text) = line.rsplit_once("  ")?;
    Some((term.trim(), text.trim()))
}

/// What is not prose becomes code: options, variables, sections, paths, patterns.
fn inline(text: &str) -> String {
    let mut is_code = false;
    let words = text.split(' ').map(|word| {
        let was_code = is_code;
        is_code ^= word.matches('`').count() % 2 == 1;
        if was_code || word.contains('`') || word == "-" {
            return word.to_owned();
        }
        let start = word.len() - word.trim_start_matches('(').len();
        let end = start
            + word[start..]
                .trim_end_matches([',', '.', ';', ':', ')'])
                .len();
        // A key of JSON keeps its colon.
        let end = if word.contains('{') { word.len() } else { end };
        let core = &word[start..end];
        if let Some(page) = core.strip_prefix("docs/") {
            return format!("{}[{page}]({page}){}", &word[..start], &word[end..]);
        }
        let is_section = core.starts_with('[');
        let is_literal = ["--", "CARRIER_", "~/", "/", "\"", "{", "_"]
            .iter()
            .any(|first| core.starts_with(first))
            || [
                "*", "<", "::", "://", "%", "=", "}", ".md", ".toml", ".json", "_",
            ]
            .iter()
            .any(|part| core.contains(part))
            || is_section;
        match is_literal && core.len() > 1 {
            true => format!("{}`{core}`{}", &word[..start], &word[end..]),
            false => word.to_owned(),
        }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    // A literal of several words.
    text.replace("` `", " ")
}

#[test]
fn aligned_lines_are_a_list_and_literals_are_code() {
    let lines = [
        "What. See [wifi] ssid (--x, CARRIER_X):",
        "  a   one,",
        "      two",
        "  b  c   three",
        "The end.",
    ];
    let text = markdown(&lines.map(str::to_owned));
    assert_eq!(
        text,
        "What. See `[wifi]` ssid (`--x`, `CARRIER_X`):\n\n- `a`: one, two\n- `b  c`: three\n\nThe end."
    );
}
