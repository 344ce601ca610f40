//! Nicknames from a fixed list of friendly words: nobody types a name, and nothing has to be moderated.
//!
//! A nickname is two words of the tables in `play/lang/`, so that everybody reads it in the own language. The German animals
//! are masculine, and the Spanish adjectives have one form, so that any two words fit.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use crate::text::{GameText, TextValue};

pub(crate) const ADJECTIVES: [&str; 16] = [
    "brave",
    "bright",
    "cheerful",
    "clever",
    "elegant",
    "friendly",
    "gentle",
    "happy",
    "kind",
    "noble",
    "patient",
    "quick",
    "smiling",
    "strong",
    "surprising",
    "tireless",
];

pub(crate) const ANIMALS: [&str; 24] = [
    "otter",
    "fox",
    "hedgehog",
    "beaver",
    "dolphin",
    "panda",
    "tiger",
    "lion",
    "eagle",
    "hare",
    "penguin",
    "parrot",
    "elephant",
    "badger",
    "bear",
    "frog",
    "koala",
    "lynx",
    "woodpecker",
    "stork",
    "flamingo",
    "leopard",
    "octopus",
    "sparrow",
];

/// How often a nickname is drawn again when somebody has it already.
const DRAWS: usize = 50;

/// Two words of the lists, stored by their keys. A stored nickname with other words is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Nickname {
    adjective: String,
    animal: String,
}

#[derive(Deserialize)]
struct Stored {
    adjective: String,
    animal: String,
}

impl TryFrom<Stored> for Nickname {
    type Error = String;

    fn try_from(Stored { adjective, animal }: Stored) -> Result<Self, String> {
        if ADJECTIVES.contains(&adjective.as_str()) && ANIMALS.contains(&animal.as_str()) {
            return Ok(Self { adjective, animal });
        }
        Err(format!(
            "\"{adjective} {animal}\" is not in the list of nicknames"
        ))
    }
}

impl Nickname {
    /// One that `is_taken` does not know, while there are such.
    pub(crate) fn draw(random: &mut StdRng, is_taken: impl Fn(&Self) -> bool) -> Self {
        let mut drawn = Self::any(random);
        for _ in 0..DRAWS {
            if !is_taken(&drawn) {
                break;
            }
            drawn = Self::any(random);
        }
        drawn
    }

    fn any(random: &mut StdRng) -> Self {
        let mut one = |words: &[&str]| words.choose(random).copied().unwrap_or_default().to_owned();
        Self {
            adjective: one(&ADJECTIVES),
            animal: one(&ANIMALS),
        }
    }

    /// The nickname of these two words; `None`: they are not in the lists.
    #[must_use]
    pub fn of_words(adjective: &str, animal: &str) -> Option<Self> {
        let stored = Stored {
            adjective: adjective.to_owned(),
            animal: animal.to_owned(),
        };
        stored.try_into().ok()
    }

    /// Adjective and animal, as the lists have them.
    #[must_use]
    pub fn words(&self) -> [&str; 2] {
        [&self.adjective, &self.animal]
    }

    #[must_use]
    pub fn text(&self) -> GameText {
        let word = |kind: &str, word: &str| {
            TextValue::Text(GameText::key(format!("play.nickname.{kind}.{word}")))
        };
        GameText::key("play.nickname")
            .with("adjective", word("adjective", &self.adjective))
            .with("animal", word("animal", &self.animal))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_nicknames_and_taken_ones_are_avoided() {
        let draw = |seed| Nickname::draw(&mut StdRng::seed_from_u64(seed), |_| false);
        assert_eq!(draw(7), draw(7));
        let mut taken = Vec::new();
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..100 {
            let drawn = Nickname::draw(&mut random, |one| taken.contains(one));
            assert!(!taken.contains(&drawn), "{drawn:?} twice");
            taken.push(drawn);
        }
    }

    #[test]
    fn when_all_are_taken_one_is_used_again() {
        Nickname::draw(&mut StdRng::seed_from_u64(1), |_| true);
    }

    #[test]
    fn a_stored_nickname_has_words_of_the_list() {
        let stored = r#"{"adjective": "brave", "animal": "otter"}"#;
        let nickname: Nickname = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_value(&nickname).unwrap()["animal"], "otter");
        let foreign = r#"{"adjective": "brave", "animal": "<script>"}"#;
        assert!(serde_json::from_str::<Nickname>(foreign).is_err());
    }
}
