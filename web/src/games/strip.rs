//! What a visitor takes home of a round: a strip of its moments, or the group photo. Stored as a picture of the photo
//! booth, so that it expires and is handed over as every picture.

use std::sync::Arc;
use std::time::Instant;

use capture::Frame;
use capture::jpeg::{JpegEncoder, JpegError};
use detector::privacy::PrivacyMode;
use play::{GameText, Moment, RoundOutcome};
use stylise::keepsake::{KeepsakeError, StripShot};
use stylise::{BoothError, CheckedPicture, IntakeError, Limits};
use thiserror::Error;

use super::StationGames;
use super::round_register::RoundPicture;
use crate::app::App;
use crate::keepsake::{GAME_STRIP, PLAIN};
use crate::telemetry::spawn_blocking;

/// Of the pictures from which a strip is made.
const QUALITY: u8 = 92;
/// Shots of a strip.
const SHOTS: usize = 4;

/// Whether pictures of visitors may be kept: not as silhouettes, and only where the booth takes them.
pub(super) fn may_keep_pictures(app: &App) -> bool {
    let config = app.settings.present();
    config.privacy.mode != PrivacyMode::Silhouettes
        && config.booth.open
        && !app.shutter.is_closed()
        && app.booth.get().is_ok()
}

/// The pictures of a round, and what to make of them.
pub(super) struct RoundKeepsake {
    pub(super) round: u64,
    /// The picture epoch in which they were taken.
    pub(super) epoch: u64,
    pub(super) moments: Vec<(Arc<Frame>, Moment)>,
    /// Title and caption of a strip; `None`: the first picture as it is.
    pub(super) inscription: Option<(String, String)>,
}

#[derive(Debug, Error)]
enum RoundKeepsakeError {
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    #[error(transparent)]
    Strip(#[from] KeepsakeError),
    #[error(transparent)]
    Picture(#[from] IntakeError),
    #[error(transparent)]
    Booth(#[from] BoothError),
}

impl RoundKeepsake {
    /// A strip of the round's moments; `None`: there is none.
    pub(super) fn of_outcome(
        games: &StationGames,
        (round, epoch): (u64, u64),
        title: &GameText,
        outcome: &RoundOutcome,
        picture_of: impl Fn(&Moment) -> Option<Arc<Frame>>,
    ) -> Option<Self> {
        let moments = outcome.strip.iter();
        let moments: Vec<_> = moments
            .filter_map(|moment| Some((picture_of(moment)?, moment.clone())))
            .collect();
        if moments.is_empty() {
            return None;
        }
        let words = &games.words;
        let caption = match (&outcome.nickname, outcome.score) {
            (Some(nickname), Some(score)) => {
                format!("{}: {score}", words.say(&nickname.text()))
            }
            _ => words.say(&outcome.headline),
        };
        Some(Self {
            round,
            epoch,
            moments,
            inscription: Some((words.say(title), caption)),
        })
    }

    /// Makes and stores it in the background.
    pub(super) fn store(self, app: &Arc<App>) {
        let app = Arc::clone(app);
        drop(spawn_blocking(move || {
            let round = self.round;
            match self.make(&app) {
                Ok(Some(picture)) => app.games.update(Instant::now(), |rounds| {
                    rounds.add_picture(round, picture);
                    ((), Vec::new())
                }),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, round, "the picture of a round could not be kept");
                }
            }
        }));
    }

    /// `None`: pictures may not be kept any more.
    fn make(self, app: &App) -> Result<Option<RoundPicture>, RoundKeepsakeError> {
        let mut encoder = JpegEncoder::new()?;
        let encoded: Result<Vec<_>, JpegError> = self
            .moments
            .iter()
            .take(SHOTS)
            .map(|(frame, moment)| Ok((encoder.encode(&frame.pixels, QUALITY)?, moment)))
            .collect();
        let encoded = encoded?;
        let (jpeg, style) = match &self.inscription {
            Some((title, caption)) => {
                let strip = app.keepsakes.strip(&shots(&encoded), title, caption)?;
                (strip, GAME_STRIP)
            }
            None => {
                let first = encoded.into_iter().next();
                (first.map(|(jpeg, _)| jpeg).unwrap_or_default(), PLAIN)
            }
        };
        let picture = CheckedPicture::read(&jpeg, &Limits::RESULT)?;
        let is_taken_back = app.slots.demand.picture_epoch().now() != self.epoch;
        let booth = app.booth.get().ok();
        let may_keep = !is_taken_back && may_keep_pictures(app);
        let Some(booth) = booth.filter(|_| may_keep) else {
            return Ok(None);
        };
        let job = booth.keep(&picture, style)?;
        Ok(Some(RoundPicture {
            job: job.id,
            expires_at_ms: job.expires_at_unix_ms,
        }))
    }
}

/// All moments; where there are two or three, the places that are left show their objects close up.
fn shots(encoded: &[(Vec<u8>, &Moment)]) -> Vec<StripShot> {
    let whole = |jpeg: &Vec<u8>| StripShot {
        jpeg: jpeg.clone(),
        close_up: None,
    };
    if let [(jpeg, _)] = encoded {
        return vec![whole(jpeg)];
    }
    let mut left = SHOTS.saturating_sub(encoded.len());
    let mut shots = Vec::new();
    for (jpeg, moment) in encoded {
        shots.push(whole(jpeg));
        if let Some(region) = moment.region.filter(|_| left > 0) {
            left -= 1;
            shots.push(StripShot {
                jpeg: jpeg.clone(),
                close_up: Some([region.left, region.top, region.right, region.bottom]),
            });
        }
    }
    let again: Vec<_> = shots.iter().cycle().take(SHOTS).cloned().collect();
    again
}

#[cfg(test)]
mod tests {
    use play::{OwnText, Region};

    use super::*;

    fn moment(region: Option<Region>) -> Moment {
        Moment {
            frame_seq: 1,
            source_number: 1,
            track_id: None,
            region,
            caption: GameText::Own(OwnText::ForAll("a cup".to_owned())),
        }
    }

    #[test]
    fn four_places_are_filled_with_whole_pictures_first() {
        let with = moment(Some(Region::new(0.1, 0.2, 0.3, 0.4)));
        let without = moment(None);
        let shown = |moments: &[&Moment]| -> Vec<(u8, bool)> {
            let numbered = moments.iter().zip(0..);
            let encoded: Vec<_> = numbered
                .map(|(moment, number)| (vec![number], *moment))
                .collect();
            let shots = shots(&encoded).into_iter();
            shots
                .map(|shot| (shot.jpeg[0], shot.close_up.is_some()))
                .collect()
        };
        assert_eq!(shown(&[]), []);
        assert_eq!(shown(&[&with]), [(0, false)]);
        let two = [(0, false), (0, true), (1, false), (1, true)];
        assert_eq!(shown(&[&with, &with]), two);
        let three = [(0, false), (0, true), (1, false), (2, false)];
        assert_eq!(shown(&[&with, &with, &with]), three);
        let four = [(0, false), (1, false), (2, false), (3, false)];
        assert_eq!(shown(&[&with; 4]), four);
        let again = [(0, false), (1, false), (0, false), (1, false)];
        assert_eq!(shown(&[&without, &without]), again);
    }
}
