use super::*;

fn parse(text: &str) -> Result<Header, Y4mError> {
    Header::parse(text.as_bytes())
}

fn message(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

#[test]
fn headers_of_real_tools_are_read() {
    let ffmpeg = "YUV4MPEG2 W640 H480 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG \
        XCOLORRANGE=LIMITED";
    let header = parse(ffmpeg).expect("sound");
    assert_eq!(
        (header.width, header.height, header.chroma),
        (640, 480, Chroma::Cs420)
    );
    assert!((header.fps.expect("told") - 29.97).abs() < 0.01);
    assert_eq!(header.picture_bytes(), 460_800);
    let full = parse("YUV4MPEG2 W3 H5 C444 XCOLORRANGE=FULL").expect("sound");
    assert_eq!(
        (full.range, full.fps, full.picture_bytes()),
        (Range::Full, None, 45)
    );
    assert_eq!(parse("YUV4MPEG2 W4 H4 F0:0").expect("sound").fps, None);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    assert!(message("RIFF").contains("YUV4MPEG2"));
    assert!(message("YUV4MPEG2 W640").contains("no size"));
    assert!(message("YUV4MPEG2 W99999999 H480").contains("W99999999"));
    assert!(message("YUV4MPEG2 W0 H480").contains("W0"));
    assert!(message("YUV4MPEG2 W640 H-4").contains("H-4"));
    assert!(message("YUV4MPEG2 W640 H480 C420p10").contains("420p10"));
    assert!(message("YUV4MPEG2 W640 H480 Fsoon").contains("30:1"));
    assert!(Header::parse(b"YUV4MPEG2 W\xff").is_err());
}

#[test]
fn shape_and_fields_are_told_by_header_and_frames() {
    let aspect = |text: &str| parse(text).expect("sound").aspect.shown((704, 576));
    assert_eq!(aspect("YUV4MPEG2 W704 H576 A16:11"), (1024, 576));
    for square in ["", " A1:1", " A0:0", " A", " A16", " A-1:2", " Ax:y"] {
        let header = format!("YUV4MPEG2 W704 H576{square}");
        assert_eq!(aspect(&header), (704, 576), "{header}");
    }
    let fields = |header: &str, marks: [&str; 2]| {
        let [first, second] = marks.map(|mark| format!("FRAME{mark}\n123456"));
        let stream = format!("YUV4MPEG2 W2 H2{header}\n{first}{second}");
        let reader = Y4mReader::open(stream.as_bytes()).expect("sound");
        let (mut reader, mut pixels) = (reader.expect("not empty"), Vec::new());
        [(); 2].map(|()| {
            assert!(reader.next_into(&mut pixels).expect("sound"));
            reader.is_interlaced()
        })
    };
    assert_eq!(fields("", ["", " Itip"]), [false, false]);
    assert_eq!(fields(" I?", ["", ""]), [false, false]);
    assert_eq!(fields(" It", ["", ""]), [true, true]);
    assert_eq!(fields(" Ib", ["", " Ix"]), [true, true]);
    assert_eq!(fields(" Im", [" I1pp", " Xa Ibii"]), [false, true]);
}

#[test]
fn pictures_come_one_by_one_and_a_second_header_counts() {
    let mut stream = b"YUV4MPEG2 W2 H2 F5:1\nFRAME\n123456FRAME Ip\nabcdef".to_vec();
    stream.extend_from_slice(b"YUV4MPEG2 W4 H2 Cmono\nFRAME\n12345678");
    let mut reader = Y4mReader::open(&stream[..])
        .expect("sound")
        .expect("not empty");
    let (mut pixels, mut pictures) = (Vec::new(), Vec::new());
    while reader.next_into(&mut pixels).expect("sound") {
        pictures.push((reader.header().width, pixels.clone()));
    }
    let expected = [
        (2, b"123456".to_vec()),
        (2, b"abcdef".to_vec()),
        (4, b"12345678".to_vec()),
    ];
    assert_eq!(pictures, expected);
}

#[test]
fn a_wrong_header_is_reported_and_allocates_nothing() {
    let open = |stream: &'static [u8]| Y4mReader::open(stream).expect("sound").expect("some");
    let mut pixels = Vec::new();
    let mut small = open(b"YUV4MPEG2 W2 H2\nFRAME\n123456789\nFRAME\n123456789\n");
    assert!(small.next_into(&mut pixels).expect("the first is whole"));
    let lie = small
        .next_into(&mut pixels)
        .expect_err("out of step")
        .to_string();
    assert!(lie.contains("2x2") && lie.contains("is wrong"), "{lie}");
    let mut large = open(b"YUV4MPEG2 W8192 H8192 C444\nFRAME\n123456");
    let mut pixels = Vec::new();
    assert!(matches!(
        large.next_into(&mut pixels),
        Err(Y4mError::CutShort)
    ));
    assert!(pixels.capacity() < 4096, "{}", pixels.capacity());
    let endless = vec![b'x'; 5000];
    assert!(matches!(
        Y4mReader::open(&endless[..]),
        Err(Y4mError::LongLine)
    ));
    assert!(
        Y4mReader::open(&b""[..])
            .expect("empty is no error")
            .is_none()
    );
}
