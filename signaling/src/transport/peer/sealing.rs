//! Encrypts media packets in place (SRTP, RFC 3711; AES-GCM, RFC 7714). The `rtc` library copies a packet
//! twice and looks up its stream in a table, which was a quarter of the user-space cost of a viewer. It
//! still encrypts for the older profiles, and all control packets.

use bytes::BytesMut;
use rtc::crypto::{
    AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CryptoError, RTCCrypto, SecretVec,
};
use rtc::rtp::header::Header;
use rtc::shared::error::Error;
use rtc::shared::marshal::{Marshal, MarshalSize};
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;

use crate::transport::runs::RunBuffer;

/// Size of the authentication tag.
const TAG_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;
const SALT_BYTES: usize = 12;
/// Key derivation labels of RFC 3711 4.3.2.
const LABEL_KEY: u8 = 0x00;
const LABEL_SALT: u8 = 0x02;

/// Encrypts the media of one direction.
pub(super) enum SrtpSealer {
    InPlace(InPlace),
    /// The library encrypts, with the context of the control packets.
    Library,
}

/// AES-GCM in the send buffer.
pub(super) struct InPlace {
    cipher: Box<dyn AeadCipher>,
    salt: [u8; SALT_BYTES],
    streams: Vec<Stream>,
}

/// The highest packet index of one SSRC (roll-over counter and sequence number).
struct Stream {
    ssrc: u32,
    newest: u64,
}

impl SrtpSealer {
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

    /// Appends an encrypted packet to the last of `buffers`, or to a new one. `library` is used for profiles
    /// other than AES-GCM.
    pub(super) fn seal(
        &mut self,
        header: &Header,
        payload: &[u8],
        library: &mut Context,
        buffers: &mut Vec<RunBuffer>,
    ) -> Result<(), Error> {
        match self {
            Self::InPlace(in_place) => in_place.seal(header, payload, buffers),
            Self::Library => {
                let mut plain = vec![0; header.marshal_size()];
                header.marshal_to(&mut plain)?;
                plain.extend_from_slice(payload);
                let sealed = library.encrypt_rtp_with_header(&plain, header)?;
                room(buffers, sealed.len())
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
        buffers: &mut Vec<RunBuffer>,
    ) -> Result<(), Error> {
        let nonce = self.nonce(header)?;
        let length = header.marshal_size() + payload.len() + TAG_BYTES;
        let bytes = room(buffers, length).bytes_mut();
        let start = bytes.len();
        let sealed = self.append(&nonce, header, payload, bytes);
        if sealed.is_err() {
            // Leave neither plain text nor half a packet in the buffer.
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

    /// The nonce of RFC 7714 8.1.
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

    /// The roll-over counter that puts the packet nearest to the highest index (RFC 3711 3.3.1), so that
    /// retransmissions get the counter of the original.
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
        // Before the first packet: it was never sent.
        let index = stream.newest.checked_add_signed(i64::from(ahead));
        let index = index.ok_or(Error::ErrExceededMaxPackets)?;
        stream.newest = stream.newest.max(index);
        u32::try_from(index >> 16).map_err(|_| Error::ErrExceededMaxPackets)
    }
}

/// The buffer that takes a datagram of this length.
fn room(buffers: &mut Vec<RunBuffer>, length: usize) -> &mut RunBuffer {
    if !buffers.last().is_some_and(|buffer| buffer.takes(length)) {
        buffers.push(RunBuffer::of(length));
    }
    let last = buffers.len() - 1;
    &mut buffers[last]
}

/// Key derivation of RFC 3711 4.3.3 with a rate of zero (RFC 5764). The AES-GCM salt is two bytes shorter,
/// which count as zero (RFC 7714 11).
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
