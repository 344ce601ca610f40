//! The task of other carriers: starts the mesh, tells the others what happens here, and the games what happens there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mesh::{Mesh, MeshSettings, Presence};

use super::FromCarriers;
use super::pictures;
use crate::app::App;

/// How often the station looks at what the others are told of it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Before the mesh is started again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

pub(crate) async fn follow(app: Arc<App>) {
    let Some(mesh) = started(&app).await else {
        return;
    };
    let mut changes = mesh.changes();
    loop {
        mesh.set_presence(presence(&app));
        let findable = app.games.findable();
        mesh.set_findable(
            findable
                .iter()
                .filter_map(|one| one.as_str().try_into().ok())
                .collect(),
        );
        if app.carriers.shares_pictures() {
            let (app, mesh) = (Arc::clone(&app), mesh.clone());
            let following = tokio::task::spawn_blocking(move || {
                pictures::follow_gallery(&app, &mesh, &app.carriers.thumbnails);
            });
            let _ = following.await;
        }
        app.games.follow_carriers(FromCarriers {
            scores: app.carriers.scores(day_began_ms()),
            partners: app.carriers.partners(),
            round: app.carriers.round(),
        });
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.stopping.begun() => break,
        }
    }
    mesh.shut_down().await;
}

/// The mesh, once it runs; `None`: the station stops.
async fn started(app: &Arc<App>) -> Option<Mesh> {
    if let Some(mesh) = app.carriers.mesh() {
        return Some(mesh);
    }
    loop {
        match start(app).await {
            Ok(mesh) => {
                tracing::info!(id = %mesh.id().fmt_short(), "other carriers can be paired");
                app.carriers.started(mesh.clone());
                return Some(mesh);
            }
            Err(why) => {
                tracing::warn!(why, "other carriers are not reached; trying again");
                app.carriers.failed(why);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => {}
            () = app.stopping.begun() => return None,
        }
    }
}

async fn start(app: &Arc<App>) -> Result<Mesh, String> {
    let config = &app.config.mesh;
    let folder = app.carriers.folder.clone();
    let folder = folder.ok_or("there is no folder to keep a key in: set HOME or XDG_STATE_HOME")?;
    let relay = config.relay.as_deref().map(str::parse).transpose();
    let clock = app.slots.clock;
    let settings = MeshSettings {
        name: app.settings.present().name.clone(),
        event: config.event.clone(),
        folder,
        listen: config.listen_addr().map_err(|error| error.to_string())?,
        has_mdns: config.mdns,
        relay: relay.map_err(|error| format!("mesh.relay: {error}"))?,
        clock_ms: Box::new(move || clock.unix_ms(Instant::now())),
        thumbnails: Arc::clone(&app.carriers.thumbnails) as Arc<dyn mesh::Thumbnails>,
    };
    Mesh::start(settings)
        .await
        .map_err(|error| error.to_string())
}

/// What the others see of this station.
fn presence(app: &App) -> Presence {
    let is_shutter_closed = app.shutter.is_closed();
    let tracks = app.slots.tracks.latest();
    let persons = tracks.filter(|_| !is_shutter_closed).map_or(0, |tracks| {
        let is_person = |class_id| tracks.label(class_id) == "person";
        tracks
            .items
            .iter()
            .filter(|track| is_person(track.class_id))
            .count()
    });
    Presence {
        name: String::new(),
        persons: u16::try_from(persons).unwrap_or(u16::MAX),
        viewers: u16::try_from(app.engine.viewers().len()).unwrap_or(u16::MAX),
        is_shutter_closed,
        is_playing: app.games.is_playing_alone(),
    }
}

/// When this day began at this place: the leaderboard is of today.
fn day_began_ms() -> u64 {
    let zone = TimeZone::system();
    let midnight = zone.to_datetime(Timestamp::now()).start_of_day();
    let began = zone.to_zoned_datetime(midnight);
    let ms = began.map_or(0, |began| began.timestamp().as_millisecond());
    u64::try_from(ms).unwrap_or(0)
}
