//! Quantised activations and the products on them, against plain arithmetic on the same integers.

use super::*;
use half::bf16;
use recurra_kernels::epilogue::{Store, SwiGluPanels, SwiGluRows};
use recurra_kernels::fit::fitted;
use recurra_kernels::format::{Bf16, Int8};
use recurra_kernels::nibbles::Int4;
use recurra_kernels::product::*;
use recurra_kernels::quantize::*;
use recurra_kernels::simd::{Bytes, Simd, SimdOp};
use recurra_kernels::view::Pre;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Zero point and largest magnitude of an instruction set's activations.
fn activations(isa: Isa) -> (i32, i32) {
    struct Range;
    impl SimdOp for Range {
        type Output = (i32, i32);
        type Uses = Bytes;
        #[inline(always)]
        fn run<S: Simd>(self, _: S) -> (i32, i32) {
            (S::ACT_ZERO, S::ACT_MAX)
        }
    }
    isa.compile(Range)
}

/// Plain quantisation: integers and the scale.
fn quantize(values: &[f32], max: i32) -> (Vec<i32>, f32) {
    let largest = values.iter().fold(0.0f32, |top, v| top.max(v.abs()));
    let scale = largest / max as f32;
    if scale == 0.0 {
        return (vec![0; values.len()], 0.0);
    }
    let integer = |v: &f32| (v * (1.0 / scale)).round_ties_even() as i32;
    (values.iter().map(integer).collect(), scale)
}

fn q8(rows: usize, cols: usize, seed: u64) -> Q8Weights {
    let values = numbers(rows * cols, seed)
        .into_iter()
        .map(|v| (v * 127.0) as i8);
    Q8Weights {
        rows,
        cols,
        values: values.collect(),
        scales: numbers(rows, seed + 1)
            .iter()
            .map(|v| 0.01 + v.abs())
            .collect(),
    }
}

/// What 8-bit products should give.
fn expected(x: &[(Vec<i32>, f32)], w: &Q8Weights) -> Vec<f64> {
    let mut all = Vec::new();
    for (row, scale) in x {
        for (r, weights) in w.values.chunks(w.cols).enumerate() {
            let sum: i64 = row
                .iter()
                .zip(weights)
                .map(|(&a, &b)| i64::from(a) * i64::from(b))
                .sum();
            all.push(sum as f64 * f64::from(*scale) * f64::from(w.scales[r]));
        }
    }
    all
}

#[test]
fn eight_bit_products_are_exact() {
    for (m, n, k) in shapes() {
        let (mut x, w) = (matrix(m, k, 1), q8(n, k, 2));
        if m > 2 {
            x.row_mut(1).fill(0.0);
        }
        let mut xt = transposed(&x);
        // Once for each range of activations, and weights fitted to it.
        let mut references = BTreeMap::new();
        // Sums are exact; the scales round thrice.
        let tolerance = 3e-5 * k as f64;
        for isa in Isa::available() {
            let (_, max) = activations(isa);
            let fitted = fitted(isa, &w);
            let key = (max, matches!(fitted, Cow::Owned(_)));
            let (plain, expected) = references.entry(key).or_insert_with(|| {
                let rows = by(m, |r| quantize(x.row(r), max));
                let plain: Vec<f32> = rows.iter().map(|(_, scale)| *scale).collect();
                (plain, expected(&rows, &fitted))
            });
            // Activations on the left.
            let packed = PackedMatrix::new(isa, Packing::Panels, &Linear::Q8(w.clone()));
            let mut units = AlignedMatrix::zeros(m, k.div_ceil(4));
            let mut scales = AlignedMatrix::zeros(1, m);
            isa.run(QuantizeRows {
                x: x.view(),
                out: units.units(),
                rows: m,
                cols: k,
                scales: scales.as_mut_ptr(),
            });
            assert_eq!(scales.row(0), *plain);
            let mut c = AlignedMatrix::zeros(m, n);
            let parts = 1 + (m + n) % 3;
            for part in 0..parts {
                let epilogue = c.view().store();
                isa.run(Product {
                    m,
                    n,
                    units: packed.units(),
                    lhs: units.units().lhs(),
                    rhs: Rhs::Packed(&packed),
                    format: Int8::<false> {
                        row_scales: scales.as_ptr(),
                        col_scales: packed.scales(),
                        starts: packed.starts(),
                    },
                    epilogue,
                    part: Part { part, parts },
                });
            }
            assert_close(isa, "q8 panels", &c, expected, tolerance);
            // Activations on the right.
            let packed = PackedMatrix::new(isa, Packing::Rows, &Linear::Q8(w.clone()));
            let mut units = AlignedMatrix::zeros(k.div_ceil(4), m);
            let mut scales = AlignedMatrix::zeros(1, m);
            isa.run(QuantizeCols {
                x: xt.view(),
                out: units.units(),
                rows: k,
                cols: m,
                scales: scales.as_mut_ptr(),
                signed: false,
                starts: None,
            });
            assert_eq!(scales.row(0), *plain);
            let mut c = AlignedMatrix::zeros(n, m);
            let epilogue = Store {
                ptr: c.as_mut_ptr(),
                stride: c.stride(),
            };
            isa.run(Product {
                m: n,
                n: m,
                units: packed.units(),
                lhs: Lhs::Packed(&packed),
                rhs: units.units().rhs(),
                format: Int8::<true> {
                    row_scales: packed.scales(),
                    col_scales: scales.as_ptr(),
                    starts: packed.starts(),
                },
                epilogue,
                part: Part::WHOLE,
            });
            assert_close(isa, "q8 rows", &transposed(&c), expected, tolerance);
        }
    }
}

