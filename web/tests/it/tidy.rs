//! The rules of ARCHITECTURE.md that can be checked: imports, `unsafe`, length and names of files, and
//! comments about overflow.

mod code;
mod crate_rules;
mod documents;
mod imports;

use std::fs;
use std::path::{Path, PathBuf};

use code::{code_only, has_word, names_crate};
use crate_rules::CRATE_RULES;

const FILE_LINES: usize = 600;
/// Without unit tests at the end of the file.
const PRODUCTION_LINES: usize = 500;
const LIB_LINES: usize = 80;

/// Folders without sources of this repository.
const FOREIGN_FOLDERS: [&str; 3] = ["target", "node_modules", ".git"];

/// File names without meaning.
const EMPTY_NAMES: [&str; 8] = [
    "util", "utils", "helper", "helpers", "manager", "common", "misc", "types",
];

/// The only words that may follow `overflow:`.
const OVERFLOW_POLICIES: [&str; 5] = [
    "newest-wins",
    "drops-to-keyframe",
    "awaited",
    "refused",
    "counted",
];

/// Calls and channels that may drop: each has a comment with its policy.
const OVERFLOW_SITES: [&str; 4] = [
    ".try_send(",
    "sync_channel(",
    "mpsc::channel(",
    ".force_push(",
];

/// How many lines above such a call its comment may begin.
const OVERFLOW_COMMENT_LINES: usize = 6;

struct SourceFile {
    /// From the root of the repository, with `/`.
    path: String,
    text: String,
}

impl SourceFile {
    fn extension(&self) -> &str {
        Path::new(&self.path)
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("web lies in the workspace")
        .to_path_buf()
}

/// Every text file of the repository.
fn sources() -> Vec<SourceFile> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            // In a linked worktree .git is a file.
            if FOREIGN_FOLDERS.contains(&name) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(&root).expect("below the root");
                found.push(SourceFile {
                    path: path.display().to_string(),
                    text,
                });
            }
        }
    }
    assert!(
        found.len() > 20,
        "the repository was not found at {}",
        root.display()
    );
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn rust_sources() -> impl Iterator<Item = SourceFile> {
    sources()
        .into_iter()
        .filter(|file| file.extension() == "rs")
}

fn assert_none(rule: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{rule}:\n  {}\n",
        violations.join("\n  ")
    );
}

#[test]
fn files_stay_short_enough_to_be_read() {
    let mut violations = Vec::new();
    for file in sources() {
        if !["rs", "js", "mjs", "css", "sh"].contains(&file.extension()) {
            continue;
        }
        let limit = if file.path.ends_with("src/lib.rs") {
            LIB_LINES
        } else {
            FILE_LINES
        };
        let lines = file.text.lines().count();
        if lines > limit {
            violations.push(format!("{}: {lines} lines, at most {limit}", file.path));
        }
    }
    assert_none("a file holds one idea", &violations);
}

/// The code of a file before its unit tests.
fn production(code: &str) -> &str {
    // Some are visible to the tests of other modules.
    code.split("mod tests {").next().unwrap_or_default()
}

#[test]
fn production_files_have_at_most_500_lines() {
    let is_production = |file: &SourceFile| file.path.contains("/src/") && !file.is_test();
    let mut violations = Vec::new();
    for file in rust_sources().filter(is_production) {
        let lines = production(&file.text).lines().count();
        if lines > PRODUCTION_LINES {
            violations.push(format!("{}: {lines} lines", file.path));
        }
    }
    assert_none("a production file is too long", &violations);
}

#[test]
fn modules_with_children_are_not_named_mod_rs() {
    let is_mod = |file: &SourceFile| file.path.ends_with("/mod.rs");
    let violations: Vec<_> = rust_sources()
        .filter(is_mod)
        .map(|file| file.path)
        .collect();
    assert_none("name it foo.rs, beside foo/", &violations);
}

#[test]
fn one_file_reads_environment_variables() {
    let place = "web/src/environment.rs";
    let is_elsewhere = |file: &SourceFile| {
        let is_fuzzer = file.path.contains("/fuzz/") || file.path.starts_with("fuzzing/");
        let is_program = file.path.contains("/src/") && !is_fuzzer;
        is_program && !file.is_test() && file.path != place
    };
    let mut violations = Vec::new();
    for file in rust_sources().filter(is_elsewhere) {
        let code = code_only(&file.text);
        let production = production(&code);
        // A module of tests alone.
        if production.contains("#[test]") {
            continue;
        }
        let calls = ["env::var", "home_dir("];
        if calls.iter().any(|call| production.contains(call)) {
            violations.push(file.path);
        }
    }
    assert_none("environment variables are read elsewhere", &violations);
}

#[test]
fn names_say_what_is_inside() {
    let empty = |file: &SourceFile| {
        let stem = Path::new(&file.path)
            .file_stem()
            .and_then(|stem| stem.to_str());
        EMPTY_NAMES.contains(&stem.unwrap_or_default())
    };
    let violations: Vec<_> = sources()
        .into_iter()
        .filter(empty)
        .map(|file| file.path)
        .collect();
    assert_none("these names say nothing", &violations);
}

