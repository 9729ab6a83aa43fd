//! Rounding the rows of a linear layer to few bits, with the least error in its outputs.
//!
//! The error of a row w rounded to q costs (w - q)^T H (w - q) with the second moments H of the inputs. Inputs are
//! rounded one after the other, and each error is passed on to those that follow (GPTQ; Frantar et al. 2023), here in
//! the form with H = V D V^T, V unit upper triangular: the cost is the sum of D_j (t_j - q_j)^2 over the inputs, where
//! t_j = w_j + the sum over i < j of (w_i - q_i) V_ij. So the cost of each choice is known when it is made, and a
//! group's multiplier is the one whose group costs least. Then single values are moved as long as that helps.

use super::metric::{Metric, dot};
use recurra_kernels::{AlignedMatrix, Q4Weights, Q8Weights};

/// Rounds of fitting the scale and moving values; the second finds little, the third nearly nothing.
const ROUNDS: usize = 3;
/// Passes over a row's values in each; nearly all rows are at rest after a few.
const PASSES: usize = 20;
/// The largest scale: times any 8-bit integer it is a finite number.
const LARGEST_SCALE: f32 = f32::MAX / 128.0;

/// What a row may be rounded to: `scale * multiplier * n`, one multiplier a group of inputs.
#[derive(Debug, Clone, Copy)]
struct Grid {
    /// The least n.
    least: f64,
    /// The largest n.
    most: f64,
    /// Inputs in a group.
    group: usize,
    /// Multipliers are 1 to this.
    multipliers: u8,
    /// Scales that are tried, relative to the one with which the largest weight just has a place.
    clips: &'static [f64],
}

/// Cutting large weights off for a finer scale brought nothing with 8 bits.
const Q8: Grid = Grid {
    least: -127.0,
    most: 127.0,
    group: usize::MAX,
    multipliers: 1,
    clips: &[1.0],
};

const Q4: Grid = Grid {
    least: -8.0,
    most: 7.0,
    group: Q4Weights::GROUP,
    multipliers: Q4Weights::MAX_MULTIPLIER,
    clips: &[1.0, 0.85, 0.7, 0.55],
};

/// A rounded row: weight j is `scale * multipliers[j / group] * values[j]`.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    scale: f32,
    multipliers: Vec<u8>,
    values: Vec<i8>,
    cost: f64,
}

impl Grid {
    /// Rounds a row: never worse than to the nearest, which passing errors on can be where inputs are few.
    fn row(&self, metric: &Metric, weights: &[f32]) -> Row {
        let w: Vec<f64> = weights.iter().map(|&v| f64::from(v)).collect();
        let best = self.search(metric, &w);
        let mut nearest = self.search(&Metric::plain(w.len()), &w);
        let error: Vec<f64> = (0..w.len())
            .map(|j| w[j] - self.weight(&nearest, j))
            .collect();
        nearest.cost = metric.cost(&error);
        if nearest.cost < best.cost {
            nearest
        } else {
            best
        }
    }

    /// Weight `j` of a rounded row.
    fn weight(&self, row: &Row, j: usize) -> f64 {
        let multiplier = f64::from(row.multipliers[j / self.group]);
        f64::from(row.scale) * multiplier * f64::from(row.values[j])
    }

    /// Tries all scales.
    fn search(&self, metric: &Metric, w: &[f64]) -> Row {
        let largest = w.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        // For rows of zeros, or of numbers so small that a scale for them is none.
        let mut best = Row {
            scale: 0.0,
            multipliers: vec![1; w.len().div_ceil(self.group)],
            values: vec![0; w.len()],
            cost: metric.cost(w),
        };
        for clip in self.clips {
            let scale = clip * largest / (self.most * f64::from(self.multipliers));
            let scale = (scale as f32).min(LARGEST_SCALE);
            if !scale.is_normal() {
                continue;
            }
            let mut row = self.pass_on(metric, w, scale);
            self.refine(metric, w, &mut row);
            if row.cost < best.cost {
                best = row;
            }
        }
        best
    }

    /// Rounds input after input with a given scale, and passes errors on.
    fn pass_on(&self, metric: &Metric, w: &[f64], scale: f32) -> Row {
        let size = w.len();
        let mut target = w.to_vec();
        let mut row = Row {
            scale,
            multipliers: Vec::with_capacity(size.div_ceil(self.group)),
            values: Vec::with_capacity(size),
            cost: 0.0,
        };
        while row.values.len() < size {
            let from = row.values.len();
            let to = from.saturating_add(self.group).min(size);
            let mut best = (f64::INFINITY, 1, Vec::new());
            for multiplier in 1..=self.multipliers {
                let step = f64::from(scale) * f64::from(multiplier);
                let (cost, values) = self.group(metric, w, &target[from..to], from, step);
                if cost < best.0 {
                    best = (cost, multiplier, values);
                }
            }
            let (cost, multiplier, values) = best;
            let step = f64::from(scale) * f64::from(multiplier);
            for (j, &value) in (from..to).zip(&values) {
                let error = w[j] - step * f64::from(value);
                add(&mut target[j + 1..], error, metric.v_after(j, size));
            }
            row.cost += cost;
            row.multipliers.push(multiplier);
            row.values.extend(values);
        }
        row
    }

