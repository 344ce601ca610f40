//! The pages, compiled into the binary: a visitor's phone needs this program and nothing else.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A file of `web/pages`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    /// Path below `web/pages`.
    path: &'static str,
    pub(crate) bytes: &'static [u8],
}

macro_rules! assets {
    ($($path:literal),+ $(,)?) => {
        &[$(Asset { path: $path, bytes: include_bytes!(concat!("../pages/", $path)) }),+]
    };
}

const ASSETS: &[Asset] = assets![
    "index.html",
    "locked.html",
    "app/backoff.js",
    "app/carrier.css",
    "app/clock_offset.js",
    "app/connection.js",
    "app/controls.js",
    "app/early.js",
    "app/edges.js",
    "app/fallback.js",
    "app/frames.js",
    "app/fullscreen.js",
    "app/ice_servers.js",
    "app/latency.js",
    "app/locked.css",
    "app/main.js",
    "app/panel.js",
    "app/player.js",
    "app/quality.js",
    "app/session.js",
    "app/signs.js",
    "app/stage.js",
    "app/stats.js",
    "app/status.js",
    "app/theme.css",
    "app/timecode.js",
    "app/trickle.js",
    "app/words.js",
    "camera.html",
    "camera/awake.js",
    "camera/camera.css",
    "camera/key.js",
    "camera/lens.js",
    "camera/main.js",
    "camera/publisher.js",
    "camera/publishing.js",
    "camera/rate.js",
    "camera/start_rate.js",
    "camera/words.js",
];

/// Strong, by content: the same in every run of the same build.
pub(crate) fn entity_tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

impl Asset {
    /// By the file's ending.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}

/// The file at `path`, e.g. `app/main.js`.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files_below(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                files_below(&path, root, found);
            } else {
                let below = path.strip_prefix(root).expect("below the root");
                found.insert(below.to_string_lossy().into_owned());
            }
        }
    }

    #[test]
    fn every_page_file_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
        let mut on_disk = BTreeSet::new();
        files_below(&root, &root, &mut on_disk);
        let embedded: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        assert_eq!(on_disk, embedded);
        let unknown = |asset: &&Asset| asset.content_type() == "application/octet-stream";
        assert!(
            ASSETS.iter().find(unknown).is_none(),
            "a file of unknown kind"
        );
    }
}
