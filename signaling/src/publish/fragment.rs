//! Pure: the SDP fragment (RFC 8840) for candidates found after the offer.

/// A fragment with those candidates of `now` that `before` did not have yet; `None` without any.
/// Both are local descriptions of one session with one media section.
pub(crate) fn new_candidates(before: &str, now: &str) -> Option<String> {
    let known: Vec<&str> = candidates(before).collect();
    let new: Vec<&str> = candidates(now)
        .filter(|line| !known.contains(line))
        .collect();
    if new.is_empty() {
        return None;
    }
    let line = |prefix: &str| now.lines().find(|line| line.starts_with(prefix));
    let mut lines = vec![line("a=ice-ufrag:")?, line("a=ice-pwd:")?];
    // RFC 9725 4.3.1: port and formats say nothing here.
    lines.extend(["m=video 9 UDP/TLS/RTP/SAVPF 0", line("a=mid:")?]);
    lines.extend(new);
    lines.push("a=end-of-candidates");
    Some(lines.join("\r\n") + "\r\n")
}

fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().filter(|line| line.starts_with("a=candidate:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_sent() {
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
}
