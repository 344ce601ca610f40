//! Still pictures, loaded as `carrier detect` loads them.

use std::path::Path;

use capture::PooledPicture;
use capture::still::StillLoader;

pub(crate) fn load(path: &Path) -> PooledPicture {
    let loaded = StillLoader::new().and_then(|mut loader| loader.load(path));
    loaded.expect("a picture").pixels
}
