//! Summarises all viewers as one line of JSON. Pure.

use std::time::Duration;

use crate::viewer::Viewer;

/// Times in milliseconds; `null` where no viewer reached the event.
pub(crate) fn json(viewers: &[Viewer]) -> String {
    let times = |of: fn(&Viewer) -> Option<Duration>| {
        let mut ms: Vec<f64> = viewers
            .iter()
            .filter_map(of)
            .map(|time| time.as_secs_f64() * 1e3)
            .collect();
        ms.sort_by(f64::total_cmp);
        ms
    };
    let connect = times(|viewer| viewer.connected_after);
    let picture = times(|viewer| viewer.picture_after);
    let (mut packets, mut lost) = (0, 0);
    for viewer in viewers {
        let (came, missing) = gaps(&viewer.numbers);
        packets += came;
        lost += missing;
    }
    let failure = viewers.iter().find_map(|viewer| viewer.failure.as_deref());
    format!(
        "{{\"viewers\":{},\"connected\":{},\"pictures\":{},\"connect_p50_ms\":{},\
         \"connect_p95_ms\":{},\"picture_p50_ms\":{},\"picture_p95_ms\":{},\"packets\":{packets},\
         \"lost\":{lost},\"bytes\":{},\"failure\":{}}}",
        viewers.len(),
        connect.len(),
        picture.len(),
        percentile(&connect, 0.5),
        percentile(&connect, 0.95),
        percentile(&picture, 0.5),
        percentile(&picture, 0.95),
        viewers.iter().map(|viewer| viewer.bytes).sum::<u64>(),
        // Debug formatting quotes these plain messages as JSON does.
        failure.map_or_else(|| "null".to_owned(), |text| format!("{text:?}")),
    )
}

/// Received packets without duplicates, and those missing between the first and the last.
fn gaps(numbers: &[u64]) -> (u64, u64) {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let came = numbers.len() as u64;
    let span = match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) => last - first + 1,
        _ => 0,
    };
    (came, span - came)
}

fn percentile(sorted: &[f64], share: f64) -> String {
    let at = (sorted.len() as f64 * share) as usize;
    let found = sorted.get(at).or(sorted.last());
    found.map_or_else(|| "null".to_owned(), |ms| format!("{ms:.1}"))
}
