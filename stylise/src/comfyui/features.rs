//! What a server of a certain version cannot do. Everything works all the same; its owner should know.

/// ComfyUI's `POST /prompt` takes the client's name of an order (July 2025).
const TAKES_NAMES: [u32; 3] = [0, 3, 45];
/// `POST /interrupt` stops the named order, and no other (September 2025).
const STOPS_BY_NAME: [u32; 3] = [0, 3, 57];

/// For people; empty: nothing is missing, or the version is no number that is known here.
pub(super) fn too_old_for(version: Option<&str>) -> Vec<String> {
    let known = match version {
        None => Some([0, 0, 0]),
        Some(version) => numbers(version),
    };
    let lacks = |since: [u32; 3], words: &str| {
        let is_older = known.is_some_and(|known| known < since);
        let [major, minor, patch] = since;
        is_older.then(|| format!("older than {major}.{minor}.{patch}: {words}"))
    };
    [
        lacks(
            TAKES_NAMES,
            "it names orders itself, so that one whose answer is lost on the way has to be searched for",
        ),
        lacks(
            STOPS_BY_NAME,
            "it stops whatever is at work when it is asked to stop one order, so that an order that \
             follows a cancelled one at once may be hit",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first three numbers of a version, as in `0.3.64` or `v0.3.64-12-gabc`.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.trim_start_matches('v').splitn(3, '.');
    let mut next = || {
        let part = parts.next()?;
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part[..digits.unwrap_or(part.len())].parse().ok()
    };
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_old_server_cannot_do_is_named() {
        for (version, lacks) in [
            (Some("0.33.0"), 0),
            (Some("0.3.64"), 0),
            (Some("v0.3.57-3-g1234567"), 0),
            (Some("0.3.56"), 1),
            (Some("0.3.44"), 2),
            (Some("0.3.10"), 2),
            (None, 2),
            (Some("stub"), 0),
            (Some(""), 0),
        ] {
            let told = too_old_for(version);
            assert_eq!(told.len(), lacks, "{version:?}: {told:?}");
        }
        assert!(too_old_for(Some("0.3.44"))[0].contains("older than 0.3.45"));
    }
}
