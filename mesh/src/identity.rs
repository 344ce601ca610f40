//! The key of this carrier: who it is to the others.

use iroh::SecretKey;

use crate::storage::{Storage, StorageError};

const KEY_FILE: &str = "key";

/// The key that is kept, or a new one. A damaged file is an error: a new key would be another carrier, which nobody is
/// paired with.
pub(crate) fn kept_or_made(storage: &Storage) -> Result<SecretKey, StorageError> {
    if let Some(bytes) = storage.read(KEY_FILE)? {
        let bytes: Result<[u8; 32], _> = bytes.try_into();
        let key = bytes.map_err(|_| storage.damaged(KEY_FILE))?;
        return Ok(SecretKey::from_bytes(&key));
    }
    let key = SecretKey::generate();
    storage.write(KEY_FILE, &key.to_bytes())?;
    Ok(key)
}
