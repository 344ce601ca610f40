use super::*;

/// An independent depacketiser, written from RFC 6184.
fn depacketise(payloads: &[Bytes]) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for payload in payloads {
        assert!(
            payload.len() <= MAX_PAYLOAD_BYTES,
            "{} bytes",
            payload.len()
        );
        match payload[0] & 0x1f {
            24 => {
                let mut rest = &payload[1..];
                while !rest.is_empty() {
                    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                    units.push(rest[2..2 + length].to_vec());
                    rest = &rest[2 + length..];
                }
            }
            28 => {
                let (start, end) = (payload[1] & 0x80 != 0, payload[1] & 0x40 != 0);
                assert!(!(start && end), "a fragment may not be first and last");
                assert_eq!(start, !open, "fragments in order");
                if start {
                    units.push(vec![(payload[0] & 0xe0) | (payload[1] & 0x1f)]);
                }
                units
                    .last_mut()
                    .expect("opened")
                    .extend_from_slice(&payload[2..]);
                open = !end;
            }
            1..=23 => units.push(payload.to_vec()),
            other => panic!("payload type {other}"),
        }
    }
    assert!(!open, "the last fragment ends its unit");
    units
}

fn unit(header: u8, length: usize) -> Vec<u8> {
    let mut unit: Vec<u8> = (0..length).map(|at| (at % 251) as u8 | 1).collect();
    unit[0] = header;
    unit
}

fn annex_b(units: &[Vec<u8>]) -> Vec<u8> {
    units
        .iter()
        .flat_map(|unit| [&[0, 0, 0, 1], unit.as_slice()].concat())
        .collect()
}

#[test]
fn every_length_around_the_limits_survives_the_round_trip() {
    let fragment = MAX_PAYLOAD_BYTES - 2;
    let limits = [
        1,
        2,
        MAX_PAYLOAD_BYTES,
        fragment,
        2 * fragment,
        3 * fragment,
    ];
    let around = limits
        .iter()
        .flat_map(|length| [length.max(&1) - 1, *length, length + 1, length + 2]);
    for length in around.filter(|length| *length > 0) {
        let units = vec![unit(0x41, length)];
        assert_eq!(
            depacketise(&packetise(&annex_b(&units))),
            units,
            "length {length}"
        );
    }
}

#[test]
fn a_keyframe_is_one_stap_a_and_equal_fragments() {
    let units = vec![unit(0x67, 16), unit(0x68, 4), unit(0x65, 30_000)];
    let payloads = packetise(&annex_b(&units));
    assert!(depacketise(&payloads) == units, "the same units");
    assert_eq!(payloads[0].len(), 1 + 2 + 16 + 2 + 4);
    assert_eq!(
        payloads[0][0],
        0x60 | STAP_A,
        "the highest NRI of its units"
    );
    let (last, fragments) = payloads[1..].split_last().expect("fragments");
    assert!(
        fragments
            .iter()
            .all(|payload| payload.len() == MAX_PAYLOAD_BYTES)
    );
    assert!(last.len() <= MAX_PAYLOAD_BYTES);
}

#[test]
fn a_small_keyframe_fits_in_one_packet() {
    let units = vec![unit(0x67, 16), unit(0x68, 4), unit(0x65, 900)];
    let payloads = packetise(&annex_b(&units));
    assert!((payloads.len(), depacketise(&payloads)) == (1, units));
}

#[test]
fn aggregates_end_when_the_packet_is_full() {
    let units: Vec<_> = (0..7).map(|_| unit(0x41, 500)).collect();
    let payloads = packetise(&annex_b(&units));
    assert!((payloads.len(), depacketise(&payloads)) == (4, units));
}

#[test]
fn start_codes_of_both_lengths_and_trailing_zeros_are_removed() {
    let stream = [
        &[9, 9][..],
        &[0, 0, 1, 0x67, 1, 2, 0, 0],
        &[0, 0, 0, 1, 0x68, 3],
        &[0, 0, 1],
        &[0, 0, 1, 0x41, 0, 0, 3, 4, 0, 0, 0],
    ]
    .concat();
    let units: Vec<_> = nal_units(&stream).collect();
    assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x41, 0, 0, 3, 4]]);
}

#[test]
fn input_without_units_gives_no_payloads() {
    for stream in [
        &[][..],
        &[0],
        &[0, 0, 1],
        &[0, 0, 0, 1],
        &[0; 40],
        &[7, 8, 9],
        &[0, 0, 1, 0, 0],
    ] {
        assert!(packetise(stream).is_empty(), "{stream:?}");
    }
}

#[test]
fn units_that_look_like_aggregates_are_dropped() {
    let units = vec![
        unit(0x78, 10),
        unit(0x41, 10),
        unit(0x7c, 2000),
        unit(0x00, 3),
    ];
    assert_eq!(
        depacketise(&packetise(&annex_b(&units))),
        [units[1].clone()]
    );
}

#[test]
fn all_payloads_share_one_buffer() {
    let payloads = packetise(&annex_b(&[unit(0x65, 5000)]));
    let ends = payloads.iter().map(|payload| payload.as_ptr_range());
    let contiguous = ends
        .clone()
        .zip(ends.skip(1))
        .all(|(left, right)| left.end == right.start);
    assert!(contiguous);
}
