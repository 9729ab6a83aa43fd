//! Every kernel of every instruction set against one plain reference, over odd sizes.

mod activations;
mod fit;
mod gather;
mod linear;
mod matrix;
mod messages;
mod neighbours;
mod peak;
mod probe;
mod products;
mod quantized;

use recurra_kernels::view::View;
use recurra_kernels::*;

/// So many random cases, the same ones in every run.
fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..Default::default()
    }
}

/// Numbers in -1..1, the same on every machine.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
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

fn matrix(rows: usize, cols: usize, seed: u64) -> AlignedMatrix {
    AlignedMatrix::from_slice(rows, cols, &numbers(rows * cols, seed))
}

/// The plain reference: `a [m, k]` times `b [k, n]` in f64.
fn reference(a: &AlignedMatrix, b: &AlignedMatrix) -> Vec<f64> {
    let mut c = vec![0.0; a.rows() * b.cols()];
    for (i, sums) in c.chunks_mut(b.cols()).enumerate() {
        for (q, &left) in a.row(i).iter().enumerate() {
            for (sum, &right) in sums.iter_mut().zip(b.row(q)) {
                *sum += f64::from(left) * f64::from(right);
            }
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

/// Around the lengths of vectors and blocks, odd ones, and one that is a multiple of all. Miri is a thousand times
/// slower than a processor.
const SIZES: &[usize] = if cfg!(miri) {
    &[1, 7, 18]
} else {
    &[1, 7, 8, 9, 31, 97, 100, 512]
};

/// Every size beside every other.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    let all = |&a: &usize| SIZES.iter().map(move |&b| (a, b));
    SIZES.iter().flat_map(all)
}

/// Sizes of products, m, n and k: of the full cube as many that every pair of sizes occurs in every two places.
fn shapes() -> impl Iterator<Item = (usize, usize, usize)> {
    let third = |i: usize| SIZES[(i / SIZES.len() + i) % SIZES.len()];
    pairs().enumerate().map(move |(i, (m, n))| (m, n, third(i)))
}

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

/// `f` for every row.
fn by<T>(count: usize, f: impl FnMut(usize) -> T) -> Vec<T> {
    (0..count).map(f).collect()
}

#[test]
fn norms_and_sums_agree_with_the_reference() {
    for (rows, cols) in pairs() {
        let (x, g, third) = (
            matrix(rows, cols, 1),
            matrix(rows, cols, 2),
            matrix(rows, cols, 3),
        );
        norm_agrees(&x, &g, false);
        norm_agrees(&x, &g, true);
        for with_b in [false, true] {
            let expected = table(rows, cols, |i, j| {
                let b = if with_b { cell(&third, i, j) } else { 0.0 };
                cell(&x, i, j) + cell(&g, i, j) + b
            });
            for isa in Isa::available() {
                let (mut z, mut a, mut b) = (x.clone(), g.clone(), third.clone());
                isa.run(recurra_kernels::norm::AddInto {
                    z: z.view(),
                    a: a.view(),
                    b: with_b.then(|| b.view()),
                    rows,
                    cols,
                });
                assert_close(isa, "sum", &z, &expected, 1e-6);
            }
        }
    }
}

/// The norm of `x` and, for the gradient `g`, its backward, along rows or along columns.
fn norm_agrees(x: &AlignedMatrix, g: &AlignedMatrix, columns: bool) {
    use recurra_kernels::norm::*;
    let (rows, cols, eps) = (x.rows(), x.cols(), 1e-5f32);
    // Lines are what is normed: each has a root, and a sum of products with the gradient.
    let line = |i: usize, j: usize| if columns { j } else { i };
    let (lines, length) = if columns { (cols, rows) } else { (rows, cols) };
    let (mut squares, mut dots) = (vec![0.0; lines], vec![0.0; lines]);
    for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
        squares[line(i, j)] += cell(x, i, j).powi(2);
        dots[line(i, j)] += cell(x, i, j) * cell(g, i, j);
    }
    let n = length as f64;
    let root = by(lines, |l| 1.0 / (squares[l] / n + f64::from(eps)).sqrt());
    let normed = table(rows, cols, |i, j| cell(x, i, j) * root[line(i, j)]);
    // dx = r (g - y mean(y g))
    let gradient = table(rows, cols, |i, j| {
        let r = root[line(i, j)];
        r * (cell(g, i, j) - cell(x, i, j) * r * r * dots[line(i, j)] / n)
    });
    let tolerance = 1e-3 * gradient.iter().fold(1e-3f64, |top, v| top.max(v.abs()));
    for isa in Isa::available() {
        let (mut y, mut dy) = (x.clone(), g.clone());
        let mut inverse = AlignedMatrix::zeros(1, lines);
        let (y_view, dy_view) = (y.view(), dy.view());
        let inverse = inverse.as_mut_ptr();
        // The same fields, for rows and for columns.
        macro_rules! run {
            ($forward:ident $backward:ident) => {
                isa.run($forward {
                    x: y_view,
                    rows,
                    cols,
                    eps,
                    inverse: Some(inverse),
                });
                isa.run($backward {
                    y: y_view,
                    dy: dy_view,
                    rows,
                    cols,
                    inverse,
                });
            };
        }
        if columns {
            run!(NormCols NormColsBackward);
        } else {
            run!(NormRows NormRowsBackward);
        }
        let what = if columns { "column norm" } else { "row norm" };
        assert_close(isa, what, &y, &normed, 1e-5);
        assert_close(isa, &format!("{what} backward"), &dy, &gradient, tolerance);
    }
}

#[test]
fn softmax_agrees_with_the_reference() {
    use recurra_kernels::attention::*;
    for (rows, cols) in pairs() {
        let mut x = matrix(rows, cols, 1);
        for r in 0..rows {
            x.row_mut(r).iter_mut().for_each(|v| *v *= 20.0);
        }
        let g = matrix(rows, cols, 2);
        let row = |i: usize| by(cols, |j| cell(&x, i, j));
        let top = by(rows, |i| row(i).into_iter().fold(f64::MIN, f64::max));
        let e = |i: usize, j: usize| (cell(&x, i, j) - top[i]).exp();
        let sum = by(rows, |i| (0..cols).map(|j| e(i, j)).sum::<f64>());
        let p = table(rows, cols, |i, j| e(i, j) / sum[i]);
        let at = |i: usize, j: usize| p[i * cols + j];
        let dot = by(rows, |i| {
            (0..cols).map(|j| at(i, j) * cell(&g, i, j)).sum::<f64>()
        });
        let gradient = table(rows, cols, |i, j| at(i, j) * (cell(&g, i, j) - dot[i]));
        for isa in Isa::available() {
            let (mut y, mut dp) = (x.clone(), g.clone());
            let (p_view, dp_view) = (y.view(), dp.view());
            isa.run(SoftmaxRows {
                x: p_view,
                rows,
                cols,
                factor: 1.0,
            });
            isa.run(SoftmaxRowsBackward {
                p: p_view,
                dp: dp_view,
                rows,
                cols,
            });
            assert_close(isa, "softmax", &y, &p, 1e-6);
            let mut twice = x.clone();
            for r in 0..rows {
                twice.row_mut(r).iter_mut().for_each(|v| *v *= 2.0);
            }
            let mut bytes = AlignedMatrix::zeros(rows, cols.div_ceil(4));
            let mut scales = AlignedMatrix::zeros(1, rows);
            isa.run(SoftmaxBytes {
                x: twice.clone().view(),
                out: bytes.units(),
                rows,
                cols,
                factor: 0.5,
                scales: scales.as_mut_ptr(),
            });
            isa.run(SoftmaxRows {
                x: twice.view(),
                rows,
                cols,
                factor: 0.5,
            });
            assert_close(isa, "scaled", &twice, &p, 1e-6);
            let found = table(rows, cols, |i, j| {
                let byte = bytes.row(i)[j / 4].to_le_bytes()[j % 4];
                f64::from(byte) * f64::from(scales.row(0)[i])
            });
            for (i, row) in found.chunks(cols).enumerate() {
                // Numbers of 7 bits, each rounded to a 127th of the largest.
                for (j, v) in row.iter().enumerate() {
                    let place = format!("{} {rows}x{cols} ({i}, {j})", isa.name());
                    assert!((v - at(i, j)).abs() < 0.02, "{place}: {v} for {}", at(i, j));
                }
                assert!(
                    (row.iter().sum::<f64>() - 1.0).abs() < 1e-5,
                    "{}",
                    isa.name()
                );
            }
            assert_close(isa, "softmax backward", &dp, &gradient, 1e-6);
        }
    }
}

#[test]
fn rotation_agrees_with_the_reference() {
    use recurra_kernels::attention::*;
    for isa in Isa::available() {
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
    use recurra_kernels::swiglu::{Bf16Forms, SwiGluBackward, SwiGluBackwardBf16};
    use recurra_kernels::view::Pre;
    // The two numbers of a unit.
    let halves =
        |unit: u32| [unit << 16, unit & 0xffff_0000].map(|bits| f64::from(f32::from_bits(bits)));
    for isa in Isa::available() {
        for (rows, cols) in [(1, 1), (3, 16), (7, 31), (8, 32), (9, 100)] {
            let [mut gate, mut up, d] = [1, 2, 3].map(|seed| matrix(rows, cols, seed));
            gate.row_mut(0)[0] = -30.0;
            let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
            let at = |i, j| (cell(&gate, i, j), cell(&up, i, j), cell(&d, i, j));
            let acts = table(rows, cols, |i, j| silu(at(i, j).0) * at(i, j).1);
            let d_ups = table(rows, cols, |i, j| silu(at(i, j).0) * at(i, j).2);
            let d_gates = table(rows, cols, |i, j| {
                let (g, u, d) = at(i, j);
                d * u * sigma(g) * (1.0 + g * (1.0 - sigma(g)))
            });
            let (mut act, mut d_gate, mut d_up) = (d.clone(), gate.clone(), up.clone());
            isa.run(SwiGluBackward {
                pre: Pre {
                    gate: d_gate.view(),
                    up: d_up.view(),
                },
                act: act.view(),
                rows,
                cols,
            });
            assert_close(isa, "act", &act, &acts, 1e-6);
            assert_close(isa, "gradient of up", &d_up, &d_ups, 1e-6);
            assert_close(isa, "gradient of gate", &d_gate, &d_gates, 1e-6);
            // In bfloat16, in both forms.
            let mut by_rows = [(); 3].map(|()| AlignedMatrix::<u32>::zeros(rows, cols.div_ceil(2)));
            let mut by_cols = [(); 3].map(|()| AlignedMatrix::<u32>::zeros(rows.div_ceil(2), cols));
            let mut forms = by_rows
                .iter_mut()
                .zip(&mut by_cols)
                .map(|(r, c)| Bf16Forms {
                    rows: Some(r.units()),
                    cols: Some(c.units()),
                });
            let [act, d_gate, d_up] = std::array::from_fn(|_| forms.next().unwrap());
            let mut d = d.clone();
            isa.run(SwiGluBackwardBf16 {
                pre: Pre {
                    gate: gate.view(),
                    up: up.view(),
                },
                d_act: d.view(),
                act,
                d_pre: [d_gate, d_up],
                rows,
                cols,
            });
            for ((by_rows, by_cols), expected) in
                by_rows.iter().zip(&by_cols).zip([acts, d_gates, d_ups])
            {
                // Half a unit of the last of 8 digits, and the short sigmoid.
                let tolerance = |v: f64| v.abs() * (1.0 / 256.0 + 2e-4) + 1e-6;
                for r in 0..rows {
                    for c in 0..cols {
                        let v = expected[r * cols + c];
                        let from_row = halves(by_rows.row(r)[c / 2])[c % 2];
                        let from_col = halves(by_cols.row(r / 2)[c])[r % 2];
                        assert!(
                            (from_row - v).abs() <= tolerance(v),
                            "{} {from_row} {v}",
                            isa.name()
                        );
                        assert_eq!(from_row, from_col);
                    }
                }
                // Behind an odd last row stand zeros.
                if !rows.is_multiple_of(2) {
                    assert!(
                        by_cols
                            .row(rows / 2)
                            .iter()
                            .all(|&unit| halves(unit)[1] == 0.0)
                    );
                }
            }
        }
    }
}
