//! Weights in the order in which a product reads them.

use super::Isa;
use super::matrix::AlignedMatrix;
use super::simd::{Simd, SimdOp};

/// Cuts `0..total` into the fewest ranges of at most `most`, of lengths that differ by at most one.
#[inline(always)]
pub(crate) fn split(total: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = total.div_ceil(most);
    (0..parts).map(move |p| (total * p / parts, total * (p + 1) / parts))
}

/// As [`split`], but with `pairs` each half of `0..total` is cut, so that the gates of a range and the ups that
/// belong to them make one block.
#[inline(always)]
pub(crate) fn split_pairs(
    total: usize,
    most: usize,
    pairs: bool,
) -> impl Iterator<Item = (usize, usize)> {
    let each = if pairs { 2 } else { 1 };
    split(total / each, most / each).map(move |(from, to)| (from * each, to * each))
}

/// The side of a product on which weights `[outputs, inputs]` stand, and whether they are a SwiGLU's gate and up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Right factor: panels of a few vectors of outputs, input after input.
    Panels,
    /// Right factor of a SwiGLU: each panel half gates, half the ups that belong to them.
    PairPanels,
    /// Left factor: blocks of a few rows (outputs), input after input.
    Rows,
    /// Left factor of a SwiGLU: each block half gates, half the ups that belong to them.
    PairRows,
}

/// A weight matrix `[n, k]` in the order in which a product on one instruction set reads it.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    pub(crate) packing: Packing,
    /// Outputs.
    pub(crate) n: usize,
    /// Inputs.
    pub(crate) k: usize,
    data: AlignedMatrix,
}

struct Pack<'a> {
    packing: Packing,
    weights: &'a AlignedMatrix,
    data: Option<AlignedMatrix>,
}

impl SimdOp for Pack<'_> {
    type Output = AlignedMatrix;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> AlignedMatrix {
        let (w, n, k) = (self.weights, self.weights.rows(), self.weights.cols());
        let lanes = match self.packing {
            Packing::Panels | Packing::PairPanels => S::LANES,
            Packing::Rows | Packing::PairRows => 1,
        };
        let units = n.div_ceil(lanes);
        let most = match self.packing {
            Packing::Panels => S::TILE.vecs,
            Packing::PairPanels => S::PAIR_TILE.vecs,
            Packing::Rows | Packing::PairRows => S::TILE.rows,
        };
        let mut data = self
            .data
            .unwrap_or_else(|| AlignedMatrix::zeros(1, units * lanes * k));
        let out = data.padded_mut();
        let pairs = matches!(self.packing, Packing::PairPanels | Packing::PairRows);
        for (u0, u1) in split_pairs(units, most, pairs) {
            let (first, width) = (u0 * lanes, (u1 - u0) * lanes);
            for c in 0..width {
                // Half of the block are gates; `first` counts gates and ups, so gates begin at half of it.
                let source = match self.packing {
                    Packing::Panels | Packing::Rows => first + c,
                    Packing::PairPanels | Packing::PairRows if c < width / 2 => first / 2 + c,
                    Packing::PairPanels | Packing::PairRows => n / 2 + first / 2 + c - width / 2,
                };
                let column = out[first * k + c..].iter_mut().step_by(width);
                if source < n {
                    column.zip(w.row(source)).for_each(|(to, &from)| *to = from);
                }
            }
        }
        data
    }
}

impl PackedMatrix {
    /// Packs `weights` (`[outputs, inputs]`) for products on `isa`.
    ///
    /// # Panics
    /// If a SwiGLU's gate and up do not fill whole blocks: their width is a multiple of 256
    /// ([`TrmConfig::swiglu_width`](crate::TrmConfig::swiglu_width)), which does on every instruction set.
    pub fn new(isa: Isa, packing: Packing, weights: &AlignedMatrix) -> Self {
        if matches!(packing, Packing::PairPanels | Packing::PairRows) {
            assert!(
                weights.rows().is_multiple_of(512),
                "gate and up rows: expected a multiple of 512, found {}",
                weights.rows()
            );
        }
        PackedMatrix {
            packing,
            n: weights.rows(),
            k: weights.cols(),
            data: isa.run(Pack {
                packing,
                weights,
                data: None,
            }),
        }
    }

    /// Packs other weights of the same shape into the same memory.
    pub fn repack(&mut self, isa: Isa, weights: &AlignedMatrix) {
        assert_eq!((weights.rows(), weights.cols()), (self.n, self.k));
        let data = Some(std::mem::replace(
            &mut self.data,
            AlignedMatrix::zeros(0, 0),
        ));
        self.data = isa.run(Pack {
            packing: self.packing,
            weights,
            data,
        });
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        size_of_val(self.data.padded())
    }

    pub(crate) fn as_ptr(&self) -> *const f32 {
        self.data.as_ptr()
    }
}
