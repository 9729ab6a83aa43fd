//! Least squares on ln K, from sums that are kept instead of examples.

/// How many examples' worth of doubt every coefficient is held towards 0 with.
const RIDGE: f64 = 5.0;
/// A variance up to which an entry counts as constant.
const CONSTANT: f64 = 1e-10;

/// Weight, means and sums of products of deviations of the features x and of y = ln K, each updated in one pass (Welford
/// 1962; merging as Chan, Golub and LeVeque 1979).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments<const N: usize> {
    /// Sum of the examples' weights.
    pub(super) weight: f64,
    pub(super) mean: [f64; N],
    pub(super) mean_y: f64,
    /// Sum of w (x - mean)(x - mean)^T.
    pub(super) xx: [[f64; N]; N],
    /// Sum of w (x - mean)(y - mean_y).
    pub(super) xy: [f64; N],
    /// Sum of w (y - mean_y)^2.
    pub(super) yy: f64,
}

impl<const N: usize> Moments<N> {
    pub(super) const NONE: Self = Moments {
        weight: 0.0,
        mean: [0.0; N],
        mean_y: 0.0,
        xx: [[0.0; N]; N],
        xy: [0.0; N],
        yy: 0.0,
    };

    /// The entries, with the mean in the place of each that is missing.
    pub(super) fn fill(&self, values: &[Option<f32>; N]) -> [f64; N] {
        std::array::from_fn(|i| values[i].map_or(self.mean[i], f64::from))
    }

    pub(super) fn add(&mut self, x: &[f64; N], y: f64, weight: f64) {
        self.merge(&Moments {
            weight,
            mean: *x,
            mean_y: y,
            ..Self::NONE
        });
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let weight = self.weight + other.weight;
        if other.weight <= 0.0 {
            return;
        }
        let between = self.weight * other.weight / weight;
        let share = other.weight / weight;
        let dx: [f64; N] = std::array::from_fn(|i| other.mean[i] - self.mean[i]);
        let dy = other.mean_y - self.mean_y;
        for i in 0..N {
            for j in 0..N {
                self.xx[i][j] += other.xx[i][j] + between * dx[i] * dx[j];
            }
            self.xy[i] += other.xy[i] + between * dx[i] * dy;
            self.mean[i] += share * dx[i];
        }
        self.yy += other.yy + between * dy * dy;
        self.mean_y += share * dy;
        self.weight = weight;
    }

    /// Makes all that was seen count for less.
    pub(super) fn scale(&mut self, factor: f64) {
        self.weight *= factor;
        self.xx.iter_mut().flatten().for_each(|v| *v *= factor);
        self.xy.iter_mut().for_each(|v| *v *= factor);
        self.yy *= factor;
    }

    /// Solves for the coefficients: with standardised features, `(R + RIDGE/weight) b = r` for their correlations R and
    /// their covariances r with y.
    pub(super) fn fit(&self) -> Fit<N> {
        let fit = self.solve();
        // Sums that no examples have, as from a forged file, say nothing.
        if fit.is_finite() {
            fit
        } else {
            Fit::flat(self.mean)
        }
    }

    fn solve(&self) -> Fit<N> {
        let mut fit = Fit::flat(self.mean);
        if self.weight <= 0.0 {
            return fit;
        }
        let deviation: [f64; N] = std::array::from_fn(|i| (self.xx[i][i] / self.weight).sqrt());
        let varies = |i: usize| deviation[i] * deviation[i] > CONSTANT;
        let mut a = [[0.0; N]; N];
        let mut b = [0.0; N];
        for i in 0..N {
            a[i][i] = 1.0;
            if !varies(i) {
                continue;
            }
            fit.scale[i] = 1.0 / deviation[i];
            b[i] = self.xy[i] / (self.weight * deviation[i]);
            for j in (0..N).filter(|&j| j != i && varies(j)) {
                a[i][j] = self.xx[i][j] / (self.weight * deviation[i] * deviation[j]);
            }
            a[i][i] += RIDGE / self.weight;
        }
        let spread = (self.yy / self.weight).sqrt();
        let explained: f64 = b.iter().map(|b| b * b).sum();
        for i in (0..N).filter(|&i| varies(i)) {
            // Squared correlations with y, as shares; where nothing explains y, all count alike.
            let share = if explained > 0.0 && spread > 0.0 {
                b[i] * b[i] / explained
            } else {
                0.0
            };
            fit.importance[i] = (0.9 * share + 0.1 / N as f64) as f32;
        }
        if cholesky_solve(&mut a, &mut b) {
            fit.coefficients = b;
            // The variance of the score: b^T R b.
            let mut variance = 0.0;
            for i in 0..N {
                for j in 0..N {
                    let r = self.xx[i][j] * fit.scale[i] * fit.scale[j] / self.weight;
                    variance += b[i] * b[j] * r;
                }
            }
            fit.spread = variance.max(0.0).sqrt();
        }
        fit
    }
}