/// As [`q8`], of 4 bits.
fn q4(rows: usize, cols: usize, seed: u64) -> Q4Weights {
    let bytes = |count: usize, seed: u64| {
        let numbers = numbers(count, seed).into_iter();
        numbers.map(|v| (128.0 * (v + 1.0)) as u8)
    };
    Q4Weights {
        rows,
        cols,
        nibbles: bytes(rows * Q4Weights::row_bytes(cols), seed).collect(),
        multipliers: bytes(rows * Q4Weights::groups(cols), seed + 1)
            .map(|v| 1 + v % Q4Weights::MAX_MULTIPLIER)
            .collect(),
        scales: numbers(rows, seed + 2).iter().map(|v| v.abs()).collect(),
    }
}

/// `x` times 4-bit weights, as the instruction set packs them.
fn four_bit_product(isa: Isa, x: &mut AlignedMatrix, w: &Q4Weights) -> AlignedMatrix {
    let (m, n, k) = (x.rows(), w.rows, w.cols);
    let packed = PackedMatrix::new(isa, Packing::Panels, &Linear::Q4(w.clone()));
    // What stands behind a row's end is whatever an earlier product left there.
    let mut units = AlignedMatrix::zeros(m, k.div_ceil(4));
    units.padded_mut().fill(0x7f01_7f7f);
    let mut scales = AlignedMatrix::zeros(1, m);
    isa.run(QuantizeRows {
        x: x.view(),
        out: units.units(),
        rows: m,
        cols: k,
        scales: scales.as_mut_ptr(),
    });
    let mut c = AlignedMatrix::zeros(m, n);
    let format = Int8::<false> {
        row_scales: scales.as_ptr(),
        col_scales: packed.scales(),
        starts: packed.starts(),
    };
    for part in 0..2 {
        let (lhs, rhs) = (units.units().lhs(), Rhs::Packed(&packed));
        let epilogue = c.view().store();
        macro_rules! run {
            ($format:expr) => {
                isa.run(Product {
                    m,
                    n,
                    units: packed.units(),
                    lhs,
                    rhs,
                    format: $format,
                    epilogue,
                    part: Part { part, parts: 2 },
                })
            };
        }
        match packed.precision {
            Precision::Q4 => run!(Int4(format)),
            _ => run!(format),
        }
    }
    c
}

#[test]
fn four_bit_products_are_exact() {
    for (m, n, k) in shapes() {
        let (mut x, w) = (matrix(m, k, 1), q4(n, k, 2));
        let bytes = w.to_q8();
        for isa in Isa::available() {
            let (_, max) = activations(isa);
            let rows = by(m, |r| quantize(x.row(r), max));
            let found = four_bit_product(isa, &mut x, &w);
            let expected = expected(&rows, &bytes);
            assert_close(isa, "q4 panels", &found, &expected, 3e-5 * k as f64);
        }
    }
}

