//! What an error in the weights of a linear layer costs: `e^T H e` for the second moments H of its inputs.

use super::moments::Moment;

/// Added to the diagonal of H, relative to its mean: inputs that were hardly seen are not free to take any error.
const DAMPING: f64 = 0.01;

/// The moments of a layer's inputs, factored as H = V D V^T with V unit upper triangular.
#[derive(Debug)]
pub(super) struct Metric {
    size: usize,
    /// H and V; `None` stands for H = V = 1.
    related: Option<Related>,
    /// The diagonal of D.
    d: Vec<f64>,
}

#[derive(Debug)]
struct Related {
    /// H with damping, row by row.
    h: Vec<f64>,
    /// V, row by row, its lower triangle and diagonal not set.
    v: Vec<f64>,
}

impl Metric {
    /// Inputs of which nothing is known: all as large, none related to another.
    pub(super) fn plain(size: usize) -> Self {
        Metric {
            size,
            related: None,
            d: vec![1.0; size],
        }
    }

    /// The metric of what a layer saw.
    pub(super) fn new(moment: &Moment) -> Self {
        let size = moment.size;
        let mut h = moment.values.clone();
        let trace: f64 = h.iter().step_by(size + 1).sum();
        let damping = DAMPING * trace / size as f64;
        if !damping.is_normal() {
            // It saw nothing but zeros.
            return Self::plain(size);
        }
        h.iter_mut().step_by(size + 1).for_each(|v| *v += damping);
        // From the last column on: D_j = H_jj - sum V_jm^2 D_m, V_ij = (H_ij - sum V_im V_jm D_m) / D_j, over m > j.
        let (mut v, mut d) = (vec![0.0; size * size], vec![0.0; size]);
        let mut scaled = vec![0.0; size];
        for j in (0..size).rev() {
            for m in j + 1..size {
                scaled[m] = v[j * size + m] * d[m];
            }
            let rest = dot(&v[j * size..][j + 1..size], &scaled[j + 1..]);
            // In exact arithmetic it is no less than the damping.
            d[j] = (h[j * size + j] - rest).max(0.5 * damping);
            for i in 0..j {
                let rest = dot(&v[i * size..][j + 1..size], &scaled[j + 1..]);
                v[i * size + j] = (h[i * size + j] - rest) / d[j];
            }
        }
        Metric {
            size,
            related: Some(Related { h, v }),
            d,
        }
    }

    /// D_j.
    pub(super) fn d(&self, j: usize) -> f64 {
        self.d[j]
    }

    /// V_jm for m from `j + 1` to `end`; nothing where V is 1.
    pub(super) fn v_after(&self, j: usize, end: usize) -> &[f64] {
        match &self.related {
            Some(related) => &related.v[j * self.size..][j + 1..end],
            None => &[],
        }
    }

    /// The rows of H; `None` where H is 1.
    pub(super) fn rows(&self) -> Option<std::slice::ChunksExact<'_, f64>> {
        let related = self.related.as_ref()?;
        Some(related.h.chunks_exact(self.size))
    }

    /// `error^T H error`.
    pub(super) fn cost(&self, error: &[f64]) -> f64 {
        match self.rows() {
            Some(rows) => rows.zip(error).map(|(row, e)| e * dot(row, error)).sum(),
            None => dot(error, error),
        }
    }
}

/// A sum in eight parts, which a processor adds side by side.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, rest_a) = a.as_chunks::<8>();
    let (b, rest_b) = b.as_chunks::<8>();
    for (x, y) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::super::tests::{moment_of, numbers};
    use super::*;

    #[test]
    fn the_factors_give_the_moments_back() {
        for size in [1, 2, 31, 64] {
            let moment = moment_of(&numbers(3 * size, size, 1));
            let metric = Metric::new(&moment);
            let v = |i: usize, j: usize| match i.cmp(&j) {
                std::cmp::Ordering::Less => metric.v_after(i, size)[j - i - 1],
                std::cmp::Ordering::Equal => 1.0,
                std::cmp::Ordering::Greater => 0.0,
            };
            for (i, row) in metric.rows().unwrap().enumerate() {
                for (j, &h) in row.iter().enumerate() {
                    let found: f64 = (0..size).map(|m| v(i, m) * metric.d(m) * v(j, m)).sum();
                    assert!(
                        (found - h).abs() < 1e-9 * row[i].max(h.abs()),
                        "{i} {j}: {found} for {h}"
                    );
                }
            }
        }
    }

    #[test]
    fn moments_of_nothing_are_no_trouble() {
        let moment = Moment {
            size: 3,
            values: vec![0.0; 9],
        };
        assert_eq!(Metric::new(&moment).cost(&[1.0, 2.0, 2.0]), 9.0);
        // Inputs that are always the same: the moments have rank one.
        let moment = moment_of(&numbers(1, 40, 3));
        assert!((0..40).all(|j| Metric::new(&moment).d(j) > 0.0));
    }
}
