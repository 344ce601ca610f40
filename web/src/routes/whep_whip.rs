//! WHEP (viewers) and WHIP (publishers) over HTTP. Requests are translated here; `signaling` handles
//! them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use signaling::whep::{Reply, SessionPatch, WhepPost};
use signaling::whip::{Whip, WhipPost};

use crate::access::rights::PublishRight;
use crate::app::App;
use crate::config::IceServer;
use crate::http::Caller;
use crate::http::bodies::yes_no_field;
use crate::http::request_head::header_text;
use crate::layers::host_and_origin::is_preflight;
use crate::layers::identify::Requester;
use crate::routes::contract::operation::Operation;

/// `?rendition=720p`
#[derive(Debug, Deserialize)]
pub(crate) struct WhepQuery {
    rendition: Option<String>,
}

/// `?takeover=1`
#[derive(Debug, Deserialize)]
pub(crate) struct WhipQuery {
    #[serde(default, deserialize_with = "yes_no_field")]
    takeover: Option<bool>,
}

/// `/whep`: POST an offer to watch.
pub(crate) async fn whep(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Query(query): Query<WhepQuery>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = if method == Method::POST {
        if let Err(restarting) = app.stopping.refuse() {
            return restarting.into_response();
        }
        let post = WhepPost {
            content_type: header_text(&headers, header::CONTENT_TYPE),
            host: header_text(&headers, header::HOST),
            rendition: query.rendition.as_deref(),
            body: &body,
        };
        match app.admission.admit(caller.ip) {
            Ok(place) => app.whep.post_with_place(post, Box::new(place)).await,
            Err(why) => app.whep.limit_reached(why),
        }
    } else if let Some(reply) = describe_endpoint(&app, &method) {
        reply
    } else {
        return not_allowed();
    };
    // The answer to OPTIONS names the ICE servers too, for clients that need them before they make an
    // offer (RFC 9725 4.6).
    let is_query = method == Method::OPTIONS && !is_preflight(&method, &headers);
    let names_ice_servers = is_query || reply.status == StatusCode::CREATED.as_u16();
    let mut response = respond(reply);
    for link in app.ice_links.iter().filter(|_| names_ice_servers) {
        response.headers_mut().append(header::LINK, link.clone());
    }
    response
}

/// `/whip`: POST an offer to publish.
pub(crate) async fn whip(
    State(app): State<Arc<App>>,
    Query(query): Query<WhipQuery>,
    requester: Requester,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method != Method::POST {
        return describe_endpoint(&app, &method).map_or_else(not_allowed, respond);
    }
    let Some(right) = requester.rights.publish else {
        return respond(Whip::unauthorised());
    };
    if let Err(restarting) = app.stopping.refuse() {
        return restarting.into_response();
    }
    if app.shutter.is_closed() {
        let why = "The camera is closed: nothing can be published until the owner opens it.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    }
    let post = WhipPost {
        content_type: header_text(&headers, header::CONTENT_TYPE),
        host: header_text(&headers, header::HOST),
        user_agent: header_text(&headers, header::USER_AGENT),
        takes_over: query.takeover == Some(true) && right == PublishRight::TakeOver,
        body: &body,
    };
    respond(app.whip.post(post).await)
}

/// `/whep/{session}` and `/whip/{session}`: PATCH and DELETE by whoever knows the session's unguessable name.
pub(crate) async fn session<const IS_WHIP: bool>(
    State(app): State<Arc<App>>,
    Path(session): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let patch = SessionPatch {
        if_match: header_text(&headers, header::IF_MATCH),
        content_type: header_text(&headers, header::CONTENT_TYPE),
        host: header_text(&headers, header::HOST),
        body: &body,
    };
    respond(match (method, IS_WHIP) {
        (Method::PATCH, false) => app.whep.patch(&session, patch).await,
        (Method::PATCH, true) => app.whip.patch(&session, patch).await,
        (Method::DELETE, false) => app.whep.delete(&session).await,
        (Method::DELETE, true) => app.whip.delete(&session).await,
        (method, _) => {
            return describe_endpoint(&app, &method).map_or_else(not_allowed, respond);
        }
    })
}

/// PUT `/whep/{session}/rendition`: what a session watches, chosen by whoever knows its unguessable name.
pub(crate) async fn rendition(
    State(app): State<Arc<App>>,
    Path(session): Path<String>,
    body: Bytes,
) -> Response {
    respond(app.whep.put_rendition(&session, &body).await)
}

/// The methods that WHEP and WHIP answer alike; `None` for those that neither knows.
fn describe_endpoint(app: &App, method: &Method) -> Option<Reply> {
    Some(match *method {
        Method::OPTIONS => app.whep.options(),
        Method::HEAD => app.whep.head(),
        Method::GET => app.whep.get(),
        _ => return None,
    })
}

fn respond(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, reply.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn not_allowed() -> Response {
    let allowed = [(header::ALLOW, "OPTIONS, HEAD, GET, POST, PATCH, DELETE")];
    (StatusCode::METHOD_NOT_ALLOWED, allowed).into_response()
}

/// STUN and TURN servers as values of `Link` headers, one for each address (RFC 9725 4.6). The
/// configuration refuses characters that would end the angle brackets or the line.
pub(crate) fn ice_links(servers: &[IceServer]) -> Vec<HeaderValue> {
    let links = servers.iter().flat_map(|server| {
        let account = match (&server.username, &server.credential) {
            (Some(username), Some(credential)) => format!(
                "; username={}; credential={}; credential-type=\"password\"",
                quoted(username),
                quoted(credential)
            ),
            _ => String::new(),
        };
        let link = move |url: &String| format!("<{url}>; rel=\"ice-server\"{account}");
        server.urls.iter().map(link)
    });
    links
        .filter_map(|link| HeaderValue::try_from(link).ok())
        .collect()
}

/// A quoted-string (RFC 9110 5.6.4).
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post(
            "/whep",
            "Begins to watch: an SDP offer, answered with the session's address (WHEP).",
        )
        .query("rendition", "The name of a rendition, such as 720p.")
        .takes_media("application/sdp")
        .media(201, "application/sdp"),
        Operation::patch("/whep/{session}", "Further candidates, or an ICE restart.")
            .takes_media("application/trickle-ice-sdpfrag")
            .empty(204)
            .media(200, "application/trickle-ice-sdpfrag"),
        Operation::delete("/whep/{session}", "Ends a session.").empty(200),
        Operation::put(
            "/whep/{session}/rendition",
            "Chooses what a session watches.",
        )
        .takes_media("text/plain")
        .empty(204),
        Operation::post(
            "/whip",
            "Begins to publish: an SDP offer, answered with the session's address (RFC 9725).",
        )
        .note("Needs `whip_token` or the admin token.")
        .query(
            "takeover",
            "1: replaces a present publisher, with the admin token.",
        )
        .takes_media("application/sdp")
        .media(201, "application/sdp"),
        Operation::patch("/whip/{session}", "Further candidates, or an ICE restart.")
            .takes_media("application/trickle-ice-sdpfrag")
            .empty(204)
            .media(200, "application/trickle-ice-sdpfrag"),
        Operation::delete("/whip/{session}", "Ends a session.").empty(200),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ice_server_address_is_one_link() {
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
            ice_links(&[stun, turn]),
            [
                "<stun:stun.example:3478>; rel=\"ice-server\"".to_owned(),
                format!("<turn:relay.example>; rel=\"ice-server\"; {account}"),
                format!("<turns:relay.example?transport=tcp>; rel=\"ice-server\"; {account}"),
            ]
        );
        assert!(ice_links(&[]).is_empty());
    }
}