#[test]
fn crates_name_only_what_they_may() {
    let mut violations = Vec::new();
    for file in rust_sources() {
        let code = code_only(&file.text);
        for rule in &CRATE_RULES {
            if !file.path.starts_with(&format!("{}/src/", rule.folder)) {
                continue;
            }
            let named = rule.never.iter().filter(|name| names_crate(&code, name));
            violations.extend(named.map(|name| format!("{} names {name}", file.path)));
        }
    }
    assert_none("imports that ARCHITECTURE.md rules out", &violations);
}

#[test]
fn manifests_depend_only_on_what_they_may() {
    let mut violations = Vec::new();
    for rule in &CRATE_RULES {
        let path = root().join(rule.folder).join("Cargo.toml");
        let text = fs::read_to_string(&path).expect("each crate has a manifest");
        let manifest: toml::Table = text.parse().expect("valid TOML");
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for name in dependencies.into_iter().flat_map(toml::Table::keys) {
            if rule.never.contains(&name.replace('-', "_").as_str()) {
                violations.push(format!("{} depends on {name}", rule.folder));
            }
        }
    }
    assert_none("dependencies that ARCHITECTURE.md rules out", &violations);
}

#[test]
fn only_the_onnx_folder_names_onnx_runtime() {
    let violations: Vec<_> = rust_sources()
        .filter(|file| file.path.starts_with("detector/"))
        .filter(|file| !file.path.starts_with("detector/src/onnx/"))
        .filter(|file| names_crate(&code_only(&file.text), "ort"))
        .map(|file| file.path)
        .collect();
    assert_none("only detector/src/onnx/ may name ort", &violations);
}

#[test]
fn only_built_in_styles_name_opencv_in_stylise() {
    let violations: Vec<_> = rust_sources()
        .filter(|file| file.path.starts_with("stylise/src/"))
        .filter(|file| !file.path.starts_with("stylise/src/builtin/"))
        .filter(|file| names_crate(&code_only(&file.text), "opencv"))
        .map(|file| file.path)
        .collect();
    assert_none("only stylise/src/builtin/ may name opencv", &violations);
}

#[test]
fn stylise_runs_no_tasks() {
    let mut violations = Vec::new();
    for file in rust_sources().filter(|file| file.path.starts_with("stylise/src/")) {
        let code = code_only(&file.text);
        let named = code.match_indices("tokio::").map(|(at, _)| &code[at..]);
        let other = named.filter(|named| !named.starts_with("tokio::sync"));
        violations.extend(other.map(|named| {
            let line = named.lines().next().unwrap_or_default();
            format!("{} names {line}", file.path)
        }));
    }
    assert_none(
        "stylise has threads, and of tokio only its channels",
        &violations,
    );
}

#[test]
fn play_has_no_clock_and_no_input_or_output() {
    let impure = [
        "Instant::now",
        "SystemTime",
        "std::fs",
        "std::io",
        "std::net",
        "std::thread",
        "rand::rng(",
        "rand::random",
    ];
    let mut violations = Vec::new();
    let is_rule = |file: &SourceFile| file.path.starts_with("play/src/") && !file.is_test();
    // Builds the frames of the tests.
    let is_for_tests = |file: &SourceFile| file.path == "play/src/synthetic.rs";
    for file in rust_sources().filter(|file| is_rule(file) && !is_for_tests(file)) {
        let code = code_only(&file.text);
        let production = production(&code);
        let named = impure.iter().filter(|name| production.contains(*name));
        violations.extend(named.map(|name| format!("{} names {name}", file.path)));
    }
    assert_none("the rules of games are pure", &violations);
}

#[test]
fn anyhow_stays_at_the_edge() {
    let edge = |path: &str| {
        ["web/src/main", "web/src/startup", "web/src/commands"]
            .iter()
            .any(|start| path.starts_with(start))
    };
    let violations: Vec<_> = rust_sources()
        .filter(|file| file.path.contains("/src/") && !edge(&file.path))
        .filter(|file| names_crate(&code_only(&file.text), "anyhow"))
        .map(|file| file.path)
        .collect();
    assert_none(
        "only what starts the program reports errors as anyhow does",
        &violations,
    );
}

#[test]
fn architecture_names_only_what_exists() {
    let path = root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(path).expect("ARCHITECTURE.md is there");
    let named =
        text.split('`').skip(1).step_by(2).filter(|quoted| {
            quoted.contains('/') && !quoted.starts_with('/') && !quoted.contains(' ')
        });
    let gone: Vec<_> = named
        .filter(|path| !root().join(path).exists())
        .map(str::to_owned)
        .collect();
    assert_none("ARCHITECTURE.md names what is not there", &gone);
}

