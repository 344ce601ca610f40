//! Pictures to look at, as PNG in the folder `$CARRIER_GALLERY`:
//! `CARRIER_GALLERY=/tmp/gallery CARRIER_SHARED=... cargo test -p detector gallery -- --ignored`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use capture::canvas::Ink;

use super::*;
use crate::detection::BBox;
use crate::tracks::Track;

const LABELS: [&str; 8] = [
    "dog",
    "bicycle",
    "truck",
    "car",
    "person",
    "potted plant",
    "traffic light",
    "chair",
];

fn photo(path: &Path, width: u32, height: u32) -> I420 {
    let photo = image::open(path).expect("a readable photo");
    let photo = photo.resize_to_fill(width, height, image::imageops::FilterType::Triangle);
    let photo = photo.to_rgb8();
    let mut picture = I420::black(width, height).expect("even");
    let planes = picture.planes_mut();
    for (x, y, pixel) in photo.enumerate_pixels() {
        let ink = Ink::rgb(pixel[0], pixel[1], pixel[2]);
        planes.y[(y * width + x) as usize] = ink.y;
        let cell = (y / 2 * width / 2 + x / 2) as usize;
        (planes.u[cell], planes.v[cell]) = (ink.u, ink.v);
    }
    picture
}

fn save(picture: &I420, folder: &Path, name: &str) {
    let (width, planes) = (picture.width(), picture.planes());
    let seen = image::RgbImage::from_fn(width, picture.height(), |x, y| {
        let cell = (y / 2 * width / 2 + x / 2) as usize;
        let luma = 1.164 * (f32::from(planes.y[(y * width + x) as usize]) - 16.0);
        let (u, v) = (
            f32::from(planes.u[cell]) - 128.0,
            f32::from(planes.v[cell]) - 128.0,
        );
        let rgb = [
            luma + 1.596 * v,
            luma - 0.392 * u - 0.813 * v,
            luma + 2.017 * u,
        ];
        image::Rgb(rgb.map(|value| value.round() as u8))
    });
    std::fs::create_dir_all(folder).expect("a folder for the gallery");
    seen.save(folder.join(name)).expect("a picture written");
}

fn tracks(boxes: &[(u64, usize, f32, BBox)]) -> Tracks {
    let still =
        |&(id, class, score, bbox): &(u64, usize, f32, BBox)| Track::still(id, class, score, bbox);
    Tracks {
        captured_at: Instant::now(),
        frame_seq: 1,
        source_number: 0,
        frame_width: 1280,
        frame_height: 720,
        mounting: Default::default(),
        labels: Arc::from(LABELS.map(str::to_owned)),
        items: boxes.iter().map(still).collect(),
    }
}

fn some() -> Vec<(u64, usize, f32, BBox)> {
    vec![
        (3, 0, 0.94, BBox::new(216.0, 200.0, 524.0, 692.0)),
        (1, 1, 0.88, BBox::new(196.0, 62.0, 948.0, 520.0)),
        (12, 2, 0.71, BBox::new(774.0, 20.0, 1146.0, 196.0)),
        (27, 5, 0.42, BBox::new(1136.0, 110.0, 1180.0, 166.0)),
        (128, 4, 1.0, BBox::new(-20.0, 300.0, 60.0, 560.0)),
        (8, 3, 0.55, BBox::new(1225.0, 420.0, 1300.0, 480.0)),
    ]
}

fn crowd() -> Vec<(u64, usize, f32, BBox)> {
    let cell = |i: u64| {
        let (x, y) = ((i % 10) as f32 * 128.0, (i / 10) as f32 * 140.0 + 10.0);
        let (dx, dy) = ((i * 37 % 41) as f32, (i * 53 % 47) as f32);
        let (w, h) = (60.0 + (i * 29 % 90) as f32, 50.0 + (i * 71 % 120) as f32);
        (
            i + 1,
            i as usize % 8,
            0.35 + (i % 60) as f32 / 100.0,
            BBox::new(x + dx, y + dy, x + dx + w, y + dy + h),
        )
    };
    (0..50).map(cell).collect()
}

