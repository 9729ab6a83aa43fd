//! Orders of rows (or columns) that keep bands together.

use rand::Rng;
use rand::seq::SliceRandom;

/// Lines that can stand in any order in which those of one band stay together and bands stay whole. A band of one line
/// puts no bounds on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// Lines of a band.
    pub(super) band: usize,
}

impl Lines {
    /// How many orders of so many lines there are, or `u64::MAX`.
    pub(super) fn orders(self, lines: usize) -> u64 {
        let factorial = |n: usize| (1..=n as u64).fold(1, u64::saturating_mul);
        let bands = lines / self.band;
        let inside = (0..bands).fold(1, |orders: u64, _| {
            orders.saturating_mul(factorial(self.band))
        });
        factorial(bands).saturating_mul(inside)
    }

    /// A random order; every one is equally likely.
    pub(super) fn random(self, lines: usize, rng: &mut dyn Rng) -> Vec<u8> {
        let mut bands: Vec<usize> = (0..lines / self.band).collect();
        bands.shuffle(rng);
        let mut order = Vec::with_capacity(lines);
        for band in bands {
            let start = order.len();
            order.extend((band * self.band..(band + 1) * self.band).map(|line| line as u8));
            order[start..].shuffle(rng);
        }
        order
    }

    /// Whether a line can come next after these.
    pub(super) fn follows(self, order: &[u8], line: u8) -> bool {
        if order.contains(&line) {
            return false;
        }
        let begun = !order.len().is_multiple_of(self.band);
        let band = |line: u8| usize::from(line) / self.band;
        !begun || order.last().is_some_and(|&last| band(last) == band(line))
    }

    /// Calls `each` with every order of so many lines.
    pub(super) fn all(self, lines: usize, order: &mut Vec<u8>, each: &mut dyn FnMut(&[u8])) {
        if order.len() == lines {
            return each(order);
        }
        for line in 0..lines as u8 {
            if self.follows(order, line) {
                order.push(line);
                self.all(lines, order, each);
                order.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::HashSet;

    #[test]
    fn orders() {
        for (lines, band, count) in [(4, 1, 24), (4, 4, 24), (4, 2, 8), (6, 2, 48), (6, 3, 72)] {
            let lines_of = Lines { band };
            let mut all = HashSet::new();
            lines_of.all(lines, &mut Vec::new(), &mut |order| {
                assert!(all.insert(order.to_vec()))
            });
            assert_eq!((all.len(), lines_of.orders(lines)), (count, count as u64));
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let random: HashSet<_> = (0..1000)
                .map(|_| lines_of.random(lines, &mut rng))
                .collect();
            assert_eq!(random, all);
        }
        assert_eq!(Lines { band: 1 }.orders(64), u64::MAX);
    }
}
