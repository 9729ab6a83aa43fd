//! Grids as tokens: in the upper left corner of a frame that is the same for all.

use super::Shape;
use super::cells::Grid;
use crate::tasks::task::{PAD, Tokens};

/// The token below and to the right of a grid whose shape is not known beforehand.
pub(super) const END: u16 = 1;
/// The token of the first symbol.
pub(super) const FIRST: u16 = 2;

/// Tokens of a grid. With `ends`, the row below and the column beside it are end tokens, where the frame has room.
pub(super) fn encode(grid: &Grid, frame: Shape, ends: bool) -> Tokens {
    let (rows, cols) = (grid.shape.rows(), grid.shape.cols());
    let mut tokens = vec![PAD; frame.cells()];
    for (row, places) in tokens.chunks_mut(frame.cols()).enumerate() {
        if row < rows {
            let cells = &grid.cells[row * cols..][..cols];
            for (place, &cell) in places.iter_mut().zip(cells) {
                *place = u16::from(cell) + FIRST;
            }
            if ends && cols < places.len() {
                places[cols] = END;
            }
        } else if ends && row == rows {
            places[..cols].fill(END);
        }
    }
    tokens
}

/// The shape that tokens with ends tell: up to the first that is no symbol, in the first row and the first column.
pub(super) fn extent(tokens: &[u16], frame: Shape) -> Option<Shape> {
    let symbol = |&&token: &&u16| token >= FIRST;
    let cols = tokens[..frame.cols()].iter().take_while(symbol).count();
    let rows = tokens
        .iter()
        .step_by(frame.cols())
        .take_while(symbol)
        .count();
    Shape::new(rows, cols)
}

/// The grid of this shape in tokens of so many symbols; None where a token is none of them.
pub(super) fn decode(tokens: &[u16], frame: Shape, shape: Shape, symbols: usize) -> Option<Grid> {
    let rows = tokens.chunks(frame.cols()).take(shape.rows());
    let cells = rows.flat_map(|row| &row[..shape.cols()]).map(|&token| {
        let cell = token.checked_sub(FIRST)?;
        (usize::from(cell) < symbols).then_some(cell as u8)
    });
    Some(Grid {
        shape,
        cells: cells.collect::<Option<_>>()?,
    })
}

/// Leaves only what stands in a grid of this shape; with `ends`, its end tokens are put where they belong.
pub(super) fn crop(tokens: &mut [u16], frame: Shape, shape: Option<Shape>, ends: bool) {
    let (rows, cols) = shape.map_or((0, 0), |shape| (shape.rows(), shape.cols()));
    for (row, places) in tokens.chunks_mut(frame.cols()).enumerate() {
        let kept = if row < rows { cols } else { 0 };
        places[kept..].fill(PAD);
        if ends && row < rows && cols < places.len() {
            places[cols] = END;
        } else if ends && row == rows {
            places[..cols].fill(END);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_surround_a_grid() {
        let shape = |rows, cols| Shape::new(rows, cols).unwrap();
        let grid = Grid {
            shape: shape(2, 2),
            cells: vec![0, 1, 2, 3],
        };
        let tokens = encode(&grid, shape(4, 3), true);
        assert_eq!(tokens, [2, 3, 1, 4, 5, 1, 1, 1, 0, 0, 0, 0]);
        assert_eq!(encode(&grid, shape(2, 3), false), [2, 3, 0, 4, 5, 0]);
        assert_eq!(encode(&grid, shape(2, 2), true), [2, 3, 4, 5]);
        assert_eq!(extent(&[1; 12], shape(4, 3)), None);
        let mut noise = [2, 3, 0, 4, 9, 7, 1, 5, 6, 7, 8, 9];
        crop(&mut noise, shape(4, 3), Some(shape(2, 2)), true);
        assert_eq!(noise, [2, 3, 1, 4, 9, 1, 1, 1, 0, 0, 0, 0]);
        assert_eq!(decode(&noise, shape(4, 3), shape(2, 2), 7), None);
        assert!(decode(&noise, shape(4, 3), shape(2, 2), 8).is_some());
    }

    proptest! {
        #![proptest_config(crate::testing::cases(256))]

        #[test]
        fn grids_go_round(rows in 1..8usize, cols in 1..8usize, down in 0..3usize, right in 0..3usize,
                          cells in prop::collection::vec(0..255u8, 64), ends: bool) {
            let shape = Shape::new(rows, cols).unwrap();
            let frame = Shape::new(rows + down, cols + right).unwrap();
            let grid = Grid { shape, cells: cells[..shape.cells()].to_vec() };
            let mut tokens = encode(&grid, frame, ends);
            let before = tokens.clone();
            prop_assert_eq!(extent(&tokens, frame), Some(shape));
            prop_assert_eq!(decode(&tokens, frame, shape, 255), Some(grid));
            crop(&mut tokens, frame, Some(shape), ends);
            prop_assert_eq!(tokens, before);
        }
    }
}
