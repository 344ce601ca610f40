//! Who may do something with a round: the owner, and who has its key.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};

use crate::app::App;
use crate::games::StationGames;
use crate::http::bodies::ApiError;
use crate::http::request_head::header_text;
use crate::layers::identify::Requester;

const ROUND_KEY: HeaderName = HeaderName::from_static("x-round-key");

/// The round of the path, of a request that is the owner's or has its key.
pub(crate) struct OwnRound {
    pub(super) app: Arc<App>,
    pub(super) round: u64,
}

impl OwnRound {
    pub(super) fn games(&self) -> &StationGames {
        &self.app.games
    }
}

impl FromRequestParts<Arc<App>> for OwnRound {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let round = path.ok().and_then(|Path(round)| round.parse().ok());
        let round: u64 = round.ok_or_else(no_round)?;
        let Ok(requester) = Requester::from_request_parts(parts, app).await;
        let key = header_text(&parts.headers, ROUND_KEY).unwrap_or_default();
        if !games(app)?.is_key_of(round, key) && !requester.rights.admin {
            let message = "only who started the round may do this: send its key as X-Round-Key";
            return Err(ApiError::new(StatusCode::FORBIDDEN, message));
        }
        Ok(Self {
            app: Arc::clone(app),
            round,
        })
    }
}

pub(super) fn games(app: &App) -> Result<&Arc<StationGames>, ApiError> {
    let message = "there are no games here";
    let none = || ApiError::new(StatusCode::NOT_FOUND, message);
    app.games
        .is_enabled()
        .then_some(&app.games)
        .ok_or_else(none)
}

pub(super) fn no_round() -> ApiError {
    let message = "this round is over, or never was";
    ApiError::new(StatusCode::NOT_FOUND, message)
}
