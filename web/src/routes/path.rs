//! Pure: the path of a request, without the prefix of a proxy and without a slash at its end.

/// Pages, whose addresses inside are relative: a slash at the end would change what they mean.
const PAGES: [&str; 4] = ["/booth", "/gallery", "/join", "/camera"];

/// What to do with a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Routed {
    /// Route this path.
    Path {
        path: String,
        /// Prepended to a relative `Location`, which the client resolves against the path it sent.
        location_prefix: &'static str,
    },
    /// Answer with a redirect to this relative reference.
    Redirect(String),
}

/// `base` is `[http] base_path`: empty, or as `/cam`. A proxy may leave it in front of the path, or
/// take it away. `reads`: the method is GET or HEAD.
pub(super) fn route(path: &str, base: &str, reads: bool) -> Routed {
    if !base.is_empty() && path == base {
        // Addresses in the page are relative to a folder.
        let name = base.rsplit('/').next().unwrap_or_default();
        return Routed::Redirect(format!("{name}/"));
    }
    let inner = match path.strip_prefix(base) {
        Some(inner) if inner.starts_with('/') => inner,
        Some(_) | None => path,
    };
    let trimmed = inner.trim_end_matches('/');
    if trimmed.is_empty() || trimmed.len() == inner.len() {
        let path = if trimmed.is_empty() { "/" } else { trimmed };
        return Routed::Path {
            path: path.to_owned(),
            location_prefix: "",
        };
    }
    if reads && PAGES.contains(&trimmed) {
        let up = "../".repeat(inner.len() - trimmed.len());
        return Routed::Redirect(format!("{up}{}", &trimmed[1..]));
    }
    Routed::Path {
        path: trimmed.to_owned(),
        location_prefix: "../",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Routed {
        Routed::Path {
            path: path.to_owned(),
            location_prefix: "",
        }
    }

    fn trimmed(path: &str) -> Routed {
        Routed::Path {
            path: path.to_owned(),
            location_prefix: "../",
        }
    }

    #[test]
    fn a_slash_at_the_end_of_an_endpoint_is_left_out() {
        assert_eq!(route("/", "", true), path("/"));
        assert_eq!(route("/whep", "", false), path("/whep"));
        assert_eq!(route("/whep/", "", false), trimmed("/whep"));
        assert_eq!(route("/api/status/", "", true), trimmed("/api/status"));
        assert_eq!(route("//", "", true), path("/"));
    }

    #[test]
    fn pages_are_found_without_it() {
        assert_eq!(
            route("/booth/", "", true),
            Routed::Redirect("../booth".into())
        );
        assert_eq!(
            route("/booth//", "", true),
            Routed::Redirect("../../booth".into())
        );
        assert_eq!(route("/booth/", "", false), trimmed("/booth"));
    }

    #[test]
    fn the_prefix_of_a_proxy_may_be_there_or_not() {
        assert_eq!(route("/cam/whep", "/cam", false), path("/whep"));
        assert_eq!(route("/whep", "/cam", false), path("/whep"));
        assert_eq!(route("/cam/", "/cam", true), path("/"));
        assert_eq!(route("/cam", "/cam", true), Routed::Redirect("cam/".into()));
        assert_eq!(
            route("/a/cam", "/a/cam", true),
            Routed::Redirect("cam/".into())
        );
        assert_eq!(route("/camera", "/cam", true), path("/camera"));
        assert_eq!(
            route("/cam/booth/", "/cam", true),
            Routed::Redirect("../booth".into())
        );
    }
}
