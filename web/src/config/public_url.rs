//! `public_url`: where visitors reach the pages, when that is not this machine's own address.

use axum::http::Uri;

use super::ConfigError;

/// Scheme, host and port, without a slash at the end; a path is `[http] base_path`.
pub(super) fn check(value: Option<&str>) -> Result<(), ConfigError> {
    let Some(value) = value else {
        return Ok(());
    };
    if origin(value).is_some() {
        return Ok(());
    }
    // What stands before an @ may be a password.
    let shown = if value.contains('@') {
        "(hidden)"
    } else {
        value
    };
    Err(ConfigError::Value {
        key: "public_url",
        value: shown.to_owned(),
        why: "as in https://booth.example or http://192.168.1.20:8080, without a path: what a proxy puts in front of paths is [http] base_path".to_owned(),
    })
}

/// `https://booth.example` of `https://booth.example/`; `None` when it is no such address.
pub(crate) fn origin(value: &str) -> Option<String> {
    let uri: Uri = value.parse().ok()?;
    let scheme = uri
        .scheme_str()
        .filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?.as_str();
    let bare = uri.path() == "/" && uri.query().is_none() && !authority.contains('@');
    bare.then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_is_taken() {
        for (given, wanted) in [
            ("https://booth.example", "https://booth.example"),
            ("https://booth.example/", "https://booth.example"),
            ("http://192.168.1.20:8080", "http://192.168.1.20:8080"),
            ("http://[fd00::5]:8080/", "http://[fd00::5]:8080"),
        ] {
            assert_eq!(origin(given).as_deref(), Some(wanted));
        }
        for wrong in [
            "booth.example",
            "ftp://booth.example",
            "https://me:secret@booth.example",
            "https://booth.example/there",
            "https://booth.example/?x=1",
            "https://",
            "",
        ] {
            let said = check(Some(wrong)).expect_err(wrong).to_string();
            assert!(said.starts_with("public_url = "), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
