//! The page that shows in a browser what the screen of this machine shows: the layout is the same function.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use capture::canvas::{Ink, Rect, Text};
use schemars::JsonSchema;
use screen::{CodeMatrix, DisplayList, Item, Panel, Theme, layout};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::display;
use crate::http::bodies::ApiError;
use crate::layers::identify::Requester;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::no_store;

/// Measures texts. The pages have another font, hence [`ItemReport::Text::width_px`].
static TEXT: LazyLock<Text> = LazyLock::new(Text::new);
/// Larger than any display.
const SIDE_MAX_PX: u32 = 16_384;
/// The shape of most feeds, before the first picture.
const USUAL_FEED: (u32, u32) = (1280, 720);

#[derive(Debug, Deserialize)]
pub(super) struct Question {
    /// Of the browser's window, in pixels of its display.
    width: u32,
    height: u32,
    theme: Option<WantedTheme>,
    /// The codes cover the screen.
    #[serde(default)]
    codes: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WantedTheme {
    Bright,
    Dark,
}

/// What is where, in pixels. Colours as in style sheets.
#[derive(Debug, Serialize, JsonSchema)]
struct ScreenReport {
    ground: String,
    /// `None`: the codes cover it.
    feed: Option<ScreenArea>,
    /// The feed's contrast is stretched.
    is_stretched: bool,
    /// Over the feed, in this order.
    panels: Vec<PanelReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ScreenArea {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PanelReport {
    area: ScreenArea,
    ground: String,
    items: Vec<ItemReport>,
}

/// In pixels of the panel.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ItemReport {
    Text {
        x: i32,
        baseline: i32,
        size_px: u32,
        width_px: f32,
        text: String,
        colour: String,
    },
    Fill {
        area: ScreenArea,
        colour: String,
    },
    /// Black modules on the panel's ground.
    Code {
        x: i32,
        y: i32,
        module_px: u32,
        /// Row by row: 1 is dark.
        rows: Vec<String>,
    },
}

/// GET: the layout for a display of that size. For whoever may watch: it shows what viewers see, and the owner the state of
/// the machine too.
pub(super) async fn layout_for(
    State(app): State<Arc<App>>,
    requester: Requester,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, ApiError> {
    let wrong = |why: String| ApiError::new(StatusCode::BAD_REQUEST, &why);
    let Query(question) = question.map_err(|error| wrong(error.body_text()))?;
    let sides = 1..=SIDE_MAX_PX;
    if !sides.contains(&question.width) || !sides.contains(&question.height) {
        return Err(wrong(format!(
            "width and height: 1 to {SIDE_MAX_PX} pixels"
        )));
    }
    let list =
        tokio::task::spawn_blocking(move || list_for(&app, &question, requester.rights.admin));
    let list = list.await.map_err(|error| {
        tracing::error!(%error, "the layout of a screen could not be made");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this went wrong here: try again",
        )
    })?;
    Ok(no_store(Json(ScreenReport::of(&list))))
}

fn list_for(app: &App, question: &Question, is_owner: bool) -> DisplayList {
    let theme = match question.theme {
        Some(WantedTheme::Bright) => Theme::Bright,
        Some(WantedTheme::Dark) => Theme::Dark,
        // The sensor of this machine measures the light around this machine.
        None => app
            .config
            .screen
            .theme()
            .unwrap_or_else(|| Theme::at_hour(display::hour())),
    };
    let now = Instant::now();
    let codes = match is_owner {
        true => display::codes_with_strip(app, now),
        false => display::codes(app),
    };
    let mut state = display::state(app, codes, theme, now);
    if is_owner {
        state.status = display::machine_status(app);
    }
    state.has_large_codes = question.codes;
    let composed = app.slots.composed.latest();
    let feed = composed.map_or(USUAL_FEED, |composed| {
        (composed.painted.width(), composed.painted.height())
    });
    layout(&state, (question.width, question.height), Some(feed), &TEXT)
}

impl ScreenReport {
    fn of(list: &DisplayList) -> Self {
        Self {
            ground: colour(list.ground),
            feed: list.feed.map(ScreenArea::of),
            is_stretched: list.is_stretched,
            panels: list.panels.iter().map(PanelReport::of).collect(),
        }
    }
}

impl ScreenArea {
    fn of(rect: Rect) -> Self {
        let Rect {
            x,
            y,
            width,
            height,
        } = rect;
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

impl PanelReport {
    fn of(panel: &Panel) -> Self {
        Self {
            area: ScreenArea::of(panel.rect),
            ground: colour(panel.ground),
            items: panel.items.iter().filter_map(ItemReport::of).collect(),
        }
    }
}

impl ItemReport {
    /// `None`: a visitor's picture, which only the screen of the station shows; the gallery has a slideshow.
    fn of(item: &Item) -> Option<Self> {
        Some(match item {
            Item::Picture { .. } => return None,
            Item::Text {
                x,
                baseline,
                size_px,
                text,
                ink,
            } => Self::Text {
                x: *x,
                baseline: *baseline,
                size_px: *size_px,
                width_px: TEXT.width_px(text, *size_px),
                text: text.clone(),
                colour: colour(*ink),
            },
            Item::Fill { rect, ink } => Self::Fill {
                area: ScreenArea::of(*rect),
                colour: colour(*ink),
            },
            Item::Code {
                x,
                y,
                module_px,
                matrix,
            } => Self::Code {
                x: *x,
                y: *y,
                module_px: *module_px,
                rows: rows(matrix),
            },
        })
    }
}

fn rows(matrix: &CodeMatrix) -> Vec<String> {
    let rows = matrix.dark.chunks(matrix.width.max(1) as usize);
    rows.map(|row| {
        row.iter()
            .map(|dark| if *dark { '1' } else { '0' })
            .collect()
    })
    .collect()
}

/// The colour of an ink, by BT.601 in limited range.
fn colour(ink: Ink) -> String {
    let luma = (f64::from(ink.y) - 16.0) * 255.0 / 219.0;
    let [blue, red] = [ink.u, ink.v].map(|part| (f64::from(part) - 128.0) * 255.0 / 224.0);
    let parts = [
        luma + 1.402 * red,
        luma - 0.344_136 * blue - 0.714_136 * red,
        luma + 1.772 * blue,
    ];
    let [r, g, b] = parts.map(|part| part.round().clamp(0.0, 255.0) as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/screen",
            "The picture and the state of the station, full screen.",
        )
        .media(200, "text/html"),
        Operation::get("/screen/{file}", "A file of that page.").media(200, "*/*"),
        Operation::get("/api/screen", "What that page shows where.")
            .query("width", "Of the display, in pixels.")
            .query("height", "Of the display, in pixels.")
            .query(
                "theme",
                "bright or dark; without it, as the screen of the station.",
            )
            .query("codes", "true: the codes cover the screen.")
            .json::<ScreenReport>(200),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_that_the_screen_shows() {
        for (r, g, b) in [(255, 255, 255), (0, 0, 0), (12, 14, 18), (176, 24, 24)] {
            let text = colour(Ink::rgb(r, g, b));
            let part = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("a colour");
            for (shown, wanted) in [(part(1), r), (part(3), g), (part(5), b)] {
                assert!(shown.abs_diff(wanted) <= 3, "{text} {r} {g} {b}");
            }
        }
    }

    #[test]
    fn codes_are_written_row_by_row() {
        let dark = [true, false, false, true].to_vec();
        assert_eq!(rows(&CodeMatrix { width: 2, dark }), ["10", "01"]);
    }
}