#[test]
#[ignore = "writes pictures for human eyes"]
fn gallery() {
    let shared = std::env::var_os("CARRIER_SHARED").map(PathBuf::from);
    let shared = shared.expect("CARRIER_SHARED names the folder with media/dog.jpg");
    let folder = std::env::var_os("CARRIER_GALLERY").map(PathBuf::from);
    let folder = folder.expect("CARRIER_GALLERY names the folder to write to");
    let dog = shared.join("media/dog.jpg");
    let mut painter = OverlayPainter::new();
    for (width, height) in [(1280, 720), (640, 360), (320, 180), (1920, 1080)] {
        let (some, crowd) = (tracks(&some()), tracks(&crowd()));
        let mut picture = photo(&dog, width, height);
        painter.paint_tracks(&mut picture, &some, some.captured_at, 0);
        save(&picture, &folder, &format!("some-{height}.png"));
        let mut picture = photo(&dog, width, height);
        painter.paint_tracks(&mut picture, &crowd, crowd.captured_at, width / 80);
        save(&picture, &folder, &format!("crowd-{height}.png"));
        let card = Card {
            title: "No signal",
            detail: "The camera was unplugged. Waiting for it: the feed comes back by itself.",
            clock: "Sat 21 Nov 2026  12:30:08",
        };
        painter.paint_card(&mut picture, &card);
        save(&picture, &folder, &format!("card-{height}.png"));
    }
    let mut upright = I420::black(360, 640).expect("even");
    let detail = "rtsp://camera.local:554/stream does not answer. Trying again in 8 seconds.";
    painter.paint_card(
        &mut upright,
        &Card {
            title: "No signal",
            detail,
            clock: "12:30:08",
        },
    );
    save(&upright, &folder, "card-upright.png");
    save(&palette(), &folder, "palette.png");
}

fn banner(line: &str, word: Option<&str>, seconds: (u64, u64), rows: &[&str]) -> GameBanner {
    GameBanner {
        line: line.to_owned(),
        big_word: word.map(str::to_owned),
        clock: Some(BannerClock {
            ends_at: Instant::now() + Duration::from_secs(seconds.0),
            total: Duration::from_secs(seconds.1),
        }),
        rows: rows.iter().map(|row| (*row).to_owned()).collect(),
        ..GameBanner::default()
    }
}

