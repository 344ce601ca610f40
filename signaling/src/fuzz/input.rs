//! Inputs, read piece by piece.

/// Takes a number off the front; 0 where nothing is left.
pub(super) fn byte(data: &mut &[u8]) -> u8 {
    let Some((first, rest)) = data.split_first() else {
        return 0;
    };
    *data = rest;
    *first
}

/// Takes a chunk off the front that begins with its length, two bytes; what there is if less.
pub(super) fn chunk<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(u16::from_be_bytes([byte(data), byte(data)]));
    let (chunk, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    chunk
}
