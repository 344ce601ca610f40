//! Streams as cameras write them, split into pieces of every size.

use super::*;
use crate::jpeg::JpegEncoder;
use crate::picture::I420;

/// A valid JPEG with noise, so that its data is like that of a photo.
fn jpeg(seed: u32) -> Vec<u8> {
    let mut picture = I420::black(96, 64).expect("even");
    let mut state = seed;
    for value in picture.planes_mut().y {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = (state >> 24) as u8;
    }
    let mut encoder = JpegEncoder::new().expect("libjpeg-turbo");
    encoder.encode(&picture, 90).expect("encodes")
}

fn part(jpeg: &[u8], edge: &str, length: Option<usize>) -> Vec<u8> {
    let length = length.map_or(String::new(), |bytes| {
        format!("Content-Length: {bytes}\r\n")
    });
    let head = format!("{edge}Content-Type: image/jpeg\r\n{length}\r\n");
    [head.as_bytes(), jpeg, b"\r\n"].concat()
}

fn cuts(stream: &[u8], piece: usize) -> Vec<Cut> {
    let mut cutter = JpegSplitter::default();
    let mut cuts = Vec::new();
    for bytes in stream.chunks(piece) {
        cutter.push(bytes);
        while let Some(cut) = cutter.next_cut() {
            cuts.push(cut);
        }
    }
    cuts
}

/// The same in pieces of every size.
fn assert_cuts(stream: &[u8], expected: &[&[u8]], what: &str) {
    for piece in [1, 7, 100, 4096, stream.len()] {
        let found = cuts(stream, piece);
        let pictures: Vec<&[u8]> = found
            .iter()
            .filter_map(|cut| match cut {
                Cut::Picture(jpeg) => Some(&jpeg[..]),
                Cut::NoPicture(_) => None,
            })
            .collect();
        assert!(pictures == expected, "{what}, in pieces of {piece}");
    }
}

fn without_end(jpeg: &[u8]) -> &[u8] {
    jpeg.strip_suffix(b"\xff\xd9").expect("ends as it should")
}

#[test]
fn pictures_come_whole_whatever_boundary_and_length_say() {
    let (first, second) = (jpeg(1), jpeg(2));
    let both = |wrap: &dyn Fn(&[u8]) -> Vec<u8>| [wrap(&first), wrap(&second)].concat();
    let length = first.len();
    let expected = [&first[..], &second];
    let streams = [
        (
            "as it should be",
            both(&|jpeg| part(jpeg, "--pic\r\n", Some(jpeg.len()))),
        ),
        ("no length", both(&|jpeg| part(jpeg, "--pic\r\n", None))),
        (
            "no boundary at all",
            both(&|jpeg| part(jpeg, "", Some(jpeg.len()))),
        ),
        ("nothing but pictures", both(&|jpeg| jpeg.to_vec())),
        (
            "zeros between pictures",
            both(&|jpeg| [jpeg, &[0; 40]].concat()),
        ),
        (
            "the first part has no boundary",
            [
                part(&first, "", Some(length)),
                part(&second, "--pic\r\n", Some(second.len())),
            ]
            .concat(),
        ),
        (
            "length too small",
            both(&|jpeg| part(jpeg, "--pic\r\n", Some(jpeg.len() - 10))),
        ),
        (
            "length far too small",
            both(&|jpeg| part(jpeg, "--pic\r\n", Some(3))),
        ),
        (
            "length too large",
            both(&|jpeg| part(jpeg, "--pic\r\n", Some(jpeg.len() + 200))),
        ),
        ("length 0", both(&|jpeg| part(jpeg, "--pic\r\n", Some(0)))),
    ];
    for (what, stream) in streams {
        assert_cuts(&stream, &expected, what);
    }
}

