//! Pairing: two owners who stand beside each other make their carriers trust each other. Pure.
//!
//! One carrier shows a code, which is valid for some minutes and once; the other's owner types or scans it. Both are
//! connected by TLS between their keys, and each proves that it knows the code by an HMAC over both keys: who sits in
//! between has other keys, and cannot try 2^64 codes before the window closes.

mod words;

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::{Duration, Instant};

use ring::hmac;

use crate::CarrierId;
pub use words::WORDS;

/// How long a code is valid.
pub const CODE_VALID: Duration = Duration::from_secs(300);
/// Wrong proofs that a window allows.
const WRONG_MAX: u32 = 100;
const LINK_PREFIX: &str = "carrier-mesh:";

/// The code that one carrier shows and the other's owner types: 64 random bits, as eight words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PairingCode([u8; 8]);

impl std::fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairingCode")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairingCodeError {
    #[error("a code has 8 words, this one has {0}")]
    Length(usize),
    #[error("{0:?} is not a word of a pairing code")]
    Word(String),
    #[error("{0:?} is not a carrier's key or address")]
    Link(String),
}

impl PairingCode {
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Eight words with spaces.
    #[must_use]
    pub fn words(&self) -> String {
        self.0.map(|byte| WORDS[usize::from(byte)]).join(" ")
    }
}

impl FromStr for PairingCode {
    type Err = PairingCodeError;

    /// Words in any case, apart by spaces, commas or hyphens. The first four letters of each are enough.
    fn from_str(text: &str) -> Result<Self, PairingCodeError> {
        let text = text.to_lowercase();
        let is_between = |one: char| one.is_whitespace() || matches!(one, ',' | '-' | '.' | '+');
        let typed: Vec<&str> = text
            .split(is_between)
            .filter(|word| !word.is_empty())
            .collect();
        let mut code = [0; 8];
        if typed.len() != code.len() {
            return Err(PairingCodeError::Length(typed.len()));
        }
        for (byte, word) in code.iter_mut().zip(typed) {
            let found = WORDS
                .iter()
                .position(|known| *known == word || (word.len() >= 4 && known.starts_with(word)));
            let found = found.and_then(|index| u8::try_from(index).ok());
            *byte = found.ok_or_else(|| PairingCodeError::Word(word.to_owned()))?;
        }
        Ok(Self(code))
    }
}

/// What a QR code holds: the code, and where the carrier is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingLink {
    pub code: PairingCode,
    pub id: CarrierId,
    pub addresses: Vec<SocketAddr>,
}

impl std::fmt::Display for PairingLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = self.code.words().replace(' ', "-");
        write!(f, "{LINK_PREFIX}{words}/{}", self.id)?;
        self.addresses
            .iter()
            .try_for_each(|address| write!(f, "/{address}"))
    }
}

impl FromStr for PairingLink {
    type Err = PairingCodeError;

    fn from_str(text: &str) -> Result<Self, PairingCodeError> {
        let wrong = |part: &str| PairingCodeError::Link(part.to_owned());
        let rest = text.trim();
        let rest = rest.strip_prefix(LINK_PREFIX).ok_or_else(|| wrong(rest))?;
        let mut parts = rest.split('/');
        let code = parts.next().unwrap_or_default().parse()?;
        let id = parts.next().unwrap_or_default();
        let id = id.parse().map_err(|_| wrong(id))?;
        let addresses = parts.map(|part| part.parse().map_err(|_| wrong(part)));
        Ok(Self {
            code,
            id,
            addresses: addresses.collect::<Result<_, _>>()?,
        })
    }
}

/// Whose proof it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairingSide {
    /// Shows the code.
    Shows,
    /// Its owner typed the code.
    Types,
}

/// Proves that `side` knows `code`, in a connection between these two keys, and that it is called `name`.
pub(crate) fn proof(
    code: PairingCode,
    side: PairingSide,
    shows: CarrierId,
    types: CarrierId,
    name: &str,
) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &code.0);
    let tag = hmac::sign(&key, &proven(side, shows, types, name));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

/// Compares in constant time.
pub(crate) fn is_proof(
    proof: &[u8; 32],
    code: PairingCode,
    side: PairingSide,
    shows: CarrierId,
    types: CarrierId,
    name: &str,
) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &code.0);
    hmac::verify(&key, &proven(side, shows, types, name), proof).is_ok()
}

fn proven(side: PairingSide, shows: CarrierId, types: CarrierId, name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = match side {
        PairingSide::Shows => b"carrier mesh pairing 1 shows".to_vec(),
        PairingSide::Types => b"carrier mesh pairing 1 types".to_vec(),
    };
    bytes.extend(shows.as_bytes());
    bytes.extend(types.as_bytes());
    bytes.extend(name.as_bytes());
    bytes
}

/// A code that is shown, until it was used or is too old.
#[derive(Debug, Default)]
pub(crate) struct PairingWindow {
    open: Option<OpenWindow>,
}

#[derive(Debug)]
struct OpenWindow {
    code: PairingCode,
    closes_at: Instant,
    wrong: u32,
}

impl PairingWindow {
    /// Shows a new code; an earlier one is not valid any more.
    pub(crate) fn open(&mut self, now: Instant) -> PairingCode {
        let code = PairingCode::random();
        self.open = Some(OpenWindow {
            code,
            closes_at: now + CODE_VALID,
            wrong: 0,
        });
        code
    }

    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.open.as_ref().is_some_and(|open| now < open.closes_at)
    }

    /// The code, if `types` proves that it knows it. It is used up then.
    pub(crate) fn use_code(
        &mut self,
        own: CarrierId,
        types: CarrierId,
        name: &str,
        proof: &[u8; 32],
        now: Instant,
    ) -> Option<PairingCode> {
        let open = self.open.as_mut().filter(|open| now < open.closes_at)?;
        let code = open.code;
        if is_proof(proof, code, PairingSide::Types, own, types, name) {
            self.open = None;
            return Some(code);
        }
        open.wrong += 1;
        if open.wrong >= WRONG_MAX {
            self.open = None;
        }
        None
    }
}

#[cfg(test)]
mod tests;
