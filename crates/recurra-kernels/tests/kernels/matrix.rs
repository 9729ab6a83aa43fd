//! What `matrix` promises.

use recurra_kernels::matrix::*;

#[test]
fn rows_start_on_cache_lines_and_padding_is_zero() {
    for (rows, cols) in [(1, 1), (3, 16), (5, 17), (2, 512), (7, 100), (0, 4), (4, 0)] {
        let values: Vec<f32> = (0..rows * cols).map(|i| i as f32 + 1.0).collect();
        let m = AlignedMatrix::from_slice(rows, cols, &values);
        assert_eq!(m.to_vec(), values);
        assert_eq!(m.padded().len(), rows * m.stride());
        assert!(!(m.stride() * 4).is_multiple_of(512));
        for r in 0..rows {
            assert_eq!(m.row(r).as_ptr() as usize % 64, 0);
            assert!(
                m.padded()[r * m.stride() + cols..(r + 1) * m.stride()]
                    .iter()
                    .all(|&v| v == 0.0)
            );
        }
    }
}
