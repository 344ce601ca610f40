//! The Markdown files: links inside of the repository, the contents of docs/, and messages that pages quote.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{SourceFile, assert_none, code, root, sources};

const SUMMARY: &str = "docs/SUMMARY.md";
/// In a quoted message: whatever the program puts there.
const PLACEHOLDER: char = '…';
/// Shorter parts of a message between placeholders prove nothing.
const FRAGMENT_CHARS_MIN: usize = 6;

fn documents() -> Vec<SourceFile> {
    let all = sources().into_iter();
    all.filter(|file| file.extension() == "md").collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let documents = documents();
    let anchors: BTreeMap<&str, BTreeSet<String>> = documents
        .iter()
        .map(|file| (file.path.as_str(), anchors(&file.text)))
        .collect();
    let mut violations = Vec::new();
    let mut outside = BTreeSet::new();
    for file in &documents {
        for target in links(&file.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                outside.insert(target);
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = match path {
                "" => file.path.clone(),
                path => beside(&file.path, path),
            };
            let has_anchor = || {
                anchors
                    .get(path.as_str())
                    .is_some_and(|of| of.contains(anchor))
            };
            if !root().join(&path).exists() {
                violations.push(format!("{}: there is no {target}", file.path));
            } else if !anchor.is_empty() && !has_anchor() {
                violations.push(format!("{}: there is no heading {target}", file.path));
            }
        }
    }
    println!(
        "not followed: {}",
        outside.into_iter().collect::<Vec<_>>().join(" ")
    );
    assert_none("links that lead nowhere", &violations);
}

#[test]
fn each_page_is_in_the_contents() {
    let documents = documents();
    let summary = documents.iter().find(|file| file.path == SUMMARY);
    let listed: Vec<String> = links(&summary.expect("docs/ has contents").text)
        .iter()
        .map(|target| beside(SUMMARY, target))
        .collect();
    let is_page = |file: &&SourceFile| file.path.starts_with("docs/") && file.path != SUMMARY;
    let missing: Vec<String> = documents
        .iter()
        .filter(is_page)
        .filter(|file| !listed.contains(&file.path))
        .map(|file| file.path.clone())
        .collect();
    assert_none("these pages are not in docs/SUMMARY.md", &missing);
}

/// A line `> message` quotes the program, with `…` for what differs.
#[test]
fn messages_in_troubleshooting_are_the_programs() {
    let page = documents()
        .into_iter()
        .find(|file| file.path == "docs/troubleshooting.md");
    let page = page.expect("the page is there").text;
    let is_program = |file: &SourceFile| {
        let folders = ["/src/", "web/pages/", "scripts/"];
        let is_in_one = folders.iter().any(|folder| file.path.contains(folder));
        is_in_one && ["rs", "json", "js", "sh"].contains(&file.extension())
    };
    let program: Vec<String> = sources()
        .into_iter()
        .filter(is_program)
        .map(|file| joined(&file.text))
        .collect();
    let quoted = page.lines().filter_map(|line| line.strip_prefix("> "));
    let mut count = 0;
    let mut violations = Vec::new();
    for message in quoted {
        count += 1;
        let parts = message
            .trim()
            .trim_matches('`')
            .split(PLACEHOLDER)
            .map(str::trim);
        let parts: Vec<&str> = parts
            .filter(|part| part.chars().count() >= FRAGMENT_CHARS_MIN)
            .collect();
        if parts.is_empty()
            || !parts
                .iter()
                .all(|part| program.iter().any(|text| text.contains(part)))
        {
            violations.push(message.to_owned());
        }
    }
    assert!(count >= 25, "{count} messages");
    assert_none(
        "docs/troubleshooting.md quotes what the program does not say",
        &violations,
    );
}

/// What pages tell people to type: commands and options of the program, targets of make.
#[test]
fn commands_in_documents_exist() {
    let cli = fs::read_to_string(root().join("web/src/cli.rs")).expect("the command line is there");
    let makefile = fs::read_to_string(root().join("Makefile")).expect("the Makefile is there");
    let (commands, options) = (subcommands(&cli), options(&cli));
    let mut violations = Vec::new();
    for file in documents() {
        for line in code_of(&file.text) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for (at, name) in words.iter().copied().enumerate() {
                let rest = &words[at + 1..];
                let next = rest.first().copied().unwrap_or_default();
                let is_word = !next.is_empty()
                    && next
                        .chars()
                        .all(|sign| sign.is_ascii_lowercase() || sign == '-');
                let target = format!("\n{next}: ");
                if name == "make" && is_word && !makefile.contains(&target) {
                    violations.push(format!("{}: make has no {next}: {line}", file.path));
                }
                let before = at.checked_sub(1).map(|before| words[before]);
                let begins = before.is_none_or(|word| {
                    ["sudo", "|", "--", "&&"].contains(&word) || word.contains('=')
                });
                if !begins || !["carrier", "target/release/carrier"].contains(&name) {
                    continue;
                }
                if is_word && !next.starts_with('-') && !commands.contains(next) {
                    violations.push(format!("{}: there is no command {next}: {line}", file.path));
                }
                let of_carrier = rest
                    .iter()
                    .take_while(|word| !["|", "#", "&&"].contains(word));
                let named = of_carrier.filter_map(|word| word.strip_prefix("--"));
                let names =
                    named.map(|word| word.split(['=', ')', '`']).next().unwrap_or_default());
                let unknown =
                    names.filter(|option| !option.is_empty() && !options.contains(*option));
                violations.extend(
                    unknown.map(|option| format!("{}: there is no --{option}: {line}", file.path)),
                );
            }
        }
    }
    assert!(
        commands.len() > 8 && options.len() > 20,
        "{commands:?} {options:?}"
    );
    assert_none("pages name commands that do not exist", &violations);
}

