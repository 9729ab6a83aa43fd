//! Every kernel of every instruction set against one plain reference, over odd sizes.

use super::product::*;
use super::view::View;
use super::*;
use crate::kernels::simd::SimdOp;

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

#[test]
fn products_agree_with_the_reference() {
    for isa in Isa::available() {
        for m in SIZES {
            for n in SIZES {
                for k in [1, 5, 16, 97] {
                    let (a, w) = (matrix(m, k, 1), matrix(n, k, 2));
                    let b = transposed(&w);
                    let expected = reference(&a, &b);
                    let tolerance = 1e-6 * k as f64;
                    let packed = PackedMatrix::new(isa, Packing::Panels, &w);
                    let packed_rows = PackedMatrix::new(isa, Packing::Rows, &a);
                    let at = transposed(&a);
                    let strided = Lhs::Strided {
                        ptr: a.as_ptr(),
                        row: a.stride(),
                        col: 1,
                    };
                    let transposed = Lhs::Strided {
                        ptr: at.as_ptr(),
                        row: 1,
                        col: at.stride(),
                    };
                    let rows = Rhs::Rows {
                        ptr: b.as_ptr(),
                        stride: b.stride(),
                    };
                    for (what, lhs, rhs) in [
                        ("strided x panels", strided, Rhs::Packed(&packed)),
                        ("strided x rows", strided, rows),
                        ("packed x rows", Lhs::Packed(&packed_rows), rows),
                        ("transposed x rows", transposed, rows),
                    ] {
                        let mut c = AlignedMatrix::zeros(m, n);
                        let (ptr, stride) = (c.as_mut_ptr(), c.stride());
                        isa.run(Product {
                            m,
                            n,
                            k,
                            lhs,
                            rhs,
                            epilogue: Store { ptr, stride },
                        });
                        assert_close(isa, what, &c, &expected, tolerance);
                        isa.run(Product {
                            m,
                            n,
                            k,
                            lhs,
                            rhs,
                            epilogue: Add { ptr, stride },
                        });
                        let twice: Vec<f64> = expected.iter().map(|v| 2.0 * v).collect();
                        assert_close(isa, what, &c, &twice, 2.0 * tolerance);
                        let epilogue = StoreScaled {
                            ptr,
                            stride,
                            factor: 0.5,
                        };
                        isa.run(Product {
                            m,
                            n,
                            k,
                            lhs,
                            rhs,
                            epilogue,
                        });
                        let half: Vec<f64> = expected.iter().map(|v| 0.5 * v).collect();
                        assert_close(isa, what, &c, &half, tolerance);
                    }
                }
            }
        }
    }
}