#[test]
fn four_bit_sums_do_not_overflow() {
    for isa in Isa::available() {
        let (m, n, k) = (7, 17, 200);
        // All activations at one end of their range, all weights at the other.
        for (sign, nibble) in [(1.0, 0), (-1.0, 0), (1.0, 0xff), (-1.0, 0xff)] {
            let mut x = AlignedMatrix::from_slice(m, k, &vec![sign; m * k]);
            let mut w = q4(n, k, 3);
            w.nibbles.fill(nibble);
            w.multipliers.fill(Q4Weights::MAX_MULTIPLIER);
            let (_, max) = activations(isa);
            let rows = by(m, |r| quantize(x.row(r), max));
            let found = four_bit_product(isa, &mut x, &w);
            assert_close(isa, "extremes", &found, &expected(&rows, &w.to_q8()), 0.02);
        }
    }
}

#[test]
fn parts_of_four_bit_products_agree_with_plain_arithmetic() {
    struct Parts;
    impl SimdOp for Parts {
        type Output = ();
        type Uses = Bytes;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let act: u32 = if S::ACT_ZERO == 0 {
                0x81_7f_80_7f
            } else {
                0x7f_00_7f_01
            };
            let vector = |v: u32| s.splat_unit(v);
            let lanes = |v: S::I| {
                let mut lanes = [0u32; 16];
                // SAFETY: no vector is longer than a line.
                unsafe { s.store_units(lanes.as_mut_ptr(), v) };
                lanes[S::LANES - 1]
            };
            let [low, high] = s.nibbles(vector(0xf8_07_90_3c));
            // 8, 7, 0 and 12 less 8, the lowest last; then 15, 0, 9 and 3.
            assert_eq!(lanes(low), 0x00_ff_f8_04);
            assert_eq!(lanes(high), 0x07_f8_01_fb);
            let bytes = act.to_le_bytes().map(|v| match S::ACT_ZERO {
                0 => i32::from(v as i8),
                _ => i32::from(v),
            });
            // 4, -8, -1, 0 and sums that start at -3 and 1000.
            let pairs = lanes(s.dot_pairs(vector(0x03e8_fffd), vector(act), low));
            assert_eq!(i32::from(pairs as i16), -3 + 4 * bytes[0] - 8 * bytes[1]);
            assert_eq!(pairs as i32 >> 16, 1000 - bytes[2]);
            let sum = lanes(s.add_products(vector(5), vector(0x8000_7fff), vector(0x0007_fffe)));
            assert_eq!(sum as i32, 5 - 7 * 32768 - 2 * 32767);
        }
    }
    for isa in Isa::available() {
        isa.compile(Parts);
    }
}

#[test]
fn eight_bit_sums_do_not_overflow_where_the_processor_saturates() {
    for isa in Isa::available() {
        let (m, n, k) = (3, 17, 200);
        let extreme = |i: usize| if i % 7 < 4 { 1.0 } else { -1.0 };
        let values: Vec<f32> = (0..m * k).map(extreme).collect();
        let mut x = AlignedMatrix::from_slice(m, k, &values);
        let w = Q8Weights {
            rows: n,
            cols: k,
            values: (0..n * k).map(|i| extreme(i) as i8 * 127).collect(),
            scales: vec![1.0; n],
        };
        let (_, max) = activations(isa);
        let rows: Vec<_> = (0..m).map(|r| quantize(x.row(r), max)).collect();
        let packed = PackedMatrix::new(isa, Packing::Panels, &Linear::Q8(w.clone()));
        let mut units = AlignedMatrix::zeros(m, k.div_ceil(4));
        let mut scales = AlignedMatrix::zeros(1, m);
        isa.run(QuantizeRows {
            x: x.view(),
            out: units.units(),
            rows: m,
            cols: k,
            scales: scales.as_mut_ptr(),
        });
        let mut c = AlignedMatrix::zeros(m, n);
        let epilogue = c.view().store();
        isa.run(Product {
            m,
            n,
            units: packed.units(),
            lhs: units.units().lhs(),
            rhs: Rhs::Packed(&packed),
            format: Int8::<false> {
                row_scales: scales.as_ptr(),
                col_scales: packed.scales(),
                starts: packed.starts(),
            },
            epilogue,
            part: Part::WHOLE,
        });
        assert_close(
            isa,
            "extremes",
            &c,
            &expected(&rows, &fitted(isa, &w)),
            0.02,
        );
    }
}

