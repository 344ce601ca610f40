#![allow(
    clippy::print_stdout,
    reason = "measurements are for whoever runs them"
)]

pub(crate) mod samples;

use crate::intake::tests::samples::{
    Png, cmyk_jpeg, exif, extended_webp, flat, grey_jpeg, interlaced_png, jpeg, jpeg_with_exif,
    png, progressive_jpeg, quarters, scene, webp,
};
use crate::intake::*;

fn read(bytes: &[u8]) -> Result<CheckedPicture, IntakeError> {
    CheckedPicture::read(bytes, &Limits::UPLOAD)
}

fn size(picture: &CheckedPicture) -> (u32, u32) {
    (picture.width_px(), picture.height_px())
}

/// The colour at the centre of each quarter, row by row.
fn corners(picture: &CheckedPicture) -> [[u8; 3]; 4] {
    let image = image::load_from_memory(picture.jpeg())
        .expect("a JPEG")
        .into_rgb8();
    assert_eq!((image.width(), image.height()), size(picture));
    let (x, y) = (image.width() / 4, image.height() / 4);
    [(x, y), (3 * x, y), (x, 3 * y), (3 * x, 3 * y)].map(|(x, y)| image.get_pixel(x, y).0)
}

fn assert_like(picture: &CheckedPicture, wanted: [[u8; 3]; 4], what: &str) {
    for (found, wanted) in corners(picture).iter().zip(wanted) {
        let close = found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 12);
        assert!(close, "{what}: {found:?} instead of {wanted:?}");
    }
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255; 3];

/// The expected quarters of red, green / blue, white for each EXIF orientation (EXIF 2.3, 4.6.4 A).
const TURNED: [[[u8; 3]; 4]; 8] = [
    [RED, GREEN, BLUE, WHITE],
    [GREEN, RED, WHITE, BLUE],
    [WHITE, BLUE, GREEN, RED],
    [BLUE, WHITE, RED, GREEN],
    [RED, BLUE, GREEN, WHITE],
    [BLUE, RED, WHITE, GREEN],
    [WHITE, GREEN, BLUE, RED],
    [GREEN, WHITE, RED, BLUE],
];

#[test]
fn all_orientations_of_all_types_become_upright() {
    let raster = quarters(64, 32);
    let plain_webp = webp(&raster);
    for (at, wanted) in TURNED.into_iter().enumerate() {
        let exif = exif(at as u8 + 1);
        let files = [
            ("JPEG", jpeg_with_exif(&jpeg(&raster, 95), &exif)),
            ("PNG", png(&raster, Some(exif.clone()))),
            ("WebP", extended_webp(&plain_webp, 0b1000, (64, 32), &exif)),
        ];
        for (kind, file) in files {
            let picture = read(&file).expect(kind);
            let upright = if at < 4 { (64, 32) } else { (32, 64) };
            assert_eq!(size(&picture), upright, "{kind}, orientation {}", at + 1);
            assert_like(&picture, wanted, &format!("{kind}, orientation {}", at + 1));
        }
    }
}

#[test]
fn all_jpeg_variants_are_read() {
    let raster = quarters(64, 48);
    let colours = [RED, GREEN, BLUE, WHITE];
    assert_like(
        &read(&jpeg(&raster, 95)).expect("baseline"),
        colours,
        "baseline",
    );
    let progressive = read(&progressive_jpeg(&raster)).expect("progressive");
    assert_like(&progressive, colours, "progressive");
    assert_like(&read(&cmyk_jpeg(&raster)).expect("CMYK"), colours, "CMYK");
    let grey = [[76; 3], [150; 3], [29; 3], WHITE];
    assert_like(&read(&grey_jpeg(&raster)).expect("grey"), grey, "grey");
}

#[test]
fn all_png_variants_are_read() {
    let raster = quarters(64, 48);
    let colours = [RED, GREEN, BLUE, WHITE];
    assert_like(&read(&png(&raster, None)).expect("RGB"), colours, "RGB");
    let interlaced = read(&interlaced_png(&raster)).expect("interlaced");
    assert_like(&interlaced, colours, "interlaced");
    // 16-bit grey, 8-bit grey with alpha, 8-bit grey, 16-bit RGBA with half-transparent black.
    let kinds: [(u8, u8, &[u8], u8); 4] = [
        (16, 0, &[0x80, 0x12], 0x80),
        (8, 4, &[0, 128], 127),
        (8, 0, &[77], 77),
        (16, 6, &[0, 0, 0, 0, 0, 0, 0x80, 0], 127),
    ];
    for (depth, colour, pixel, level) in kinds {
        let row = [vec![0], pixel.repeat(32)].concat();
        let file = Png {
            width: 32,
            height: 32,
            depth,
            colour,
            is_interlaced: false,
            rows: &row.repeat(32),
            exif: None,
        };
        let picture = read(&file.written()).expect("a PNG");
        assert_like(
            &picture,
            [[level; 3]; 4],
            &format!("type {colour}, {depth} bit"),
        );
    }
}

