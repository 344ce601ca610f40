//! `[play]`: games on the live feed.

use std::path::PathBuf;
use std::time::Duration;

use play::{EXAMPLE_QUESTIONS, GameKind, PollQuestions, StartRules, TEXTS};

use super::ConfigError;

/// A day.
const ATTRACTION_MINUTES_MAX: u32 = 24 * 60;
/// More faces do not fit into a picture in which each is found.
const GROUP_FACES_MAX: usize = 30;

section! {
    #[derive(Debug)]
    PlayConfig {
        enabled: bool = true,
        /// What is offered, in the order in which the station goes through them; empty: all.
        games: Vec<GameKind> = GameKind::ALL.to_vec(),
        /// Whether visitors start rounds with their phones.
        visitors_may_start: bool = false,
        /// The station starts a round by itself after so many minutes without use; 0: never.
        attraction_after_minutes: u32 = 0,
        /// A file of questions; `None`: those of the program.
        questions: Option<PathBuf> = None,
        /// Faces that a group photo waits for.
        group_faces: usize = 2,
        /// Of the texts on the picture, names of objects included.
        language: String = "en".to_owned(),
    }
}

impl PlayConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.attraction_after_minutes > ATTRACTION_MINUTES_MAX {
            let value = self.attraction_after_minutes.to_string();
            let why = "at most 1440 minutes, or 0 for never";
            return Err(ConfigError::value(
                "play.attraction_after_minutes",
                value,
                why,
            ));
        }
        if !(1..=GROUP_FACES_MAX).contains(&self.group_faces) {
            let value = self.group_faces.to_string();
            let why = format!("between 1 and {GROUP_FACES_MAX}");
            return Err(ConfigError::value("play.group_faces", value, why));
        }
        if let Some(game) = self.games.iter().find(|game| game.is_shared()) {
            let value = format!("{game:?}").to_lowercase();
            let why = "it is offered by itself while other carriers are connected";
            return Err(ConfigError::value("play.games", value, why));
        }
        let languages = TEXTS.map(|(language, _)| language);
        if !languages.contains(&self.language.as_str()) {
            let why = format!("one of {}", languages.join(", "));
            let value = self.language.as_str();
            return Err(ConfigError::value("play.language", value, why));
        }
        self.questions().map(drop)
    }

    /// Reads the file.
    pub(crate) fn questions(&self) -> Result<PollQuestions, ConfigError> {
        let (name, text) = match &self.questions {
            Some(path) => {
                let name = path.display().to_string();
                let wrong = |error: std::io::Error| {
                    ConfigError::value("play.questions", name.as_str(), error.to_string())
                };
                let text = std::fs::read_to_string(path).map_err(wrong)?;
                (name, text)
            }
            None => ("(absent)".to_owned(), EXAMPLE_QUESTIONS.to_owned()),
        };
        let wrong = |why: String| ConfigError::value("play.questions", name.as_str(), why);
        let questions: PollQuestions =
            toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        questions
            .check()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(questions)
    }

    /// Who may start what.
    pub(crate) fn start_rules(&self) -> StartRules {
        let minutes = u64::from(self.attraction_after_minutes);
        StartRules {
            offered: match self.games.as_slice() {
                [] => GameKind::ALL.to_vec(),
                games => games.to_vec(),
            },
            visitors_may_start: self.visitors_may_start,
            attraction_after: (minutes > 0).then(|| Duration::from_mins(minutes)),
            ..StartRules::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;
    use crate::test_folder::TestFolder;

    #[test]
    fn wrong_values_are_named() {
        assert!(PlayConfig::default().check().is_ok());
        for (text, key) in [
            (
                "attraction_after_minutes = 2000",
                "play.attraction_after_minutes",
            ),
            ("group_faces = 0", "play.group_faces"),
            ("games = ['duel']", "play.games = duel"),
            ("language = 'tlh'", "play.language = tlh: one of en, de, es"),
            ("questions = '/nowhere.toml'", "play.questions"),
        ] {
            let config: PlayConfig = toml::from_str(text).expect("valid TOML");
            let said = message(config.check());
            assert!(said.starts_with(key), "{text}: {said}");
        }
        assert!(toml::from_str::<PlayConfig>("games = ['chess']").is_err());
    }

    #[test]
    fn questions_are_the_owners_or_the_programs() {
        let of_the_program = PlayConfig::default().questions().expect("valid");
        assert!(of_the_program.question.len() >= 6);
        let folder = TestFolder::new();
        let file = folder.join("questions.toml");
        let own = "[[question]]\ntext = 'Tea?'\nleft = 'Yes'\nright = 'No'\n";
        std::fs::write(&file, own).expect("written");
        let config = PlayConfig {
            questions: Some(file.clone()),
            ..PlayConfig::default()
        };
        assert_eq!(config.questions().expect("valid").question.len(), 1);
        std::fs::write(&file, "[[question]]\ntext = 'Tea?'\n").expect("written");
        let said = message(config.check());
        assert!(
            said.contains("questions.toml") && said.contains("left"),
            "{said}"
        );
    }

    #[test]
    fn no_minutes_mean_never() {
        let rules = |minutes| {
            let config = PlayConfig {
                attraction_after_minutes: minutes,
                ..PlayConfig::default()
            };
            config.start_rules().attraction_after
        };
        assert_eq!(rules(0), None);
        assert_eq!(rules(5), Some(Duration::from_mins(5)));
    }
}
