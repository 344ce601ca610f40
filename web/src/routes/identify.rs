//! Who sends a request: found out once, before any route, so that each token is looked at in this one
//! place and guesses at any of them are limited.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::asked::Link;
use super::health::is_health;
use crate::app::App;
use crate::connections::Caller;
use crate::credentials::bearer;
use crate::guesses::TooManyGuesses;
use crate::rights::{Rights, Tokens};
use crate::{admin, viewer_token};

/// Whoever guesses on after it was told to wait gets so many refusals a second on a connection.
const REFUSAL_TAKES: Duration = Duration::from_millis(250);

/// What a request shows, and what that gives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Requester {
    pub(super) rights: Rights,
    /// Its `Authorization` has the admin token itself, not only a cookie.
    pub(super) showed_admin_token: bool,
    /// The link brings the viewer token, which only a page turns into a cookie.
    pub(super) link_lets_in: bool,
}

impl<S: Sync> FromRequestParts<S> for Requester {
    type Rejection = Infallible;

    /// A stranger, where nobody has looked.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// Puts a [`Requester`] into the request, or refuses: 429 for more guesses than anybody needs.
pub(super) async fn identify(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let requester = if is_health(request.uri().path()) {
        Ok(Requester::default())
    } else {
        recognise(&app, caller, request.headers(), request.uri())
    };
    match requester {
        Ok(requester) => {
            request.extensions_mut().insert(requester);
            next.run(request).await
        }
        Err(refused) => {
            if refused.is_news {
                let from = caller.ip;
                tracing::warn!(%from, "somebody guesses tokens: further tries are refused (429)");
            }
            tokio::time::sleep(REFUSAL_TAKES).await;
            too_many(refused)
        }
    }
}

fn recognise(
    app: &App,
    caller: Caller,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Requester, TooManyGuesses> {
    let now = Instant::now();
    let tokens = app.tokens();
    let mut requester = Requester {
        rights: tokens.open_to_all().and(by_cookie(app, headers, now)),
        ..Requester::default()
    };
    let authorization = headers.get(header::AUTHORIZATION);
    let shown = authorization
        .and_then(|value| value.to_str().ok())
        .and_then(bearer);
    if let Some(shown) = shown {
        match try_token(app, &tokens, caller, shown, now) {
            Ok(Some(rights)) => {
                requester.showed_admin_token = rights.admin;
                requester.rights = requester.rights.and(rights);
            }
            Ok(None) => {}
            // Who has a cookie is no guesser, whatever others at this address do.
            Err(_) if requester.rights.admin => {}
            Err(refused) => return Err(refused),
        }
    }
    if let Some(viewers) = tokens.viewers
        && let Ok(Query(Link { token: Some(token) })) = Query::try_from_uri(uri)
    {
        match app.guesses.admit(caller.ip, now) {
            Ok(()) => requester.link_lets_in = viewers.is(&token),
            Err(_) if requester.rights.watch => return Ok(requester),
            Err(refused) => return Err(refused),
        }
        if !requester.link_lets_in {
            app.guesses.wrong(caller.ip, &token, now);
        }
    }
    Ok(requester)
}

/// Cookies are of this station's own making and cannot be guessed: nobody counts the wrong ones.
fn by_cookie(app: &App, headers: &HeaderMap, now: Instant) -> Rights {
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies: Vec<&str> = cookies.filter_map(|value| value.to_str().ok()).collect();
    let holds_admin = |name: &str| app.admin_sessions.is_open(name, now);
    let is_admin = cookies
        .iter()
        .any(|cookie| admin::COOKIE.values(cookie).any(holds_admin));
    if is_admin {
        return Rights::ADMIN;
    }
    let watches = app.viewer_token.as_ref().is_some_and(|viewers| {
        cookies
            .iter()
            .any(|cookie| viewer_token::COOKIE.holds(cookie, viewers.session()))
    });
    Rights {
        watch: watches,
        ..Rights::NONE
    }
}

fn try_token(
    app: &App,
    tokens: &Tokens<'_>,
    caller: Caller,
    shown: &str,
    now: Instant,
) -> Result<Option<Rights>, TooManyGuesses> {
    app.guesses.admit(caller.ip, now)?;
    let opened = tokens.opened_by(shown);
    if opened.is_none() {
        app.guesses.wrong(caller.ip, shown, now);
    }
    Ok(opened)
}

fn too_many(refused: TooManyGuesses) -> Response {
    let seconds = refused.retry_after.as_millis().div_ceil(1000).max(1);
    let retry_after = HeaderValue::from_str(&seconds.to_string());
    let mut answer = (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::CACHE_CONTROL, "no-store")],
        "Too many wrong tokens came from your address: wait a moment.\n",
    )
        .into_response();
    if let Ok(value) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, value);
    }
    answer
}
