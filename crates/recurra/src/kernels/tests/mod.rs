//! Every kernel of every instruction set against one plain reference, over odd sizes.

mod activations;
mod products;
mod quantized;

use super::view::View;
use super::*;

/// Numbers in -1..1, the same on every machine.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

pub(crate) fn matrix(rows: usize, cols: usize, seed: u64) -> AlignedMatrix {
    AlignedMatrix::from_slice(rows, cols, &numbers(rows * cols, seed))
}

/// The plain reference: `a [m, k]` times `b [k, n]` in f64.
fn reference(a: &AlignedMatrix, b: &AlignedMatrix) -> Vec<f64> {
    let mut c = Vec::new();
    for i in 0..a.rows() {
        for j in 0..b.cols() {
            c.push(
                (0..a.cols())
                    .map(|q| a.row(i)[q] as f64 * b.row(q)[j] as f64)
                    .sum(),
            );
        }
    }
    c
}

fn transposed(a: &AlignedMatrix) -> AlignedMatrix {
    let mut t = AlignedMatrix::zeros(a.cols(), a.rows());
    for i in 0..a.rows() {
        for j in 0..a.cols() {
            t.row_mut(j)[i] = a.row(i)[j];
        }
    }
    t
}

#[track_caller]
fn assert_close(isa: Isa, what: &str, found: &AlignedMatrix, expected: &[f64], tolerance: f64) {
    for (i, (&f, &e)) in found.to_vec().iter().zip(expected).enumerate() {
        assert!(
            (f as f64 - e).abs() <= tolerance,
            "{} {what} {found:?}: element {i}: expected {e}, found {f}",
            isa.name()
        );
    }
    for r in 0..found.rows() {
        let row = &found.padded()[r * found.stride()..][..found.stride()];
        assert!(
            row[found.cols()..].iter().all(|&v| v == 0.0),
            "{what}: padding of row {r} is not zero"
        );
    }
}

const SIZES: [usize; 9] = [1, 2, 7, 8, 9, 31, 48, 97, 100];

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

/// Column `j` and row `i` of a matrix as f64.
fn cell(m: &AlignedMatrix, i: usize, j: usize) -> f64 {
    m.row(i)[j].into()
}

/// `f(row, column)` for all elements, row by row.
fn table(rows: usize, cols: usize, f: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..rows * cols).map(|i| f(i / cols, i % cols)).collect()
}

