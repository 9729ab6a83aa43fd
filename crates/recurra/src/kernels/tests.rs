//! Every kernel of every instruction set against one plain reference, over odd sizes.

use super::product::*;
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
                assert!(
                    error < 3e-7,
                    "{} sigmoid={sigmoid} at {x}: {y} for {exact}",
                    isa.name()
                );
            }
        }
    }
}

#[test]
#[ignore]
fn speed() {
    use std::time::Instant;
    for isa in Isa::available() {
        let best = |f: &mut dyn FnMut()| {
            let mut b = f64::MAX;
            for _ in 0..30 {
                let t = Instant::now();
                f();
                b = b.min(t.elapsed().as_secs_f64());
            }
            b
        };
        let mut fl = 0;
        let t = best(&mut || fl = peak::multiply_adds(isa, 100_000));
        println!("{} peak {:.1}", isa.name(), fl as f64 / t / 1e9);
        let (m, k, n) = (97, 512, 1536);
        let x = matrix(m, k, 3);
        let w = matrix(2 * n, k, 4);
        let wd = matrix(k, n, 4);
        let p = PackedMatrix::new(isa, Packing::PairPanels, &w);
        let pp = PackedMatrix::new(isa, Packing::Panels, &w);
        let pd = PackedMatrix::new(isa, Packing::Panels, &wd);
        let mut act = AlignedMatrix::zeros(m, n);
        let mut pre = AlignedMatrix::zeros(m, 2 * n);
        let mut y = AlignedMatrix::zeros(m, k);
        let sw = SwiGlu::<false> {
            act: act.as_mut_ptr(),
            act_stride: act.stride(),
            gate: act.as_mut_ptr(),
            up: act.as_mut_ptr(),
            pre_stride: 0,
        };
        let lhs = Lhs::Strided {
            ptr: x.as_ptr(),
            row: x.stride(),
            col: 1,
        };
        let t = best(&mut || {
            isa.run(Product {
                m,
                n: 2 * n,
                k,
                lhs,
                rhs: Rhs::Packed(&p),
                epilogue: SwiGluPanels(sw),
            })
        });
        println!("gateup fused {:.1}", 4.0 * (m * n * k) as f64 / t / 1e9);
        let (ptr, stride) = (pre.as_mut_ptr(), pre.stride());
        let t = best(&mut || {
            isa.run(Product {
                m,
                n: 2 * n,
                k,
                lhs,
                rhs: Rhs::Packed(&pp),
                epilogue: Store { ptr, stride },
            })
        });
        println!("gateup plain {:.1}", 4.0 * (m * n * k) as f64 / t / 1e9);
        let lhs = Lhs::Strided {
            ptr: act.as_ptr(),
            row: act.stride(),
            col: 1,
        };
        let (ptr, stride) = (y.as_mut_ptr(), y.stride());
        let t = best(&mut || {
            isa.run(Product {
                m,
                n: k,
                k: n,
                lhs,
                rhs: Rhs::Packed(&pd),
                epilogue: Add { ptr, stride },
            })
        });
        println!("down {:.1}", 2.0 * (m * n * k) as f64 / t / 1e9);
        // mixer
        let (l, d, it) = (97, 512, 512);
        let w1 = matrix(2 * it, l, 3);
        let w2 = matrix(l, it, 4);
        let mut x = matrix(l, d, 5);
        let p1 = PackedMatrix::new(isa, Packing::PairRows, &w1);
        let p2 = PackedMatrix::new(isa, Packing::Rows, &w2);
        let vecs = isa.lanes() * 3;
        let mut act = AlignedMatrix::zeros(it, vecs);
        let (ptr, stride) = (x.as_mut_ptr(), x.stride());
        let t = best(&mut || {
            let mut c = 0;
            while c < d {
                let w = vecs.min(d - c);
                let sw = SwiGlu::<false> {
                    act: act.as_mut_ptr(),
                    act_stride: act.stride(),
                    gate: act.as_mut_ptr(),
                    up: act.as_mut_ptr(),
                    pre_stride: 0,
                };
                isa.run(Product {
                    m: 2 * it,
                    n: w,
                    k: l,
                    lhs: Lhs::Packed(&p1),
                    rhs: Rhs::Rows {
                        ptr: ptr.wrapping_add(c),
                        stride,
                    },
                    epilogue: SwiGluRows(sw),
                });
                isa.run(Product {
                    m: l,
                    n: w,
                    k: it,
                    lhs: Lhs::Packed(&p2),
                    rhs: Rhs::Rows {
                        ptr: act.as_ptr(),
                        stride: act.stride(),
                    },
                    epilogue: Add {
                        ptr: ptr.wrapping_add(c),
                        stride,
                    },
                });
                c += w;
            }
        });
        println!("mixer {:.1}", 6.0 * (l * d * it) as f64 / t / 1e9);
    }
}
