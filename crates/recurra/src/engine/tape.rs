//! What one call of a layer keeps for its backward pass.

use crate::kernels::AlignedMatrix;
use crate::kernels::matrix::LINE;
use crate::model::TrmConfig;
use crate::model::config::Mixer;

/// What one call of a layer keeps.
#[derive(Debug)]
pub(crate) struct LayerTape {
    pub(crate) mix: MixTape,
    /// After the first norm, `[positions, hidden]`.
    pub(crate) middle: AlignedMatrix,
    /// Gates and ups of the channel SwiGLU, `[positions, 2 * width]`.
    pub(crate) pre: AlignedMatrix,
    /// After the second norm, `[positions, hidden]`.
    pub(crate) out: AlignedMatrix,
    /// 1 / root mean square of the second norm, one number a position.
    pub(crate) inverse: AlignedMatrix,
}

/// What the mixer of a layer keeps.
#[derive(Debug)]
pub(crate) enum MixTape {
    Mlp {
        /// Input of the layer, `[positions, hidden]`.
        x: AlignedMatrix,
        /// Gates, then ups: `[2 * width, hidden]`.
        pre: AlignedMatrix,
        /// 1 / root mean square of the first norm, one number a channel.
        inverse: AlignedMatrix,
    },
    Attention {
        /// Input of the layer, `[positions, hidden]`.
        x: AlignedMatrix,
        /// Queries, keys and values after rotation, `[positions, 3 * hidden]`, with room behind the last head.
        qkv: AlignedMatrix,
        /// What the heads found, `[positions, hidden]`, with room behind the last head.
        out: AlignedMatrix,
        /// 1 / root mean square of the first norm, one number a position.
        inverse: AlignedMatrix,
    },
    Conv {
        /// Input of the layer, `[positions, hidden]`.
        x: AlignedMatrix,
        /// 1 / root mean square of the first norm, one number a position.
        inverse: AlignedMatrix,
    },
}

impl LayerTape {
    pub(crate) fn new(config: &TrmConfig) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let zeros = AlignedMatrix::zeros;
        LayerTape {
            mix: match config.mixer {
                Mixer::Mlp => MixTape::Mlp {
                    x: zeros(l, d),
                    pre: zeros(2 * config.swiglu_width(l), d),
                    inverse: zeros(1, d),
                },
                Mixer::Attention => MixTape::Attention {
                    x: zeros(l, d),
                    qkv: zeros(l, 3 * d + LINE),
                    out: zeros(l, d + LINE),
                    inverse: zeros(1, l),
                },
                Mixer::Conv => MixTape::Conv {
                    x: zeros(l, d),
                    inverse: zeros(1, l),
                },
            },
            middle: zeros(l, d),
            pre: zeros(l, 2 * config.swiglu_width(d)),
            out: zeros(l, d),
            inverse: zeros(1, l),
        }
    }
}
