//! Sums of rows against plain loops.

use crate::{assert_close, matrix, transposed};
use recurra_kernels::messages::{Sparse, SumOthers, SumRows};
use recurra_kernels::{AlignedMatrix, Isa};

/// Each row of the result sums some rows of `x`, with numbers of their own; one sums none.
fn sparse(rows: usize, of: usize) -> (Sparse, AlignedMatrix) {
    let mut dense = AlignedMatrix::zeros(rows, of);
    let entries = (0..rows).map(|row| {
        let members = (0..of).filter(|at| row != 1 && (at * 7 + row * 3) % 4 == 0);
        let members = members.map(|at| (at as u32, ((at + row) % 5) as f32 - 1.5));
        members.collect::<Vec<_>>()
    });
    let entries: Vec<_> = entries.collect();
    for (row, entries) in entries.iter().enumerate() {
        for &(at, value) in entries {
            dense.row_mut(row)[at as usize] = value;
        }
    }
    (Sparse::new(entries), dense)
}

#[test]
fn sums_of_rows_are_products_with_a_sparse_matrix() {
    for (rows, of, cols) in [
        (1, 1, 1),
        (5, 9, 7),
        (12, 4, 16),
        (27, 81, 24),
        (9, 9, 33),
        (3, 20, 64),
    ] {
        let (sparse, dense) = sparse(rows, of);
        let x = matrix(of, cols, 3);
        for (sparse, dense, x) in [
            (&sparse, &dense, x),
            (
                &sparse.transposed(of),
                &transposed(&dense),
                matrix(rows, cols, 4),
            ),
        ] {
            let expected = crate::reference(dense, &x);
            for isa in Isa::available() {
                let mut out = AlignedMatrix::zeros(sparse.rows(), cols);
                let half = sparse.rows() / 2;
                for rows in [0..half, half..sparse.rows()] {
                    isa.run(SumRows {
                        matrix: sparse,
                        x: x.view_const(),
                        out: out.view(),
                        cols,
                        rows,
                    });
                }
                assert_close(isa, "sums of rows", &out, &expected, 1e-4);
            }
        }
    }
}

#[test]
fn the_sum_of_the_others_leaves_each_row_out() {
    for (blocks, block, cols) in [(1, 1, 1), (3, 4, 7), (5, 9, 24), (2, 16, 33)] {
        let x = matrix(blocks * block, cols, 5);
        let mut expected = Vec::new();
        for row in 0..blocks * block {
            for col in 0..cols {
                let first = row / block * block;
                let others = (first..first + block).filter(|&other| other != row);
                let sum: f64 = others.map(|other| f64::from(x.row(other)[col])).sum();
                expected.push(0.375 * sum);
            }
        }
        for isa in Isa::available() {
            let mut out = AlignedMatrix::zeros(blocks * block, cols);
            isa.run(SumOthers {
                x: x.view_const(),
                out: out.view(),
                cols,
                block,
                blocks: 0..blocks,
                factor: 0.375,
            });
            assert_close(isa, "sums of others", &out, &expected, 1e-5);
        }
    }
}
