//! Parses ICE servers from `Link` headers (RFC 8288, RFC 9725 4.6). Pure.

/// Further servers are ignored.
const SERVERS_MAX: usize = 8;

/// A STUN or TURN server of the WHIP server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IceServer {
    pub(crate) url: String,
    pub(crate) username: String,
    pub(crate) credential: String,
}

/// The `rel="ice-server"` links of all `Link` headers. TURN servers without credentials are skipped, because
/// they would reject us.
pub(crate) fn ice_servers<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<IceServer> {
    headers
        .flat_map(|header| split_outside_quotes(header, ','))
        .filter_map(ice_server)
        .take(SERVERS_MAX)
        .collect()
}

fn ice_server(link: &str) -> Option<IceServer> {
    let (url, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    let (mut relation, mut username, mut credential) = (false, String::new(), String::new());
    for parameter in split_outside_quotes(rest, ';') {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = unquoted(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "rel" => relation = value.split(' ').any(|word| word == "ice-server"),
            "username" => username = value,
            "credential" => credential = value,
            _ => {}
        }
    }
    let scheme = url.split_once(':')?.0;
    let usable = match scheme {
        "stun" | "stuns" => true,
        "turn" | "turns" => !username.is_empty() && !credential.is_empty(),
        _ => false,
    };
    (relation && usable).then(|| IceServer {
        url: url.to_owned(),
        username,
        credential,
    })
}

/// Splits at separators outside quotes and angle brackets.
fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !bracketed => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ if c == separator && !quoted && !bracketed => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut escaped = false;
    let keep = |c: &char| {
        escaped = *c == '\\' && !escaped;
        !escaped
    };
    inner.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(headers: &[&str]) -> Vec<String> {
        let servers = ice_servers(headers.iter().copied());
        servers.into_iter().map(|server| server.url).collect()
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let servers = ice_servers(
            [
                r#"<stun:stun.example.net>; rel="ice-server""#,
                r#"<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="my,Pass\"word;1"; credential-type="password""#,
            ]
            .into_iter(),
        );
        assert_eq!(servers.len(), 2);
        assert_eq!(servers[0].url, "stun:stun.example.net");
        assert_eq!(servers[1].url, "turn:turn.example.net?transport=udp");
        assert_eq!(servers[1].username, "user");
        assert_eq!(servers[1].credential, "my,Pass\"word;1");
    }

    #[test]
    fn several_links_in_one_header_and_other_relations() {
        let header = r#"<https://a.example/>; rel="next", <stun:a:1>; rel=ice-server, <stun:b>; rel="x ice-server""#;
        assert_eq!(urls(&[header]), ["stun:a:1", "stun:b"]);
    }

    #[test]
    fn unusable_links_are_skipped() {
        assert!(
            urls(&[r#"<turn:a>; rel="ice-server""#]).is_empty(),
            "no credentials"
        );
        assert!(urls(&[r#"<http://a>; rel="ice-server""#]).is_empty());
        for junk in [
            "",
            "<",
            "<>",
            "<stun:a",
            "stun:a; rel=ice-server",
            "<stun:a>;rel=\"",
        ] {
            assert!(urls(&[junk]).is_empty(), "{junk}");
        }
        let many = vec![r#"<stun:a>; rel="ice-server""#; 100];
        assert_eq!(urls(&many).len(), SERVERS_MAX);
    }
}
