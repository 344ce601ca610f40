//! The keys of `carrier.example.toml` with their comments.

/// One key, or one of the entries of a list of tables.
#[derive(Debug, Default)]
pub(super) struct DocumentedKey {
    /// Empty: outside of every section.
    pub(super) section: String,
    pub(super) name: String,
    /// TOML; `None`: absent by default.
    pub(super) default: Option<String>,
    /// TOML of lines that are commented out.
    pub(super) examples: Vec<String>,
    pub(super) comment: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    /// Whether it is a list of tables, `[[name]]`.
    pub(super) is_list: bool,
    pub(super) comment: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct ExampleFile {
    /// The comment at the beginning of the file.
    pub(super) header: Vec<String>,
    pub(super) sections: Vec<Section>,
    pub(super) keys: Vec<DocumentedKey>,
}

impl ExampleFile {
    /// `is_key` says whether a section has a key: only then `# key = value` in a comment is one.
    pub(super) fn parse(text: &str, is_key: impl Fn(&str, &str) -> bool) -> Self {
        let mut file = Self::default();
        let mut comment: Vec<String> = Vec::new();
        for line in text.lines() {
            let commented = line
                .strip_prefix('#')
                .map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
            let content = commented.unwrap_or(line);
            if let Some((name, is_list)) = section_name(content) {
                file.begin_section(name, is_list, std::mem::take(&mut comment));
            } else if let Some((key, value, trailing)) = assignment(content)
                && (commented.is_none() || is_key(file.section(), key))
            {
                comment.extend(trailing.map(str::to_owned));
                file.add_key(
                    key,
                    value,
                    commented.is_some(),
                    std::mem::take(&mut comment),
                );
            } else if let Some(text) = commented {
                comment.push(text.to_owned());
            } else if file.header.is_empty() {
                file.header = std::mem::take(&mut comment);
            } else {
                comment.clear();
            }
        }
        file
    }

    fn section(&self) -> &str {
        self.sections.last().map_or("", |section| &section.name)
    }

    fn begin_section(&mut self, name: &str, is_list: bool, comment: Vec<String>) {
        if self.section() != name {
            self.sections.push(Section {
                name: name.to_owned(),
                is_list,
                comment,
            });
        }
    }

    /// The first of several entries of a list counts.
    fn add_key(&mut self, name: &str, value: &str, is_example: bool, comment: Vec<String>) {
        let section = self.section().to_owned();
        let known = self
            .keys
            .iter()
            .position(|key| key.section == section && key.name == name);
        let index = known.unwrap_or_else(|| {
            self.keys.push(DocumentedKey {
                section,
                name: name.to_owned(),
                ..DocumentedKey::default()
            });
            self.keys.len() - 1
        });
        let key = &mut self.keys[index];
        if is_example {
            key.examples.push(value.to_owned());
        } else if key.default.is_none() {
            key.default = Some(value.to_owned());
        }
        if key.comment.is_empty() {
            key.comment = comment;
        }
    }
}

/// The name in `[name]` or `[[name]]`, and whether it is a list.
fn section_name(line: &str) -> Option<(&str, bool)> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    let list = inner
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    let name = list.unwrap_or(inner);
    let is_name = name.split('.').all(is_identifier);
    is_name.then_some((name, list.is_some()))
}

/// Key, value and trailing comment.
fn assignment(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let (key, rest) = line.split_once(" = ")?;
    if !is_identifier(key) {
        return None;
    }
    let end = rest
        .match_indices(" # ")
        .find(|(at, _)| rest[..*at].matches('"').count() % 2 == 0);
    match end {
        None => Some((key, rest.trim(), None)),
        Some((at, mark)) => Some((key, rest[..at].trim(), Some(rest[at + mark.len()..].trim()))),
    }
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|sign| sign.is_ascii_lowercase() || sign == '_' || sign.is_ascii_digit())
}

#[test]
fn keys_have_the_comment_above_or_behind_them() {
    let text = "# About.\n\n# First.\n# a = 1\na = 2\n\n# The section.\n[s]\nb = \"# x\" # behind\n# # c\n\n\
                # The list.\n# [[l]]\n# d = 1 # in the list\n# [[l]]\n# d = 2\n";
    let file = ExampleFile::parse(text, |_, _| true);
    assert_eq!(file.header, ["About."]);
    let keys: Vec<_> = file
        .keys
        .iter()
        .map(|key| {
            (
                &*key.section,
                &*key.name,
                key.default.as_deref(),
                key.comment.join("|"),
            )
        })
        .collect();
    let expected = [
        ("", "a", Some("2"), "First."),
        ("s", "b", Some("\"# x\""), "behind"),
        ("l", "d", None, "in the list"),
    ];
    assert_eq!(
        keys,
        expected.map(|(section, name, default, text)| (section, name, default, text.to_owned()))
    );
    assert_eq!(file.keys[2].examples, ["1", "2"]);
    assert!(file.sections[1].is_list && file.sections[1].comment == ["The list."]);
}
