//! What was counted for the event: objects for each hour, and where they were.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use stylise::{Booth, BoothError, Counts, HEAT_CELLS, HourCount, UnixHour};

use crate::app::App;
use crate::counting::following;
use crate::http::bodies::ApiError;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::{no_store, query_booth};
use crate::shutter::{Cause, rfc3339};
use crate::telemetry::spawn_blocking;

const HOUR_MS: u64 = 3_600_000;

#[derive(Debug, Serialize, JsonSchema)]
struct CountsBody {
    /// Whether objects are counted now, unless the shutter is closed.
    counting: bool,
    /// Whether it outlives the program. Without a photo booth it does not.
    kept: bool,
    /// Counts are erased after this time.
    keep_hours: u32,
    /// Oldest first; hours in which nothing was seen are left out.
    hours: Vec<HourBody>,
    heat: HeatBody,
}

/// The objects of a class in a zone within an hour.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct HourBody {
    /// The beginning of the hour, RFC 3339.
    hour: String,
    /// `null`: the whole picture.
    zone: Option<String>,
    class: String,
    /// How many came and stayed for about a second or longer.
    entered: u32,
    /// How long they were there, all together.
    present_s: f64,
    /// The most at a time.
    most: u32,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct HeatBody {
    columns: usize,
    rows: usize,
    maps: Vec<HeatMapBody>,
}

/// Where the objects of a class stood in the pictures of a camera.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct HeatMapBody {
    /// `null`: a source without a name.
    camera: Option<String>,
    class: String,
    /// How long objects stood in each cell, row by row.
    seconds: Vec<f64>,
}

/// GET: all that was counted.
pub(super) async fn counts(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let kept = app.booth.get().is_ok();
    let counts = if kept {
        following::write(&app).await.map_err(failed)?;
        query_booth(&app, Booth::counts).await?.map_err(failed)?
    } else {
        app.counting.unwritten()
    };
    let counting = app.settings.present().counting.enabled;
    Ok(no_store(Json(CountsBody {
        counting,
        kept,
        keep_hours: app.config.counting.keep_hours,
        heat: heat(&counts),
        hours: counts.hours.into_iter().map(hour).collect(),
    })))
}

/// DELETE: erases all that was counted.
pub(super) async fn erase(State(app): State<Arc<App>>) -> Result<StatusCode, ApiError> {
    drop(app.counting.take());
    if app.booth.get().is_ok() {
        query_booth(&app, Booth::erase_counts)
            .await?
            .map_err(failed)?;
    }
    let recording = spawn_blocking(move || {
        let what = "counts of objects erased".to_owned();
        app.shutter
            .record(what, Cause::Person, Some("admin".to_owned()));
    });
    if let Err(error) = recording.await {
        tracing::error!(%error, "the audit could not be written");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The message of the error names paths of this machine.
fn failed(error: BoothError) -> ApiError {
    tracing::error!(%error, "the counts of objects cannot be read or written");
    let message = "the counts cannot be read or written; see the log";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

fn hour(count: HourCount) -> HourBody {
    HourBody {
        hour: hour_text(count.hour),
        zone: Some(count.zone).filter(|zone| !zone.is_empty()),
        class: count.class,
        entered: count.entered,
        present_s: seconds(count.present_ms),
        most: count.most,
    }
}

fn hour_text(hour: UnixHour) -> String {
    rfc3339(u64::from(hour) * HOUR_MS)
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// The sum of all hours, for each camera and class.
fn heat(counts: &Counts) -> HeatBody {
    let mut maps: Vec<stylise::HeatMap> = Vec::new();
    for map in &counts.heat {
        let is_same =
            |sum: &&mut stylise::HeatMap| (&sum.camera, &sum.class) == (&map.camera, &map.class);
        match maps.iter_mut().find(is_same) {
            Some(sum) => sum.add(&map.cells_ms),
            None => maps.push(map.clone()),
        }
    }
    let body = |map: stylise::HeatMap| HeatMapBody {
        camera: Some(map.camera).filter(|camera| !camera.is_empty()),
        class: map.class,
        seconds: map
            .cells_ms
            .iter()
            .map(|ms| seconds((*ms).into()))
            .collect(),
    };
    let (columns, rows) = HEAT_CELLS;
    HeatBody {
        columns,
        rows,
        maps: maps.into_iter().map(body).collect(),
    }
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/counts",
            "How many objects were seen in each hour, in the picture and in each zone, and where.",
        )
        .json::<CountsBody>(200),
        Operation::delete("/api/counts", "Erases all that was counted.").empty(204),
    ]
}

#[cfg(test)]
mod tests {
    use stylise::HeatMap;

    use super::*;

    #[test]
    fn hours_have_times_and_maps_are_summed() {
        let count = HourCount {
            hour: 490_000,
            zone: String::new(),
            class: "person".to_owned(),
            entered: 3,
            present_ms: 2500,
            most: 2,
        };
        let body = hour(count);
        assert_eq!(
            (body.hour.as_str(), body.zone),
            ("2025-11-24T16:00:00Z", None)
        );
        assert_eq!(body.present_s, 2.5);
        let map = |hour, camera: &str| {
            let mut map = HeatMap::empty(hour, camera.to_owned(), "person".to_owned());
            map.cells_ms[3] = 500;
            map
        };
        let counts = Counts {
            hours: Vec::new(),
            heat: vec![map(1, ""), map(2, "front"), map(3, "")],
        };
        let HeatBody {
            columns,
            rows,
            maps,
        } = heat(&counts);
        assert_eq!((columns * rows, maps.len()), (576, 2));
        let told: Vec<_> = maps
            .iter()
            .map(|map| (map.camera.as_deref(), map.seconds[3]))
            .collect();
        assert_eq!(told, [(None, 1.0), (Some("front"), 0.5)]);
    }
}
