use super::*;

/// The lengths of the runs that datagrams of these lengths make.
fn runs(lengths: &[usize]) -> Vec<usize> {
    let mut loads: Vec<Load> = Vec::new();
    for &length in lengths {
        if !loads.last().is_some_and(|load| load.takes(length)) {
            loads.push(Load::of(length));
        }
        let bytes = loads.last_mut().expect("one").bytes_mut();
        bytes.resize(bytes.len() + length, 0);
    }
    let total: usize = loads.iter().map(|load| load.bytes.len()).sum();
    assert_eq!(total, lengths.iter().sum::<usize>());
    loads.iter().map(Load::count).collect()
}

#[test]
fn an_ordinary_frame_is_one_run() {
    assert_eq!(runs(&[1180, 1180, 1180, 400]), [4]);
}

#[test]
fn a_shorter_one_ends_its_run_and_a_longer_one_begins_another() {
    assert_eq!(runs(&[60, 1180, 1180, 90, 90]), [1, 3, 1]);
}

#[test]
fn a_keyframe_leaves_in_bounded_runs() {
    assert_eq!(runs(&[1180; 80]), [32, 32, 16]);
    assert_eq!(
        runs(&[4000; 20]),
        [15, 5],
        "never more than a UDP datagram's bytes"
    );
    assert!(runs(&[]).is_empty());
    assert!(!Load::single(BytesMut::new()).takes(0), "no endless run");
}

#[test]
fn a_run_is_taken_apart_as_it_was_put_together() {
    let mut load = Load::single(BytesMut::from(&[1; 100][..]));
    assert!(load.takes(40));
    load.bytes_mut().extend_from_slice(&[2; 40]);
    let path = Path {
        carriage: crate::transport::runs::Carriage::Udp,
        local: [192, 0, 2, 9].into(),
        remote: ([192, 0, 2, 1], 1).into(),
    };
    let run = Run::new(path, load);
    let apart: Vec<&[u8]> = run.datagrams().collect();
    assert_eq!(apart, [&[1; 100][..], &[2; 40][..]]);
    assert_eq!((run.len(), run.each_bytes()), (2, 100));
}
