//! The eight symmetries of a square.

/// Where a cell of the image comes from: first perhaps the exchange of row and column, then flips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Whether row and column are exchanged.
    pub(super) swap: bool,
    /// Whether top and bottom of the original are exchanged.
    pub(super) flip_rows: bool,
    /// Whether left and right of the original are exchanged.
    pub(super) flip_cols: bool,
}

impl Turn {
    pub(super) const NONE: Turn = Turn::new(false, false, false);

    pub(super) const fn new(swap: bool, flip_rows: bool, flip_cols: bool) -> Self {
        Turn {
            swap,
            flip_rows,
            flip_cols,
        }
    }

    /// The place of the original, of so many rows and columns, that comes to a place of the image. Rows and columns
    /// beyond these are not flipped.
    pub(super) fn source(
        self,
        (row, col): (usize, usize),
        rows: usize,
        cols: usize,
    ) -> (usize, usize) {
        let flip = |flip: bool, line: usize, lines: usize| {
            if flip && line < lines {
                lines - 1 - line
            } else {
                line
            }
        };
        let (row, col) = if self.swap { (col, row) } else { (row, col) };
        (
            flip(self.flip_rows, row, rows),
            flip(self.flip_cols, col, cols),
        )
    }

    /// First this one, then the other.
    fn then(self, next: Turn) -> Turn {
        // The flips of the first, as the second's exchange has them.
        let (rows, cols) = match self.swap {
            false => (next.flip_rows, next.flip_cols),
            true => (next.flip_cols, next.flip_rows),
        };
        Turn {
            swap: self.swap != next.swap,
            flip_rows: self.flip_rows != rows,
            flip_cols: self.flip_cols != cols,
        }
    }

    /// All turns that these lead to, in order.
    pub(super) fn group(generators: &[Turn]) -> Vec<Turn> {
        let mut group = vec![Turn::NONE];
        let mut i = 0;
        while let Some(&turn) = group.get(i) {
            for &next in generators {
                let turn = turn.then(next);
                if !group.contains(&turn) {
                    group.push(turn);
                }
            }
            i += 1;
        }
        group.sort();
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_compose() {
        let all = [Turn::new(true, false, false), Turn::new(false, true, false)];
        let all = Turn::group(&all);
        assert_eq!(all.len(), 8);
        let image = |turn: Turn, cells: &[usize]| -> Vec<usize> {
            let at = |i: usize| turn.source((i / 3, i % 3), 3, 3);
            (0..9).map(|i| cells[at(i).0 * 3 + at(i).1]).collect()
        };
        let cells: Vec<usize> = (0..9).collect();
        for &a in &all {
            for &b in &all {
                let both = image(b, &image(a, &cells));
                assert_eq!(image(a.then(b), &cells), both, "{a:?} {b:?}");
            }
        }
        let quarter = Turn::new(true, true, false);
        assert_eq!(image(quarter, &cells), [6, 3, 0, 7, 4, 1, 8, 5, 2]);
        assert_eq!(Turn::group(&[quarter]).len(), 4);
    }
}
