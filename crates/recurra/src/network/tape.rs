//! What one call of a layer keeps for its backward pass.

use super::config::TrmConfig;
use super::mixers;
use recurra_kernels::AlignedMatrix;
use recurra_kernels::view::View;

/// What one call of a layer keeps.
#[derive(Debug)]
pub(crate) struct LayerTape {
    /// What its mixer keeps.
    pub(crate) mix: Vec<AlignedMatrix>,
    /// After the first norm, `[positions, hidden]`.
    pub(crate) middle: AlignedMatrix,
    /// Gates and ups of the channel SwiGLU, `[positions, 2 * width]`.
    pub(crate) pre: AlignedMatrix,
    /// After the second norm, `[positions, hidden]`.
    pub(crate) out: AlignedMatrix,
    /// 1 / root mean square of the second norm, one number a position.
    pub(crate) inverse: AlignedMatrix,
}

impl LayerTape {
    pub(crate) fn new(config: &TrmConfig) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let mix = mixers::of(config.mixer).tape(config);
        LayerTape {
            mix: mix
                .iter()
                .map(|[r, c]| AlignedMatrix::zeros(*r, *c))
                .collect(),
            middle: AlignedMatrix::zeros(l, d),
            pre: AlignedMatrix::zeros(l, 2 * config.swiglu_width(d)),
            out: AlignedMatrix::zeros(l, d),
            inverse: AlignedMatrix::zeros(1, l),
        }
    }

    /// What the mixer keeps, and where the channels keep theirs.
    pub(crate) fn parts(&mut self) -> (&mut [AlignedMatrix], Kept) {
        let kept = Kept {
            middle: self.middle.view(),
            pre: self.pre.view(),
            out: self.out.view(),
            inverse: self.inverse.view(),
        };
        (&mut self.mix, kept)
    }
}

/// Where the channels' half of a layer keeps what its backward pass needs.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) middle: View,
    pub(crate) pre: View,
    pub(crate) out: View,
    pub(crate) inverse: View,
}

impl Kept {
    pub(crate) fn at(self, row: usize) -> Kept {
        Kept {
            middle: self.middle.at(row, 0),
            pre: self.pre.at(row, 0),
            out: self.out.at(row, 0),
            inverse: self.inverse.at(0, row),
        }
    }
}