#[test]
fn norms_and_sums_agree_with_the_reference() {
    use crate::kernels::norm::*;
    let eps = 1e-5;
    for isa in Isa::available() {
        for rows in SIZES {
            for cols in SIZES {
                let (x, g) = (matrix(rows, cols, 1), matrix(rows, cols, 2));
                let root =
                    |squares: f64, n: usize| 1.0 / (squares / n as f64 + f64::from(eps)).sqrt();
                let by_row: Vec<f64> = (0..rows)
                    .map(|i| root((0..cols).map(|j| cell(&x, i, j).powi(2)).sum(), cols))
                    .collect();
                let by_col: Vec<f64> = (0..cols)
                    .map(|j| root((0..rows).map(|i| cell(&x, i, j).powi(2)).sum(), rows))
                    .collect();
                // dx = r (g - y mean(y g)), along a row or a column.
                let dot_row = |i: usize| {
                    (0..cols)
                        .map(|j| cell(&x, i, j) * cell(&g, i, j))
                        .sum::<f64>()
                };
                let dot_col = |j: usize| {
                    (0..rows)
                        .map(|i| cell(&x, i, j) * cell(&g, i, j))
                        .sum::<f64>()
                };

                let (mut y, mut inverse) = (x.clone(), AlignedMatrix::zeros(1, rows.max(cols)));
                let p = Some(inverse.as_mut_ptr());
                isa.run(NormRows {
                    x: y.view(),
                    rows,
                    cols,
                    eps,
                    inverse: p,
                });
                assert_close(
                    isa,
                    "row norm",
                    &y,
                    &table(rows, cols, |i, j| cell(&x, i, j) * by_row[i]),
                    1e-5,
                );
                let mut dy = g.clone();
                let inverse_at = inverse.as_ptr();
                isa.run(NormRowsBackward {
                    y: y.view(),
                    dy: dy.view(),
                    rows,
                    cols,
                    inverse: inverse_at,
                });
                let expected = table(rows, cols, |i, j| {
                    let r = by_row[i];
                    r * (cell(&g, i, j) - cell(&x, i, j) * r * r * dot_row(i) / cols as f64)
                });
                assert_close(
                    isa,
                    "row norm backward",
                    &dy,
                    &expected,
                    1e-3 * largest_of(&expected),
                );

                let (mut y, mut inverse) = (x.clone(), AlignedMatrix::zeros(1, rows.max(cols)));
                let p = Some(inverse.as_mut_ptr());
                isa.run(NormCols {
                    x: y.view(),
                    rows,
                    cols,
                    eps,
                    inverse: p,
                });
                assert_close(
                    isa,
                    "column norm",
                    &y,
                    &table(rows, cols, |i, j| cell(&x, i, j) * by_col[j]),
                    1e-5,
                );
                let mut dy = g.clone();
                let inverse_at = inverse.as_ptr();
                isa.run(NormColsBackward {
                    y: y.view(),
                    dy: dy.view(),
                    rows,
                    cols,
                    inverse: inverse_at,
                });
                let expected = table(rows, cols, |i, j| {
                    let r = by_col[j];
                    r * (cell(&g, i, j) - cell(&x, i, j) * r * r * dot_col(j) / rows as f64)
                });
                assert_close(
                    isa,
                    "column norm backward",
                    &dy,
                    &expected,
                    1e-3 * largest_of(&expected),
                );

                let mut b = matrix(rows, cols, 3);
                for with_b in [false, true] {
                    let (mut z, mut a) = (x.clone(), g.clone());
                    let b = with_b.then(|| b.view());
                    isa.run(AddInto {
                        z: z.view(),
                        a: a.view(),
                        b,
                        rows,
                        cols,
                    });
                    let third = matrix(rows, cols, 3);
                    let expected = table(rows, cols, |i, j| {
                        let b = if with_b { cell(&third, i, j) } else { 0.0 };
                        cell(&x, i, j) + cell(&g, i, j) + b
                    });
                    assert_close(isa, "sum", &z, &expected, 1e-6);
                }
            }
        }
    }
}

fn largest_of(values: &[f64]) -> f64 {
    values.iter().fold(1e-3, |a, v| a.max(v.abs()))
}

