use super::*;

/// Sizes of the runs that datagrams of these lengths form.
fn runs(lengths: &[usize]) -> Vec<usize> {
    let mut buffers: Vec<RunBuffer> = Vec::new();
    for &length in lengths {
        if !buffers.last().is_some_and(|buffer| buffer.takes(length)) {
            buffers.push(RunBuffer::of(length));
        }
        let bytes = buffers.last_mut().expect("one").bytes_mut();
        bytes.resize(bytes.len() + length, 0);
    }
    let total: usize = buffers.iter().map(|buffer| buffer.bytes.len()).sum();
    assert_eq!(total, lengths.iter().sum::<usize>());
    buffers.iter().map(RunBuffer::count).collect()
}

#[test]
fn an_ordinary_frame_is_one_run() {
    assert_eq!(runs(&[1180, 1180, 1180, 400]), [4]);
}

#[test]
fn a_shorter_datagram_ends_its_run_and_a_longer_one_starts_another() {
    assert_eq!(runs(&[60, 1180, 1180, 90, 90]), [1, 3, 1]);
}

#[test]
fn a_keyframe_is_split_into_bounded_runs() {
    assert_eq!(runs(&[1180; 80]), [32, 32, 16]);
    assert_eq!(
        runs(&[4000; 20]),
        [15, 5],
        "at most the size of a UDP datagram"
    );
    assert!(runs(&[]).is_empty());
    assert!(
        !RunBuffer::single(BytesMut::new()).takes(0),
        "an empty datagram ends the run"
    );
}

#[test]
fn a_run_returns_its_datagrams() {
    let mut buffer = RunBuffer::single(BytesMut::from(&[1; 100][..]));
    assert!(buffer.takes(40));
    buffer.bytes_mut().extend_from_slice(&[2; 40]);
    let path = Path {
        protocol: crate::transport::runs::TransportProtocol::Udp,
        local: [192, 0, 2, 9].into(),
        remote: ([192, 0, 2, 1], 1).into(),
    };
    let run = Run::new(path, buffer);
    let apart: Vec<&[u8]> = run.datagrams().collect();
    assert_eq!(apart, [&[1; 100][..], &[2; 40][..]]);
    assert_eq!((run.len(), run.each_bytes()), (2, 100));
}
