use std::sync::Arc;

use super::*;
use crate::state::{Code, Count, StatusItem};

pub(crate) const SIZES: [(u32, u32); 6] = [
    (640, 480),
    (1280, 720),
    (1920, 1200),
    (3840, 2160),
    (1200, 1920),
    (1080, 1920),
];

fn code(title: &str) -> Code {
    Code {
        title: title.to_owned(),
        caption: "http://192.168.1.20:8080/".to_owned(),
        matrix: Arc::new(CodeMatrix {
            width: 29,
            dark: vec![true; 29 * 29],
        }),
    }
}

fn status(text: &str) -> StatusItem {
    StatusItem {
        text: text.to_owned(),
        is_warning: false,
    }
}

fn full_state() -> ScreenState {
    ScreenState {
        name: "Hall 3".to_owned(),
        counts: vec![
            Count {
                label: "person".to_owned(),
                number: 3,
            },
            Count {
                label: "dog".to_owned(),
                number: 1,
            },
        ],
        privacy: "Faces blurred".to_owned(),
        viewers: 4,
        status: vec![
            status("Battery 76 %, 1 h 20 min"),
            status("Balanced"),
            status("Wi-Fi hall-3, 192.168.178.20"),
        ],
        codes: vec![code("Wi-Fi"), code("Watch")],
        ..ScreenState::default()
    }
}

fn texts(layout: &DisplayList) -> Vec<&str> {
    let items = layout.panels.iter().flat_map(|panel| &panel.items);
    items
        .filter_map(|item| match item {
            Item::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn everything_is_on_the_screen_at_every_size_and_the_feed_is_not_distorted() {
    let text = Text::new();
    for size in SIZES {
        for feed in [(1280, 720), (640, 480), (720, 1280)] {
            let layout = layout(&full_state(), size, Some(feed), &text);
            let screen = Rect::of_size(size.0, size.1);
            let shown = layout.feed.expect("a feed");
            let shape = f64::from(shown.width) / f64::from(shown.height);
            let wanted = f64::from(feed.0) / f64::from(feed.1);
            assert!(
                (shape / wanted - 1.0).abs() < 0.01,
                "{size:?} {feed:?} {shown:?}"
            );
            assert!(
                shown.width == screen.width || shown.height == screen.height,
                "{size:?} {feed:?}: it touches two edges"
            );
            for rect in layout.panels.iter().map(|panel| panel.rect).chain([shown]) {
                assert_eq!(rect.intersection(screen), rect, "{size:?} {feed:?}");
                let sides = [rect.x, rect.y, rect.width, rect.height];
                assert!(sides.iter().all(|side| side % 2 == 0), "{rect:?}");
            }
            for panel in &layout.panels {
                for item in &panel.items {
                    let (x, end) = match item {
                        Item::Text {
                            x,
                            size_px,
                            text: words,
                            ..
                        } => (*x, *x + text.width_px(words, *size_px) as i32),
                        Item::Fill { rect, .. } | Item::Picture { rect, .. } => {
                            (rect.x, rect.right())
                        }
                        Item::Code {
                            x,
                            module_px,
                            matrix,
                            ..
                        } => (*x, *x + (module_px * matrix.width) as i32),
                    };
                    assert!(x >= 0 && end <= panel.rect.width, "{size:?} {item:?}");
                }
            }
        }
    }
}

#[test]
fn the_strip_is_below_the_feed_where_there_is_room_and_over_it_elsewhere() {
    let text = Text::new();
    let state = ScreenState::default();
    let strip_and_feed = |size| {
        let layout = layout(&state, size, Some((1280, 720)), &text);
        (layout.panels[0].rect, layout.feed.expect("a feed"))
    };
    let (strip, feed) = strip_and_feed((1920, 1200));
    assert!(feed.bottom() <= strip.y);
    let (strip, feed) = strip_and_feed((1920, 1080));
    assert_eq!(feed, Rect::new(0, 0, 1920, 1080));
    assert_eq!(strip.bottom(), 1080);
}

#[test]
fn a_tall_display_has_the_codes_below_the_feed() {
    let layout = layout(&full_state(), (1200, 1920), Some((1280, 720)), &Text::new());
    let (feed, codes) = (layout.feed.expect("a feed"), layout.panels[1].rect);
    assert_eq!(feed.intersection(codes).height, 0);
    assert_eq!(codes.y, feed.bottom());
}

#[test]
fn large_codes_cover_everything_and_need_codes() {
    let text = Text::new();
    let mut state = full_state();
    state.has_large_codes = true;
    let covered = layout(&state, (1920, 1200), Some((1280, 720)), &text);
    assert_eq!(covered.feed, None);
    assert_eq!(covered.panels[0].rect, Rect::of_size(1920, 1200));
    state.codes.clear();
    assert!(
        layout(&state, (1920, 1200), Some((1280, 720)), &text)
            .feed
            .is_some()
    );
}

#[test]
fn the_state_of_the_camera_is_shown_even_on_a_narrow_screen() {
    let text = Text::new();
    let mut state = full_state();
    state.is_closed = true;
    state.name = "a very long name of a station, longer than the screen is wide".repeat(3);
    let narrow = layout(&state, (640, 480), None, &text);
    assert!(texts(&narrow).contains(&"Camera closed · Faces blurred · 4 watching"));
    let wide = layout(&full_state(), (1920, 1200), None, &text);
    let words = texts(&wide);
    assert!(
        words.contains(&"Hall 3") && words.contains(&"3 people, 1 dog"),
        "{words:?}"
    );
}

#[test]
fn the_state_of_the_machine_is_shown_at_every_size_and_warnings_are_left_out_last() {
    let text = Text::new();
    let mut state = full_state();
    for size in SIZES {
        let list = layout(&state, size, Some((1280, 720)), &text);
        for item in &state.status {
            assert!(texts(&list).contains(&&*item.text), "{size:?} {item:?}");
        }
        let strip = list.panels[0].rect;
        assert!(strip.height * 8 < size.1 as i32, "{size:?}: {strip:?}");
    }
    state
        .status
        .extend((0..20).map(|number| status(&format!("something of no weight, number {number}"))));
    state.status.push(StatusItem {
        text: "Battery 4 %".to_owned(),
        is_warning: true,
    });
    for size in SIZES {
        let list = layout(&state, size, Some((1280, 720)), &text);
        assert!(texts(&list).contains(&"Battery 4 %"), "{size:?}");
    }
}

#[test]
fn counts_do_not_change_the_size_of_the_feed() {
    let text = Text::new();
    let mut state = full_state();
    let feed = |state: &ScreenState| layout(state, (1920, 1200), Some((640, 480)), &text).feed;
    let before = feed(&state);
    for number in 0..40 {
        state.counts.push(Count {
            label: format!("class {number}"),
            number,
        });
        assert_eq!(feed(&state), before);
    }
}

#[test]
fn screens_without_pixels_have_a_layout() {
    for size in [(0, 0), (1, 1), (2, 2), (3, 900), (900, 3)] {
        let mut state = full_state();
        for _ in 0..2 {
            let _ = layout(&state, size, Some((1280, 720)), &Text::new());
            state.has_large_codes = true;
        }
    }
}
