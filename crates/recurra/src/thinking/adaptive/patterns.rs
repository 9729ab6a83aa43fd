//! Clusters of past questions, each with the steps that its questions needed.

use super::lifetimes::Lifetimes;
use super::regression::Fit;

/// The most clusters.
pub(super) const CENTRES: usize = 64;

/// One cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Centre<const N: usize> {
    /// How many questions.
    pub(super) count: f32,
    /// Mean of their features.
    pub(super) mean: [f32; N],
    /// What they needed.
    pub(super) lifetimes: Lifetimes,
}

impl<const N: usize> Centre<N> {
    fn absorb(&mut self, other: &Self) {
        let share = other.count / (self.count + other.count).max(f32::MIN_POSITIVE);
        for (to, from) in self.mean.iter_mut().zip(&other.mean) {
            *to += share * (from - *to);
        }
        self.count += other.count;
        self.lifetimes.add_scaled(&other.lifetimes, 1.0);
    }

    /// How much the squared distances from the centres grow when two become one (Ward 1963).
    fn cost(&self, other: &Self, fit: &Fit<N>) -> f32 {
        let count = self.count * other.count / (self.count + other.count).max(f32::MIN_POSITIVE);
        count * distance(&self.position(fit), &other.position(fit), fit)
    }

    /// Its mean, standardised.
    pub(super) fn position(&self, fit: &Fit<N>) -> [f32; N] {
        fit.standardise(&self.mean.map(f64::from))
    }
}

/// Squared distance of standardised features, each as important as it is for K.
pub(super) fn distance<const N: usize>(a: &[f32; N], b: &[f32; N], fit: &Fit<N>) -> f32 {
    (0..N)
        .map(|i| fit.importance[i] * (a[i] - b[i]) * (a[i] - b[i]))
        .sum()
}

/// The clusters: online k-means that may also merge two old clusters to make room for a question unlike all others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Patterns<const N: usize> {
    pub(super) centres: Vec<Centre<N>>,
    /// The centre whose nearest neighbour is looked up next.
    pub(super) turn: u32,
}

impl<const N: usize> Patterns<N> {
    pub(super) const NONE: Self = Patterns {
        centres: Vec::new(),
        turn: 0,
    };

    pub(super) fn add(&mut self, question: Centre<N>, fit: &Fit<N>) {
        if self.centres.len() < CENTRES {
            self.centres.push(question);
            return;
        }
        let (near, cost) = self.nearest(&question, None, fit);
        // One candidate pair a question: all pairs would cost the square of their number.
        let i = self.turn as usize % CENTRES;
        self.turn = (self.turn + 1) % CENTRES as u32;
        let (j, pair_cost) = self.nearest(&self.centres[i], Some(i), fit);
        if pair_cost < cost {
            let freed = std::mem::replace(&mut self.centres[i], question);
            self.centres[j].absorb(&freed);
        } else {
            self.centres[near].absorb(&question);
        }
    }

    /// The centre that would take one in at the least cost, other than `but`.
    fn nearest(&self, one: &Centre<N>, but: Option<usize>, fit: &Fit<N>) -> (usize, f32) {
        let mut best = (usize::from(but == Some(0)), f32::INFINITY);
        for (i, centre) in self.centres.iter().enumerate() {
            let cost = centre.cost(one, fit);
            if Some(i) != but && cost < best.1 {
                best = (i, cost);
            }
        }
        best
    }

    /// Takes in another's clusters. `a.merge(b)` and `b.merge(a)` give the same.
    pub(super) fn merge(&mut self, other: &Self, fit: &Fit<N>) {
        self.centres.extend(other.centres.iter().cloned());
        // An order that does not tell whose they were.
        self.centres.sort_by(|a, b| {
            let keys = |c: &Centre<N>| (c.mean, c.count);
            let (a_keys, b_keys) = (keys(a), keys(b));
            let means = a_keys.0.iter().zip(&b_keys.0);
            means
                .map(|(a, b)| a.total_cmp(b))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a_keys.1.total_cmp(&b_keys.1))
                .then_with(|| compare(&a.lifetimes, &b.lifetimes))
        });
        while self.centres.len() > CENTRES {
            let mut best = (0, 1, f32::INFINITY);
            for i in 0..self.centres.len() {
                for j in i + 1..self.centres.len() {
                    let cost = self.centres[i].cost(&self.centres[j], fit);
                    if cost < best.2 {
                        best = (i, j, cost);
                    }
                }
            }
            let taken = self.centres.remove(best.1);
            self.centres[best.0].absorb(&taken);
        }
        self.turn = 0;
    }

    pub(super) fn scale(&mut self, factor: f32) {
        for centre in &mut self.centres {
            centre.count *= factor;
            centre.lifetimes.scale(factor);
        }
    }
}

fn compare(a: &Lifetimes, b: &Lifetimes) -> std::cmp::Ordering {
    let counts = |l: &Lifetimes| l.solved.into_iter().chain(l.given_up);
    counts(a)
        .zip(counts(b))
        .map(|(a, b)| a.total_cmp(&b))
        .find(|order| order.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}
