//! Which datagrams chance takes: each for itself, or in bursts.

use crate::chance::Chance;

/// How datagrams are lost; probabilities from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Loss {
    /// Nothing is lost by chance.
    #[default]
    None,
    /// Each datagram for itself.
    Random(f64),
    /// The Gilbert-Elliott model: a good and a bad state, a step between them for each datagram.
    GilbertElliott {
        /// Probability of a step from good to bad.
        to_bad: f64,
        /// Probability of a step from bad to good; one over the mean length of a bad stretch.
        to_good: f64,
        /// Loss in the good state.
        in_good: f64,
        /// Loss in the bad state.
        in_bad: f64,
    },
}

impl Loss {
    /// Bursts in which everything is lost, `burst` datagrams long on average, so that `share` of
    /// all is lost. `share` below 1.
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

/// The state of the two-state model; outlives a change of its parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct LossState {
    bad: bool,
}

impl LossState {
    /// The fate of the next datagram.
    pub(crate) fn loses(&mut self, loss: Loss, chance: &mut Chance) -> bool {
        match loss {
            Loss::None => false,
            Loss::Random(share) => chance.happens(share),
            Loss::GilbertElliott {
                to_bad,
                to_good,
                in_good,
                in_bad,
            } => {
                let step = if self.bad { to_good } else { to_bad };
                self.bad ^= chance.happens(step);
                chance.happens(if self.bad { in_bad } else { in_good })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(loss: Loss, count: usize) -> Vec<bool> {
        let (mut state, mut chance) = (LossState::default(), Chance::new(7));
        (0..count).map(|_| state.loses(loss, &mut chance)).collect()
    }

    fn share(fates: &[bool]) -> f64 {
        fates.iter().filter(|lost| **lost).count() as f64 / fates.len() as f64
    }

    fn mean_burst(fates: &[bool]) -> f64 {
        let bursts = fates.chunk_by(|one, next| one == next).filter(|run| run[0]);
        let lengths: Vec<usize> = bursts.map(<[bool]>::len).collect();
        lengths.iter().sum::<usize>() as f64 / lengths.len() as f64
    }

    #[test]
    fn random_loss_has_its_share_and_no_memory() {
        assert!(!fates(Loss::None, 1000).contains(&true));
        assert!(!fates(Loss::Random(0.0), 1000).contains(&true));
        assert!(!fates(Loss::Random(1.0), 1000).contains(&false));
        let seen = fates(Loss::Random(0.05), 100_000);
        assert!((0.047..0.053).contains(&share(&seen)), "{}", share(&seen));
        // A run of independent losses is 1 / (1 - share) long.
        assert!(mean_burst(&seen) < 1.1, "{}", mean_burst(&seen));
    }

    #[test]
    fn bursts_have_their_share_and_length() {
        let seen = fates(Loss::bursts(0.05, 6.0), 400_000);
        assert!((0.046..0.054).contains(&share(&seen)), "{}", share(&seen));
        let length = mean_burst(&seen);
        assert!((5.6..6.4).contains(&length), "{length}");
    }

    #[test]
    fn the_bad_state_may_let_some_through() {
        let loss = Loss::GilbertElliott {
            to_bad: 0.5,
            to_good: 0.5,
            in_good: 0.0,
            in_bad: 0.5,
        };
        let seen = share(&fates(loss, 100_000));
        assert!((0.24..0.26).contains(&seen), "{seen}");
    }
}
