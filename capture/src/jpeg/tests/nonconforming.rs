//! JPEGs that deviate from the standard as those of phones and cameras do: some with all pixels, some
//! with missing ones.

use turbojpeg::Subsamp;

use super::{decode, jpeg_of};
use crate::jpeg::*;

fn baseline() -> Vec<u8> {
    jpeg_of(160, 96, Subsamp::Sub2x2, |_| ())
}

fn progressive() -> Vec<u8> {
    jpeg_of(160, 96, Subsamp::Sub2x2, |compressor| {
        compressor.set_progressive(true).expect("settable");
    })
}

fn segment(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&[0xff, kind], &length[..], body].concat()
}

fn marker_at(jpeg: &[u8], kind: u8) -> usize {
    let at = jpeg.windows(2).position(|two| two == [0xff, kind]);
    at.expect("there")
}

fn with(jpeg: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
    [&jpeg[..at], more, &jpeg[at..]].concat()
}

fn without_end(jpeg: &[u8]) -> &[u8] {
    jpeg.strip_suffix(b"\xff\xd9").expect("ends as it should")
}

/// Without JFIF, with Adobe's segment.
fn adobe(transform: u8) -> Vec<u8> {
    let jpeg = baseline();
    let body = [b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat();
    [b"\xff\xd8", &segment(0xee, &body)[..], &jpeg[20..]].concat()
}

/// Each scan with its header, without the tables before it.
fn scans(jpeg: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut scans) = (2, Vec::new());
    while let Some(marker) = next_marker(jpeg, at) {
        match (marker.kind, marker.segment(jpeg)) {
            (0xda, Some(body)) => {
                let next = next_marker(jpeg, body.end).expect("more follows");
                scans.push(marker.at..next.at);
                at = next.at;
            }
            (_, Some(body)) => at = body.end,
            _ => break,
        }
    }
    scans
}

type Odd = Vec<(&'static str, Vec<u8>)>;

/// Valid files, each with one deviation that loses no pixels.
fn odd_headers(plain: &[u8]) -> Odd {
    let tables = marker_at(plain, 0xdb);
    let scan_end = marker_at(plain, 0xda) + 2 + 12;
    let mut selection = plain.to_vec();
    selection[scan_end - 3..scan_end].copy_from_slice(&[0, 0, 0]);
    let mut approximation = plain.to_vec();
    approximation[scan_end - 1] = 0x11;
    let mut revision = plain.to_vec();
    revision[11..13].copy_from_slice(&[2, 1]);
    let icc = |number, count| {
        segment(
            0xe2,
            &[b"ICC_PROFILE\0", &[number, count][..], &[7; 40]].concat(),
        )
    };
    vec![
        ("spectral selection 0 to 0", selection),
        ("approximation in a sequential scan", approximation),
        ("JFIF 2.1", revision),
        (
            "stray bytes between segments",
            with(plain, tables, b"\0\0\0\0"),
        ),
        (
            "stuffed zeros between segments",
            with(plain, tables, b"\xff\0\xff\0"),
        ),
        ("stray bytes behind the start", with(plain, 2, b"\r\n")),
        ("fill bytes", with(plain, tables, b"\xff\xff\xff")),
        ("a profile numbered 2 of 1", with(plain, 2, &icc(2, 1))),
        ("half a profile", with(plain, 2, &icc(1, 2))),
        (
            "a profile twice",
            with(plain, 2, &[icc(1, 2), icc(1, 2)].concat()),
        ),
    ]
}

fn odd_ends(plain: &[u8]) -> Odd {
    vec![
        ("no end", without_end(plain).to_vec()),
        ("half an end", [without_end(plain), b"\xff"].concat()),
        ("zeros for an end", [without_end(plain), &[0; 512]].concat()),
        (
            "a text for an end",
            [without_end(plain), b"\r\n--pic\r\n"].concat(),
        ),
        ("trailer", [plain, b"SEFT", &[0xff, 0xda, 0, 0]].concat()),
    ]
}

fn assert_the_same(sound: &[u8], odd: Odd) {
    let expected = decode(sound).expect("sound");
    for (what, jpeg) in odd {
        let picture = decode(&jpeg).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(picture == expected, "{what}");
    }
}

#[test]
fn what_costs_no_pixel_is_taken_and_decoded_the_same() {
    let plain = baseline();
    assert_the_same(&plain, odd_headers(&plain));
    assert_the_same(&plain, odd_ends(&plain));
    let adobe_plain = decode(&adobe(1)).expect("sound");
    for transform in [2, 7, 255] {
        assert!(
            decode(&adobe(transform)).expect("odd") == adobe_plain,
            "{transform}"
        );
    }
}

#[test]
fn a_progressive_picture_may_repeat_scans_and_lack_its_end_marker() {
    let grown = progressive();
    let second = scans(&grown)[1].clone();
    let last = scans(&grown).last().expect("many").clone();
    let odd = vec![
        (
            "its second scan twice",
            with(&grown, second.end, &grown[second.clone()]),
        ),
        (
            "its last scan twice",
            with(&grown, last.end, &grown[last.clone()]),
        ),
        (
            "its second scan at the end again",
            with(&grown, last.end, &grown[second]),
        ),
        ("no end", without_end(&grown).to_vec()),
        ("zeros for an end", [without_end(&grown), &[0; 99]].concat()),
    ];
    assert_the_same(&grown, odd);
}

#[test]
fn a_harmless_deviation_does_not_hide_missing_pixels() {
    let (plain, grown) = (baseline(), progressive());
    let tables = marker_at(&plain, 0xdb);
    let mut revision = plain.clone();
    revision[11] = 2;
    let scan_end = marker_at(&plain, 0xda) + 2 + 12;
    let mut selection = plain.clone();
    selection[scan_end - 2] = 0;
    let ends: Vec<usize> = scans(&grown).iter().map(|scan| scan.end).collect();
    let second = scans(&grown)[1].clone();
    let repeated = with(&grown, second.end, &grown[second.clone()]);
    let restarts = jpeg_of(160, 96, Subsamp::Sub2x2, |_| ());
    let strayed = with(&plain, tables, b"\0\0\0\0");
    let half = |jpeg: &[u8]| jpeg[..jpeg.len() - 200].to_vec();
    let cut = [
        ("baseline", half(&plain)),
        ("JFIF 2", half(&revision)),
        ("spectral selection", half(&selection)),
        ("stray bytes", half(&strayed)),
        ("Adobe", half(&adobe(7))),
        (
            "with an end all the same",
            [half(&plain), b"\xff\xd9".to_vec()].concat(),
        ),
        ("with zeros", [half(&restarts), vec![0; 64]].concat()),
        ("progressive", half(&grown)),
        (
            "progressive, after its first scan",
            grown[..ends[0]].to_vec(),
        ),
        (
            "progressive, before its last scan",
            grown[..ends[ends.len() - 2]].to_vec(),
        ),
        ("progressive, a scan twice", half(&repeated)),
    ];
    for (what, jpeg) in cut {
        match decode(&jpeg) {
            Err(JpegError::Read(JpegReadError::Truncated { .. })) => {}
            other => panic!("{what}: {:?}", other.map(|_| "a picture")),
        }
    }
}

#[test]
fn a_valid_picture_is_not_copied() {
    for jpeg in [
        baseline(),
        progressive(),
        jpeg_of(33, 17, Subsamp::Gray, |_| ()),
    ] {
        let repaired = repair::repaired(&jpeg).expect("sound");
        assert!(matches!(repaired.bytes, std::borrow::Cow::Borrowed(_)));
        assert!(!repaired.end_added);
    }
}
