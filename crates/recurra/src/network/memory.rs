//! Memory as layers see it.

use super::linear::RowBuffer;
use recurra_kernels::view::{Units, View};
use recurra_kernels::{AlignedMatrix, Precision};

/// Rows and columns.
pub(crate) type Size = [usize; 2];

/// What scratch space is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    /// Threads on a sample.
    pub(crate) parts: usize,
    /// Positions on their way at the same time.
    pub(crate) rows: usize,
    /// The least exact precision of the weights.
    pub(crate) precision: Precision,
}

impl Space {
    /// Numbers that share a unit in the products; of mixed precisions the larger units decide.
    pub(crate) fn per_unit(self) -> usize {
        match self.precision {
            Precision::F32 => usize::MAX,
            _ => 2,
        }
    }

    /// 0 where nothing is quantised, so that its memory is empty; otherwise 1.
    pub(crate) fn quantized(self) -> usize {
        usize::from(self.precision != Precision::F32)
    }
}

/// Matrices of units of 4 bytes, with views that are made once.
#[derive(Debug)]
pub(crate) struct Matrices {
    matrices: Vec<AlignedMatrix<u32>>,
    views: Vec<Units>,
}

impl Matrices {
    pub(crate) fn new(sizes: &[Size]) -> Self {
        let zeros = sizes.iter().map(|[r, c]| AlignedMatrix::zeros(*r, *c));
        let mut matrices: Vec<AlignedMatrix<u32>> = zeros.collect();
        // The numbers stay where they are when a matrix moves.
        let views = matrices.iter_mut().map(AlignedMatrix::units).collect();
        Matrices { matrices, views }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.matrices.iter().map(AlignedMatrix::bytes).sum()
    }

    pub(crate) fn views(&mut self) -> &[Units] {
        &self.views
    }
}

/// The scratch space of a layer as its kernels see it.
#[derive(Clone, Copy)]
pub(crate) struct ScratchViews<'a> {
    pub(crate) act: View,
    pub(crate) z_rows: RowBuffer,
    pub(crate) act_rows: RowBuffer,
    pub(crate) mix: &'a [Units],
}

impl ScratchViews<'_> {
    /// From row `row` of the channels' scratch space.
    pub(crate) fn at_row(self, row: usize) -> Self {
        ScratchViews {
            act: self.act.at(row, 0),
            z_rows: self.z_rows.at(row),
            act_rows: self.act_rows.at(row),
            ..self
        }
    }
}