#[test]
fn pictures_come_whole_whatever_stands_between_them() {
    let (first, second) = (jpeg(1), jpeg(2));
    let both = |wrap: &dyn Fn(&[u8]) -> Vec<u8>| [wrap(&first), wrap(&second)].concat();
    let length = first.len();
    let expected = [&first[..], &second];
    let streams = [
        (
            "a text behind each picture",
            both(&|jpeg| {
                let text =
                    b"--pic\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n21.5 C\r\n";
                [&part(jpeg, "--pic\r\n", Some(jpeg.len()))[..], text].concat()
            }),
        ),
        (
            "empty lines before each picture",
            both(&|jpeg| {
                part(
                    &[b"\r\n\r\n", jpeg].concat(),
                    "--pic\r\n",
                    Some(jpeg.len() + 4),
                )
            }),
        ),
        (
            "line feeds only",
            both(&|jpeg| [b"--pic\nContent-Type: image/jpeg\n\n", jpeg, b"\n"].concat()),
        ),
        (
            "line feeds, then a whole empty line",
            both(&|jpeg| [b"--pic\nContent-Type: image/jpeg\n\r\n", jpeg, b"\r\n"].concat()),
        ),
        (
            "90 kB of headers",
            both(&|jpeg| {
                let note = format!("--pic\r\nX-Note: {}\r\n", "n".repeat(90_000));
                part(jpeg, &note, Some(jpeg.len()))
            }),
        ),
        (
            "joined in the middle",
            [
                &first[first.len() / 3..],
                b"\r\n",
                &part(&first, "--pic\r\n", Some(length)),
                &part(&second, "--pic\r\n", Some(second.len())),
            ]
            .concat(),
        ),
        (
            "the start marker twice",
            both(&|jpeg| [b"\xff\xd8", jpeg].concat()),
        ),
    ];
    for (what, stream) in streams {
        assert_cuts(&stream, &expected, what);
    }
}

#[test]
fn a_thumbnail_inside_a_picture_is_not_a_picture() {
    let (first, second) = (jpeg(1), jpeg(2));
    let thumbnail = [b"Exif\0\0", &first[..]].concat();
    let length = (thumbnail.len() as u16 + 2).to_be_bytes();
    let app1 = [b"\xff\xe1", &length[..], &thumbnail].concat();
    let wrapped = |jpeg: &[u8]| part(&[&jpeg[..2], &app1, &jpeg[2..]].concat(), "--pic\r\n", None);
    let stream = [wrapped(&first), wrapped(&second)].concat();
    assert_eq!(cuts(&stream, 512).len(), 2);
}

#[test]
fn a_picture_is_returned_with_its_last_byte() {
    let whole = jpeg(3);
    let mut cutter = JpegSplitter::default();
    cutter.push(&part(&whole, "--pic\r\n", None)[..]);
    assert!(cutter.next_cut().is_some(), "without a boundary behind it");
    // A picture without an end marker ends with its part's length, or at a boundary.
    for (length, behind) in [(Some(whole.len() - 2), ""), (None, "--pic\r\n")] {
        let mut cutter = JpegSplitter::default();
        let bare = part(without_end(&whole), "--pic\r\n", length);
        cutter.push(&[&bare[..], behind.as_bytes()].concat());
        let picture = Cut::Picture(without_end(&whole).to_vec());
        assert!(cutter.next_cut() == Some(picture), "{length:?}");
        assert_eq!(cutter.next_cut(), None);
    }
}

#[test]
fn pictures_without_an_end_marker_end_where_the_next_begins() {
    let (first, second) = (jpeg(4), jpeg(5));
    let bare = [
        without_end(&first),
        without_end(&second),
        without_end(&first),
    ];
    for length in [true, false] {
        let stream: Vec<u8> = bare
            .iter()
            .flat_map(|jpeg| part(jpeg, "--pic\r\n", length.then_some(jpeg.len())))
            .collect();
        let found = cuts(&stream, 512);
        let given = bare.map(|jpeg| Cut::Picture(jpeg.to_vec()));
        let expected = if length { &given[..] } else { &given[..2] };
        let sizes = |cuts: &[Cut]| -> Vec<usize> {
            let size = |cut: &Cut| match cut {
                Cut::Picture(jpeg) => jpeg.len(),
                Cut::NoPicture(_) => 0,
            };
            cuts.iter().map(size).collect()
        };
        let (got, wanted) = (sizes(&found), sizes(expected));
        assert!(
            found == expected,
            "length reported: {length}; {got:?}, not {wanted:?}"
        );
    }
    let mut cutter = JpegSplitter::default();
    cutter.push(&part(bare[0], "--pic\r\n", None));
    assert_eq!(cutter.next_cut(), None);
    assert!(cutter.finish() == Some(Cut::Picture(bare[0].to_vec())));
}

