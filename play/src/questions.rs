//! The questions of the poll, from a file that the caller reads.

use serde::{Deserialize, Serialize};

use crate::text::OwnText;

/// Longer texts cannot be read on a small picture.
const QUESTION_CHARS_MAX: usize = 80;
const ANSWER_CHARS_MAX: usize = 24;
const SECONDS: std::ops::RangeInclusive<u64> = 5..=120;
const QUESTIONS_MAX: usize = 1000;

/// One half of the picture, as its viewers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollSide {
    Left,
    Right,
}

/// A file of questions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollQuestions {
    #[serde(default)]
    pub question: Vec<PollQuestion>,
}

/// A question with two answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollQuestion {
    pub text: OwnText,
    pub left: OwnText,
    pub right: OwnText,
    /// The right answer, where there is one.
    pub correct: Option<PollSide>,
    /// How long people have to choose.
    #[serde(default = "default_seconds")]
    pub seconds: u64,
}

const fn default_seconds() -> u64 {
    15
}

/// A question that cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuestionsError {
    #[error("question {number}: {key} is empty")]
    Empty { number: usize, key: &'static str },
    #[error("question {number}: {key} has {chars} characters, at most {most} can be read")]
    TooLong {
        number: usize,
        key: &'static str,
        chars: usize,
        most: usize,
    },
    #[error("question {number}: seconds = {seconds}, between 5 and 120 is possible")]
    Seconds { number: usize, seconds: u64 },
    #[error("{count} questions, at most {most} are possible")]
    TooMany { count: usize, most: usize },
}

impl PollQuestions {
    /// Whether every question can be shown. Questions are numbered from 1.
    pub fn check(&self) -> Result<(), QuestionsError> {
        let count = self.question.len();
        if count > QUESTIONS_MAX {
            let most = QUESTIONS_MAX;
            return Err(QuestionsError::TooMany { count, most });
        }
        for (index, question) in self.question.iter().enumerate() {
            let number = index + 1;
            for (key, text, most) in [
                ("text", &question.text, QUESTION_CHARS_MAX),
                ("left", &question.left, ANSWER_CHARS_MAX),
                ("right", &question.right, ANSWER_CHARS_MAX),
            ] {
                check_text(number, key, text, most)?;
            }
            let seconds = question.seconds;
            if !SECONDS.contains(&seconds) {
                return Err(QuestionsError::Seconds { number, seconds });
            }
        }
        Ok(())
    }
}

fn check_text(
    number: usize,
    key: &'static str,
    text: &OwnText,
    most: usize,
) -> Result<(), QuestionsError> {
    let texts = text.all();
    if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
        return Err(QuestionsError::Empty { number, key });
    }
    let chars = texts.iter().map(|text| text.chars().count()).max();
    match chars.filter(|chars| *chars > most) {
        Some(chars) => Err(QuestionsError::TooLong {
            number,
            key,
            chars,
            most,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../questions.example.toml");

    fn read(text: &str) -> PollQuestions {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_example_file_is_valid_and_has_all_languages() {
        let questions = read(EXAMPLE);
        questions.check().unwrap();
        assert!(questions.question.len() >= 6);
        for question in &questions.question {
            for text in [&question.text, &question.left, &question.right] {
                if let OwnText::ByLanguage(texts) = text {
                    assert_eq!(texts.len(), 3, "{texts:?}");
                }
            }
        }
    }

    #[test]
    fn a_question_that_cannot_be_shown_is_named() {
        let check = |more: &str| {
            let text =
                format!("[[question]]\ntext = 'A?'\nleft = 'b'\nright = 'c'\n[[question]]\n{more}");
            read(&text).check().unwrap_err().to_string()
        };
        assert_eq!(
            check("text = ' '\nleft = 'b'\nright = 'c'"),
            "question 2: text is empty"
        );
        assert_eq!(
            check("text = 'A?'\nleft = {}\nright = 'c'"),
            "question 2: left is empty"
        );
        let long = format!("text = 'A?'\nleft = 'b'\nright = '{}'", "x".repeat(25));
        assert!(check(&long).contains("right has 25 characters, at most 24"));
        let quick = "text = 'A?'\nleft = 'b'\nright = 'c'\nseconds = 0";
        assert!(check(quick).contains("seconds = 0"));
    }

    #[test]
    fn an_unknown_key_is_refused_and_no_question_is_valid() {
        let unknown = "[[question]]\ntext = 'A?'\nleft = 'b'\nright = 'c'\ncolour = 'red'";
        assert!(toml::from_str::<PollQuestions>(unknown).is_err());
        read("").check().unwrap();
    }
}
