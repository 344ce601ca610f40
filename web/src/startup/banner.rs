//! What the station prints after start-up.

use std::fmt::Write;

use crate::access::admin::{AdminToken, TokenOrigin};
use crate::http::addresses::PublicAddress;
use crate::qr;

pub(crate) struct Banner<'a> {
    /// URLs of the pages on this machine, best first.
    pub(crate) urls: Vec<String>,
    /// The same over HTTPS, and the SHA-256 of the certificate.
    pub(crate) https: Option<(Vec<String>, String)>,
    pub(crate) public: PublicAddress,
    /// Other machines can reach it: print a QR code.
    pub(crate) is_reachable: bool,
    pub(crate) has_booth: bool,
    pub(crate) viewer_token: Option<&'a str>,
    pub(crate) media_port: u16,
    pub(crate) admin: &'a AdminToken,
    /// Keys in the terminal are read.
    pub(crate) has_keys: bool,
    /// Standard output is a terminal. Otherwise it may be a log, which must not contain the viewer
    /// token.
    pub(crate) on_terminal: bool,
}

impl Banner<'_> {
    pub(crate) fn text(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let mut text = format!("carrier {version} is on. Open one of these:\n");
        self.list(&mut text, &self.urls);
        if let Some((urls, fingerprint)) = &self.https {
            self.list(&mut text, urls);
            let _ = write!(text, "SHA-256 of the HTTPS certificate:\n  {fingerprint}\n");
        }
        self.pages(&mut text);
        if self.has_keys {
            text += "Press s to close the camera, and to open it again; a for the code of the control page.\n";
        }
        if self.viewer_token.is_some() && !self.on_terminal {
            text += "Watching needs the viewer token: add ?token=TOKEN.\n";
        }
        let code = (self.is_reachable && self.on_terminal)
            .then(|| qr::terminal(&self.page("/", "")))
            .flatten();
        if let Some(code) = code {
            let _ = writeln!(text, "\n{code}");
        }
        let port = self.media_port;
        let _ = writeln!(text, "Video goes out on UDP port {port}. Ctrl-C ends it.");
        self.admin_token(&mut text);
        text
    }

    fn list(&self, text: &mut String, urls: &[String]) {
        for url in urls {
            // Only on a terminal do links contain the viewer token.
            let _ = match self.shown_token() {
                Some(token) => writeln!(text, "  {url}?token={token}"),
                None => writeln!(text, "  {url}"),
            };
        }
    }

    fn pages(&self, text: &mut String) {
        *text += "For visitors:\n";
        let booth: &[_] = match self.has_booth {
            true => &[
                ("booth", "/booth", ""),
                ("gallery", "/gallery", ""),
                ("slideshow", "/gallery", "slideshow"),
            ],
            false => &[],
        };
        let pages = [("feed", "/", ""), ("codes", "/join", "")];
        for (name, path, query) in pages.iter().chain(booth) {
            let _ = writeln!(text, "  {name:<10} {}", self.page(path, query));
        }
    }

    fn page(&self, path: &str, query: &str) -> String {
        let page = self.public.page(path, self.shown_token());
        match (query, page.contains('?')) {
            ("", _) => page,
            (query, true) => format!("{page}&{query}"),
            (query, false) => format!("{page}?{query}"),
        }
    }

    fn shown_token(&self) -> Option<&str> {
        self.viewer_token.filter(|_| self.on_terminal)
    }

    fn admin_token(&self, text: &mut String) {
        let token = self.admin.reveal();
        let _ = match &self.admin.origin {
            TokenOrigin::Configured => writeln!(text, "Admin token: the one of the configuration."),
            TokenOrigin::Kept(file) => {
                let file = file.display();
                writeln!(text, "Admin token: in {file}; `carrier token` prints it.")
            }
            TokenOrigin::New(file) => {
                let file = file.display();
                writeln!(
                    text,
                    "Admin token (kept in {file}; `carrier token` prints it):\n  {token}"
                )
            }
            TokenOrigin::ThisRun => writeln!(text, "Admin token (for this run only):\n  {token}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn banner<'a>(admin: &'a AdminToken, best: &str) -> Banner<'a> {
        Banner {
            urls: vec!["http://192.168.1.20:8080/".to_owned()],
            https: None,
            public: PublicAddress {
                best: best.to_owned(),
                https: None,
            },
            is_reachable: true,
            has_booth: true,
            viewer_token: None,
            media_port: 8189,
            admin,
            has_keys: false,
            on_terminal: false,
        }
    }

    #[test]
    fn the_banner_lists_the_urls_of_all_pages() {
        let admin = AdminToken::obtain(Some("correct horse"), None);
        let mut told = banner(&admin, "https://booth.example");
        let text = told.text();
        for url in [
            "  http://192.168.1.20:8080/\n",
            " https://booth.example/\n",
            " https://booth.example/booth\n",
            " https://booth.example/join\n",
            " https://booth.example/gallery\n",
            " https://booth.example/gallery?slideshow\n",
        ] {
            assert!(text.contains(url), "{url} in\n{text}");
        }
        assert!(!text.contains("correct horse"), "{text}");
        told.has_booth = false;
        let text = told.text();
        assert!(
            !text.contains("/gallery") && text.contains("/join"),
            "{text}"
        );
    }

    #[test]
    fn on_a_terminal_the_code_is_of_the_address_for_visitors() {
        let admin = AdminToken::obtain(Some("correct horse"), None);
        let mut told = banner(&admin, "https://booth.example");
        let code = qr::terminal("https://booth.example/").expect("short");
        assert!(!told.text().contains(&code));
        told.on_terminal = true;
        assert!(told.text().contains(&code));
        told.viewer_token = Some("let-me-watch");
        let text = told.text();
        let slideshow = "https://booth.example/gallery?token=let-me-watch&slideshow\n";
        assert!(text.contains(slideshow), "{text}");
    }

    #[test]
    fn the_token_is_printed_once_and_its_file_always() {
        let folder = crate::test_folder::TestFolder::new();
        let file = folder.join("admin-token");
        let text = |file: Option<&Path>| {
            let admin = AdminToken::obtain(None, file);
            (banner(&admin, "").text(), admin.reveal().to_owned())
        };
        let (first, token) = text(Some(&file));
        let named = file.display().to_string();
        assert!(first.contains(&token) && first.contains(&named), "{first}");
        let (second, _) = text(Some(&file));
        assert!(
            !second.contains(&token) && second.contains(&named),
            "{second}"
        );
        let (homeless, token) = text(None);
        assert!(homeless.contains("for this run only") && homeless.contains(&token));
    }
}
