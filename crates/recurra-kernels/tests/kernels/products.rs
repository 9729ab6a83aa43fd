//! Products of every format and epilogue against the plain reference.

use super::*;
use recurra_kernels::epilogue::{StoreScaled, SwiGluPanels, SwiGluRows};
use recurra_kernels::format::F32;
use recurra_kernels::pack::Entries;
use recurra_kernels::product::*;
use recurra_kernels::view::Pre;

/// A product in f32, computed in `parts` parts.
fn run<E: recurra_kernels::epilogue::Epilogue>(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    lhs: Lhs,
    rhs: Rhs,
    epilogue: E,
    parts: usize,
) {
    for part in 0..parts {
        isa.compile(Product {
            m,
            n,
            units: k,
            lhs,
            rhs,
            format: F32,
            epilogue,
            part: Part { part, parts },
        });
    }
}

#[test]
fn products_agree_with_the_reference() {
    for (m, n, k) in shapes() {
        let (a, w) = (matrix(m, k, 1), matrix(n, k, 2));
        let (at, b) = (transposed(&a), transposed(&w));
        let expected = reference(&a, &b);
        let times = |factor: f64| by(m * n, |i| factor * expected[i]);
        let (half, twice) = (times(0.5), times(2.0));
        let tolerance = 1e-6 * k as f64;
        let (strided, transposed) = (a.view_const().lhs(), at.view_const().transposed_lhs());
        let rows = b.view_const().rhs();
        for isa in Isa::available() {
            let packed = PackedMatrix::of_floats(isa, Packing::Panels, &w);
            let packed_rows = PackedMatrix::of_floats(isa, Packing::Rows, &a);
            for (what, lhs, rhs) in [
                ("strided x panels", strided, Rhs::Packed(&packed)),
                ("strided x rows", strided, rows),
                ("packed x rows", Lhs::Packed(&packed_rows), rows),
                ("transposed x rows", transposed, rows),
            ] {
                let mut c = AlignedMatrix::zeros(m, n);
                let (size, parts) = ((m, n, k), 1 + (m + n) % 3);
                let epilogue = c.view().store();
                run(isa, size, lhs, rhs, epilogue, parts);
                assert_close(isa, what, &c, &expected, tolerance);
                let epilogue = c.view().add();
                run(isa, size, lhs, rhs, epilogue, parts);
                assert_close(isa, what, &c, &twice, 2.0 * tolerance);
                let View { ptr, stride } = c.view();
                let epilogue = StoreScaled {
                    ptr,
                    stride,
                    factor: 0.5,
                };
                run(isa, size, lhs, rhs, epilogue, parts);
                assert_close(isa, what, &c, &half, tolerance);
            }
        }
    }
}

#[test]
fn swiglu_products_agree_with_the_reference() {
    for (i, &m) in SIZES.iter().enumerate() {
        let k = SIZES[(3 * i + 1) % SIZES.len()];
        let widths = [256, 48, 16, 512, 80];
        let width = widths[i % if cfg!(miri) { 3 } else { 5 }];
        let (x, w) = (matrix(m, k, 3), matrix(2 * width, k, 4));
        let xt = transposed(&x);
        let pre = reference(&x, &transposed(&w));
        let pair = |r: usize, c: usize| (pre[r * 2 * width + c], pre[r * 2 * width + width + c]);
        let expected = table(m, width, |r, c| silu(pair(r, c).0) * pair(r, c).1);
        let tolerance = 1e-6 * k as f64;
        let (x_view, xt_view) = (x.view_const(), xt.view_const());
        for isa in Isa::available() {
            // Along columns: x [m, k] times w^T.
            let packed = PackedMatrix::of_floats(isa, Packing::PairPanels, &w);
            let mut act = AlignedMatrix::zeros(m, width);
            let mut kept = AlignedMatrix::zeros(m, 2 * width);
            let pre_view = kept.view();
            let pre_view = Pre {
                gate: pre_view,
                up: pre_view.at(0, width),
            };
            let sink = pre_view.keep(act.view().acts::<false>());
            let (size, rhs) = ((m, 2 * width, k), Rhs::Packed(&packed));
            run(isa, size, x_view.lhs(), rhs, SwiGluPanels(sink), 2);
            assert_close(isa, "swiglu panels", &act, &expected, tolerance);
            assert_close(isa, "kept gate and up", &kept, &pre, tolerance);
            let mut short = AlignedMatrix::zeros(m, width);
            let sink = short.view().acts::<true>();
            run(isa, size, x_view.lhs(), rhs, SwiGluPanels(sink), 1);
            assert_close(isa, "short", &short, &expected, tolerance + 2e-4 * k as f64);
            // Along rows: w times x^T, results transposed.
            let packed = PackedMatrix::of_floats(isa, Packing::PairRows, &w);
            let mut act = AlignedMatrix::zeros(width, m);
            let mut kept = AlignedMatrix::zeros(2 * width, m);
            let pre_view = kept.view();
            let pre_view = Pre {
                gate: pre_view,
                up: pre_view.at(width, 0),
            };
            let sink = pre_view.keep(act.view().acts::<false>());
            let (size, lhs) = ((2 * width, m, k), Lhs::Packed(&packed));
            run(isa, size, lhs, xt_view.rhs(), SwiGluRows(sink), 2);
            assert_close(isa, "swiglu rows", &transposed(&act), &expected, tolerance);
            assert_close(isa, "kept gate and up", &transposed(&kept), &pre, tolerance);
        }
    }
}

#[test]
fn repacking_equals_packing() {
    let units = |p: &PackedMatrix| {
        // SAFETY: a packed matrix holds at least n units for each of its inner sum.
        unsafe { std::slice::from_raw_parts(p.as_ptr(), p.n * p.units()) }.to_vec()
    };
    for isa in Isa::available() {
        for packing in [
            Packing::Panels,
            Packing::Rows,
            Packing::PairPanels,
            Packing::PairRows,
        ] {
            for precision in [Precision::F32, Precision::Bf16] {
                let (a, b) = (matrix(512, 33, 5), matrix(512, 33, 6));
                let pack = |w| PackedMatrix::rounded(isa, packing, precision, w);
                let mut packed = pack(Entries::of(&a));
                packed.repack(isa, Entries::of(&b));
                let what = format!("{} {packing:?} {precision}", isa.name());
                assert_eq!(units(&packed), units(&pack(Entries::of(&b))), "{what}");
                let turned = transposed(&a);
                packed.repack(isa, Entries::transposed(&turned));
                assert_eq!(units(&packed), units(&pack(Entries::of(&a))), "{what}");
            }
        }
    }
}
