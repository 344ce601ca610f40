use super::*;

#[test]
fn datagrams_survive_any_fragmentation_of_the_stream() {
    let datagrams: [&[u8]; 4] = [b"one", b"", b"three", &[7; 1500]];
    let mut framer = Framer::default();
    assert!(datagrams.iter().all(|datagram| framer.put(datagram)));
    let stream = framer.waiting().to_vec();
    framer.written(stream.len());
    assert!(framer.waiting().is_empty());
    for piece in [1, 2, 3, 700, 5000] {
        let (mut unframer, mut out) = (Unframer::default(), Vec::new());
        for bytes in stream.chunks(piece) {
            unframer.put(bytes);
            while let Some(datagram) = unframer.take().expect("fair lengths") {
                out.push(datagram);
            }
        }
        assert_eq!(out, datagrams, "in pieces of {piece}");
    }
}

#[test]
fn an_oversized_length_is_an_error() {
    let mut unframer = Unframer::default();
    unframer.put(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(unframer.take(), Err(OversizedError));
}

#[test]
fn a_slow_connection_buffers_a_bounded_amount() {
    let mut framer = Framer::default();
    let held = (0..1000).filter(|_| framer.put(&[0; 1200])).count();
    assert_eq!(held, WAITING_BYTES_MAX / 1202);
    framer.written(1202);
    assert!(framer.put(&[0; 1200]) && !framer.put(&[0; 1200]));
    assert!(!framer.put(&[0; 70_000]));
}
