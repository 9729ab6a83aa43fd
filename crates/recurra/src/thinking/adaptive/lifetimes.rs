//! How many steps questions needed, where some were given up before they were solved.

use super::Outcome;

/// Bins of steps: each number to 16 alone, then four an octave to 3328; the last one is open.
pub(super) const BINS: usize = 48;
const EXACT: usize = 16;

/// The bin of a number of steps; 0 counts as 1.
pub(super) fn bin(steps: usize) -> usize {
    if steps <= EXACT {
        return steps.max(1) - 1;
    }
    (EXACT..BINS - 1)
        .find(|&i| steps <= last(i))
        .unwrap_or(BINS - 1)
}

/// The most steps of a bin.
pub(super) fn last(bin: usize) -> usize {
    match bin {
        0..EXACT => bin + 1,
        _ if bin >= BINS - 1 => usize::MAX,
        _ => [19, 22, 26, 32][(bin - EXACT) % 4] << ((bin - EXACT) / 4),
    }
}

/// A number of steps that stands for a bin: its geometric middle.
pub(super) fn middle(bin: usize) -> usize {
    if bin < EXACT {
        return bin + 1;
    }
    let first = last(bin - 1) + 1;
    let last = if bin == BINS - 1 { 4096 } else { last(bin) };
    ((first * last) as f64).sqrt().round() as usize
}

/// How many whole bins are behind a question that was given up after so many steps.
fn bins_within(budget: usize) -> usize {
    (0..BINS).find(|&i| last(i) > budget).unwrap_or(BINS)
}

/// Counts of outcomes. Questions that were given up count for as long as they were tried, and no longer: the
/// estimator of Kaplan and Meier (1958).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lifetimes {
    /// Solved within each bin.
    pub(super) solved: [f32; BINS],
    /// Given up with so many whole bins behind them.
    pub(super) given_up: [f32; BINS + 1],
}

impl Lifetimes {
    pub(super) const NONE: Self = Lifetimes {
        solved: [0.0; BINS],
        given_up: [0.0; BINS + 1],
    };

    /// The number of outcomes.
    pub(super) fn count(&self) -> f32 {
        self.solved.iter().chain(&self.given_up).sum()
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Solved { steps } => self.solved[bin(steps)] += 1.0,
            Outcome::Unsolved { budget } => self.given_up[bins_within(budget)] += 1.0,
        }
    }

    /// Adds `weight` times another's counts.
    pub(super) fn add_scaled(&mut self, other: &Self, weight: f32) {
        for (to, from) in self.solved.iter_mut().zip(&other.solved) {
            *to += weight * from;
        }
        for (to, from) in self.given_up.iter_mut().zip(&other.given_up) {
            *to += weight * from;
        }
    }

    pub(super) fn scale(&mut self, factor: f32) {
        let counts = self.solved.iter_mut().chain(&mut self.given_up);
        counts.for_each(|count| *count *= factor);
    }

    /// The distribution of the steps needed, with as much trust in `prior` as in `strength` questions: the mean of a
    /// beta-Stacy process, which for complete observations is that of a Dirichlet process (Walker, Muliere 1997).
    pub(super) fn distribution(&self, prior: &Steps, strength: f32) -> Steps {
        let mut at_risk = self.count();
        let (mut prior_left, mut left) = (1.0f32, 1.0f32);
        let mut steps = Steps([0.0; BINS]);
        for i in 0..BINS {
            at_risk = (at_risk - self.given_up[i]).max(0.0);
            let events = self.solved[i] + strength * prior.0[i];
            let tried = at_risk + strength * prior_left;
            let hazard = if tried > 0.0 { events / tried } else { 0.0 };
            steps.0[i] = left * hazard.clamp(0.0, 1.0);
            left -= steps.0[i];
            at_risk = (at_risk - self.solved[i]).max(0.0);
            prior_left = (prior_left - prior.0[i]).max(0.0);
        }
        steps
    }
}