#[test]
fn softmax_and_rotation_agree_with_the_reference() {
    use super::attention::*;
    for isa in Isa::available() {
        for (rows, cols) in SIZES.into_iter().flat_map(|r| SIZES.map(|c| (r, c))) {
            let mut x = matrix(rows, cols, 1);
            for r in 0..rows {
                x.row_mut(r).iter_mut().for_each(|v| *v *= 20.0);
            }
            let p = |i: usize, j: usize| {
                let top = (0..cols).map(|k| cell(&x, i, k)).fold(f64::MIN, f64::max);
                let e = |k: usize| (cell(&x, i, k) - top).exp();
                e(j) / (0..cols).map(e).sum::<f64>()
            };
            let mut y = x.clone();
            let mut half = y.clone();
            for r in 0..rows {
                half.row_mut(r).iter_mut().for_each(|v| *v *= 2.0);
            }
            let mut z = half.clone();
            for (x, factor) in [(y.view(), 1.0), (z.view(), 0.5)] {
                isa.run(SoftmaxRows {
                    x,
                    rows,
                    cols,
                    factor,
                });
            }
            assert_close(isa, "scaled", &z, &table(rows, cols, p), 1e-6);
            let mut bytes = AlignedMatrix::zeros(rows, cols.div_ceil(4));
            let mut scales = AlignedMatrix::zeros(1, rows);
            isa.run(SoftmaxBytes {
                x: half.view(),
                out: bytes.units(),
                rows,
                cols,
                factor: 0.5,
                scales: scales.as_mut_ptr(),
            });
            for r in 0..rows {
                let scale = scales.row(0)[r];
                let byte = |c: usize| bytes.row(r)[c / 4].to_le_bytes()[c % 4];
                let found: Vec<f32> = (0..cols).map(|c| f32::from(byte(c)) * scale).collect();
                let found = AlignedMatrix::from_slice(1, cols, &found);
                let expected: Vec<f64> = (0..cols).map(|c| p(r, c)).collect();
                // A byte of 7 bits is a 127th of the largest, rounded.
                assert_close(isa, "softmax bytes", &found, &expected, 0.01);
                let sum: f32 = found.row(0).iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{} sum {sum}", isa.name());
            }
            assert_close(isa, "softmax", &y, &table(rows, cols, p), 1e-6);
            let g = matrix(rows, cols, 2);
            let mut dp = g.clone();
            isa.run(SoftmaxRowsBackward {
                p: y.view(),
                dp: dp.view(),
                rows,
                cols,
            });
            let dot = |i: usize| (0..cols).map(|k| p(i, k) * cell(&g, i, k)).sum::<f64>();
            let expected = table(rows, cols, |i, j| p(i, j) * (cell(&g, i, j) - dot(i)));
            assert_close(isa, "softmax backward", &dp, &expected, 1e-6);
        }
        for (rows, heads, half) in [(1, 1, 1), (5, 3, 4), (7, 2, 9)] {
            let angles = numbers(rows * half, 5);
            let cos: Vec<f32> = angles.iter().map(|a| a.cos()).collect();
            let sin: Vec<f32> = angles.iter().map(|a| a.sin()).collect();
            let x = matrix(rows, heads * 2 * half, 6);
            let mut y = x.clone();
            let rotate = |x: View, back: bool| {
                isa.run(Rotate {
                    x,
                    rows,
                    heads,
                    cos: &cos,
                    sin: &sin,
                    half,
                    back,
                });
            };
            rotate(y.view(), false);
            let expected = table(rows, heads * 2 * half, |r, c| {
                let (base, i) = (c / (2 * half) * 2 * half, c % (2 * half));
                let angle = f64::from(angles[r * half + i % half]);
                let (a, b) = (
                    cell(&x, r, base + i % half),
                    cell(&x, r, base + half + i % half),
                );
                if i < half {
                    a * angle.cos() - b * angle.sin()
                } else {
                    b * angle.cos() + a * angle.sin()
                }
            });
            assert_close(isa, "rotation", &y, &expected, 1e-6);
            rotate(y.view(), true);
            let back = table(rows, heads * 2 * half, |r, c| cell(&x, r, c));
            assert_close(isa, "rotation back", &y, &back, 1e-6);
        }
    }
}

#[test]
fn swiglu_backward_agrees_with_the_reference() {
    use super::swiglu::SwiGluBackward;
    for isa in Isa::available() {
        for (rows, cols) in [(1, 1), (3, 16), (7, 31), (9, 100)] {
            let [mut gate, up, d] = [1, 2, 3].map(|seed| matrix(rows, cols, seed));
            gate.row_mut(0)[0] = -30.0;
            let mut act = d.clone();
            let (mut d_gate, mut d_up) = (gate.clone(), up.clone());
            isa.run(SwiGluBackward {
                gate: d_gate.view(),
                up: d_up.view(),
                act: act.view(),
                rows,
                cols,
            });
            let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
            let at = |i, j| (cell(&gate, i, j), cell(&up, i, j), cell(&d, i, j));
            let expected = table(rows, cols, |i, j| silu(at(i, j).0) * at(i, j).1);
            assert_close(isa, "act", &act, &expected, 1e-6);
            let expected = table(rows, cols, |i, j| silu(at(i, j).0) * at(i, j).2);
            assert_close(isa, "gradient of up", &d_up, &expected, 1e-6);
            let expected = table(rows, cols, |i, j| {
                let (g, u, d) = at(i, j);
                d * u * sigma(g) * (1.0 + g * (1.0 - sigma(g)))
            });
            assert_close(isa, "gradient of gate", &d_gate, &expected, 1e-6);
        }
    }
}
