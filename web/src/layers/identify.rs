//! Determines the rights of a request, once and before any route: each token is compared here alone, so
//! that wrong ones are rate-limited. Also the checks of these rights for routes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access::credentials::{bearer, cookie_headers};
use crate::access::guesses::TooManyGuessesError;
use crate::access::rights::{Rights, Tokens};
use crate::access::{admin, viewer_token};
use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::{PageQuery, retry_after};
use crate::http::request_head::header_text;
use crate::layers::is_health;

/// Delay of a refusal: bounds how many a guesser gets per second and connection.
const REFUSAL_DELAY: Duration = Duration::from_millis(250);

/// The rights of a request's sender.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Requester {
    pub(crate) rights: Rights,
    /// The `Authorization` header has the admin token, not only a session cookie.
    pub(crate) showed_admin_token: bool,
    /// The query has the viewer token. Only pages accept it, and set a cookie for it.
    pub(crate) has_token_link: bool,
}

impl<S: Sync> FromRequestParts<S> for Requester {
    type Rejection = Infallible;

    /// No rights if [`identify`] did not run.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// Adds a [`Requester`] to the request, or refuses it with 429 after too many wrong tokens.
pub(crate) async fn identify(
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
            if refused.is_first {
                let from = caller.ip;
                tracing::warn!(%from, "too many wrong tokens from this address: further ones are refused (429)");
            }
            tokio::time::sleep(REFUSAL_DELAY).await;
            too_many_guesses(refused)
        }
    }
}

fn recognise(
    app: &App,
    caller: Caller,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Requester, TooManyGuessesError> {
    let now = Instant::now();
    let tokens = app.tokens();
    let mut requester = Requester {
        rights: tokens.without_token().union(by_cookie(app, headers, now)),
        ..Requester::default()
    };
    let shown = header_text(headers, header::AUTHORIZATION).and_then(bearer);
    if let Some(shown) = shown {
        match try_token(app, &tokens, caller, shown, now) {
            Ok(Some(rights)) => {
                requester.showed_admin_token = rights.admin;
                requester.rights = requester.rights.union(rights);
            }
            Ok(None) => {}
            // A client with a valid cookie is not affected by guesses from its address.
            Err(_) if requester.rights.admin => {}
            Err(refused) => return Err(refused),
        }
    }
    if let Some(viewers) = tokens.viewers
        && let Ok(Query(PageQuery { token: Some(token) })) = Query::try_from_uri(uri)
    {
        match app.guesses.admit(caller.ip, now) {
            Ok(()) => requester.has_token_link = viewers.matches(&token),
            Err(_) if requester.rights.watch => return Ok(requester),
            Err(refused) => return Err(refused),
        }
        if !requester.has_token_link {
            app.guesses.record_wrong(caller.ip, &token, now);
        }
    }
    Ok(requester)
}

/// Wrong cookies are not counted: their values are random and cannot be guessed.
fn by_cookie(app: &App, headers: &HeaderMap, now: Instant) -> Rights {
    let holds_admin = |name: &str| app.admin_sessions.is_open(name, now);
    if cookie_headers(headers).any(|cookie| admin::COOKIE.values(cookie).any(holds_admin)) {
        return Rights::ADMIN;
    }
    let watches = app.viewer_token.as_ref().is_some_and(|viewers| {
        cookie_headers(headers).any(|cookie| viewer_token::COOKIE.holds(cookie, viewers.session()))
    });
    if watches { Rights::WATCH } else { Rights::NONE }
}

fn try_token(
    app: &App,
    tokens: &Tokens<'_>,
    caller: Caller,
    shown: &str,
    now: Instant,
) -> Result<Option<Rights>, TooManyGuessesError> {
    app.guesses.admit(caller.ip, now)?;
    let opened = tokens.rights_of(shown);
    if opened.is_none() {
        app.guesses.record_wrong(caller.ip, shown, now);
    }
    Ok(opened)
}

fn too_many_guesses(refused: TooManyGuessesError) -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::RETRY_AFTER, retry_after(refused.retry_after)),
    ];
    let message = "Too many wrong tokens came from your address: wait a moment.\n";
    (StatusCode::TOO_MANY_REQUESTS, headers, message).into_response()
}

pub(crate) const CHALLENGE: &str = "Bearer realm=\"carrier\"";

/// The right that a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// None, or the handler checks: a page shows strangers a form for the token.
    Nothing,
    /// The viewer token, if one is configured.
    Watch,
    /// The metrics token or the admin token, if watching needs a token or metrics have one.
    Metrics,
    /// The admin token: the route changes what others see.
    Admin,
    /// The same as `Watch` for reading, and as `Admin` for every other method.
    AdminToChange,
}

impl Needs {
    /// What this method needs.
    pub(crate) fn of_method(self, method: &Method) -> Self {
        match self {
            Self::AdminToChange if method.is_safe() => Self::Watch,
            Self::AdminToChange => Self::Admin,
            other => other,
        }
    }
}

/// Refuses requests without the right. Session cookies count as their token.
pub(crate) async fn check_right(
    State((app, needs)): State<(Arc<App>, Needs)>,
    requester: Requester,
    request: Request,
    next: Next,
) -> Response {
    let Rights {
        watch,
        read_metrics,
        admin,
        ..
    } = requester.rights;
    match needs.of_method(request.method()) {
        Needs::Watch if !watch => refused(&app),
        Needs::Metrics if !read_metrics => unauthorised(
            "This needs the metrics_token of [http], or the admin token: send \
             `Authorization: Bearer TOKEN`.\n",
        ),
        Needs::Admin if !admin => {
            unauthorised("This needs the admin token: send `Authorization: Bearer TOKEN`.\n")
        }
        _ => next.run(request).await,
    }
}

/// The refusal of a request without the viewer token.
pub(crate) fn refused(app: &App) -> Response {
    app.admission.count_missing_token();
    unauthorised("This needs the viewer token: send `Authorization: Bearer TOKEN`.\n")
}

fn unauthorised(why: &'static str) -> Response {
    let headers = [
        (header::WWW_AUTHENTICATE, CHALLENGE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::UNAUTHORIZED, headers, why).into_response()
}
