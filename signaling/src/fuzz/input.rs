//! Splits fuzz input into values.

/// Takes the first byte; 0 at the end of the input.
pub(super) fn byte(data: &mut &[u8]) -> u8 {
    let Some((first, rest)) = data.split_first() else {
        return 0;
    };
    *data = rest;
    *first
}

/// Takes a chunk with a two-byte length prefix, or less at the end of the input.
pub(super) fn chunk<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(u16::from_be_bytes([byte(data), byte(data)]));
    let (chunk, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    chunk
}
