//! Values that exporters write into the metadata as Python prints them: the names of classes, sizes.

/// More names than any model has.
const MOST_NAMES: usize = 20_000;
/// A longer name is cut: it would not fit a label.
const MOST_CHARS: usize = 60;

/// The numbers of a text such as `[640, 384]` or `640`.
pub(super) fn numbers(text: &str) -> Vec<usize> {
    let digits = text.split(|c: char| !c.is_ascii_digit());
    digits.filter_map(|number| number.parse().ok()).collect()
}

/// The names of `{0: 'person', 1: "driver's seat"}` or `['person', 'car']`, by their ids and in their order.
/// `None` when the text is neither. JSON of that form is understood, too.
pub(super) fn names(text: &str) -> Option<Vec<(usize, String)>> {
    let mut rest = Reader(text.trim());
    let is_dictionary = rest.skip('{');
    if !is_dictionary && !rest.skip('[') {
        return None;
    }
    let closing = if is_dictionary { '}' } else { ']' };
    let mut names: Vec<(usize, String)> = Vec::new();
    while !rest.skip(closing) {
        if names.len() == MOST_NAMES || (!names.is_empty() && !rest.skip(',')) {
            return None;
        }
        // After the last element there may be a comma.
        if rest.skip(closing) {
            break;
        }
        let id = match is_dictionary {
            true => rest.key()?,
            false => names.len(),
        };
        names.push((id, rest.string()?));
    }
    names.sort_by_key(|(id, _)| *id);
    let is_repeated = names.windows(2).any(|pair| pair[0].0 == pair[1].0);
    (rest.0.is_empty() && !names.is_empty() && !is_repeated).then_some(names)
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    /// Takes this character if it comes next, and the space around it.
    fn skip(&mut self, wanted: char) -> bool {
        let rest = self.0.trim_start().strip_prefix(wanted);
        if let Some(rest) = rest {
            self.0 = rest.trim_start();
        }
        rest.is_some()
    }

    /// A number, perhaps in quotes, and a colon.
    fn key(&mut self) -> Option<usize> {
        let (key, rest) = self.0.split_once(':')?;
        self.0 = rest.trim_start();
        key.trim().trim_matches(['"', '\'']).parse().ok()
    }

    /// A string in quotes.
    fn string(&mut self) -> Option<String> {
        let quote = self.0.chars().next().filter(|c| ['"', '\''].contains(c))?;
        let mut characters = self.0[1..].char_indices();
        let mut text = String::new();
        loop {
            let (index, c) = characters.next()?;
            let c = match c {
                '\\' => escaped(characters.next()?.1, &mut characters)?,
                c if c == quote => {
                    self.0 = &self.0[1 + index + quote.len_utf8()..];
                    return Some(text.chars().take(MOST_CHARS).collect());
                }
                c => c,
            };
            text.push(if c.is_control() { ' ' } else { c });
        }
    }
}

/// The character that a backslash and `c` begin.
fn escaped(c: char, rest: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'n' | 't' | 'r' => return Some(' '),
        other => return Some(other),
    };
    let digits: String = rest.take(digits).map(|(_, digit)| digit).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(usize, String)>> {
        names(text)
    }

    fn pairs(all: &[(usize, &str)]) -> Option<Vec<(usize, String)>> {
        Some(
            all.iter()
                .map(|(id, name)| (*id, (*name).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn names_are_read_as_python_and_json_write_them() {
        let two = pairs(&[(0, "person"), (1, "stop sign")]);
        assert_eq!(read("{0: 'person', 1: 'stop sign'}"), two);
        assert_eq!(read("['person', 'stop sign']"), two);
        assert_eq!(read("{\"1\": \"stop sign\", \"0\": \"person\"}"), two);
        assert_eq!(read("[ \"person\" ,'stop sign' , ]"), two);
        assert_eq!(
            read("{3: \"driver's seat\"}"),
            pairs(&[(3, "driver's seat")])
        );
        assert_eq!(
            read(r"{0: 'it\'s \xe9\u00e9\n, } \\'}"),
            pairs(&[(0, r"it's éé , } \")])
        );
        assert_eq!(read("{0: 'Fußgänger'}"), pairs(&[(0, "Fußgänger")]));
    }

    #[test]
    fn anything_else_is_no_list_of_names() {
        let texts = [
            "",
            "{}",
            "[]",
            "person",
            "{0: 'a'",
            "{0: 'a' 1: 'b'}",
            "{0: 1}",
            "['a'] x",
            "{0 'a'}",
            "{0: 'a', 0: 'b'}",
            "{-1: 'a'}",
            "['a",
            "['\\",
            "['\\x4']",
            "{'a': 'b'}",
            "[,'a']",
        ];
        for text in texts {
            assert_eq!(read(text), None, "{text}");
        }
        let endless = format!("[{}]", "'a',".repeat(MOST_NAMES + 1));
        assert_eq!(read(&endless), None);
        let long = format!("['{}']", "ü".repeat(500));
        assert_eq!(
            read(&long).map(|names| names[0].1.chars().count()),
            Some(MOST_CHARS)
        );
    }

    #[test]
    fn sizes_are_read_from_lists_and_numbers() {
        assert_eq!(numbers("[640, 384]"), [640, 384]);
        assert_eq!(numbers("(320,)"), [320]);
        assert_eq!(numbers("32"), [32]);
        assert_eq!(numbers("none 99999999999999999999999"), [0; 0]);
    }
}
