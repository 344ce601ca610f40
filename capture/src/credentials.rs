//! User and password in an address, and answers to what a camera asks for them. Never printed.

use std::fmt;

use http_auth::{PasswordClient, PasswordParams};
use percent_encoding::percent_decode_str;

/// User and password, as they are: not escaped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    user: String,
    password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// An address without its login, and the login. Signs that an address must escape are read as RFC 3986,
/// 3.2.1 has it; an `@` or `:` in the password that is not escaped is taken as it stands.
pub(crate) fn split_login(url: &str) -> (String, Option<Login>) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (url.to_owned(), None);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((login, host)) = authority.rsplit_once('@') else {
        return (url.to_owned(), None);
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let plain = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let login = Login {
        user: plain(user),
        password: plain(password),
    };
    (format!("{scheme}://{host}{path}"), Some(login))
}

/// Answers a camera's challenges.
#[derive(Debug)]
pub(crate) struct Challenged {
    login: Login,
    client: PasswordClient,
}

impl Challenged {
    /// `challenges` are the values of `WWW-Authenticate`. A camera that refuses without any is tried with
    /// Basic. The error names what it wants.
    pub(crate) fn new<'a>(
        login: Login,
        challenges: impl Iterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let mut challenges = challenges.peekable();
        let mut builder = PasswordClient::builder();
        if challenges.peek().is_none() {
            builder = builder.challenges("Basic realm=\"\"");
        }
        let client = challenges
            .fold(builder, |builder, value| builder.challenges(value))
            .build()?;
        Ok(Self { login, client })
    }

    /// The last answer was right but for its nonce, which had grown old.
    pub(crate) fn is_renewed(&self) -> bool {
        matches!(&self.client, PasswordClient::Digest(digest) if digest.stale())
    }

    /// The value of `Authorization` for the next request.
    pub(crate) fn respond(&mut self, method: &str, uri: &str) -> Result<String, String> {
        let params = |body| PasswordParams {
            username: &self.login.user,
            password: &self.login.password,
            uri,
            method,
            body,
        };
        self.client
            .respond(&params(None))
            // Some offer nothing but the protection of the body, which is empty here.
            .or_else(|_| self.client.respond(&params(Some(&[]))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, password: &str) -> Option<Login> {
        Some(Login {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    #[test]
    fn escaped_signs_are_decoded_and_the_address_keeps_no_login() {
        let cases = [
            ("http://h:81/s", "http://h:81/s", None),
            (
                "http://me:pw@h/s?a=b@c",
                "http://h/s?a=b@c",
                login("me", "pw"),
            ),
            (
                "http://w%61tcher:a%40b:50%25%2fc%20d@h",
                "http://h",
                login("watcher", "a@b:50%/c d"),
            ),
            ("http://me:p@ss@h/", "http://h/", login("me", "p@ss")),
            ("http://me@[::1]:8/", "http://[::1]:8/", login("me", "")),
            ("http://me:100%@h/", "http://h/", login("me", "100%")),
            (
                "http://j%C3%BCrgen:%E2%82%AC@h/",
                "http://h/",
                login("jürgen", "€"),
            ),
        ];
        for (url, plain, login) in cases {
            assert_eq!(split_login(url), (plain.to_owned(), login), "{url}");
        }
        let shown = format!("{:?}", split_login("http://me:secret@h/"));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn challenges_are_answered_by_the_best_that_is_offered() {
        let answer = |challenges: &[&'static str]| {
            let login = login("me", "a@b").expect("some");
            Challenged::new(login, challenges.iter().copied())
                .and_then(|mut client| client.respond("GET", "/video?x=1"))
        };
        assert_eq!(answer(&[]).as_deref(), Ok("Basic bWU6YUBi"));
        let basic = "Basic realm=\"eye\"";
        assert_eq!(answer(&[basic]).as_deref(), Ok("Basic bWU6YUBi"));
        let digest = "Digest realm=\"eye\", nonce=\"0a\", qop=\"auth\"";
        for challenges in [&[digest][..], &[basic, digest], &["NTLM", digest]] {
            let words = answer(challenges).expect("answered");
            assert!(words.starts_with("Digest ") && words.contains("uri=\"/video?x=1\""));
            assert!(words.contains("nc=00000001"), "{words}");
        }
        let sha = "Digest realm=\"eye\", nonce=\"0a\", algorithm=SHA-256, qop=\"auth,auth-int\"";
        assert!(answer(&[sha]).expect("answered").contains("SHA-256"));
        let only_int = "Digest realm=\"eye\", nonce=\"0a\", qop=\"auth-int\"";
        assert!(answer(&[only_int]).is_ok());
        assert!(answer(&["NTLM"]).is_err());
    }
}