/// Solves A x = b in place for a symmetric A; false, with b spoilt, where A is not positive definite.
fn cholesky_solve<const N: usize>(a: &mut [[f64; N]; N], b: &mut [f64; N]) -> bool {
    for i in 0..N {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - dot;
            if i == j {
                // Also refuses NaN.
                if !(rest > 0.0 && rest.is_finite()) {
                    return false;
                }
                a[i][i] = rest.sqrt();
            } else {
                a[i][j] = rest / a[j][j];
            }
        }
        let dot: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    for i in (0..N).rev() {
        let dot: f64 = (i + 1..N).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    true
}

/// What least squares says of the features.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit<const N: usize> {
    mean: [f64; N],
    /// 1/standard deviation, 0 for constants.
    scale: [f64; N],
    coefficients: [f64; N],
    /// Standard deviation of the score.
    pub(super) spread: f64,
    /// How much a standardised difference in each entry counts between two questions; they add up to 1 at most.
    pub(super) importance: [f32; N],
}

impl<const N: usize> Fit<N> {
    fn flat(mean: [f64; N]) -> Self {
        Fit {
            mean,
            scale: [0.0; N],
            coefficients: [0.0; N],
            spread: 0.0,
            importance: [0.0; N],
        }
    }

    fn is_finite(&self) -> bool {
        let numbers = self
            .scale
            .iter()
            .chain(&self.coefficients)
            .chain([&self.spread]);
        let importance = self.importance.iter();
        numbers.copied().all(f64::is_finite) && importance.copied().all(f32::is_finite)
    }

    /// The features less their means, in standard deviations.
    pub(super) fn standardise(&self, x: &[f64; N]) -> [f32; N] {
        let bounded = |v: f64| v.clamp(-BOUND, BOUND) as f32;
        std::array::from_fn(|i| bounded((x[i] - self.mean[i]) * self.scale[i]))
    }

    /// Expected ln K less its mean, of standardised features.
    pub(super) fn score(&self, z: &[f32; N]) -> f32 {
        let products = z.iter().zip(&self.coefficients);
        products.map(|(z, b)| f64::from(*z) * b).sum::<f64>() as f32
    }
}

/// Standard deviations beyond which an entry is no more extreme.
const BOUND: f64 = 6.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_coefficients() {
        let mut moments = Moments::<3>::NONE;
        for i in 0..4000 {
            let x = [f64::from(i % 10), f64::from(i / 10 % 20), 7.0];
            moments.add(&x, 2.0 + 0.3 * x[0] - 0.1 * x[1], 1.0);
        }
        let fit = moments.fit();
        for x in [[0.0, 0.0, 7.0], [9.0, 19.0, 7.0], [3.0, 5.0, 7.0]] {
            let score = f64::from(fit.score(&fit.standardise(&x))) + moments.mean_y;
            assert!(
                (score - (2.0 + 0.3 * x[0] - 0.1 * x[1])).abs() < 0.01,
                "{score}"
            );
        }
        assert_eq!(fit.importance[2], 0.0, "a constant tells nothing");
        assert!(fit.importance[0] > fit.importance[1] && fit.importance[1] > 0.1);
        // What is missing is taken for the mean.
        let filled = moments.fill(&[Some(1.0), None, None]);
        assert!((filled[1] - 9.5).abs() < 1e-9 && (filled[2] - 7.0).abs() < 1e-9);
    }

    #[test]
    fn refuses_what_is_not_positive_definite() {
        let mut a = [[1.0, 2.0], [2.0, 1.0]];
        assert!(!cholesky_solve(&mut a, &mut [1.0, 1.0]));
        let mut a = [[4.0, 2.0], [2.0, 3.0]];
        let mut b = [2.0, 5.0];
        assert!(cholesky_solve(&mut a, &mut b));
        assert!((b[0] + 0.5).abs() < 1e-12 && (b[1] - 2.0).abs() < 1e-12);
    }
}
