//! Manifests that are damaged at random: each is read or refused, and what is read can be used.

use super::*;
use crate::heads::{HeadConfig, InputSize};
use crate::preprocess::InputTensor;

const ROUNDS: u32 = 6000;

/// Values that other programs write, and that break careless ones.
const VALUES: [&str; 22] = [
    "nan",
    "-nan",
    "inf",
    "-1",
    "0",
    "1e39",
    "1e999",
    "4294967296",
    "9223372036854775807",
    "\"\"",
    "\"../x\"",
    "\"coco80\"",
    "\"coco91\"",
    "[]",
    "[[]]",
    "{}",
    "{ pad = 256 }",
    "true",
    "'\u{0}'",
    "\"\u{202e}\"",
    "[nan, inf, -inf]",
    "[-0.0, 0.0, 1e-45]",
];

/// Xorshift; the same numbers in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

fn mutated(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(3) {
        let place = random.below(lines.len());
        let line = lines[place].clone();
        match random.below(6) {
            0 => drop(lines.remove(place)),
            1 => lines.insert(random.below(lines.len()), line),
            2 => {
                let key = line.split('=').next().unwrap_or_default();
                lines[place] = format!("{key}= {}", random.of(&VALUES));
            }
            3 => {
                let chars: Vec<char> = line.chars().collect();
                lines[place] = chars.into_iter().take(random.below(line.len())).collect();
            }
            4 => {
                let digits = random.of(&["9", "-", ".", "e", "\"", "[", "\\", "#"]);
                let at = (0..=line.len()).rev().find(|at| line.is_char_boundary(*at));
                lines[place].insert_str(at.map_or(0, |at| random.below(at + 1).min(at)), digits);
            }
            _ => lines[place] = line.chars().rev().collect(),
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
    }
    lines.join("\n")
}

/// What the program does with an entry before it has opened the file.
fn use_entry(entry: &ModelEntry) {
    let InputContract { width, height, .. } = entry.input;
    assert!((32..=4096).contains(&width) && (32..=4096).contains(&height));
    assert!((0.0..=1.0).contains(&entry.min_score));
    assert!(!entry.file_name().contains('/') && !entry.labels.is_empty());
    let input = InputSize {
        width: width as usize,
        height: height as usize,
    };
    drop(entry.head.decoder(HeadConfig {
        input,
        classes: entry.network_classes(),
        box_units: entry.box_units,
    }));
    // A tensor for the largest input would make this slow.
    if width.max(height) <= 640 {
        drop(InputTensor::blank(&entry.input));
    }
}

#[test]
fn damaged_manifests_never_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (alone, many) = (sidecar(), BUILT_IN.to_owned());
    let (mut accepted, mut refused) = (0, 0);
    let mut count = |is_fine: bool| match is_fine {
        true => accepted += 1,
        false => refused += 1,
    };
    for round in 0..ROUNDS {
        if round % 10 == 0 {
            let manifest = Manifest::parse(&mutated(&many, &mut random));
            count(manifest.is_ok());
            let entries = manifest.iter().flat_map(|one| one.models().iter());
            entries.for_each(|entry| use_entry(entry));
            continue;
        }
        match ModelEntry::parse(&mutated(&alone, &mut random)) {
            Ok(entry) => {
                count(true);
                use_entry(&entry);
            }
            Err(error) => {
                count(false);
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted}, {refused}");
}
