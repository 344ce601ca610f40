//! What the running station has seen of visitors, from which a network that keeps them away can be told. Pure.

use std::time::Duration;

use signaling::ViewerSummary;

/// A viewer on a network that lets UDP or TCP through has connected long before.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// After that time, somebody should have opened a page.
const FIRST_VISIT: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Another machine has asked for something.
    pub(crate) was_visited: bool,
    /// The newest viewer that waited in vain for its video, and none has connected since.
    pub(crate) is_video_blocked: bool,
}

impl Evidence {
    pub(crate) fn note_viewers(&mut self, viewers: &[ViewerSummary]) {
        let newest_connected = newest(viewers, |viewer| viewer.connected);
        let newest_waiting = newest(viewers, |viewer| {
            !viewer.connected && viewer.watched_for > CONNECT_TIMEOUT
        });
        match (newest_connected, newest_waiting) {
            (Some(connected), Some(waiting)) => self.is_video_blocked = waiting < connected,
            (Some(_), None) => self.is_video_blocked = false,
            (None, Some(_)) => self.is_video_blocked = true,
            (None, None) => {}
        }
    }

    /// What may be wrong, in plain words, and what to do. It is a suspicion: a phone that is kept away leaves no trace.
    pub(crate) fn suspicion(&self, uptime: Duration, media_port: u16) -> Option<(String, String)> {
        if self.is_video_blocked {
            return Some((
                format!("a viewer opened the page and got no video over port {media_port}"),
                format!(
                    "let UDP and TCP port {media_port} through the firewall of this machine and of the Wi-Fi; \
                     `carrier doctor` as root reads the rules of this machine"
                ),
            ));
        }
        if !self.was_visited && uptime > FIRST_VISIT {
            return Some((
                "no other machine has asked for a page yet".to_owned(),
                "open the address on a phone in the same Wi-Fi; if it does not load, the Wi-Fi may keep devices \
                 apart (client isolation, common in guest networks): ask for that to be turned off, or use a network \
                 of your own, `carrier hotspot`"
                    .to_owned(),
            ));
        }
        None
    }
}

/// For how long the newest of these watches.
fn newest(viewers: &[ViewerSummary], is_one: impl Fn(&&ViewerSummary) -> bool) -> Option<Duration> {
    let times = viewers.iter().filter(is_one);
    times.map(|viewer| viewer.watched_for).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn viewer(connected: bool, seconds: u64) -> ViewerSummary {
        ViewerSummary {
            connected,
            watched_for: Duration::from_secs(seconds),
            loss: None,
            round_trip: None,
            rendition: signaling::default_renditions()[0].id,
            rendition_change: None,
            estimate_bps: None,
            frozen_for: Duration::ZERO,
        }
    }

    fn says(evidence: Evidence, uptime: Duration) -> String {
        let suspicion = evidence.suspicion(uptime, 8189);
        suspicion.map_or_else(String::new, |(words, _)| words)
    }

    #[test]
    fn a_viewer_without_video_is_told_until_another_has_it() {
        let mut evidence = Evidence {
            was_visited: true,
            ..Evidence::default()
        };
        evidence.note_viewers(&[viewer(false, 3)]);
        assert_eq!(says(evidence, LONG), "", "it is still connecting");
        evidence.note_viewers(&[viewer(false, 9)]);
        assert!(says(evidence, LONG).contains("no video over port 8189"));
        evidence.note_viewers(&[]);
        assert!(says(evidence, LONG).contains("no video"), "it gave up");
        evidence.note_viewers(&[viewer(true, 60), viewer(false, 20)]);
        assert!(says(evidence, LONG).contains("no video"));
        evidence.note_viewers(&[viewer(true, 1), viewer(false, 20)]);
        assert_eq!(says(evidence, LONG), "");
    }

    #[test]
    fn that_nobody_came_is_told_after_a_while() {
        let nobody = Evidence::default();
        assert_eq!(says(nobody, Duration::from_secs(60)), "");
        assert!(says(nobody, LONG).contains("no other machine"));
        let visited = Evidence {
            was_visited: true,
            ..nobody
        };
        assert_eq!(says(visited, LONG), "");
    }
}
