//! Counts in words: "3 people, 1 dog". Pure.

use crate::state::Count;

/// The counts, in their order. Empty without any.
pub(crate) fn in_words(counts: &[Count]) -> String {
    let words: Vec<String> = counts
        .iter()
        .filter(|count| count.number > 0)
        .map(|count| match count.number {
            1 => format!("1 {}", count.label),
            number => format!("{number} {}", plural(&count.label)),
        })
        .collect();
    words.join(", ")
}

/// The plural of a class name. The names of COCO are regular but for a few.
fn plural(label: &str) -> String {
    let irregular = [
        ("person", "people"),
        ("knife", "knives"),
        ("mouse", "mice"),
        ("sheep", "sheep"),
        ("skis", "skis"),
        ("scissors", "scissors"),
        ("broccoli", "broccoli"),
    ];
    if let Some((_, plural)) = irregular.iter().find(|(singular, _)| *singular == label) {
        return (*plural).to_owned();
    }
    let sibilant = ["s", "x", "z", "ch", "sh"];
    if sibilant.iter().any(|end| label.ends_with(end)) {
        return format!("{label}es");
    }
    format!("{label}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(label: &str, number: u32) -> Count {
        Count {
            label: label.to_owned(),
            number,
        }
    }

    #[test]
    fn counts_are_read_as_a_sentence() {
        let seen = [count("person", 3), count("cat", 0), count("dog", 1)];
        assert_eq!(in_words(&seen), "3 people, 1 dog");
        assert_eq!(in_words(&[]), "");
        let odd = [count("bus", 2), count("toothbrush", 2), count("mouse", 1)];
        assert_eq!(in_words(&odd), "2 buses, 2 toothbrushes, 1 mouse");
        assert_eq!(in_words(&[count("sheep", 4)]), "4 sheep");
    }
}
