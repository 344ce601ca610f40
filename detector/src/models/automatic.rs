//! Which model `--model auto` takes. Pure.
//!
//! The most accurate one that is fast enough. Models are measured in the order of their accuracy, and only until one is
//! fast enough, so that on a fast machine a single one is.

/// The rate that is wanted of a feed when its owner sets none: that of most cameras.
pub const USUAL_FPS: f32 = 30.0;
/// The share of the time that detection may take, so that the encoder keeps a core.
const SHARE_MAX: f64 = 0.5;

/// A model that could be taken, with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    /// The time of a detection on this machine.
    pub(crate) median_ms: Option<f64>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// The candidate of this index has to be measured first.
    Measure(usize),
    Take {
        index: usize,
        /// For people: a sentence without its subject.
        why: String,
    },
}

/// The longest time of a detection that fits `wanted_fps` detections a second. `None`: no rate is wanted.
pub(crate) fn longest_ms(wanted_fps: Option<f32>) -> f64 {
    wanted_fps.map_or(f64::INFINITY, |fps| 1e3 * SHARE_MAX / f64::from(fps))
}

/// `candidates`: the most accurate first. `None`: there are none. `may_measure`: there is time left for that.
pub(crate) fn next_step(
    candidates: &[Candidate],
    longest_ms: f64,
    may_measure: bool,
) -> Option<Step> {
    for (index, candidate) in candidates.iter().enumerate() {
        match candidate.median_ms {
            None if candidates.len() == 1 => {
                let why = "it is the only one that is installed".to_owned();
                return Some(Step::Take { index, why });
            }
            _ if longest_ms.is_infinite() => {
                let why = "it is the most accurate that is installed".to_owned();
                return Some(Step::Take { index, why });
            }
            None if may_measure => return Some(Step::Measure(index)),
            Some(ms) if ms <= longest_ms => {
                let why = fitting(candidates, index, ms, longest_ms);
                return Some(Step::Take { index, why });
            }
            None | Some(_) => {}
        }
    }
    // Of what nothing is known, the last is the fastest: the embedded one.
    let time = |candidate: &Candidate| candidate.median_ms.unwrap_or(0.0);
    let (index, fastest) = candidates
        .iter()
        .enumerate()
        .rev()
        .min_by(|a, b| time(a.1).total_cmp(&time(b.1)))?;
    let why = match fastest.median_ms {
        Some(ms) => format!(
            "it is the fastest with {ms:.1} ms, and none takes the {longest_ms:.1} ms that the wanted rate allows"
        ),
        None => "the others are too slow here".to_owned(),
    };
    Some(Step::Take { index, why })
}

fn fitting(candidates: &[Candidate], index: usize, ms: f64, longest_ms: f64) -> String {
    let slower: Vec<String> = candidates[..index]
        .iter()
        .filter_map(|one| Some(format!("{} {:.1} ms", one.name, one.median_ms?)))
        .collect();
    let mut why =
        format!("it is the most accurate that takes at most {longest_ms:.1} ms here: {ms:.1} ms");
    if !slower.is_empty() {
        why += &format!(" (too slow: {})", slower.join(", "));
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(times: &[Option<f64>]) -> Vec<Candidate> {
        let names = ["large", "medium", "small", "embedded"];
        let first = names.len() - times.len();
        let of = |(name, median_ms): (&&str, &Option<f64>)| Candidate {
            name: (*name).to_owned(),
            median_ms: *median_ms,
        };
        names[first..].iter().zip(times).map(of).collect()
    }

    fn taken(times: &[Option<f64>], may_measure: bool) -> (usize, String) {
        match next_step(&candidates(times), 16.0, may_measure) {
            Some(Step::Take { index, why }) => (index, why),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_most_accurate_that_is_fast_enough_is_taken() {
        let (index, why) = taken(&[Some(30.0), Some(15.0), Some(9.0), Some(3.0)], true);
        assert_eq!(index, 1);
        assert!(
            why.contains("15.0 ms") && why.contains("large 30.0 ms"),
            "{why}"
        );
        let (index, why) = taken(&[Some(16.0), None, None, None], true);
        assert_eq!((index, why.contains("slow")), (0, false), "{why}");
    }

    #[test]
    fn only_what_may_be_taken_is_measured() {
        let step = |times: &[Option<f64>]| next_step(&candidates(times), 16.0, true);
        assert_eq!(step(&[None, None, None, None]), Some(Step::Measure(0)));
        assert_eq!(
            step(&[Some(20.0), None, None, None]),
            Some(Step::Measure(1))
        );
        assert_eq!(
            step(&[Some(20.0), None, Some(8.0), None]),
            Some(Step::Measure(1))
        );
        assert_eq!(taken(&[None], true).0, 0, "there is no choice");
        assert_eq!(next_step(&[], 16.0, true), None);
    }

    #[test]
    fn when_none_is_fast_enough_the_fastest_is_taken() {
        let (index, why) = taken(&[Some(90.0), Some(60.0), Some(70.0), Some(65.0)], true);
        assert_eq!(index, 1);
        assert!(why.contains("fastest with 60.0 ms"), "{why}");
    }

    #[test]
    fn without_time_to_measure_what_is_known_decides() {
        assert_eq!(taken(&[None, Some(30.0), Some(9.0), None], false).0, 2);
        let (index, why) = taken(&[Some(90.0), None, None, None], false);
        assert_eq!((index, why.as_str()), (3, "the others are too slow here"));
    }

    #[test]
    fn a_rate_leaves_half_of_the_time() {
        assert_eq!(longest_ms(Some(10.0)), 50.0);
        assert!((longest_ms(Some(USUAL_FPS)) - 16.67).abs() < 0.01);
        let slow = candidates(&[Some(900.0), None, None, Some(3.0)]);
        let step = next_step(&slow, longest_ms(None), true);
        assert!(
            matches!(step, Some(Step::Take { index: 0, .. })),
            "{step:?}"
        );
    }
}
