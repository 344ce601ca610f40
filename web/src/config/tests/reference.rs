//! docs/configuration.md: names of keys, types and allowed values from the types and their checks, descriptions and
//! defaults from `carrier.example.toml`, options and variables from the command line.

use std::fmt::Write;

use clap::CommandFactory;

use super::comment_markdown::markdown;
use super::example_file::{DocumentedKey, ExampleFile, Section};
use super::*;
use crate::cli::Cli;
use crate::generated_page;
use crate::settings::table::SETTINGS;

const PAGE: &str = "configuration.md";
const EXAMPLE: &str = include_str!("../../../../carrier.example.toml");

const INTRODUCTION: &str = "# Configuration

<!-- Generated from carrier.example.toml and the types of the configuration. CONTRIBUTING.md says how. -->

Every key of the configuration file, with its type, default and allowed values. `carrier doctor` says which file is
read and whether it is valid. A key that does not exist is an error.

A key that is marked **live** can be changed while the station runs: on the control page, by `PATCH /api/settings`, or in
the file with `carrier reload`. All others need a restart.
";

/// Variables that are no keys.
const VARIABLES: &str = "## Variables without a key

| variable | for |
|---|---|
| `CARRIER_CONFIG` | the configuration file |
| `CARRIER_LOG` | the filter of the log: `debug`, or by module, such as `info,signaling=debug` |
| `CARRIER_LOG_FORMAT` | `text` or `json` |
| `CARRIER_MODELS`, `CARRIER_MODELS_URL` | the folder of models; the address that they are downloaded from, instead of the manifest's |
| `CARRIER_RUNTIME` | the flavour of ONNX Runtime, where several are installed |
| `ORT_DYLIB_PATH` | the file of ONNX Runtime |
| `CARRIER_SYSTEM_ROOT` | in a container: the folder with the host's `sys` and `proc`, for battery and heat |
| `XDG_CONFIG_HOME`, `XDG_DATA_HOME`, `XDG_STATE_HOME`, `XDG_CACHE_HOME` | this user's folders |

An empty variable counts as not set, and so does an address such as `tcp://10.96.0.5:8189` in a variable that takes none:
Kubernetes sets `CARRIER_MEDIA_PORT` to that for a service called `carrier-media`.
";

/// What changes live of the entries of lists.
const LIVE_IN_LISTS: [(&str, &[&str]); 2] = [
    ("renditions", &["bitrate_bps"]),
    ("cameras", &["mirror", "rotation", "controls"]),
];

#[test]
fn the_page_is_what_the_code_says() {
    generated_page::assert_is_current(PAGE, &page());
}

#[test]
#[ignore = "writes docs/configuration.md"]
fn write_page() {
    generated_page::write(PAGE, &page());
}

#[test]
fn each_key_has_a_description() {
    let file = example();
    let described = |section: &str, name: &str| {
        let is_one = |key: &&DocumentedKey| key.section == section && key.name == name;
        let own = file
            .keys
            .iter()
            .find(is_one)
            .is_some_and(|key| !key.comment.is_empty());
        let path = format!("{section}.{name}");
        let path = path.trim_start_matches('.');
        own || file.sections.iter().any(|one| one.name == path)
    };
    let keys = SECTIONS
        .iter()
        .flat_map(|(section, keys)| keys.iter().map(move |key| (*section, in_file(key))));
    let missing: Vec<_> = keys
        .filter(|(section, key)| !described(section, key))
        .collect();
    assert!(
        missing.is_empty(),
        "without a comment in carrier.example.toml: {missing:?}"
    );
}

#[test]
fn each_option_and_variable_is_in_the_comment_of_its_key() {
    let file = example();
    for (option, variable) in options() {
        let both = format!("{option}, {variable}");
        let has = |key: &DocumentedKey| key.comment.join("\n").contains(&both);
        assert!(file.keys.iter().any(has), "{both} are in no comment");
    }
}

