//! Which cells see each other, worked out once for each size.

use std::sync::OnceLock;

use super::Sudoku;

/// Tables of one size. Arrays have the length of the largest size, so that an index of type `u8`
/// needs no bounds check.
pub(super) struct Tables {
    /// One bit for each digit.
    pub(super) all: u16,
    /// Other cells in a cell's row, column and box; the first `peer_count` count.
    pub(super) peers: [[u8; 39]; 256],
    pub(super) peer_count: usize,
    /// Cells of each row, then column, then box; the first `size` count.
    pub(super) units: [[u8; 16]; 48],
    /// The three units of a cell as bits.
    pub(super) units_of: [u64; 256],
}

impl Tables {
    /// The tables of this size.
    pub(super) fn of(sudoku: Sudoku) -> &'static Tables {
        static TABLES: [OnceLock<Box<Tables>>; 4] = [const { OnceLock::new() }; 4];
        TABLES[sudoku.index()].get_or_init(|| Box::new(Tables::build(sudoku)))
    }

    fn build(sudoku: Sudoku) -> Tables {
        let size = sudoku.size();
        let mut tables = Tables {
            all: (((1u32) << size) - 1) as u16,
            peers: [[0; 39]; 256],
            peer_count: 0,
            units: [[0; 16]; 48],
            units_of: [0; 256],
        };
        let mut filled = [0usize; 48];
        for cell in 0..sudoku.cells() {
            let units = [
                sudoku.row(cell),
                size + sudoku.col(cell),
                2 * size + sudoku.box_of(cell),
            ];
            for unit in units {
                tables.units[unit][filled[unit]] = cell as u8;
                filled[unit] += 1;
                tables.units_of[cell] |= 1 << unit;
            }
        }
        for cell in 0..sudoku.cells() {
            let sees = |&other: &usize| {
                other != cell && tables.units_of[other] & tables.units_of[cell] != 0
            };
            let peers: Vec<usize> = (0..sudoku.cells()).filter(sees).collect();
            tables.peer_count = peers.len();
            for (place, &peer) in tables.peers[cell].iter_mut().zip(&peers) {
                *place = peer as u8;
            }
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_sees_equally_many() {
        for (sudoku, peers) in Sudoku::ALL.into_iter().zip([7, 12, 20, 39]) {
            let tables = Tables::of(sudoku);
            assert_eq!(tables.peer_count, peers);
            assert_eq!(tables.all.count_ones() as usize, sudoku.size());
            assert!((0..sudoku.cells()).all(|cell| tables.units_of[cell].count_ones() == 3));
        }
    }
}
