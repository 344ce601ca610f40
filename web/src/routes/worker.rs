//! The booth's service worker: a script of the pages, with a list of the files that it keeps in front.

use std::sync::OnceLock;

use axum::http::HeaderMap;
use axum::response::Response;

use crate::assets::{self, Asset};
use crate::http::conditional::entity_tag;
use crate::routes::contract::operation::Operation;
use crate::routes::page;

const PAGE: &str = "booth.html";
const SCRIPT: &str = "worker.js";

/// GET: the script. It changes with each of the files, so that browsers notice an upgrade.
pub(super) async fn script(headers: HeaderMap) -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(text);
    page::serve(
        text.as_bytes().into(),
        "text/javascript; charset=utf-8",
        &headers,
    )
}

fn text() -> String {
    let bytes = |path| assets::find(path).map_or(&[][..], |asset: &Asset| asset.bytes);
    let (page, script) = (bytes(PAGE), bytes(SCRIPT));
    let named = named_files(&String::from_utf8_lossy(page));
    let files: Vec<&str> = named
        .into_iter()
        .chain(assets::folder("lang"))
        .map(|asset| asset.path)
        .collect();
    let mut all = [page, script].concat();
    for file in &files {
        all.extend_from_slice(bytes(file));
    }
    let paths: Vec<&str> = ["booth", "lang"].into_iter().chain(files).collect();
    format!(
        "const VERSION = {};\nconst FILES = {};\n{}",
        entity_tag(&all),
        serde_json::Value::from(paths),
        String::from_utf8_lossy(script)
    )
}

/// The files of the pages that a page names: styles, scripts, icons.
fn named_files(page: &str) -> Vec<&'static Asset> {
    let named = ["href=\"", "src=\""].into_iter().flat_map(|start| {
        let values = page.split(start).skip(1);
        values.filter_map(|rest| assets::find(rest.split('"').next()?))
    });
    let mut files: Vec<_> = named.collect();
    files.sort_by_key(|asset| asset.path);
    files.dedup_by_key(|asset| asset.path);
    files
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/worker.js", "The service worker of the booth.")
            .media(200, "text/javascript"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_what_the_booth_loads_and_nothing_of_visitors() {
        let text = text();
        let (head, script) = text.split_once("\n//").expect("two parts");
        for file in [
            "\"booth\"",
            "\"booth/main.js\"",
            "\"booth/visit.js\"",
            "\"app/early.js\"",
            "\"app/theme.css\"",
            "\"lang\"",
            "\"lang/de.json\"",
        ] {
            assert!(head.contains(file), "{file}: {head}");
        }
        assert!(!head.contains("api/") && !head.contains("admin"), "{head}");
        assert!(
            !head.contains("kiosk"),
            "only what every visitor loads: {head}"
        );
        assert!(script.contains("addEventListener(\"fetch\""));
        let version = head.lines().next().expect("a line");
        assert_eq!(version.len(), "const VERSION = \"0123456789abcdef\";".len());
    }
}