/// Probabilities that a question is solved within each bin of steps; what is missing to 1 is that it never is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Steps(pub(super) [f32; BINS]);

impl Steps {
    /// When nothing is known.
    pub(super) const UNKNOWN: Self = Steps([1.0 / (BINS + 1) as f32; BINS]);

    /// Probability of being solved within the first `bins`.
    pub(super) fn within(&self, bins: usize) -> f32 {
        self.0[..bins.min(BINS)].iter().sum()
    }

    /// The probability of an outcome.
    pub(super) fn likelihood(&self, outcome: Outcome) -> f32 {
        match outcome {
            Outcome::Solved { steps } => self.0[bin(steps)],
            Outcome::Unsolved { budget } => 1.0 - self.within(bins_within(budget)),
        }
    }

    /// For a question that was given up: the probability that more steps would have solved it, and the mean of ln K if so.
    pub(super) fn beyond(&self, budget: usize) -> (f32, f32) {
        let (mut mass, mut sum) = (0.0, 0.0);
        for i in bins_within(budget)..BINS {
            mass += self.0[i];
            sum += self.0[i] * (middle(i) as f32).ln();
        }
        let left = 1.0 - self.within(bins_within(budget));
        if mass > 0.0 && left > 0.0 {
            ((mass / left).clamp(0.0, 1.0), sum / mass)
        } else {
            (0.0, 0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_one_another() {
        assert_eq!((bin(0), bin(1), bin(16), bin(17)), (0, 0, 15, 16));
        for i in 0..BINS - 1 {
            assert_eq!((bin(last(i)), bin(last(i) + 1)), (i, i + 1));
            assert_eq!(bin(middle(i)), i);
        }
        assert_eq!(
            (last(BINS - 2), bin(usize::MAX), bin(middle(BINS - 1))),
            (3328, BINS - 1, BINS - 1)
        );
        assert_eq!(
            (bins_within(0), bins_within(16), bins_within(18)),
            (0, 16, 16)
        );
        assert_eq!((bins_within(19), bins_within(usize::MAX)), (17, BINS));
    }

    #[test]
    fn questions_given_up_count_for_as_long_as_they_were_tried() {
        // Of 4 tried, 1 is solved in step 1 and 1 given up after it; of 2 left, 1 is solved in step 3.
        let mut lifetimes = Lifetimes::NONE;
        lifetimes.add(Outcome::Solved { steps: 1 });
        lifetimes.add(Outcome::Unsolved { budget: 1 });
        lifetimes.add(Outcome::Solved { steps: 3 });
        lifetimes.add(Outcome::Unsolved { budget: 5 });
        let steps = lifetimes.distribution(&Steps::UNKNOWN, 0.0);
        assert_eq!((steps.0[0], steps.0[1], steps.0[2]), (0.25, 0.0, 0.375));
        assert_eq!(steps.within(BINS), 0.625);
        assert_eq!(steps.likelihood(Outcome::Solved { steps: 3 }), 0.375);
        assert_eq!(steps.likelihood(Outcome::Unsolved { budget: 2 }), 0.75);
        // After two steps, half of what is left is solved in the third.
        let (chance, mean) = steps.beyond(2);
        assert!((chance - 0.5).abs() < 1e-6 && (mean - 3f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn a_prior_counts_as_so_many_questions() {
        let mut prior = Steps([0.0; BINS]);
        prior.0[1] = 0.5;
        prior.0[4] = 0.5;
        let mut lifetimes = Lifetimes::NONE;
        lifetimes.add(Outcome::Solved { steps: 5 });
        // Two questions' worth of the prior and one solved in 5 steps: 1/3 and 2/3.
        let steps = lifetimes.distribution(&prior, 2.0);
        assert!((steps.0[1] - 1.0 / 3.0).abs() < 1e-6 && (steps.0[4] - 2.0 / 3.0).abs() < 1e-6);
        assert_eq!(Lifetimes::NONE.distribution(&prior, 2.0), prior);
    }
}
