//! STUN and TURN servers as WHEP tells them: one `Link` header each (RFC 9725 4.6).

use crate::config::IceServer;

/// The values of the `Link` headers. The configuration has been checked: nothing in it breaks out
/// of angle brackets or lines.
pub(crate) fn link_values(servers: &[IceServer]) -> Vec<String> {
    let links = servers.iter().flat_map(|server| {
        let account = account(server);
        let link = move |url: &String| format!("<{url}>; rel=\"ice-server\"{account}");
        server.urls.iter().map(link)
    });
    links.collect()
}

fn account(server: &IceServer) -> String {
    match (&server.username, &server.credential) {
        (Some(username), Some(credential)) => format!(
            "; username={}; credential={}; credential-type=\"password\"",
            quoted(username),
            quoted(credential)
        ),
        _ => String::new(),
    }
}

/// A quoted-string (RFC 9110 5.6.4).
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_a_link_of_its_own() {
        let stun = IceServer {
            urls: vec!["stun:stun.example:3478".to_owned()],
            ..IceServer::default()
        };
        let turn = IceServer {
            urls: ["turn:relay.example", "turns:relay.example?transport=tcp"]
                .map(str::to_owned)
                .to_vec(),
            username: Some("me".to_owned()),
            credential: Some(r#"a"b\c, d"#.to_owned()),
        };
        let account = r#"username="me"; credential="a\"b\\c, d"; credential-type="password""#;
        assert_eq!(
            link_values(&[stun, turn]),
            [
                "<stun:stun.example:3478>; rel=\"ice-server\"".to_owned(),
                format!("<turn:relay.example>; rel=\"ice-server\"; {account}"),
                format!("<turns:relay.example?transport=tcp>; rel=\"ice-server\"; {account}"),
            ]
        );
        assert!(link_values(&[]).is_empty());
    }
}
