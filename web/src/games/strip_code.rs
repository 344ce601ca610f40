//! The code by which a visitor takes the picture of a round home from the screen. Only of rounds that the owner or a key
//! has started: a visitor's phone has the picture of its own round.

use std::sync::Arc;
use std::time::Instant;

use screen::Code;
use stylise::JobId;
use uuid::Uuid;

use crate::app::App;
use crate::qr;
use crate::routes::stylise::handover::open_handover;

#[derive(Default)]
pub(super) struct StripCode {
    /// For whose picture a code was made.
    round: Option<u64>,
    shown: Option<(Uuid, Code)>,
}

impl StripCode {
    /// It is shown until somebody has used it, it is too old, or the next round starts.
    pub(super) fn follow(&mut self, app: &App, now: Instant) -> Option<Code> {
        let found = app.games.picture_for_screen();
        let round = found.map(|(round, _)| round);
        if round != self.round {
            self.round = round;
            self.shown = found.and_then(|(_, job)| make(app, job, now));
        }
        let is_open = |secret: &Uuid| app.booth.handovers().is_taken(*secret, now) == Some(false);
        self.shown.take_if(|(secret, _)| !is_open(secret));
        self.shown.as_ref().map(|(_, code)| code.clone())
    }
}

fn make(app: &App, job: JobId, now: Instant) -> Option<(Uuid, Code)> {
    let (secret, url) = open_handover(app, job, now);
    let code = Code {
        title: "Take it home".to_owned(),
        caption: "the picture, once".to_owned(),
        matrix: Arc::new(qr::matrix(&url)?),
    };
    Some((secret, code))
}
