use super::*;

#[test]
fn only_new_candidates_are_trickled() {
    let offer = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n\
                 a=mid:0\r\na=candidate:1 1 udp 9 10.0.0.1 5 typ host\r\n";
    assert_eq!(new_candidates(offer, offer), None);
    let more = format!("{offer}a=candidate:2 1 udp 8 1.2.3.4 6 typ srflx\r\n");
    let fragment = new_candidates(offer, &more).expect("one is new");
    assert_eq!(
        fragment,
        "a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
         a=candidate:2 1 udp 8 1.2.3.4 6 typ srflx\r\na=end-of-candidates\r\n"
    );
}