/// Each promise of docs/security.md names an existing test.
#[test]
fn security_promises_name_their_tests() {
    let path = root().join("docs/security.md");
    let text = fs::read_to_string(path).expect("the threat model is there");
    let code: Vec<SourceFile> = rust_sources().collect();
    let exists = |test: &str| {
        let is_test = |file: &SourceFile| file.text.contains(&format!("fn {test}() {{"));
        root().join(test).is_file() || code.iter().any(is_test)
    };
    let mut promises = 0;
    let mut violations = Vec::new();
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [promise, tests] = cells.as_slice() else {
            continue;
        };
        // The table of assets has no sentences.
        if !promise.trim_end().ends_with('.') {
            continue;
        }
        promises += 1;
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            violations.push(format!("no test: {promise}"));
        }
        let gone = named.into_iter().filter(|test| !exists(test));
        violations.extend(gone.map(|test| format!("{test} does not exist: {promise}")));
    }
    assert!(promises > 20, "{promises} promises were found");
    assert_none("docs/security.md promises what no test holds", &violations);
}

#[test]
fn unsafe_code_stands_in_files_of_its_own() {
    let mut violations = Vec::new();
    for file in rust_sources() {
        if !has_word(&code_only(&file.text), "unsafe") {
            continue;
        }
        if !file.text.contains("#![allow(unsafe_code)]") {
            violations.push(format!(
                "{}: no #![allow(unsafe_code)] at its top",
                file.path
            ));
        }
        if !file.text.contains("SAFETY:") {
            violations.push(format!("{}: no SAFETY: comment", file.path));
        }
    }
    assert_none(
        "unsafe code states its invariant, in a file that says so",
        &violations,
    );
}

#[test]
fn each_place_that_drops_says_its_policy() {
    let mut violations = Vec::new();
    for file in rust_sources().filter(|file| file.path.contains("/src/") && !file.is_test()) {
        let code = code_only(&file.text);
        let production = production(&code);
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, line) in production.lines().enumerate() {
            if !OVERFLOW_SITES.iter().any(|site| line.contains(site)) {
                continue;
            }
            let above = number.saturating_sub(OVERFLOW_COMMENT_LINES);
            if !lines[above..=number]
                .iter()
                .any(|line| line.contains("overflow: "))
            {
                violations.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none(
        "these may drop or wait and do not say so (// overflow: ...)",
        &violations,
    );
}

#[test]
fn poisoned_locks_are_recovered() {
    let trusting = [".lock()", ".read()", ".write()"];
    let trusting = trusting.map(|lock| [".expect(", ".unwrap("].map(|end| format!("{lock}{end}")));
    let mut violations = Vec::new();
    for file in rust_sources().filter(|file| file.path.contains("/src/") && !file.is_test()) {
        let code = code_only(&file.text);
        let production = production(&code);
        for (number, line) in production.lines().enumerate() {
            if trusting
                .as_flattened()
                .iter()
                .any(|call| line.contains(call))
            {
                violations.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none(
        "these panic because another thread did (PoisonError::into_inner)",
        &violations,
    );
}

#[test]
fn overflow_policies_are_known_words() {
    let mut violations = Vec::new();
    for file in rust_sources().filter(|file| file.path.contains("/src/")) {
        for (number, line) in file.text.lines().enumerate() {
            let Some((_, policy)) = line.split_once("// overflow: ") else {
                continue;
            };
            if !OVERFLOW_POLICIES
                .iter()
                .any(|known| policy.starts_with(known))
            {
                violations.push(format!("{}:{}: {policy}", file.path, number + 1));
            }
        }
    }
    assert_none("unknown overflow policies", &violations);
}

#[test]
fn nothing_points_at_one_machine() {
    // In pieces, so that this file does not find itself.
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
    let mut violations = Vec::new();
    for file in sources() {
        for (number, line) in file.text.lines().enumerate() {
            let absolute = |place: &&str| {
                line.match_indices(*place).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| code::is_word(c) || ".-}~*".contains(c))
                })
            };
            if places.iter().any(absolute) {
                violations.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none("paths of somebody's machine", &violations);
}

/// Metaphors that the code once used as names. Comments and names use the field's terms.
const METAPHORS: &str = "heed|heeds|heeded|obey|obeys|obeyed|attend|attends|glance|glances|plea|pleas|\
    errand|errands|verdict|verdicts|applicationward|broke down|mend it|mends it|mends itself|on the air|on air|gives the air|\
    goodbye|goodbyes|has no end|without words";

#[test]
fn names_and_texts_use_no_metaphors() {
    let kinds = ["rs", "js", "mjs", "md", "html", "json"];
    let is_text = |file: &SourceFile| kinds.contains(&file.extension());
    let mut violations = Vec::new();
    // This file names them.
    for file in sources().into_iter().filter(is_text) {
        if file.path == "web/tests/it/tidy.rs" {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            // camelCase and snake_case are several words.
            let mut words = String::from(" ");
            for c in line.chars() {
                if (c.is_uppercase() || !c.is_alphabetic()) && !words.ends_with(' ') {
                    words.push(' ');
                }
                words.extend(c.to_lowercase().filter(|c| c.is_alphabetic()));
            }
            words.push(' ');
            let is_in = |phrase: &&str| words.contains(&format!(" {phrase} "));
            if let Some(phrase) = METAPHORS.split('|').find(is_in) {
                violations.push(format!("{}:{}: {phrase}", file.path, number + 1));
            }
        }
    }
    assert_none("use the field's term", &violations);
}