/// The code of a page: lines of fences for a shell, and what is marked in the text and begins with a command.
fn code_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fence = None;
    let mut prose = String::new();
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language.trim()),
            (Some(_), Some(_)) => fence = None,
            (None, Some("sh")) => found.push(line.to_owned()),
            (None, Some(_)) => {}
            (None, None) => prose = prose + line + "\n",
        }
    }
    for paragraph in prose.split("\n\n") {
        let marked = paragraph.split('`').skip(1).step_by(2);
        let is_command = |code: &&str| code.starts_with("carrier ") || code.starts_with("make ");
        found.extend(marked.filter(is_command).map(str::to_owned));
    }
    found
}

/// The variants of `Command`, as they are typed.
fn subcommands(cli: &str) -> BTreeSet<String> {
    let (_, rest) = cli.split_once("enum Command {").expect("the commands");
    let (variants, _) = rest.split_once("\n}").expect("their end");
    let names = variants.lines().filter_map(|line| {
        let name = line.strip_prefix("    ")?.split(['(', ' ', ',']).next()?;
        name.starts_with(char::is_uppercase).then(|| kebab(name))
    });
    names.collect()
}

fn options(cli: &str) -> BTreeSet<String> {
    let fields = cli.lines().filter_map(|line| {
        let (name, _) = line.trim().strip_prefix("pub(crate) ")?.split_once(':')?;
        Some(name.replace('_', "-"))
    });
    let named = cli
        .split("long = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    fields
        .chain(named.map(str::to_owned))
        .chain(["help", "version"].map(str::to_owned))
        .collect()
}

fn kebab(name: &str) -> String {
    let mut typed = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !typed.is_empty() {
            typed.push('-');
        }
        typed.extend(letter.to_lowercase());
    }
    typed
}

/// String literals that continue on the next line, in one piece and without escapes.
fn joined(text: &str) -> String {
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    let whole = parts.fold(first, |whole, part| whole + part.trim_start());
    whole.replace("\\\"", "\"")
}

/// A path that is relative to `document`, from the root of the repository.
fn beside(document: &str, path: &str) -> String {
    let joined = Path::new(document)
        .parent()
        .unwrap_or(Path::new(""))
        .join(path);
    let mut whole = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::ParentDir => _ = whole.pop(),
            Component::CurDir => {}
            other => whole.push(other),
        }
    }
    whole.display().to_string()
}

/// Paragraphs outside of fenced code, without code in the line.
fn prose(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if line.trim().is_empty() {
            paragraphs.push(String::new());
        } else if let Some(paragraph) = paragraphs.last_mut().filter(|_| !is_code) {
            paragraph.push_str(line);
            paragraph.push('\n');
        }
    }
    let without_code = |paragraph: &String| {
        paragraph
            .split('`')
            .step_by(2)
            .collect::<Vec<_>>()
            .join("code")
    };
    paragraphs.iter().map(without_code).collect()
}

fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in prose(text) {
        for (_, rest) in paragraph
            .match_indices("](")
            .map(|(at, mark)| (at, &paragraph[at + mark.len()..]))
        {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push(target.to_owned());
        }
        let references = paragraph
            .lines()
            .filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
        found.extend(references.map(|(_, target)| target.trim().to_owned()));
    }
    found
}

/// The anchors of the headings, as mdBook and forges make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if is_code || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let signs = title.trim().chars().filter_map(|sign| match sign {
            ' ' => Some('-'),
            sign if code::is_word(sign) || sign == '-' => Some(sign),
            _ => None,
        });
        let name: String = signs.flat_map(char::to_lowercase).collect();
        let repeated = (1..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.clone()).chain(repeated);
        found.extend(names.find(|name| !found.contains(name)));
    }
    found
}

#[test]
fn links_and_anchors_are_found_outside_of_code() {
    let text = "# A `b` c: d\n\nSee [`x`](y.md#z), `[n](o.md)`.\n\n```\n[no](no.md)\n# no\n```\n\n# A b c d\n\n[r]: s.md\n";
    assert_eq!(links(text), ["y.md#z", "s.md"]);
    let anchors: Vec<String> = anchors(text).into_iter().collect();
    assert_eq!(anchors, ["a-b-c-d", "a-b-c-d-1"]);
    assert_eq!(beside("docs/a.md", "../k8s/b.md"), "k8s/b.md");
    assert_eq!(joined("a \\\n   b \\\"c\\\""), "a b \"c\"");
}