fn example() -> ExampleFile {
    ExampleFile::parse(EXAMPLE, |section, key| {
        let known = SECTIONS.iter().find(|(name, _)| *name == section);
        known.is_none_or(|(_, keys)| keys.iter().any(|known| in_file(known) == key))
    })
}

/// The name of a field in the file.
fn in_file(field: &str) -> &str {
    if field == "loop_file" { "loop" } else { field }
}

/// The options of `carrier run` that are keys, with their variables.
fn options() -> Vec<(String, String)> {
    let command = Cli::command();
    let arguments = command.get_arguments();
    let named = arguments.filter_map(|argument| {
        let option = argument.get_long()?;
        let variable = argument.get_env()?.to_str()?;
        (!["config", "log-format"].contains(&option))
            .then(|| (format!("--{option}"), variable.to_owned()))
    });
    named.collect()
}

fn page() -> String {
    let file = example();
    let mut page = INTRODUCTION.to_owned();
    for line in markdown(precedence(&file.header)).lines() {
        let _ = write!(page, "\n{line}");
    }
    page.push('\n');
    section(&mut page, &file, None);
    for one in &file.sections {
        section(&mut page, &file, Some(one));
    }
    page.push('\n');
    page.push_str(VARIABLES);
    page
}

/// The header of the example without its first paragraphs, which speak of the file itself.
fn precedence(header: &[String]) -> &[String] {
    let start = header.iter().position(|line| line.starts_with("An option"));
    &header[start.unwrap_or_default()..]
}

fn section(page: &mut String, file: &ExampleFile, section: Option<&Section>) {
    let name = section.map_or("", |section| section.name.as_str());
    let heading = match section {
        None => "Outside of sections".to_owned(),
        Some(Section {
            name,
            is_list: true,
            ..
        }) => format!("`[[{name}]]`"),
        Some(Section { name, .. }) => format!("`[{name}]`"),
    };
    let _ = write!(page, "\n## {heading}\n");
    if let Some(section) = section.filter(|section| !section.comment.is_empty()) {
        let _ = write!(page, "\n{}\n", markdown(&section.comment));
    }
    for key in file.keys.iter().filter(|key| key.section == name) {
        let is_list = section.is_some_and(|section| section.is_list);
        entry(page, key, is_list);
    }
}

fn entry(page: &mut String, key: &DocumentedKey, is_in_list: bool) {
    let path = match key.section.as_str() {
        "" => key.name.clone(),
        section => format!("{section}.{}", key.name),
    };
    let _ = write!(page, "\n### `{path}`\n\n");
    let mut text = key.comment.join("\n");
    let mut facts = vec![kind(key, is_in_list)];
    if !is_in_list {
        facts.extend(allowed(&path, key));
        facts.push(match &key.default {
            Some(default) => format!("default `{default}`"),
            None => "absent by default".to_owned(),
        });
    }
    for (option, variable) in options() {
        let both = format!("{option}, {variable}");
        if text.contains(&both) {
            text = text.replace(&format!(" {both}"), "").replace(&both, "");
            facts.push(format!("option `{option}`, variable `{variable}`"));
        }
    }
    facts.push(
        if is_live(key) {
            "**live**"
        } else {
            "needs a restart"
        }
        .to_owned(),
    );
    let lines: Vec<String> = sentence(&text).lines().map(str::to_owned).collect();
    let _ = write!(page, "{}\n\n{}\n", facts.join(" · "), markdown(&lines));
    for example in &key.examples {
        let _ = write!(page, "\n```toml\n{} = {example}\n```\n", key.name);
    }
}

