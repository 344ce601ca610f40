use super::*;
use crate::overlay::OverlayPainter;

/// Bottom row, right column: never outside of the picture.
fn assert_inside(layout: &BannerLayout, text: &Text, (width, height): (u32, u32), top: i32) {
    let whole = Rect::of_size(width, height);
    for (chip, _) in &layout.chips {
        assert_eq!(chip.intersection(whole), *chip, "{chip:?}");
        assert!(chip.y >= top, "{chip:?}");
    }
    for placed in &layout.texts {
        let half = text.width_px(&placed.text, placed.size_px) / 2.0;
        assert!(
            placed.centre_x - half >= 0.0 && placed.centre_x + half <= width as f32,
            "{placed:?}"
        );
        let capitals = Text::cap_height_px(placed.size_px) as i32;
        assert!(placed.baseline - capitals >= top, "{placed:?}");
        assert!(placed.baseline < height as i32, "{placed:?}");
    }
}

fn hunt(now: Instant, word: &str) -> GameBanner {
    GameBanner {
        line: "Show me a".to_owned(),
        big_word: Some(word.to_owned()),
        clock: Some(BannerClock {
            ends_at: now + Duration::from_secs(17),
            total: Duration::from_secs(20),
        }),
        score: Some(120),
        rows: vec!["Is that: a bottle?".to_owned()],
        ..GameBanner::default()
    }
}

#[test]
fn the_large_word_has_a_sixth_of_the_height_and_all_is_inside() {
    let text = Text::new();
    let now = Instant::now();
    for (width, height, reserved) in [
        (640, 360, 0),
        (1280, 720, 16),
        (1920, 1080, 0),
        (640, 480, 8),
    ] {
        for word in ["CUP", "GREEN", "TASTATUR"] {
            let banner = hunt(now, word);
            let layout = BannerLayout::new(&banner, (width, height, reserved), &text);
            assert_inside(&layout, &text, (width, height), reserved as i32);
            let big = layout.texts.iter().find(|placed| placed.text == word);
            let big = big.expect("placed");
            let capitals = Text::cap_height_px(big.size_px);
            let is_as_wide_as_fits = text.width_px(word, big.size_px + 1) > width as f32 * 0.9;
            assert!(
                capitals * 6.0 >= height as f32 || (is_as_wide_as_fits && width * 3 <= height * 4),
                "{word} at {height}: {capitals}"
            );
        }
    }
}

#[test]
fn long_words_and_upright_pictures_fit() {
    let text = Text::new();
    let now = Instant::now();
    for size in [(640, 360), (360, 640), (320, 180), (180, 320)] {
        let mut banner = hunt(now, "SICHERHEITSSCHLÜSSELANHÄNGER");
        banner.line = "A line that is far too long for one row of the picture ".repeat(3);
        banner.rows = vec!["Another text that goes on and on".to_owned(); 9];
        let layout = BannerLayout::new(&banner, (size.0, size.1, 4), &text);
        assert_inside(&layout, &text, size, 4);
    }
}

#[test]
fn the_halves_clock_and_stack_do_not_overlap() {
    let text = Text::new();
    let now = Instant::now();
    let side = |text: &str, is_chosen| BannerSide {
        text: text.to_owned(),
        persons: 12,
        is_chosen,
    };
    let banner = GameBanner {
        line: "Early bird or night owl, or neither of the two?".to_owned(),
        sides: Some([
            side("Early bird, 24 letters x", true),
            side("Night owl", false),
        ]),
        clock: Some(BannerClock {
            ends_at: now,
            total: Duration::from_secs(15),
        }),
        ..GameBanner::default()
    };
    for size in [(640, 360, 8), (1280, 720, 16)] {
        let layout = BannerLayout::new(&banner, size, &text);
        assert_inside(&layout, &text, (size.0, size.1), size.2 as i32);
        for (index, (chip, _)) in layout.chips.iter().enumerate() {
            for (other, _) in &layout.chips[index + 1..] {
                let both = chip.intersection(*other);
                assert!(both.is_empty(), "{chip:?} {other:?}");
            }
        }
        let chosen = layout.chips.iter().filter(|(_, colour)| colour.is_some());
        assert_eq!(chosen.count(), 1);
    }
}

fn grey() -> I420 {
    let mut picture = I420::black(640, 360).expect("even");
    picture.fill(120, 128, 128);
    picture
}

#[test]
fn a_flash_is_a_frame_that_stands_still_and_ends() {
    let (mut painter, now) = (OverlayPainter::new(), Instant::now());
    let banner = Arc::new(GameBanner {
        flash: Some(BannerFlash {
            kind: BannerFlashKind::Good,
            since: now,
        }),
        ..GameBanner::default()
    });
    let mut at = |ms| {
        let mut picture = grey();
        painter.paint_game(&mut picture, &banner, now + Duration::from_millis(ms), 0);
        picture.planes().y.to_vec()
    };
    let first = at(0);
    assert_ne!(first[0], 120, "the corner is painted");
    assert_eq!(first, at(250));
    assert_eq!(first, at(499));
    let after = at(500);
    assert_eq!(after[0], 120);
    assert_eq!(after, at(5000));
}

