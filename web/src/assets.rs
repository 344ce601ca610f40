//! The pages, compiled into the binary: a visitor's phone needs this program and nothing else.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A file of `web/pages`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    /// Path below `web/pages`.
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// Every file there is, listed by `build.rs`.
const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// What has no kind of its own is only ever offered as a download.
const UNKNOWN: &str = "application/octet-stream";

/// Strong, by content: the same in every run of the same build.
pub(crate) fn entity_tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

impl Asset {
    pub(crate) fn content_type(&self) -> &'static str {
        content_type(self.path)
    }
}

/// By the file's ending.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        // W3C Web Application Manifest, 4.
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        _ => UNKNOWN,
    }
}

/// What kind of picture a file of the owner's is; none that could do anything in a page.
pub(crate) fn picture_type(path: &str) -> Option<&'static str> {
    let kind = content_type(path);
    ["image/jpeg", "image/png", "image/webp"]
        .contains(&kind)
        .then_some(kind)
}

/// The file at `path`, e.g. `app/main.js`.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The files right in a folder, e.g. `lang`.
pub(crate) fn folder(name: &str) -> impl Iterator<Item = &'static Asset> {
    ASSETS.iter().filter(move |asset| {
        let parent = asset.path.rsplit_once('/').map(|(parent, _)| parent);
        parent == Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_embedded_and_each_file_is_of_a_known_kind() {
        for path in ["index.html", "locked.html", "app/main.js", "camera/main.js"] {
            assert!(find(path).is_some(), "{path}");
        }
        assert!(find("app").is_none() && find("../Cargo.toml").is_none());
        assert_eq!(picture_type("mine/comic.jpeg"), Some("image/jpeg"));
        assert_eq!(picture_type("mine/comic.svg"), None, "may hold scripts");
        assert!(folder("app").any(|asset| asset.path == "app/main.js"));
        let unknown = |asset: &&Asset| asset.content_type() == UNKNOWN;
        let strange: Vec<_> = ASSETS.iter().filter(unknown).map(|a| a.path).collect();
        assert!(strange.is_empty(), "of unknown kind: {strange:?}");
    }
}
