//! Circles of imports between the modules of a crate.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{code_only, is_word};
use super::{SourceFile, assert_none, production, rust_sources};

/// Crates whose modules must not import each other in circles.
const CRATES: [&str; 6] = ["capture", "detector", "play", "signaling", "stylise", "web"];

/// A module by its path in the crate, such as `heads::yolox`; the root is the empty path.
type Modules = BTreeMap<String, Module>;

#[derive(Default)]
struct Module {
    imports: Vec<String>,
    /// Where the names of its `pub use` come from. They are no imports of the module itself.
    reexports: BTreeMap<String, String>,
}

#[test]
fn modules_do_not_import_each_other_in_circles() {
    let mut violations = Vec::new();
    for folder in CRATES.map(|name| format!("{name}/src/")) {
        let is_module = |file: &SourceFile| file.path.starts_with(&folder) && !file.is_test();
        let files = rust_sources().filter(is_module);
        let modules: Modules = files.map(|file| module(&folder, &file)).collect();
        let next = |from: &String| -> BTreeSet<String> {
            let imports = modules[from].imports.iter();
            let found = imports.filter_map(|path| resolve(&modules, from, path));
            found.filter(|to| !to.is_empty() && to != from).collect()
        };
        let graph: BTreeMap<_, _> = modules.keys().map(|from| (from, next(from))).collect();
        let reaches = |from: &String, to: &String| {
            let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
            while let Some(module) = waiting.pop() {
                if seen.insert(module) {
                    waiting.extend(&graph[module]);
                }
            }
            seen.contains(to)
        };
        for (from, next) in graph.iter().filter(|(from, _)| !from.is_empty()) {
            let back = next.iter().filter(|to| reaches(to, from));
            violations.extend(back.map(|to| format!("{folder}: {from} -> {to}")));
        }
    }
    assert_none("modules import each other in a circle", &violations);
}

fn module(folder: &str, file: &SourceFile) -> (String, Module) {
    let name = file.path[folder.len()..].trim_end_matches(".rs");
    let name = if ["lib", "main"].contains(&name) {
        ""
    } else {
        name
    };
    let mut module = Module::default();
    for statement in production(&code_only(&file.text)).split(';') {
        let start = statement.find("use ").filter(|at| {
            let line = statement[..*at].rsplit('\n').next().unwrap_or_default();
            line.trim().is_empty() || line.starts_with("pub")
        });
        let (code, tree) = statement.split_at(start.unwrap_or(statement.len()));
        let inline = code.split(|c| !is_word(c) && c != ':');
        let inline = inline.filter(|word| word.contains("::"));
        module.imports.extend(inline.map(str::to_owned));
        let names = expanded(&tree.trim_start_matches("use ").replace(['\n', ' '], ""));
        let names = names.into_iter().filter(|path| !path.is_empty());
        if code.ends_with("pub ") || code.ends_with(") ") {
            let last = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
            let named = names.map(|path| (last(&path), path));
            module.reexports.extend(named);
        } else {
            module.imports.extend(names);
        }
    }
    (name.replace('/', "::"), module)
}

/// The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((start, rest)) = tree.split_once('{') else {
        return vec![tree.to_owned()];
    };
    let (mut depth, mut branches) = (0, vec![String::new()]);
    for c in rest.chars().take(rest.rfind('}').unwrap_or(rest.len())) {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            ',' if depth == 0 => branches.push(String::new()),
            c => branches.last_mut().expect("never empty").push(c),
        }
    }
    let paths = branches.iter().flat_map(|branch| expanded(branch));
    paths.map(|path| format!("{start}{path}")).collect()
}

/// The module that `path` in the module `from` leads to, through re-exports; `None`: another crate.
fn resolve(modules: &Modules, from: &str, path: &str) -> Option<String> {
    let mut base: Vec<&str> = from.split("::").filter(|word| !word.is_empty()).collect();
    let child = |base: &[&str], name| [base, &[name]].concat().join("::");
    let mut words = path.split("::").enumerate().peekable();
    while let Some((index, word)) = words.peek().copied() {
        match word {
            "crate" => base.clear(),
            "self" => {}
            "super" => _ = base.pop(),
            name if modules.contains_key(&child(&base, name)) => base.push(name),
            _ if index == 0 => return None,
            _ => break,
        }
        words.next();
    }
    let module = base.join("::");
    let origin = modules[&module]
        .reexports
        .get(words.next().map_or("", |(_, name)| name));
    let origin = origin.and_then(|path| resolve(modules, &module, path));
    Some(origin.unwrap_or(module))
}