/// What each game shows, by name.
#[expect(clippy::too_many_lines, reason = "one entry for each view")]
fn games() -> Vec<(&'static str, GameBanner, Vec<MarkedTrack>)> {
    let mark = |track_id, region, role, text: Option<&str>| MarkedTrack {
        track_id,
        region,
        role,
        text: text.map(str::to_owned),
    };
    let side = |text: &str, persons, is_chosen| BannerSide {
        text: text.to_owned(),
        persons,
        is_chosen,
    };
    let persons = [
        [0.12, 0.2, 0.3, 0.95],
        [0.42, 0.25, 0.58, 0.9],
        [0.7, 0.15, 0.9, 0.98],
    ];
    let flash = |kind| {
        let since = Instant::now();
        Some(BannerFlash { kind, since })
    };
    let hunt = GameBanner {
        score: Some(120),
        ..banner("Show me a", Some("CUP"), (17, 20), &["Is that: a bottle?"])
    };
    let long = GameBanner {
        score: Some(45),
        ..banner("Zeig mir eine", Some("COMPUTERTASTATUR"), (4, 20), &[])
    };
    let found = GameBanner {
        clock: None,
        score: Some(152),
        flash: flash(BannerFlashKind::Good),
        ..banner("Found!", Some("CUP"), (0, 1), &[])
    };
    let poll = GameBanner {
        sides: Some([
            side("Frühaufsteher", 3, false),
            side("Nachtmensch", 12, false),
        ]),
        ..banner("Frühaufsteher oder Nachtmensch?", None, (11, 15), &[])
    };
    let chosen = GameBanner {
        clock: None,
        sides: Some([side("Coffee", 3, false), side("Tea", 12, true)]),
        ..banner("Coffee or tea?", None, (0, 1), &["Tea wins, 12 to 3"])
    };
    let caught = GameBanner {
        flash: flash(BannerFlashKind::Bad),
        ..banner("Do not move!", Some("RED"), (31, 45), &["2 players left"])
    };
    let count = GameBanner {
        score: Some(7),
        ..banner(
            "Closer together!",
            Some("7"),
            (9, 20),
            &["Record of the day: 11"],
        )
    };
    let result = GameBanner {
        clock: None,
        score: Some(152),
        ..banner(
            "Time is up: 5 finds",
            None,
            (0, 1),
            &[
                "Record of the day!",
                "Place 1: Surprising Hedgehog",
                "Surprising Hedgehog: 152",
            ],
        )
    };
    let roles = [
        (MarkedAs::Playing, "Brave Otter"),
        (MarkedAs::Out, "Surprising Hedgehog"),
        (MarkedAs::Playing, "Kind Fox"),
    ];
    let players = persons.iter().zip(roles).zip(1..);
    let players = players
        .map(|((region, (role, name)), id)| mark(id, *region, role, Some(name)))
        .collect();
    let counted: Vec<_> = persons
        .iter()
        .zip(1..)
        .map(|(region, id)| mark(id, *region, MarkedAs::Counted, None))
        .collect();
    vec![
        (
            "introduction",
            banner(
                "Object hunt",
                None,
                (3, 4),
                &["Hold up what is asked for. Each find gives ten more seconds."],
            ),
            Vec::new(),
        ),
        ("hunt", hunt, Vec::new()),
        ("hunt-long", long, Vec::new()),
        (
            "found",
            found,
            vec![mark(1, [0.4, 0.3, 0.55, 0.6], MarkedAs::Found, Some("CUP"))],
        ),
        ("poll", poll, counted.clone()),
        ("poll-result", chosen, Vec::new()),
        ("red-light", caught, players),
        ("how-many", count, counted.clone()),
        ("group-photo", banner("Smile!", None, (2, 3), &[]), counted),
        ("result", result, Vec::new()),
    ]
}

#[test]
#[ignore = "writes pictures for human eyes"]
fn game_gallery() {
    let shared = std::env::var_os("CARRIER_SHARED").map(PathBuf::from);
    let shared = shared.expect("CARRIER_SHARED names the folder with media/person.jpg");
    let folder = std::env::var_os("CARRIER_GALLERY").map(PathBuf::from);
    let folder = folder.expect("CARRIER_GALLERY names the folder to write to");
    for (width, height) in [(640, 360), (1280, 720), (360, 640)] {
        let ground = photo(&shared.join("media/person.jpg"), width, height);
        let mut painter = OverlayPainter::new();
        for (name, banner, marks) in games() {
            let (mut picture, now) = (ground.clone(), Instant::now());
            painter.paint_marks(&mut picture, &marks, None, now, height / 45);
            painter.paint_game(&mut picture, &Arc::new(banner), now, height / 45);
            save(
                &picture,
                &folder,
                &format!("game-{name}-{width}x{height}.png"),
            );
        }
    }
}

/// Every class on dark, on grey and on white.
fn palette() -> I420 {
    let mut picture = I420::black(1280, 480).expect("even");
    picture.fill(126, 128, 128);
    let third = Rect::new(0, 320, 1280, 160);
    let mut canvas = Canvas::new(&mut picture);
    canvas.fill_rect(third, Ink::WHITE, 255);
    canvas.fill_rect(Rect { y: 0, ..third }, Ink::BLACK, 255);
    for class in 0..80 {
        let (column, row) = (class % 27, class / 27);
        let x = column as i32 * 47 + 4;
        let y = row as i32 * 160 + 20;
        let ink = style::ink(style::of_class(class));
        canvas.fill_round_rect(Rect::new(x, y, 40, 120), 6.0, ink, 255);
    }
    picture
}
