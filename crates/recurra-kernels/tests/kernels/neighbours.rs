//! What `neighbours` promises.

use recurra_kernels::AlignedMatrix;
use recurra_kernels::neighbours::*;

/// Whole numbers, so that sums are exact.
fn numbers(rows: usize, cols: usize, seed: usize) -> AlignedMatrix {
    let number = |i: usize| ((i * 7 + seed) % 11) as f32 - 5.0;
    let values: Vec<f32> = (0..rows * cols).map(number).collect();
    AlignedMatrix::from_slice(rows, cols, &values)
}

fn dot(a: &AlignedMatrix, b: &AlignedMatrix) -> f64 {
    let pairs = a.to_vec().into_iter().zip(b.to_vec());
    pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum()
}

const SHAPES: [(usize, usize, usize, usize); 8] = [
    (0, 1, 1, 1),
    (0, 1, 7, 3),
    (0, 7, 1, 16),
    (1, 2, 2, 5),
    (3, 3, 4, 17),
    (2, 5, 3, 32),
    (0, 6, 6, 33),
    (16, 9, 9, 8),
];

fn neighbours() -> impl Iterator<Item = Neighbours> {
    SHAPES
        .into_iter()
        .map(|(prefix, rows, cols, channels)| Neighbours {
            prefix,
            cells: rows * cols,
            cols,
            channels,
        })
}

#[test]
fn a_cell_sees_the_square_around_it_and_the_means() {
    for n in neighbours() {
        let Neighbours {
            prefix,
            cells,
            cols,
            channels,
        } = n;
        let (positions, rows) = (prefix + cells, cells / cols);
        let mut x = numbers(positions, channels, 3);
        let mut means = AlignedMatrix::zeros(n.means(), channels);
        let mut to = AlignedMatrix::zeros(positions, n.width());
        n.average(x.view(), means.view());
        // In two parts, as threads do it.
        let half = positions / 2;
        n.gather(x.view(), means.view(), to.view(), 0, half);
        let rest = to.view().at(half, 0);
        n.gather(x.view(), means.view(), rest, half, positions - half);
        let mean = |of: std::ops::Range<usize>, channel: usize| {
            let sum: f32 = of.clone().map(|p| x.row(p)[channel]).sum();
            sum / of.len() as f32
        };
        for position in 0..positions {
            for channel in 0..channels {
                let seen = |place: usize| to.row(position)[place * channels + channel];
                for place in 0..SQUARE {
                    let (down, right) = (place as isize / 3 - 1, place as isize % 3 - 1);
                    let expected = if position < prefix {
                        if (down, right) == (0, 0) {
                            x.row(position)[channel]
                        } else {
                            0.0
                        }
                    } else {
                        let cell = position - prefix;
                        let row = (cell / cols) as isize + down;
                        let col = (cell % cols) as isize + right;
                        let inside =
                            (0..rows as isize).contains(&row) && (0..cols as isize).contains(&col);
                        if inside {
                            x.row(prefix + row as usize * cols + col as usize)[channel]
                        } else {
                            0.0
                        }
                    };
                    assert_eq!(seen(place), expected, "{n:?} {position} {place}");
                }
                let of_cells = mean(prefix..positions, channel);
                assert!((seen(SQUARE) - of_cells).abs() < 1e-5, "{n:?}");
                if prefix > 0 {
                    let of_prefix = mean(0..prefix, channel);
                    assert!((seen(SQUARE + 1) - of_prefix).abs() < 1e-5, "{n:?}");
                }
            }
        }
    }
}

#[test]
fn scattering_is_the_transposed_map() {
    for n in neighbours() {
        let (positions, channels) = (n.prefix + n.cells, n.channels);
        let mut x = numbers(positions, channels, 1);
        let mut y = numbers(positions, n.width(), 4);
        let mut means = AlignedMatrix::zeros(n.means(), channels);
        let mut seen = AlignedMatrix::zeros(positions, n.width());
        n.gather_all(x.view(), means.view(), seen.view());
        // Added to what is there.
        let mut back = numbers(positions, channels, 2);
        let before = dot(&back, &x);
        n.scatter(y.view(), means.view(), back.view());
        let (forth, back) = (dot(&seen, &y), dot(&back, &x) - before);
        assert!(
            (forth - back).abs() < 1e-3 * forth.abs().max(1.0),
            "{n:?}: {forth} {back}"
        );
    }
}
