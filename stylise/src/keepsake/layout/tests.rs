use super::*;

const FULL: Inscription<'_> = Inscription {
    event: "Sommerfest Köln",
    caption: "Schön, dass du da warst",
    date: "28. November 2026",
    logo_aspect: Some(1.0),
};

const SHAPES: [f64; 5] = [16.0 / 9.0, 4.0 / 3.0, 1.0, 3.0 / 4.0, 9.0 / 16.0];

/// Everything is on the paper, nothing overlaps a picture or the logo, no two texts overlap.
fn assert_tidy(layout: &PaperLayout) {
    let measure = Measure::default();
    let text_areas: Vec<Area> = layout
        .lines
        .iter()
        .map(|line| Area {
            left: line.left,
            top: line.baseline - cap_height(line.size),
            width: measure.width(&line.text, line.size),
            height: cap_height(line.size),
        })
        .collect();
    let others = layout.pictures.iter().chain(&layout.logo).copied();
    let areas: Vec<Area> = others.chain(text_areas).collect();
    for (index, area) in areas.iter().enumerate() {
        assert!(area.left > 3.0 && area.top > 3.0, "{area:?} of {layout:?}");
        assert!(area.right() < layout.width - 3.0, "{area:?} of {layout:?}");
        assert!(
            area.bottom() < layout.height - 3.0,
            "{area:?} of {layout:?}"
        );
        for other in &areas[..index] {
            let apart = area.left >= other.right()
                || other.left >= area.right()
                || area.top >= other.bottom()
                || other.top >= area.bottom();
            assert!(apart, "{area:?} and {other:?}");
        }
    }
}

#[test]
fn texts_and_logo_have_room_in_every_shape() {
    for aspect in SHAPES {
        for logo_aspect in [None, Some(0.3), Some(1.0), Some(6.0)] {
            let inscription = Inscription {
                logo_aspect,
                ..FULL
            };
            assert_tidy(&PaperLayout::single(aspect, &inscription));
            assert_tidy(&PaperLayout::strip(aspect, &inscription));
        }
    }
}

#[test]
fn without_an_inscription_the_margin_is_even() {
    let nothing = Inscription::default();
    let layout = PaperLayout::single(1.5, &nothing);
    assert!(layout.lines.is_empty() && layout.logo.is_none());
    assert_eq!(layout.height - layout.pictures[0].bottom(), MARGIN);
    let strip = PaperLayout::strip(1.5, &nothing);
    assert_eq!(strip.pictures.len(), 4);
    assert!((strip.height - strip.pictures[3].bottom() - STRIP_MARGIN).abs() < 1e-9);
}

#[test]
fn a_long_event_is_smaller_then_shortened() {
    let size_and_text = |event: &str| {
        let layout = PaperLayout::single(0.75, &Inscription { event, ..FULL });
        assert_tidy(&layout);
        (layout.lines[0].size, layout.lines[0].text.clone())
    };
    assert_eq!(size_and_text("Fest").0, EVENT);
    let (size, text) = size_and_text("Sommerfest der Stadtwerke");
    assert!(
        size < EVENT && text == "Sommerfest der Stadtwerke",
        "{size} {text}"
    );
    let (size, text) = size_and_text(&"Sommerfest ".repeat(20));
    assert!(size == EVENT_MIN && text.ends_with('…'), "{size} {text}");
}

#[test]
fn a_strip_wraps_its_event_in_two_lines() {
    let event = "Sommerfest der Stadtwerke Bad Münstereifel";
    let layout = PaperLayout::strip(4.0 / 3.0, &Inscription { event, ..FULL });
    assert_tidy(&layout);
    let strong = layout.lines.iter().filter(|line| line.tone == Tone::Strong);
    let texts: Vec<&str> = strong.map(|line| line.text.as_str()).collect();
    assert_eq!(texts.join(" "), event);
    assert_eq!(texts.len(), 2);
}

#[test]
fn a_design_in_pixels_keeps_its_proportions() {
    let units = PaperLayout::single(1.5, &FULL);
    let pixels = units.clone().enlarged(1800.0);
    assert!((pixels.width - 1800.0).abs() < 1e-6);
    let by = pixels.width / units.width;
    assert!((pixels.pictures[0].width / units.pictures[0].width - by).abs() < 1e-9);
    assert!((pixels.lines[0].size / units.lines[0].size - by).abs() < 1e-9);
}

#[test]
fn extreme_shapes_are_bounded() {
    for aspect in [0.0, 1e-9, 1e9, f64::INFINITY] {
        let layout = PaperLayout::single(aspect, &FULL);
        assert!(layout.width < 500.0 && layout.height < 500.0, "{layout:?}");
    }
}