/// A comment behind a key is no sentence yet.
fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    let end = if text.trim().ends_with(['.', ':']) || text.contains('\n') {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

fn is_live(key: &DocumentedKey) -> bool {
    let path = format!("{}.{}", key.section, key.name);
    let in_list = LIVE_IN_LISTS
        .iter()
        .find(|(section, _)| *section == key.section);
    in_list.is_some_and(|(_, keys)| keys.contains(&&*key.name))
        || SETTINGS
            .iter()
            .any(|setting| setting.key == path.trim_start_matches('.'))
}

/// What the file says, read with `value` for the key; the error of the parser or of the check.
fn with_value(path: &str, value: &str) -> Result<(), (bool, ConfigError)> {
    let text = match path.rsplit_once('.') {
        None => format!("{path} = {value}"),
        Some((section, key)) => format!("[{section}]\n{key} = {value}"),
    };
    let parsed: Result<Config, _> = toml::from_str(&text);
    match parsed {
        Err(source) => Err((
            false,
            ConfigError::Parse {
                path: PathBuf::new(),
                source: Box::new(source),
            },
        )),
        Ok(config) => config.check().map_err(|error| (true, error)),
    }
}

/// The type, by what the parser takes. Lists of tables have no defaults: their example tells.
fn kind(key: &DocumentedKey, is_in_list: bool) -> String {
    if is_in_list {
        let value = key
            .default
            .as_ref()
            .or(key.examples.first())
            .expect("a value");
        return match value.chars().next() {
            Some('"') => "text",
            Some('[') => "list of texts",
            Some('{') => "table",
            Some('t' | 'f') => "true or false",
            _ => "whole number",
        }
        .to_owned();
    }
    let path = format!("{}.{}", key.section, key.name);
    let path = path.trim_start_matches('.');
    let takes = |value: &str| match with_value(path, value) {
        Err((false, error)) => Err(error.to_string()),
        Ok(()) | Err((true, _)) => Ok(()),
    };
    let mut kinds = Vec::new();
    for (value, kind) in [
        ("true", "true or false"),
        ("1.5", "number"),
        ("7", "whole number"),
    ] {
        if takes(value).is_ok() && !(kind == "whole number" && kinds.contains(&"number")) {
            kinds.push(kind);
        }
    }
    match takes("\"?\"") {
        Ok(()) => kinds.push("text"),
        Err(error) if error.contains("IPv4 address") => kinds.push("IPv4 address"),
        Err(error) if error.contains("IP address") => kinds.push("IP address"),
        Err(error) if error.contains("expected one of") || error.contains("expected `") => {
            kinds.push("one of");
        }
        Err(_) => {}
    }
    for (value, kind) in [("[\"?\"]", "list of texts"), ("{}", "table")] {
        if takes(value).is_ok() {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() && takes("[]").is_ok() {
        kinds.push("list of tables");
    }
    assert!(
        !kinds.is_empty(),
        "the type of {path} is unknown here: {:?}",
        takes("\"?\"")
    );
    match kinds.as_slice() {
        ["one of"] => choices(&takes("\"?\"").expect_err("refused")),
        kinds => kinds.join(" or "),
    }
}

/// The names in an error of serde about an unknown one.
fn choices(error: &str) -> String {
    let (_, names) = error.split_once("expected ").expect("what is expected");
    let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
    format!("one of `{}`", names.join("`, `"))
}

/// What the check says about a value that is certainly wrong; `None`: it takes everything.
fn allowed(path: &str, key: &DocumentedKey) -> Option<String> {
    let value = key.default.as_ref().or(key.examples.first());
    let is_text = value.is_some_and(|value| value.starts_with('"'));
    let wrong: &[&str] = match is_text {
        true => &["\"?\"", "\"\"", "50000"],
        false => &["-1.0", "999999999", "65535", "255", "0"],
    };
    wrong
        .iter()
        .find_map(|wrong| match with_value(path, wrong) {
            Err((true, ConfigError::Value { key, why, .. })) if path.starts_with(key) => {
                is_general(&why)
                    .then(|| why.replace(", or leave it out", "").replace(", please", ""))
            }
            _ => None,
        })
}

/// Whether a refusal says what is allowed, and not only what is wrong with the probe.
fn is_general(why: &str) -> bool {
    let of_the_probe = [
        "?",
        "is empty",
        "relative URL",
        "no such folder",
        "no such file",
    ];
    !of_the_probe.iter().any(|part| why.contains(part))
}
