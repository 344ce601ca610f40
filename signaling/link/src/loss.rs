//! Random loss models: independent, or in bursts.

use crate::random::Random;

/// A loss model; probabilities from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Loss {
    /// No loss.
    #[default]
    None,
    /// Independent loss of each datagram.
    Random(f64),
    /// The Gilbert-Elliott model: a good and a bad state, with one transition step per datagram.
    GilbertElliott {
        /// Transition probability from good to bad.
        to_bad: f64,
        /// Transition probability from bad to good; its reciprocal is the mean length of a bad period.
        to_good: f64,
        /// Loss probability in the good state.
        in_good: f64,
        /// Loss probability in the bad state.
        in_bad: f64,
    },
}

impl Loss {
    /// Bursts in which everything is lost, with mean length `burst`, so that `share` of all datagrams is
    /// lost. `share` must be below 1.
    #[must_use]
    pub fn bursts(share: f64, burst: f64) -> Self {
        let to_good = 1.0 / burst.max(1.0);
        Self::GilbertElliott {
            to_bad: to_good * share / (1.0 - share),
            to_good,
            in_good: 0.0,
            in_bad: 1.0,
        }
    }
}

/// The state of the Gilbert-Elliott model; kept when the parameters change.
#[derive(Debug, Clone, Default)]
pub(crate) struct LossState {
    bad: bool,
}

impl LossState {
    /// Whether the next datagram is lost.
    pub(crate) fn loses(&mut self, loss: Loss, random: &mut Random) -> bool {
        match loss {
            Loss::None => false,
            Loss::Random(share) => random.happens(share),
            Loss::GilbertElliott {
                to_bad,
                to_good,
                in_good,
                in_bad,
            } => {
                let step = if self.bad { to_good } else { to_bad };
                self.bad ^= random.happens(step);
                random.happens(if self.bad { in_bad } else { in_good })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(loss: Loss, count: usize) -> Vec<bool> {
        let (mut state, mut random) = (LossState::default(), Random::new(7));
        (0..count).map(|_| state.loses(loss, &mut random)).collect()
    }

    fn share(outcomes: &[bool]) -> f64 {
        outcomes.iter().filter(|lost| **lost).count() as f64 / outcomes.len() as f64
    }

    fn mean_burst(outcomes: &[bool]) -> f64 {
        let bursts = outcomes
            .chunk_by(|one, next| one == next)
            .filter(|run| run[0]);
        let lengths: Vec<usize> = bursts.map(<[bool]>::len).collect();
        lengths.iter().sum::<usize>() as f64 / lengths.len() as f64
    }

    #[test]
    fn random_loss_has_its_share_and_is_independent() {
        assert!(!outcomes(Loss::None, 1000).contains(&true));
        assert!(!outcomes(Loss::Random(0.0), 1000).contains(&true));
        assert!(!outcomes(Loss::Random(1.0), 1000).contains(&false));
        let seen = outcomes(Loss::Random(0.05), 100_000);
        assert!((0.047..0.053).contains(&share(&seen)), "{}", share(&seen));
        // Runs of independent losses have the mean length 1 / (1 - share).
        assert!(mean_burst(&seen) < 1.1, "{}", mean_burst(&seen));
    }

    #[test]
    fn bursts_have_the_configured_share_and_length() {
        let seen = outcomes(Loss::bursts(0.05, 6.0), 400_000);
        assert!((0.046..0.054).contains(&share(&seen)), "{}", share(&seen));
        let length = mean_burst(&seen);
        assert!((5.6..6.4).contains(&length), "{length}");
    }

    #[test]
    fn the_bad_state_may_deliver_some() {
        let loss = Loss::GilbertElliott {
            to_bad: 0.5,
            to_good: 0.5,
            in_good: 0.0,
            in_bad: 0.5,
        };
        let seen = share(&outcomes(loss, 100_000));
        assert!((0.24..0.26).contains(&seen), "{seen}");
    }
}
