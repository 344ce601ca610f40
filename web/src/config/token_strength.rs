//! Whether a token that the owner chose could be guessed in spite of the rate limit of `access/guesses.rs`.

use super::error::ConfigError;

/// Shorter tokens are found by brute force. Texts of errors repeat the number.
pub(super) const CHARACTERS_MIN: usize = 8;
/// Fewer digits alone are dates, telephone numbers and PINs. A text below repeats the number.
const DIGITS_ALONE_MIN: usize = 12;
/// Fewer different characters count as repetition.
const DISTINCT_MIN: usize = 5;

/// Words from lists of common passwords, without added digits and signs.
const COMMON: &str = "\
    abcabc access admin administrator baseball batman camera carrier changeme computer \
    default demo dragon football guest hello iloveyou internet letmein login master metrics monkey \
    passphrase passw password passwort photobooth princess publish qwertyuiop secret shadow station \
    sunshine superman token viewer welcome";
/// Rows of the keyboard, and the alphabet.
const ROWS: [&str; 7] = [
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789012",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
];

/// Refuses a token that is easily guessed.
pub(super) fn check_token(key: &'static str, token: &str) -> Result<(), ConfigError> {
    match weakness(token) {
        None => Ok(()),
        Some(why) => Err(ConfigError::hidden(key, why)),
    }
}

/// Why a token is easily guessed; `None` if it is not.
pub(super) fn weakness(token: &str) -> Option<&'static str> {
    let token = token.trim();
    let lower: Vec<char> = token.to_lowercase().chars().collect();
    if lower.len() < CHARACTERS_MIN {
        return Some("at least 8 characters, or leave it out");
    }
    let mut distinct = lower.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < DISTINCT_MIN || is_repeated(&lower) {
        return Some("the same few characters over and over: take four random words");
    }
    if is_row(&lower) {
        return Some("a row of the keyboard or the alphabet: take four random words");
    }
    if lower.len() < DIGITS_ALONE_MIN && lower.iter().all(char::is_ascii_digit) {
        return Some("digits alone, and fewer than 12: add letters");
    }
    if is_common(&lower) {
        return Some("one of the words that are guessed first: take four random words");
    }
    None
}

/// Whether a part is repeated, as in `abcabcabc`.
fn is_repeated(token: &[char]) -> bool {
    (1..=token.len() / 2).any(|period| {
        let mut pairs = token.iter().zip(token.iter().skip(period));
        pairs.all(|(one, other)| one == other)
    })
}

/// Whether all pairs of neighbours but one are in one of `ROWS`, forwards or backwards.
fn is_row(token: &[char]) -> bool {
    let follows = |pair: &[char]| {
        ROWS.iter().any(|row| {
            let forwards: String = pair.iter().collect();
            let backwards: String = pair.iter().rev().collect();
            row.contains(&forwards) || row.contains(&backwards)
        })
    };
    let following = token.windows(2).filter(|pair| follows(pair)).count();
    following + 2 >= token.len()
}

/// Whether it is a common word, or two, with digits and signs added, or in place of letters.
fn is_common(token: &[char]) -> bool {
    let token: String = token.iter().collect();
    let is_added = |c: char| !c.is_ascii_alphabetic();
    let with_letters = |text: &str| text.chars().map(letter_for).collect();
    let spellings: [String; 3] = [
        token.clone(),
        with_letters(token.trim_end_matches(is_added)),
        with_letters(token.trim_matches(is_added)),
    ];
    spellings.iter().any(|spelling| {
        let word: String = spelling.chars().filter(char::is_ascii_alphabetic).collect();
        is_known(&word) || halves_are_common(&word)
    })
}

fn is_known(word: &str) -> bool {
    COMMON.split(' ').any(|common| common == word)
}

fn halves_are_common(word: &str) -> bool {
    (1..word.len()).any(|at| {
        let (first, second) = word.split_at(at);
        is_known(first) && is_known(second)
    })
}

/// The letter in place of which a digit or sign is usually written.
fn letter_for(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_and_simple_tokens_are_weak() {
        for token in [
            "short",
            "12345678",
            "87654321",
            "aaaaaaaa",
            "abababab",
            "abcabcabc",
            "password",
            "Passw0rd!",
            "P@ssword123",
            "admin123",
            "adminadmin",
            "carrier2026",
            "letmein!!",
            "qwertyui",
            "qwertz123",
            "19850412",
            "0176123456",
            "asdfghjkl",
            "changeme1",
            "admin-password",
            "        a",
        ] {
            assert!(weakness(token).is_some(), "{token}");
        }
    }

    #[test]
    fn random_tokens_and_passphrases_are_not_weak() {
        for token in [
            "correct-horse",
            "correct horse battery",
            "let-me-watch",
            "test-admin-token",
            "9f86d081884c7d65",
            "hall4-blue-otter",
            "x7Kp2mQz",
            "grün-grün-grau",
            "battery staple",
            "938471029384",
            "orchid-lantern-42",
        ] {
            assert_eq!(weakness(token), None, "{token}");
        }
    }
}
