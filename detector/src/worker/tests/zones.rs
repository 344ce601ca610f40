//! Zones and the minimum size, changed while the worker runs.

use super::*;
use crate::zones::{Zone, ZoneKind};

/// The detector of these tests finds one object, whose foot is at (0.47, 0.73) of the picture.
fn zone(name: &str, kind: ZoneKind, top: f32) -> Zone {
    Zone {
        name: name.to_owned(),
        kind,
        points: vec![[0.0, top], [1.0, top], [1.0, 1.0], [0.0, 1.0]],
        camera: None,
        anchor: None,
        dwell_s: 0,
    }
}

fn names(tracks: &Tracks) -> Option<Vec<String>> {
    let track = tracks.items.first()?;
    Some(track.zones.iter().map(|zone| zone.name.clone()).collect())
}

#[test]
fn zones_and_the_minimum_size_change_while_it_runs() {
    let (mut rig, tracks, _) = WorkerRig::new();
    let tuning = Arc::clone(&rig.parts.tuning);
    let open = || {
        Ok(Some(Scripted {
            script: Arc::default(),
            label: "person",
        }))
    };
    let handle = run(rig.parts(), no_faces(), open);
    // `None`: no track.
    let mut shows = |zones: Option<&[&str]>| {
        let zones: Option<Vec<String>> =
            zones.map(|zones| zones.iter().map(|zone| (*zone).to_owned()).collect());
        rig.frames_until(|_| {
            tracks
                .latest()
                .is_some_and(|tracks| names(&tracks) == zones)
        });
    };
    let set = |zones: Vec<Zone>, min_size| {
        tuning.set(Tuning {
            zones,
            min_size,
            ..Tuning::default()
        });
    };
    shows(Some(&[]));
    set(vec![zone("floor", ZoneKind::Named, 0.7)], 0.0);
    shows(Some(&["floor"]));
    let own = Zone {
        camera: Some("front".to_owned()),
        ..zone("own", ZoneKind::Named, 0.0)
    };
    set(vec![own, zone("all", ZoneKind::Named, 0.0)], 0.0);
    shows(Some(&["all"]));
    set(vec![zone("poster", ZoneKind::Ignore, 0.0)], 0.0);
    shows(None);
    set(Vec::new(), 0.0);
    shows(Some(&[]));
    // The box has 0.31 of the width and 0.63 of the height.
    set(Vec::new(), 0.7);
    shows(None);
    set(Vec::new(), 0.6);
    shows(Some(&[]));
    rig.frames.close();
    handle.stop();
}
