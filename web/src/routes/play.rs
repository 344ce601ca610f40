//! The games: their state and events, and who starts, skips and stops rounds.

mod own_round;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use play::{GameKind, StartError, StartedBy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylise::PictureKind;

use self::own_round::{OwnRound, games, no_round};
use crate::app::App;
use crate::games::state::PlayState;
use crate::http::bodies::ApiError;
use crate::layers::identify::Requester;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::handover::{NewHandover, new_handover};
use crate::routes::stylise::{no_store, query_booth};

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Reconnection delay of browsers.
const RETRY: Duration = Duration::from_secs(2);
/// `Retry-After` for followers.
const AGAIN: Duration = Duration::from_secs(5);

/// POST `/api/play/rounds`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedRound {
    /// object-hunt, left-or-right, red-light, how-many or group-photo; with other carriers duel or relay
    #[schemars(with = "String")]
    game: GameKind,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NewRound {
    round: u64,
    /// For `X-Round-Key`: gives the right to skip, to stop, and to take the picture home.
    key: String,
}

fn starter(requester: Requester) -> StartedBy {
    match requester.rights.admin {
        true => StartedBy::Owner,
        false => StartedBy::Visitor,
    }
}

/// GET: the whole state; the owner is told what the owner may start.
pub(super) async fn state(
    State(app): State<Arc<App>>,
    requester: Requester,
) -> Result<Response, ApiError> {
    let state = games(&app)?.state(starter(requester), Instant::now());
    Ok(no_store(Json(state)))
}

/// GET: the state, then each change of it, and what happens.
pub(super) async fn events(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let follower = games(&app)?.follow().ok_or_else(|| {
        let message = "too many follow the games: ask /api/play every five seconds";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).again_in(AGAIN)
    })?;
    let news = stream::unfold((follower, true), |(mut follower, is_first)| async move {
        let news = follower.next().await?;
        let event = Event::default().event(news.name).data(&news.data);
        let event = if is_first { event.retry(RETRY) } else { event };
        Some((Ok::<_, Infallible>(event), (follower, false)))
    });
    let news = Sse::new(app.stopping.until_stop(news));
    let news = news.keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Disables buffering of proxies (nginx, `proxy_buffering`).
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(([unbuffered], news).into_response())
}

/// POST: starts a round. The owner's takes the place of a running one.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    requester: Requester,
    body: Result<Json<WantedRound>, JsonRejection>,
) -> Result<Response, ApiError> {
    let games = games(&app)?;
    let Json(WantedRound { game }) = body?;
    app.stopping.refuse()?;
    games.note_use();
    let (by, now) = (starter(requester), Instant::now());
    let started = if game.is_shared() {
        let may_start = games.check_start(game, by, now);
        may_start.map_err(|error| refused(&error))?;
        let shared = app.carriers.start_round(game)?;
        games.begin_shared(&shared, now).ok_or_else(no_round)?
    } else {
        let started = games.start(game, by, now);
        started.map_err(|error| refused(&error))?
    };
    let answer = NewRound {
        round: started.round,
        key: started.key,
    };
    Ok(no_store((StatusCode::CREATED, Json(answer))))
}

fn refused(error: &StartError) -> ApiError {
    let status = match error {
        StartError::VisitorsMayNot => StatusCode::FORBIDDEN,
        StartError::TooSoon { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::CONFLICT,
    };
    let refused = ApiError::new(status, error.to_string());
    let refused = refused.in_words(serde_json::to_value(error.text()).ok());
    match error {
        StartError::TooSoon { wait } => refused.again_in(*wait),
        _ => refused,
    }
}

/// POST: another target or question.
pub(super) async fn skip(own: OwnRound) -> Result<StatusCode, ApiError> {
    own.games().note_use();
    let is_open = own.games().skip(own.round, Instant::now());
    is_open
        .then_some(StatusCode::NO_CONTENT)
        .ok_or_else(no_round)
}

/// DELETE: ends a round without a result.
pub(super) async fn stop(own: OwnRound) -> Result<StatusCode, ApiError> {
    own.games().note_use();
    let is_open = own.games().stop(own.round, Instant::now());
    is_open
        .then_some(StatusCode::NO_CONTENT)
        .ok_or_else(no_round)
}

/// GET: the photo strip, or the group photo.
pub(super) async fn strip(own: OwnRound) -> Result<Response, ApiError> {
    let picture = own.games().picture(own.round).ok_or_else(no_picture)?;
    let jpeg = query_booth(&own.app, move |booth| {
        booth.picture(picture.job, PictureKind::Result)
    });
    let jpeg = jpeg.await??.ok_or_else(no_picture)?;
    let kind = [(header::CONTENT_TYPE, "image/jpeg")];
    Ok(no_store((kind, jpeg)))
}

/// POST: a code by which another phone takes the picture home, once.
pub(super) async fn handover(own: OwnRound) -> Result<Response, ApiError> {
    let picture = own.games().picture(own.round).ok_or_else(no_picture)?;
    new_handover(&own.app, picture.job).await
}

fn no_picture() -> ApiError {
    let message = "there is no picture of this round, or it was erased";
    ApiError::new(StatusCode::NOT_FOUND, message)
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    const KEY: &str = "What starting the round has answered; not needed with the admin token.";
    vec![
        Operation::get("/api/play", "The games: what is offered, what is on the picture, results.")
            .json::<PlayState>(200),
        Operation::get(
            "/api/play/events",
            "The games as server-sent events: `state` at first and after each change, and `game` for what happens.",
        )
        .note("200 may follow; others are answered with 503 and ask `/api/play` every five seconds.")
        .events::<PlayState>(),
        Operation::post("/api/play/rounds", "Starts a round of a game.")
            .note("With the admin token as the owner, whose round takes the place of a running one; without it as a visitor, if the owner allows that. An error has `text`, the reason in the form of `GameText`.")
            .takes::<WantedRound>()
            .json::<NewRound>(201),
        Operation::post("/api/play/rounds/{round}/skip", "Another target or question.")
            .header("X-Round-Key", KEY)
            .empty(204),
        Operation::delete("/api/play/rounds/{round}", "Ends a round without a result.")
            .header("X-Round-Key", KEY)
            .empty(204),
        Operation::get(
            "/api/play/rounds/{round}/strip.jpg",
            "The photo strip of a round, or its group photo.",
        )
        .header("X-Round-Key", KEY)
        .media(200, "image/jpeg"),
        Operation::post(
            "/api/play/rounds/{round}/handover",
            "A code by which another phone takes the picture of a round, once.",
        )
        .header("X-Round-Key", KEY)
        .json::<NewHandover>(201),
    ]
}