#[test]
fn rows_without_finite_numbers_are_told() {
    for isa in Isa::available() {
        for (bad, scale) in [(f32::NAN, None), (f32::INFINITY, None), (1e-44, Some(0.0))] {
            let mut x = AlignedMatrix::from_slice(2, 3, &[0.0, bad, 0.0, 1.0, 2.0, 3.0]);
            let mut units = AlignedMatrix::zeros(2, 1);
            let mut scales = AlignedMatrix::zeros(1, 2);
            isa.run(QuantizeRows {
                x: x.view(),
                out: units.units(),
                rows: 2,
                cols: 3,
                scales: scales.as_mut_ptr(),
            });
            match scale {
                Some(scale) => assert_eq!(scales.row(0)[0], scale),
                None => assert!(scales.row(0)[0].is_nan(), "{} {bad}", isa.name()),
            }
            assert_eq!(scales.row(0)[1], 3.0 / activations(isa).1 as f32);
        }
    }
}

/// The nearest bfloat16, as f32.
fn rounded(m: &AlignedMatrix) -> AlignedMatrix {
    let values: Vec<f32> = m
        .to_vec()
        .iter()
        .map(|&v| bf16::from_f32(v).to_f32())
        .collect();
    AlignedMatrix::from_slice(m.rows(), m.cols(), &values)
}

fn bf16_weights(w: &AlignedMatrix) -> Linear {
    Linear::Bf16(Bf16Weights {
        rows: w.rows(),
        cols: w.cols(),
        values: w.to_vec().into_iter().map(bf16::from_f32).collect(),
    })
}

#[test]
fn bfloat16_products_agree_with_the_reference() {
    for isa in Isa::available().into_iter().filter(|isa| isa.has_bf16()) {
        for (m, n, k) in shapes() {
            let (mut x, w) = (matrix(m, k, 1), matrix(n, k, 2));
            let expected = reference(&rounded(&x), &transposed(&rounded(&w)));
            let tolerance = 1e-6 * k as f64;
            let packed = PackedMatrix::new(isa, Packing::Panels, &bf16_weights(&w));
            let mut units = AlignedMatrix::zeros(m, k.div_ceil(2));
            isa.run(Bf16Rows {
                x: x.view(),
                out: units.units(),
                rows: m,
                cols: k,
            });
            let mut c = AlignedMatrix::zeros(m, n);
            let epilogue = c.view().store();
            isa.run(Product {
                m,
                n,
                units: packed.units(),
                lhs: units.units().lhs(),
                rhs: Rhs::Packed(&packed),
                format: Bf16,
                epilogue,
                part: Part::WHOLE,
            });
            assert_close(isa, "bf16 panels", &c, &expected, tolerance);
            let packed = PackedMatrix::new(isa, Packing::Rows, &bf16_weights(&w));
            let mut xt = transposed(&x);
            let mut units = AlignedMatrix::zeros(k.div_ceil(2), m);
            isa.run(Bf16Cols {
                x: xt.view(),
                out: units.units(),
                rows: k,
                cols: m,
            });
            let mut c = AlignedMatrix::zeros(n, m);
            let epilogue = c.view().store();
            isa.run(Product {
                m: n,
                n: m,
                units: packed.units(),
                lhs: Lhs::Packed(&packed),
                rhs: units.units().rhs(),
                format: Bf16,
                epilogue,
                part: Part::WHOLE,
            });
            assert_close(isa, "bf16 rows", &transposed(&c), &expected, tolerance);
            // As the gradient of weights: both factors are activations, added up along their rows.
            let mut wt = transposed(&w);
            let mut right = AlignedMatrix::zeros(k.div_ceil(2), n);
            isa.run(Bf16Cols {
                x: wt.view(),
                out: right.units(),
                rows: k,
                cols: n,
            });
            let mut c = AlignedMatrix::zeros(m, n);
            for times in [1.0, 2.0] {
                let epilogue = c.view().add();
                isa.run(Product {
                    m,
                    n,
                    units: k.div_ceil(2),
                    lhs: units.units().transposed_lhs(),
                    rhs: right.units().rhs(),
                    format: Bf16,
                    epilogue,
                    part: Part::WHOLE,
                });
                let expected: Vec<f64> = expected.iter().map(|v| times * v).collect();
                assert_close(isa, "bf16 gradient", &c, &expected, times * tolerance);
            }
        }
    }
}