#[test]
fn large_pictures_are_downscaled_proportionally() {
    let raster = quarters(4000, 1000);
    for (kind, file) in [
        ("JPEG", jpeg(&raster, 80)),
        ("progressive JPEG", progressive_jpeg(&raster)),
        ("PNG", png(&raster, None)),
        ("WebP", webp(&raster)),
    ] {
        // The test's PNG is not compressed.
        let limits = Limits {
            max_bytes: 64_000_000,
            ..Limits::UPLOAD
        };
        let picture = CheckedPicture::read(&file, &limits).expect(kind);
        assert_eq!(size(&picture), (1536, 384), "{kind}");
        assert_like(&picture, [RED, GREEN, BLUE, WHITE], kind);
    }
}

#[test]
fn metadata_and_trailing_data_are_removed() {
    let secret = b"PRIVATE-51.5N-0.1W";
    let file = jpeg_with_exif(&jpeg(&scene(80, 60), 90), &[&exif(1)[..], secret].concat());
    let comment = [&file[..2], b"\xff\xfe\0\x14PRIVATE-51.5N-0.1W", &file[2..]].concat();
    // A polyglot: a picture followed by an archive or a page.
    let polyglot = [&comment[..], b"<html><script>", secret, b"PK\x03\x04"].concat();
    for file in [file, comment, polyglot] {
        let picture = read(&file).expect("a picture");
        let jpeg = picture.jpeg();
        assert!(!jpeg.windows(7).any(|part| part == b"PRIVATE"));
        assert!(
            !jpeg
                .windows(4)
                .any(|part| part == b"Exif" || part == b"PK\x03\x04")
        );
        assert!(jpeg.ends_with(b"\xff\xd9"));
    }
}

#[test]
fn too_large_pictures_are_rejected_by_their_header() {
    let limits = Limits {
        max_pixels: 5_000,
        ..Limits::UPLOAD
    };
    let raster = scene(100, 60);
    for file in [jpeg(&raster, 80), png(&raster, None), webp(&raster)] {
        let error = CheckedPicture::read(&file, &limits).expect_err("too large");
        assert_eq!(error.kind(), IntakeErrorKind::TooLarge, "{error}");
        assert!(error.to_string().contains("100x60"), "{error}");
    }
    let error = read(&vec![0xff; (12 << 20) + 1]).expect_err("too large");
    assert_eq!(error.kind(), IntakeErrorKind::TooLarge);
    assert!(error.to_string().contains("12 MB"));
}

