//! The task that counts: takes each result of the detector, and writes the sums to the booth's database now and then.

use std::sync::Arc;
use std::time::Duration;

use detector::{Track, Tracks, ZoneKind, polygon_contains};
use stylise::{BoothError, UnixHour};

use super::seen::{SeenObject, SeenPicture, SeenZone};
use crate::app::App;
use crate::config::Config;
use crate::events::event::EventDetail;

/// How much a power cut may lose.
const WRITE_EVERY: Duration = Duration::from_secs(60);
/// Without a result for so long, nobody is there.
const SILENCE: Duration = Duration::from_secs(10);
const HOUR_MS: u64 = 3_600_000;

/// Counting does not count as watching: detection stays at its idle rate while there are no viewers.
pub(crate) async fn follow(app: Arc<App>) {
    let mut tracks = app.slots.tracks.reader();
    let mut writing = tokio::time::interval(WRITE_EVERY);
    let mut told_error = false;
    loop {
        let silence = tokio::time::sleep(SILENCE);
        tokio::select! {
            seen = tracks.next() => match seen {
                Some(seen) => count(&app, &seen),
                None => break,
            },
            () = silence => app.counting.end_stays(),
            _ = writing.tick() => report(write(&app).await, &mut told_error),
            () = app.stopping.begun() => break,
        }
    }
    report(write(&app).await, &mut told_error);
}

fn report(written: Result<(), BoothError>, told: &mut bool) {
    match written {
        Ok(()) => *told = false,
        // Once, not every minute.
        Err(error) if !*told => {
            tracing::warn!(%error, "the counts of objects cannot be written; retrying");
            *told = true;
        }
        Err(_) => {}
    }
}

fn count(app: &App, tracks: &Tracks) {
    let present = app.settings.present();
    let newest = app.slots.frames.latest();
    let frame = newest.filter(|frame| frame.source_number == tracks.source_number);
    let Some(frame) = frame.filter(|_| present.counting.enabled && !app.shutter.is_closed()) else {
        app.counting.end_stays();
        return;
    };
    let zones = present.zones.iter();
    let named = zones.filter(|zone| zone.kind == ZoneKind::Named);
    let names: Vec<&str> = named.map(|zone| zone.name.as_str()).collect();
    app.counting.keep_zones(&names);
    let camera = frame.camera.as_deref().unwrap_or_default();
    let hour = unix_hour(app.slots.clock.unix_ms(tracks.captured_at));
    for stay in app.counting.count(seen(tracks, &present, camera, hour)) {
        app.events.tell(EventDetail::Dwell {
            zone: stay.place.zone,
            class: stay.place.class,
            seconds: stay.seconds,
            track: stay.track,
        });
    }
}

fn unix_hour(unix_ms: u64) -> UnixHour {
    UnixHour::try_from(unix_ms / HOUR_MS).unwrap_or(UnixHour::MAX)
}

/// What masks hide is not counted.
fn seen(tracks: &Tracks, config: &Config, camera: &str, hour: UnixHour) -> SeenPicture {
    let size = (tracks.frame_width as f32, tracks.frame_height as f32);
    let is_visible = |track: &&Track| {
        let (x, y) = track.bbox.centre();
        let centre = [x / size.0, y / size.1];
        let mut masks = config.privacy.masks.iter();
        !masks.any(|mask| polygon_contains(&mask.points, centre))
    };
    let object = |track: &Track| SeenObject {
        track: track.id,
        class: tracks.label(track.class_id).into_owned(),
        zones: track
            .zones
            .iter()
            .map(|zone| SeenZone {
                name: zone.name.clone(),
                dwell_s: zone.dwell_s,
            })
            .collect(),
        foot: (!track.is_coasting()).then(|| {
            let (x, _) = track.bbox.centre();
            (x / size.0, track.bbox.y2 / size.1)
        }),
    };
    SeenPicture {
        captured_at: tracks.captured_at,
        hour,
        camera: camera.to_owned(),
        objects: tracks.items.iter().filter(is_visible).map(object).collect(),
    }
}

/// Writes what was counted to the booth's database. Without a booth it stays in memory.
pub(crate) async fn write(app: &Arc<App>) -> Result<(), BoothError> {
    let app = Arc::clone(app);
    let writing = tokio::task::spawn_blocking(move || {
        let Ok(booth) = app.booth.get() else {
            return Ok(());
        };
        let counts = app.counting.take();
        if counts.hours.is_empty() && counts.heat.is_empty() {
            return Ok(());
        }
        booth
            .add_counts(&counts)
            .inspect_err(|_| app.counting.put_back(&counts))
    });
    // A panic is logged where it happens.
    writing.await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use capture::Mounting;
    use detector::BBox;

    use super::*;

    #[test]
    fn what_a_mask_hides_is_not_counted() {
        let config: Config = toml::from_str(
            "[[privacy.masks]]\nname = \"left\"\npoints = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]",
        )
        .expect("valid");
        let at = |id: u64, x: f32| Track::still(id, 0, 0.9, BBox::around(x, 180.0, 40.0, 80.0));
        let tracks = Tracks {
            captured_at: Instant::now(),
            frame_seq: 1,
            source_number: 0,
            frame_width: 640,
            frame_height: 360,
            mounting: Mounting::default(),
            labels: ["person".to_owned()].into(),
            items: vec![at(1, 100.0), at(2, 500.0)],
        };
        let seen = seen(&tracks, &config, "front", 7);
        assert_eq!((seen.hour, seen.camera.as_str()), (7, "front"));
        let object = &seen.objects[0];
        assert_eq!((seen.objects.len(), object.track), (1, 2));
        let foot = object.foot.expect("it is seen");
        assert!((foot.0 - 500.0 / 640.0).abs() < 1e-6 && (foot.1 - 220.0 / 360.0).abs() < 1e-6);
        assert_eq!(object.class, "person");
    }
}