#[test]
fn a_swiglu_in_bfloat16_is_stored_in_bfloat16() {
    let isas = Isa::available().into_iter().filter(|isa| isa.has_bf16());
    for (isa, width) in isas.flat_map(|isa| [256, 48].map(|width| (isa, width))) {
        let (m, k) = (13, 97);
        let (mut x, w) = (matrix(m, k, 3), matrix(2 * width, k, 4));
        let pre = reference(&rounded(&x), &transposed(&rounded(&w)));
        let expected: Vec<f64> = (0..m * width)
            .map(|i| i / width * 2 * width + i % width)
            .map(|at| silu(pre[at]) * pre[at + width])
            .collect();
        let close = |what: &str, r: usize, c: usize, bits: u32| {
            let found = f64::from(bf16::from_bits(bits as u16).to_f32());
            let expected = expected[r * width + c];
            let tolerance = 5e-3 * expected.abs() + 1e-4;
            assert!(
                (found - expected).abs() <= tolerance,
                "{what} ({r}, {c}): {found} for {expected}"
            );
        };
        let packed = PackedMatrix::new(isa, Packing::PairPanels, &bf16_weights(&w));
        let mut units = AlignedMatrix::zeros(m, k.div_ceil(2));
        isa.run(Bf16Rows {
            x: x.view(),
            out: units.units(),
            rows: m,
            cols: k,
        });
        let mut acts = AlignedMatrix::zeros(m, width / 2);
        isa.run(Product {
            m,
            n: 2 * width,
            units: packed.units(),
            lhs: units.units().lhs(),
            rhs: Rhs::Packed(&packed),
            format: Bf16,
            epilogue: SwiGluPanels(acts.units().acts::<false>()),
            part: Part::WHOLE,
        });
        for (r, c) in (0..m).flat_map(|r| (0..width).map(move |c| (r, c))) {
            close("panels", r, c, acts.row(r)[c / 2] >> (16 * (c % 2)));
        }
        // The same with gates and ups kept.
        let mut again = AlignedMatrix::zeros(m, width / 2);
        let mut kept = AlignedMatrix::zeros(m, 2 * width);
        let keep = Pre {
            gate: kept.view(),
            up: kept.view().at(0, width),
        };
        isa.run(Product {
            m,
            n: 2 * width,
            units: packed.units(),
            lhs: units.units().lhs(),
            rhs: Rhs::Packed(&packed),
            format: Bf16,
            epilogue: SwiGluPanels(keep.keep(again.units().acts::<false>())),
            part: Part::WHOLE,
        });
        assert_eq!(again.padded(), acts.padded());
        assert_close(isa, "kept from panels", &kept, &pre, 1e-4);
        let packed = PackedMatrix::new(isa, Packing::PairRows, &bf16_weights(&w));
        let mut xt = transposed(&x);
        let mut units = AlignedMatrix::zeros(k.div_ceil(2), m);
        isa.run(Bf16Cols {
            x: xt.view(),
            out: units.units(),
            rows: k,
            cols: m,
        });
        let mut acts = AlignedMatrix::zeros(width / 2, m);
        isa.run(Product {
            m: 2 * width,
            n: m,
            units: packed.units(),
            lhs: Lhs::Packed(&packed),
            rhs: units.units().rhs(),
            format: Bf16,
            epilogue: SwiGluRows(acts.units().acts::<true>()),
            part: Part::WHOLE,
        });
        for (r, c) in (0..m).flat_map(|r| (0..width).map(move |c| (r, c))) {
            close("rows", r, c, acts.row(c / 2)[r] >> (16 * (c % 2)));
        }
        let mut again = AlignedMatrix::zeros(width / 2, m);
        let mut kept = AlignedMatrix::zeros(2 * width, m);
        let keep = Pre {
            gate: kept.view(),
            up: kept.view().at(width, 0),
        };
        isa.run(Product {
            m: 2 * width,
            n: m,
            units: packed.units(),
            lhs: Lhs::Packed(&packed),
            rhs: units.units().rhs(),
            format: Bf16,
            epilogue: SwiGluRows(keep.keep(again.units().acts::<true>())),
            part: Part::WHOLE,
        });
        assert_eq!(again.padded(), acts.padded());
        assert_close(isa, "kept from rows", &transposed(&kept), &pre, 1e-4);
    }
}