#[test]
fn decompression_bombs_are_rejected_before_decoding() {
    // A PNG that declares 65535x65535 pixels in a few bytes.
    let bomb = Png {
        width: 65_535,
        height: 65_535,
        depth: 8,
        colour: 6,
        is_interlaced: true,
        rows: &[0; 64],
        exif: None,
    };
    assert_eq!(
        read(&bomb.written()).expect_err("a bomb").kind(),
        IntakeErrorKind::TooLarge
    );
    // A WebP whose frame is larger than its header declares.
    let plain = webp(&scene(256, 256));
    let lying = extended_webp(&plain, 0, (64, 64), &[]);
    assert!(matches!(
        read(&lying),
        Err(IntakeError::Damaged { kind: "WebP", .. })
    ));
    let mut lossy = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x3f\0\0".to_vec();
    lossy.extend(b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f");
    assert_eq!(
        read(&lossy).expect_err("a bomb").kind(),
        IntakeErrorKind::TooLarge
    );
    // An EXIF block that declares four gigabytes.
    let mut long = extended_webp(&webp(&scene(64, 64)), 0b1000, (64, 64), &exif(1));
    let at = long.len() - exif(1).len() - 4;
    long[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let _ = read(&long);
}

#[test]
fn extreme_shapes_are_rejected() {
    for (width, height) in [(1, 1), (15, 15), (10_000, 16), (1, 10_000)] {
        let error = read(&png(&flat(width, height, [9; 3]), None)).expect_err("a line");
        let shape = IntakeError::Shape {
            width: width as u64,
            height: height as u64,
        };
        assert_eq!(error, shape);
        assert_eq!(error.kind(), IntakeErrorKind::Unreadable);
    }
    assert_eq!(
        size(&read(&png(&flat(256, 16, [9; 3]), None)).expect("thin")),
        (256, 16)
    );
    let no_size = Png {
        width: 0,
        height: 20,
        depth: 8,
        colour: 0,
        is_interlaced: false,
        rows: &[],
        exif: None,
    };
    assert_eq!(
        read(&no_size.written()).expect_err("no size").kind(),
        IntakeErrorKind::Unreadable
    );
}

#[test]
fn truncated_files_are_reported() {
    let raster = scene(300, 200);
    for (kind, file) in [
        ("JPEG", jpeg(&raster, 90)),
        ("JPEG", progressive_jpeg(&raster)),
        ("PNG", png(&raster, None)),
        ("WebP", webp(&raster)),
    ] {
        let error = read(&file[..file.len() / 2]).expect_err("cut");
        assert_eq!(error, IntakeError::Truncated(kind));
    }
}

#[test]
fn odd_jpegs_are_read_and_incomplete_ones_rejected() {
    let whole = jpeg(&scene(300, 200), 90);
    let progressive = progressive_jpeg(&scene(300, 200));
    let profile = b"\xff\xe2\0\x14ICC_PROFILE\0\x02\x01\0\0\0\0";
    let odd = [
        (
            "stray bytes",
            &whole,
            [&whole[..2], b"\0\0", &whole[2..]].concat(),
        ),
        (
            "misnumbered profile",
            &whole,
            [&whole[..2], profile, &whole[2..]].concat(),
        ),
        ("no end", &whole, whole[..whole.len() - 2].to_vec()),
        (
            "no end, progressive",
            &progressive,
            progressive[..progressive.len() - 2].to_vec(),
        ),
    ];
    for (what, sound, file) in odd {
        let expected = corners(&read(sound).expect("sound"));
        assert_like(&read(&file).expect(what), expected, what);
        let half = &file[..file.len() - file.len() / 4];
        let error = read(half).expect_err(what);
        assert_eq!(error, IntakeError::Truncated("JPEG"), "{what}");
    }
    // Orientation applies to repaired files too.
    let turned = jpeg_with_exif(&whole, &exif(6));
    let file = [&turned[..2], b"\0\0", &turned[2..]].concat();
    assert_eq!(size(&read(&file).expect("turned")), (200, 300));
}

#[test]
fn animated_webp_is_rejected() {
    let animated = extended_webp(&webp(&scene(64, 64)), 0b10, (64, 64), &[]);
    let error = read(&animated).expect_err("animated");
    assert_eq!(error.kind(), IntakeErrorKind::Unsupported);
    assert!(error.to_string().contains("animated WebP"));
}

/// `PEAK_OF=KIND cargo test -p stylise --lib intake::tests::peak -- --ignored --nocapture`, with KIND jpeg,
/// progressive, png, interlaced or webp; one process per kind.
#[test]
#[ignore = "takes a while; measures the memory of its process"]
fn peak_of_forty_megapixels() {
    let raster = scene(7300, 5470);
    let kind = std::env::var("PEAK_OF").unwrap_or_default();
    let file = match kind.as_str() {
        "progressive" => progressive_jpeg(&raster),
        "png" => png(&raster, None),
        "interlaced" => interlaced_png(&raster),
        "webp" => webp(&raster),
        _ => jpeg(&raster, 85),
    };
    drop(raster);
    let limits = Limits {
        max_bytes: usize::MAX,
        ..Limits::UPLOAD
    };
    // Resets the peak (proc_pid_clear_refs(5)).
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = memory_kb("VmRSS");
    let start = std::time::Instant::now();
    let picture = CheckedPicture::read(&file, &limits).expect("read");
    println!(
        "{kind}: {} MB of file, {picture:?}, {} ms, {} MB more at the peak",
        file.len() / 1_000_000,
        start.elapsed().as_millis(),
        (memory_kb("VmHWM") - before) / 1000
    );
}

fn memory_kb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}