#[test]
fn a_picture_truncated_in_its_header_does_not_swallow_the_next() {
    let whole = jpeg(9);
    let cut = &whole[..300];
    let stream = [
        part(cut, "--pic\r\n", Some(cut.len())),
        part(&whole, "--pic\r\n", Some(whole.len())),
    ]
    .concat();
    assert_cuts(&stream, &[cut, &whole], "cut in its header");
}

#[test]
fn parts_without_a_picture_are_reported_as_soon_as_they_end() {
    let reported = |stream: &[u8]| -> Vec<String> {
        cuts(stream, 5)
            .into_iter()
            .map(|cut| match cut {
                Cut::NoPicture(why) => why,
                Cut::Picture(_) => panic!("a picture"),
            })
            .collect()
    };
    let by_length = reported(&part(b"no picture at all", "--pic\r\n", Some(17))[..]);
    assert_eq!(
        by_length,
        ["this is no JPEG: it begins with \"no picture at all\""]
    );
    let by_boundary = [
        &part(b"\x89PNG\r\n\x1a\n\0\0", "--pic\r\n", None),
        &b"--pic\r\n"[..],
    ];
    let words = reported(&by_boundary.concat());
    assert!(
        words.len() == 1 && words[0].contains("[89, 50, 4e, 47"),
        "{words:?}"
    );
    let half = jpeg(6);
    let half = part(&half[..half.len() / 2], "--pic\r\n", Some(half.len() / 2));
    assert_eq!(cuts(&half, half.len()).len(), 1, "the decoder names it");
    assert!(
        reported(&part(b"\r\n", "--pic\r\n", Some(2))).is_empty(),
        "blank"
    );
    assert!(reported(b"--pic\r\nContent-Type: text/plain\r\n\r\nhello\r\n--pic\r\n").is_empty());
}

#[test]
fn endless_data_is_reported_and_not_kept() {
    let junk: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    let mut cutter = JpegSplitter::default();
    let mut reported = 0;
    for _ in 0..=3 * (MAX_BETWEEN_BYTES >> 20) {
        cutter.push(&junk);
        while let Some(cut) = cutter.next_cut() {
            assert!(matches!(cut, Cut::NoPicture(_)));
            reported += 1;
        }
        assert!(cutter.buffer.len() <= MAX_LINE_BYTES);
    }
    assert_eq!(reported, 3);
    let whole = jpeg(7);
    let mut cutter = JpegSplitter::default();
    cutter.push(&whole[..whole.len() / 2]);
    let mut reported = 0;
    for _ in 0..=MAX_PICTURE_BYTES >> 20 {
        cutter.push(&[0x55; 1 << 20]);
        reported += std::iter::from_fn(|| cutter.next_cut()).count();
        assert!(cutter.buffer.len() <= MAX_PICTURE_BYTES);
    }
    assert_eq!(reported, 1);
    cutter.push(&whole);
    assert!(cutter.next_cut() == Some(Cut::Picture(whole)), "it goes on");
}

#[test]
fn noise_never_panics() {
    let whole = part(&jpeg(8), "--pic\r\n", Some(900));
    let mut state = 5_u32;
    for _ in 0..400 {
        let mut torn = [&whole[..], &whole].concat();
        for _ in 0..12 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % torn.len();
            torn[at] = state as u8;
        }
        let mut cutter = JpegSplitter::default();
        for bytes in torn.chunks(1 + state as usize % 500) {
            cutter.push(bytes);
            while cutter.next_cut().is_some() {}
        }
        cutter.finish();
    }
}
