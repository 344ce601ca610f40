//! The program with the crate `mesh`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mesh::{
    CODE_VALID, CarrierState, CarrierStatus, Mesh, PairingLink, PictureHash, RecordBody, RoundKind,
    Slug, Win,
};
use play::{GameKind, Nickname, RoundOutcome, SharedRound, SharedWin};

use super::report::{CarrierReport, CarriersReport, CodeReport, PairedReport};
use super::thumbnails::OwnThumbnails;
use super::{CarrierPicture, CarrierScore, CarriersError};
use crate::config::MeshConfig;

/// Entries of each game that are asked for.
const SCORES: usize = 10;
const NOT_RUNNING: CarriersError = CarriersError::Unavailable(
    "other carriers are not reached now: set [mesh] enabled = true, and see the failure in GET /api/carriers",
);

pub(crate) struct Carriers {
    /// For the key and what is shared; `None`: there is no folder for it.
    pub(super) folder: Option<PathBuf>,
    has_pictures: bool,
    pub(super) thumbnails: Arc<OwnThumbnails>,
    mesh: Mutex<Option<Mesh>>,
    failure: Mutex<Option<String>>,
    code: Mutex<Option<ShownCode>>,
}

struct ShownCode {
    link: PairingLink,
    until: Instant,
    /// The carriers that were paired when it was shown: one more means that it is used up.
    paired: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Carriers {
    pub(crate) fn new(state: Option<&Path>, config: &MeshConfig) -> Self {
        Self {
            folder: state.map(|state| state.join("mesh")),
            has_pictures: config.enabled && config.pictures,
            thumbnails: Arc::default(),
            mesh: Mutex::default(),
            failure: Mutex::default(),
            code: Mutex::default(),
        }
    }

    pub(super) fn mesh(&self) -> Option<Mesh> {
        lock(&self.mesh).clone()
    }

    pub(super) fn started(&self, mesh: Mesh) {
        *lock(&self.failure) = None;
        *lock(&self.mesh) = Some(mesh);
    }

    pub(super) fn failed(&self, why: String) {
        *lock(&self.failure) = Some(why);
    }

    pub(crate) fn report(&self, config: &MeshConfig) -> CarriersReport {
        let without = CarriersReport {
            failure: lock(&self.failure).clone(),
            ..CarriersReport::without(config)
        };
        let Some(mesh) = self.mesh() else {
            return without;
        };
        CarriersReport {
            id: Some(mesh.id().to_string()),
            addresses: mesh.addresses().iter().map(ToString::to_string).collect(),
            code: self.code(),
            carriers: mesh.carriers().into_iter().map(report).collect(),
            ..without
        }
    }

    /// Makes a code for another carrier; an earlier one is not valid any more.
    pub(crate) fn show_code(&self) -> Result<CodeReport, CarriersError> {
        let mesh = self.mesh().ok_or(NOT_RUNNING)?;
        *lock(&self.code) = Some(ShownCode {
            link: mesh.show_code(),
            until: Instant::now() + CODE_VALID,
            paired: mesh.carriers().len(),
        });
        self.code().ok_or(NOT_RUNNING)
    }

    /// The code that is shown; `None`: none, or it was used.
    pub(crate) fn code(&self) -> Option<CodeReport> {
        let paired = self.mesh()?.carriers().len();
        let mut code = lock(&self.code);
        let now = Instant::now();
        let is_valid = |shown: &&ShownCode| now < shown.until && paired <= shown.paired;
        let Some(shown) = code.as_ref().filter(is_valid) else {
            *code = None;
            return None;
        };
        Some(CodeReport {
            words: shown.link.code.words(),
            link: shown.link.to_string(),
            expires_in_s: shown.until.saturating_duration_since(now).as_secs(),
        })
    }

    pub(crate) fn hide_code(&self) {
        *lock(&self.code) = None;
        if let Some(mesh) = self.mesh() {
            mesh.hide_code();
        }
    }

    /// Pairs with the carrier that shows `code`: eight words, or a link.
    pub(crate) async fn join(&self, code: &str) -> Result<PairedReport, CarriersError> {
        let mesh = self.mesh().ok_or(NOT_RUNNING)?;
        let invalid = |error: mesh::PairingCodeError| CarriersError::Invalid(error.to_string());
        let joined = if code.trim().contains(':') {
            let link: PairingLink = code.parse().map_err(invalid)?;
            mesh.join_link(&link).await
        } else {
            mesh.join(code.parse().map_err(invalid)?).await
        };
        let id = joined.map_err(|error| CarriersError::NotReached(error.to_string()))?;
        let carriers = mesh.carriers();
        let name = carriers.into_iter().find(|one| one.id == id);
        Ok(PairedReport {
            id: id.to_string(),
            name: name.map(|one| one.name).unwrap_or_default(),
        })
    }

    /// `false`: it was not paired.
    pub(crate) fn revoke(&self, id: &str) -> Result<bool, CarriersError> {
        let mesh = self.mesh().ok_or(NOT_RUNNING)?;
        let wrong = |_| CarriersError::Invalid(format!("{id} is not the key of a carrier"));
        Ok(mesh.revoke(id.parse().map_err(wrong)?))
    }

    /// Whether pictures are shared at all.
    pub(crate) fn shares_pictures(&self) -> bool {
        self.has_pictures
    }

    /// The pictures of others that the gallery may show, newest first.
    pub(crate) fn gallery(&self) -> Vec<CarrierPicture> {
        let Some(mesh) = self.mesh().filter(|_| self.has_pictures) else {
            return Vec::new();
        };
        let carriers = mesh.carriers();
        let name = |id| {
            let found = carriers.iter().find(|one| one.id == id);
            found.map(|one| one.name.clone()).unwrap_or_default()
        };
        let picture = |item: mesh::GalleryItem| CarrierPicture {
            hash: item.picture.hex(),
            carrier: name(item.owner),
            style: item.caption.as_str().to_owned(),
            expires_in_ms: item.expires_in_ms,
        };
        mesh.gallery().into_iter().map(picture).collect()
    }

    /// A picture of another carrier as JPEG; `None`: it may not be shown.
    pub(crate) fn picture(&self, hash: &str) -> Option<Arc<[u8]>> {
        let mesh = self.mesh().filter(|_| self.has_pictures)?;
        mesh.thumbnail(PictureHash::of_hex(hash)?)
    }

    /// Never shows a picture of another carrier here again. `false`: there is none.
    pub(crate) fn hide(&self, hash: &str) -> bool {
        let known = PictureHash::of_hex(hash).filter(|_| self.picture(hash).is_some());
        let (Some(mesh), Some(picture)) = (self.mesh(), known) else {
            return false;
        };
        mesh.hide(picture);
        true
    }

    /// Starts a round with all that can play.
    pub(crate) fn start_round(&self, game: GameKind) -> Result<SharedRound, CarriersError> {
        let mesh = self.mesh().ok_or(NOT_RUNNING)?;
        let kind = match game {
            GameKind::Relay => RoundKind::Relay,
            _ => RoundKind::Duel,
        };
        let refused = |error: mesh::RoundError| CarriersError::Refused(error.to_string());
        mesh.start_round(kind).map_err(refused)?;
        self.round().ok_or(NOT_RUNNING)
    }

    /// Ends the round that this station hosts.
    pub(crate) fn stop_round(&self) {
        if let Some(mesh) = self.mesh() {
            mesh.stop_round();
        }
    }

    /// The target of the round was in the picture `ago`.
    pub(crate) fn target_seen(&self, ago: Duration) {
        if let Some(mesh) = self.mesh() {
            mesh.target_seen(ago);
        }
    }

    /// The round across carriers that is played here.
    pub(super) fn round(&self) -> Option<SharedRound> {
        let mesh = self.mesh()?;
        let view = mesh.round()?;
        let carriers = mesh.carriers();
        let name = |id: &mesh::CarrierId| {
            let found = carriers.iter().find(|one| one.id == *id);
            found.map_or_else(|| mesh.name().to_owned(), |one| one.name.clone())
        };
        let now = Instant::now();
        let away = Duration::from_millis(view.asked_in_ms.unsigned_abs());
        let asked_at = match view.asked_in_ms >= 0 {
            true => now + away,
            false => now.checked_sub(away).unwrap_or(now),
        };
        let round = view.round;
        let win = |win: &Win| SharedWin {
            player: win.player.into(),
            took: Duration::from_millis(win.took_ms.into()),
        };
        Some(SharedRound {
            id: round.id,
            game: match round.kind {
                RoundKind::Duel => GameKind::Duel,
                RoundKind::Relay => GameKind::Relay,
            },
            players: round.players.iter().map(name).collect(),
            own: view.own_player,
            targets: round
                .targets
                .iter()
                .map(|slug| slug.as_str().to_owned())
                .collect(),
            results: round
                .results
                .iter()
                .map(|one| one.as_ref().map(win))
                .collect(),
            asked_at,
        })
    }

    /// How many others can play now.
    pub(super) fn partners(&self) -> usize {
        let carriers = self.mesh().map(|mesh| mesh.carriers()).unwrap_or_default();
        let can_play = |one: &&CarrierStatus| {
            let is_free =
                |presence: &mesh::Presence| !presence.is_shutter_closed && !presence.is_playing;
            matches!(one.state, CarrierState::Connected { .. })
                && one.presence.as_ref().is_some_and(is_free)
        };
        carriers.iter().filter(can_play).count()
    }

    /// Tells the others of a result.
    pub(crate) fn share_score(&self, game: GameKind, outcome: &RoundOutcome) {
        let (Some(mesh), Some(score), Some(nickname)) =
            (self.mesh(), outcome.score, &outcome.nickname)
        else {
            return;
        };
        let [adjective, animal] = nickname.words().map(Slug::try_from);
        let (Some(game), Ok(adjective), Ok(animal)) = (game_slug(game), adjective, animal) else {
            return;
        };
        let shared = mesh.share(RecordBody::Score {
            game,
            nickname: [adjective, animal],
            score,
        });
        if let Err(error) = shared {
            tracing::warn!(%error, "a score is not shared with other carriers");
        }
    }

    /// The scores of other carriers that were made since `since_ms`, a time since 1970.
    pub(super) fn scores(&self, since_ms: u64) -> Vec<CarrierScore> {
        let Some(mesh) = self.mesh() else {
            return Vec::new();
        };
        let own = mesh.id();
        let names = mesh.carriers();
        let name = |id| {
            let found = names.iter().find(|one| one.id == id);
            found.map(|one| one.name.clone()).unwrap_or_default()
        };
        let of_game = |game: GameKind| {
            let scores = game_slug(game).map(|slug| mesh.scores(&slug, SCORES));
            let scores = scores.unwrap_or_default().into_iter();
            let others = scores.filter(|one| one.owner != own && one.made_at_ms >= since_ms);
            let entries = others.filter_map(|one| {
                let [adjective, animal] = &one.nickname;
                Some(CarrierScore {
                    game,
                    nickname: Nickname::of_words(adjective.as_str(), animal.as_str())?,
                    score: one.score,
                    carrier: name(one.owner),
                })
            });
            entries.collect::<Vec<_>>()
        };
        GameKind::ALL.into_iter().flat_map(of_game).collect()
    }
}

/// The name of a game as it is shared.
fn game_slug(game: GameKind) -> Option<Slug> {
    let name = serde_json::to_value(game).ok()?;
    Slug::try_from(name.as_str()?).ok()
}

fn report(status: CarrierStatus) -> CarrierReport {
    let presence = status.presence.as_ref();
    let (state, round_trip_ms) = match status.state {
        CarrierState::Connected { round_trip_ms } => ("connected", round_trip_ms),
        CarrierState::ThroughOthers => ("through_others", None),
        CarrierState::Away => ("away", None),
    };
    CarrierReport {
        id: status.id.to_string(),
        state,
        round_trip_ms,
        clock_offset_ms: status.clock_offset_ms,
        heard_s_ago: status.heard_ago.as_ref().map(Duration::as_secs),
        persons: presence.map(|presence| presence.persons),
        viewers: presence.map(|presence| presence.viewers),
        is_shutter_closed: presence.map(|presence| presence.is_shutter_closed),
        records: status.records,
        name: status.name,
    }
}
