//! Media packets sealed where they leave from (SRTP, RFC 3711; with AES-GCM, RFC 7714). The `rtc` library
//! copies a packet twice for it and looks its stream up in a table, which was a quarter of what a viewer
//! cost outside the kernel; it still seals for the older profiles, and all control packets.

use bytes::BytesMut;
use rtc::crypto::{
    AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CryptoError, RTCCrypto, SecretVec,
};
use rtc::rtp::header::Header;
use rtc::shared::error::Error;
use rtc::shared::marshal::{Marshal, MarshalSize};
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;

use crate::transport::runs::Load;

/// The tag behind each packet.
const TAG_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;
const SALT_BYTES: usize = 12;
/// RFC 3711 4.3.2.
const LABEL_KEY: u8 = 0x00;
const LABEL_SALT: u8 = 0x02;

/// The keys of one direction's media.
pub(super) enum Sealing {
    InPlace(InPlace),
    /// With the context that seals the control packets.
    Library,
}

/// AES-GCM over the bytes that leave.
pub(super) struct InPlace {
    cipher: Box<dyn AeadCipher>,
    salt: [u8; SALT_BYTES],
    streams: Vec<Stream>,
}

/// The newest packet of one SSRC, with its cycles.
struct Stream {
    ssrc: u32,
    newest: u64,
}

impl Sealing {
    pub(super) fn new(
        profile: ProtectionProfile,
        master_key: &[u8],
        master_salt: &[u8],
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, Error> {
        let (algorithm, block) = match profile {
            ProtectionProfile::AeadAes128Gcm => {
                (AeadAlgorithm::Aes128Gcm, BlockCipherAlgorithm::Aes128)
            }
            ProtectionProfile::AeadAes256Gcm => {
                (AeadAlgorithm::Aes256Gcm, BlockCipherAlgorithm::Aes256)
            }
            _ => return Ok(Self::Library),
        };
        let derive = |label, length| derive(crypto, block, master_key, master_salt, label, length);
        let key = derive(LABEL_KEY, master_key.len()).map_err(crypto_error)?;
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(
            derive(LABEL_SALT, SALT_BYTES)
                .map_err(crypto_error)?
                .as_ref(),
        );
        Ok(Self::InPlace(InPlace {
            cipher: crypto
                .new_aead(algorithm, key.as_ref())
                .map_err(crypto_error)?,
            salt,
            streams: Vec::new(),
        }))
    }

    /// Appends a packet to the last of `loads`, or to a new one.
    ///
    /// `library`: seals where this does not.
    pub(super) fn seal(
        &mut self,
        header: &Header,
        payload: &[u8],
        library: &mut Context,
        loads: &mut Vec<Load>,
    ) -> Result<(), Error> {
        match self {
            Self::InPlace(in_place) => in_place.seal(header, payload, loads),
            Self::Library => {
                let mut plain = vec![0; header.marshal_size()];
                header.marshal_to(&mut plain)?;
                plain.extend_from_slice(payload);
                let sealed = library.encrypt_rtp_with_header(&plain, header)?;
                room(loads, sealed.len())
                    .bytes_mut()
                    .extend_from_slice(&sealed);
                Ok(())
            }
        }
    }
}

impl InPlace {
    fn seal(
        &mut self,
        header: &Header,
        payload: &[u8],
        loads: &mut Vec<Load>,
    ) -> Result<(), Error> {
        let nonce = self.nonce(header)?;
        let length = header.marshal_size() + payload.len() + TAG_BYTES;
        let bytes = room(loads, length).bytes_mut();
        let start = bytes.len();
        let sealed = self.append(&nonce, header, payload, bytes);
        if sealed.is_err() {
            // Nothing in the clear, and no half packet between whole ones.
            bytes.truncate(start);
        }
        sealed
    }

    fn append(
        &mut self,
        nonce: &[u8],
        header: &Header,
        payload: &[u8],
        bytes: &mut BytesMut,
    ) -> Result<(), Error> {
        let (start, header_bytes) = (bytes.len(), header.marshal_size());
        bytes.resize(start + header_bytes, 0);
        header.marshal_to(&mut bytes[start..])?;
        bytes.extend_from_slice(payload);
        let (clear, hidden) = bytes[start..].split_at_mut(header_bytes);
        let mut tag = [0; TAG_BYTES];
        self.cipher
            .seal_in_place(nonce, clear, hidden, &mut tag)
            .map_err(crypto_error)?;
        bytes.extend_from_slice(&tag);
        Ok(())
    }

    /// RFC 7714 8.1.
    fn nonce(&mut self, header: &Header) -> Result<[u8; SALT_BYTES], Error> {
        let cycles = self.cycles(header.ssrc, header.sequence_number)?;
        let mut nonce = self.salt;
        let [_, _, rest @ ..] = &mut nonce;
        let parts = header.ssrc.to_be_bytes().into_iter();
        let parts = parts.chain(cycles.to_be_bytes());
        let parts = parts.chain(header.sequence_number.to_be_bytes());
        rest.iter_mut()
            .zip(parts)
            .for_each(|(salt, part)| *salt ^= part);
        Ok(nonce)
    }

    /// How often the number has begun anew: the nearest to the newest (RFC 3711 3.3.1), so that an old
    /// packet may be sent again.
    fn cycles(&mut self, ssrc: u32, number: u16) -> Result<u32, Error> {
        let known = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc);
        let Some(stream) = known else {
            let newest = u64::from(number);
            self.streams.push(Stream { ssrc, newest });
            return Ok(0);
        };
        let [.., high, low] = stream.newest.to_be_bytes();
        let ahead = number
            .wrapping_sub(u16::from_be_bytes([high, low]))
            .cast_signed();
        // Before the first one: it was never sent.
        let index = stream.newest.checked_add_signed(i64::from(ahead));
        let index = index.ok_or(Error::ErrExceededMaxPackets)?;
        stream.newest = stream.newest.max(index);
        u32::try_from(index >> 16).map_err(|_| Error::ErrExceededMaxPackets)
    }
}

/// The load that a datagram of that length goes into.
fn room(loads: &mut Vec<Load>, length: usize) -> &mut Load {
    if !loads.last().is_some_and(|load| load.takes(length)) {
        loads.push(Load::of(length));
    }
    let last = loads.len() - 1;
    &mut loads[last]
}

/// RFC 3711 4.3.3, with a key derivation rate of zero as RFC 5764 has it; the salt of AES-GCM is shorter by
/// two bytes, which count as zero (RFC 7714 11).
fn derive(
    crypto: &dyn RTCCrypto,
    block: BlockCipherAlgorithm,
    master_key: &[u8],
    master_salt: &[u8],
    label: u8,
    length: usize,
) -> Result<SecretVec, CryptoError> {
    let mut input = [0; BLOCK_BYTES];
    for (into, salt) in input.iter_mut().zip(master_salt) {
        *into = *salt;
    }
    input[7] ^= label;
    let mut derived = Vec::with_capacity(length + BLOCK_BYTES);
    for counter in 0_u8.. {
        if derived.len() >= length {
            break;
        }
        let mut keystream = input;
        keystream[BLOCK_BYTES - 1] = counter;
        crypto.block_encrypt(block, master_key, &mut keystream)?;
        derived.extend_from_slice(&keystream);
    }
    derived.truncate(length);
    Ok(SecretVec::new(derived))
}

fn crypto_error(error: CryptoError) -> Error {
    Error::Crypto(error.to_string())
}

#[cfg(test)]
mod tests;