#[test]
fn the_clock_runs_down_with_one_layout() {
    let (mut painter, now) = (OverlayPainter::new(), Instant::now());
    let banner = Arc::new(hunt(now, "CUP"));
    let mut at = |ms| {
        let mut picture = grey();
        painter.paint_game(&mut picture, &banner, now + Duration::from_millis(ms), 0);
        let laid_out = painter.banner.as_ref().expect("laid out");
        let chips = laid_out.layout.chips.as_ptr() as usize;
        (picture.planes().y.to_vec(), chips)
    };
    let (first, layout) = at(0);
    let (later, same) = at(4000);
    assert_ne!(first, later);
    assert_eq!(layout, same, "not laid out again");
    let (over, _) = at(60_000);
    let bar = over.len() - 640;
    let ground = style::ink(GROUND).y;
    assert!(over[bar] < 120 && over[bar] >= ground, "the bar is empty");
}

#[test]
fn reserved_rows_stay_as_they_are() {
    let (mut painter, now) = (OverlayPainter::new(), Instant::now());
    let mut picture = grey();
    let mut banner = hunt(now, "CUP");
    banner.flash = Some(BannerFlash {
        kind: BannerFlashKind::Bad,
        since: now,
    });
    let mark = MarkedTrack {
        track_id: 1,
        region: [0.0, 0.0, 1.0, 1.0],
        role: MarkedAs::Out,
        text: Some("Brave Otter".to_owned()),
    };
    painter.paint_marks(&mut picture, &[mark], None, now, 20);
    painter.paint_game(&mut picture, &Arc::new(banner), now, 20);
    assert!(picture.planes().y[..640 * 20].iter().all(|y| *y == 120));
}

#[test]
fn a_mark_follows_its_track_and_else_stands_at_its_region() {
    let now = Instant::now();
    let tracks = Tracks {
        captured_at: now,
        frame_seq: 1,
        source_number: 0,
        frame_width: 640,
        frame_height: 360,
        mounting: Default::default(),
        labels: Arc::from(["person".to_owned()]),
        items: vec![Track::still(
            7,
            0,
            0.9,
            BBox::new(320.0, 180.0, 480.0, 300.0),
        )],
    };
    let mark = MarkedTrack {
        track_id: 7,
        region: [0.1, 0.1, 0.2, 0.2],
        role: MarkedAs::Counted,
        text: None,
    };
    let painted = |tracks| {
        let mut picture = grey();
        OverlayPainter::new().paint_marks(
            &mut picture,
            std::slice::from_ref(&mark),
            tracks,
            now,
            0,
        );
        let luma = |x: usize, y: usize| picture.planes().y[y * 640 + x];
        [luma(320, 240) != 120, luma(64, 54) != 120]
    };
    assert_eq!(painted(Some(&tracks)), [true, false]);
    assert_eq!(painted(None), [false, true]);
}

/// What a hunt adds to a picture, beside five boxes, which its marks replace. `scripts/bench-times.sh` runs it.
#[test]
#[ignore = "measures time: scripts/bench-times.sh runs it"]
fn painting_is_cheap_during_a_game() {
    let (mut painter, now) = (OverlayPainter::new(), Instant::now());
    let mut picture = I420::black(1280, 720).expect("even");
    let place = |index: u64| {
        let left = index as f32 / 5.0 + 0.02;
        [left, 0.3, left + 0.15, 0.7]
    };
    let box_of = |index: u64| {
        let [left, top, right, bottom] = place(index);
        let bbox = BBox::new(left, top, right, bottom).scaled(1280.0, 720.0);
        Track::still(index, 0, 0.9, bbox)
    };
    let tracks = Tracks {
        captured_at: now,
        frame_seq: 1,
        source_number: 0,
        frame_width: 1280,
        frame_height: 720,
        mounting: Default::default(),
        labels: Arc::from(["person".to_owned()]),
        items: (0..5).map(box_of).collect(),
    };
    let mark = |index: u64| MarkedTrack {
        track_id: index,
        region: place(index),
        role: MarkedAs::Found,
        text: Some("CUP".to_owned()),
    };
    let marks: Vec<_> = (0..5).map(mark).collect();
    let banner = Arc::new(hunt(now, "CUP"));
    let mut best = |paint: &dyn Fn(&mut OverlayPainter, &mut I420)| {
        let once = |_| {
            let start = Instant::now();
            paint(&mut painter, &mut picture);
            start.elapsed()
        };
        (0..200).map(once).min().expect("some")
    };
    let boxes = best(&|painter, picture| painter.paint_tracks(picture, &tracks, now, 16));
    let game = best(&|painter, picture| {
        painter.paint_marks(picture, &marks, Some(&tracks), now, 16);
        painter.paint_game(picture, &banner, now, 16);
    });
    println_costs(boxes, game);
    assert!(game < Duration::from_millis(5), "{game:?}");
}

#[allow(clippy::print_stderr, reason = "shown with --nocapture only")]
fn println_costs(boxes: Duration, game: Duration) {
    eprintln!("at 1280x720: 5 boxes {boxes:?}; 5 marks and the banner of a hunt {game:?}");
}