#[test]
fn swiglu_products_agree_with_the_reference() {
    for isa in Isa::available() {
        for (m, k, width) in [(1, 3, 256), (7, 31, 256), (13, 97, 512), (97, 16, 256)] {
            let (x, w) = (matrix(m, k, 3), matrix(2 * width, k, 4));
            let pre = reference(&x, &transposed(&w));
            let pair =
                |r: usize, c: usize| (pre[r * 2 * width + c], pre[r * 2 * width + width + c]);
            let expected: Vec<f64> = (0..m * width)
                .map(|i| pair(i / width, i % width))
                .map(|(g, u)| silu(g) * u)
                .collect();
            // Along columns: x [m, k] times w^T.
            let packed = PackedMatrix::new(isa, Packing::PairPanels, &w);
            let mut act = AlignedMatrix::zeros(m, width);
            let mut kept = AlignedMatrix::zeros(m, 2 * width);
            let swiglu = SwiGlu::<true> {
                act: act.as_mut_ptr(),
                act_stride: act.stride(),
                gate: kept.as_mut_ptr(),
                up: kept.as_mut_ptr().wrapping_add(width),
                pre_stride: kept.stride(),
            };
            let lhs = Lhs::Strided {
                ptr: x.as_ptr(),
                row: x.stride(),
                col: 1,
            };
            let rhs = Rhs::Packed(&packed);
            isa.run(Product {
                m,
                n: 2 * width,
                k,
                lhs,
                rhs,
                epilogue: SwiGluPanels(swiglu),
            });
            assert_close(isa, "swiglu panels", &act, &expected, 1e-6 * k as f64);
            assert_close(isa, "kept gate and up", &kept, &pre, 1e-6 * k as f64);
            // Along rows: w times x^T, results transposed.
            let packed = PackedMatrix::new(isa, Packing::PairRows, &w);
            let xt = transposed(&x);
            let mut act = AlignedMatrix::zeros(width, m);
            let mut kept = AlignedMatrix::zeros(2 * width, m);
            let swiglu = SwiGlu::<true> {
                act: act.as_mut_ptr(),
                act_stride: act.stride(),
                gate: kept.as_mut_ptr(),
                up: kept.as_mut_ptr().wrapping_add(width * kept.stride()),
                pre_stride: kept.stride(),
            };
            let lhs = Lhs::Packed(&packed);
            let rhs = Rhs::Rows {
                ptr: xt.as_ptr(),
                stride: xt.stride(),
            };
            isa.run(Product {
                m: 2 * width,
                n: m,
                k,
                lhs,
                rhs,
                epilogue: SwiGluRows(swiglu),
            });
            assert_close(
                isa,
                "swiglu rows",
                &transposed(&act),
                &expected,
                1e-6 * k as f64,
            );
            assert_close(
                isa,
                "kept gate and up",
                &transposed(&kept),
                &pre,
                1e-6 * k as f64,
            );
        }
    }
}

#[test]
fn repacking_equals_packing() {
    for isa in Isa::available() {
        for packing in [
            Packing::Panels,
            Packing::Rows,
            Packing::PairPanels,
            Packing::PairRows,
        ] {
            let (a, b) = (matrix(512, 33, 5), matrix(512, 33, 6));
            let mut packed = PackedMatrix::new(isa, packing, &a);
            packed.repack(isa, &b);
            let fresh = PackedMatrix::new(isa, packing, &b);
            let floats = |p: &PackedMatrix| {
                // SAFETY: a packed matrix holds at least n * k floats.
                unsafe { std::slice::from_raw_parts(p.as_ptr(), 512 * 33) }.to_vec()
            };
            assert_eq!(
                floats(&packed),
                floats(&fresh),
                "{} {packing:?}",
                isa.name()
            );
        }
    }
}

#[test]
fn exp_and_sigmoid_are_accurate() {
    struct Map<'a>(&'a mut [f32], bool);
    impl SimdOp for Map<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: simd::Simd>(self, s: S) {
            for chunk in self.0.chunks_exact_mut(S::LANES) {
                // SAFETY: a chunk is one vector long.
                unsafe {
                    let x = s.load(chunk.as_ptr());
                    let y = if self.1 {
                        activation::sigmoid(s, x)
                    } else {
                        activation::exp(s, x)
                    };
                    s.store(chunk.as_mut_ptr(), y);
                }
            }
        }
    }
    let xs: Vec<f32> = (-87_000..88_000)
        .step_by(7)
        .map(|i| i as f32 / 1000.0)
        .collect();
    let xs = &xs[..xs.len() / 16 * 16];
    for isa in Isa::available() {
        for sigmoid in [false, true] {
            let mut ys = xs.to_vec();
            isa.run(Map(&mut ys, sigmoid));
            for (&x, &y) in xs.iter().zip(&ys) {
                let exact = if sigmoid {
                    1.0 / (1.0 + (-x as f64).exp())
                } else {
                    (x as f64).exp()
                };
                let error = ((y as f64 - exact) / exact).abs();
                let stated = if sigmoid {
                    2e-7 + 1e-7 * f64::from(x.abs())
                } else {
                    3e-7
                };
                assert!(
                    error < stated,
                    "{} sigmoid={sigmoid} at {x}: {y} for {exact}",
                    isa.name()
                );
            }
        }
    }
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
    use super::norm::*;
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
            isa.run(SoftmaxRows {
                x: y.view(),
                rows,
                cols,
            });
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