    /// Cost and values of the group of inputs from `from` on, whose targets so far are given, with a given step.
    fn group(
        &self,
        metric: &Metric,
        w: &[f64],
        target: &[f64],
        from: usize,
        step: f64,
    ) -> (f64, Vec<i8>) {
        let mut target = target.to_vec();
        let end = from + target.len();
        let mut values = Vec::with_capacity(target.len());
        let mut cost = 0.0;
        for j in from..end {
            let t = target[j - from];
            let value = (t / step).round().clamp(self.least, self.most);
            values.push(value as i8);
            cost += metric.d(j) * (t - step * value) * (t - step * value);
            let error = w[j] - step * value;
            add(&mut target[j - from + 1..], error, metric.v_after(j, end));
        }
        (cost, values)
    }

    /// Fits the scale to the values, and moves single values, while that lowers the cost.
    fn refine(&self, metric: &Metric, w: &[f64], row: &mut Row) {
        // Without relations between inputs the values are the nearest ones already.
        let Some(h) = metric.rows() else {
            return;
        };
        let size = w.len();
        let multiplier = |row: &Row, j: usize| f64::from(row.multipliers[j / self.group]);
        for _ in 0..ROUNDS {
            let q: Vec<f64> = (0..size)
                .map(|j| multiplier(row, j) * f64::from(row.values[j]))
                .collect();
            // The best scale for these values is q^T H w / q^T H q.
            let (mut up, mut down) = (0.0, 0.0);
            for (h, q_i) in h.clone().zip(&q) {
                up += q_i * dot(h, w);
                down += q_i * dot(h, &q);
            }
            let fitted = ((up / down) as f32).min(LARGEST_SCALE);
            if fitted.is_normal() && fitted > 0.0 {
                row.scale = fitted;
            }
            let scale = f64::from(row.scale);
            let mut error: Vec<f64> = w.iter().zip(&q).map(|(w, q)| w - scale * q).collect();
            // H times the error: a value that moves by x changes the cost by x^2 H_jj - 2 x slope_j.
            let mut slope: Vec<f64> = h.clone().map(|h| dot(h, &error)).collect();
            let mut rest = true;
            for _ in 0..PASSES {
                let mut moved = false;
                for (j, h) in h.clone().enumerate() {
                    let step = scale * multiplier(row, j);
                    let now = f64::from(row.values[j]);
                    let best = (now + slope[j] / (h[j] * step)).round();
                    let by = best.clamp(self.least, self.most) - now;
                    if by != 0.0 {
                        row.values[j] = (now + by) as i8;
                        error[j] -= by * step;
                        add(&mut slope, -by * step, h);
                        moved = true;
                    }
                }
                if !moved {
                    break;
                }
                rest = false;
            }
            row.cost = dot(&error, &slope);
            if rest {
                break;
            }
        }
    }
}

/// `to += factor * v`, as far as `v` goes.
fn add(to: &mut [f64], factor: f64, v: &[f64]) {
    for (to, v) in to.iter_mut().zip(v) {
        *to += factor * v;
    }
}

/// Rounds all rows of a layer.
fn rows(grid: &Grid, weights: &AlignedMatrix, metric: &Metric) -> Vec<Row> {
    let one = |r: usize| grid.row(metric, weights.row(r));
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        (0..weights.rows()).into_par_iter().map(one).collect()
    }
    #[cfg(not(feature = "threads"))]
    (0..weights.rows()).map(one).collect()
}

/// Rounds a layer to 8 bits.
pub(super) fn q8(weights: &AlignedMatrix, metric: &Metric) -> Q8Weights {
    let rows = rows(&Q8, weights, metric);
    Q8Weights {
        rows: weights.rows(),
        cols: weights.cols(),
        scales: rows.iter().map(|row| row.scale).collect(),
        values: rows.into_iter().flat_map(|row| row.values).collect(),
    }
}

/// Rounds a layer to 4 bits.
pub(super) fn q4(weights: &AlignedMatrix, metric: &Metric) -> Q4Weights {
    let rows = rows(&Q4, weights, metric);
    let nibble = |v: i8| (v + 8) as u8;
    let pairs = rows.iter().flat_map(|row| row.values.chunks(2));
    Q4Weights {
        rows: weights.rows(),
        cols: weights.cols(),
        // The half byte behind an odd number of values is a zero too.
        nibbles: pairs
            .map(|pair| nibble(pair[0]) | nibble(pair.get(1).copied().unwrap_or(0)) << 4)
            .collect(),
        scales: rows.iter().map(|row| row.scale).collect(),
        multipliers: rows.into_iter().flat_map(|row| row.multipliers).collect(),
    }
}
