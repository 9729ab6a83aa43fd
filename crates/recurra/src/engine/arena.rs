//! All memory that thinking needs, sized once from the model.

use crate::kernels::AlignedMatrix;
use crate::kernels::matrix::LINE;
use crate::model::TrmConfig;
use crate::model::config::Mixer;

/// Cache lines in a panel of channels: its SwiGLU stays in the second-level cache.
pub(crate) const PANEL_LINES: usize = 3;

/// Queries whose scores are computed together: the score matrix is never stored whole.
pub(crate) const QUERY_BLOCK: usize = 16;

/// The buffers of one worker: its latent state and the scratch space of a layer.
///
/// There is one a worker, never shared and never resized, so a step allocates nothing and no buffer can
/// have two borrowers.
#[derive(Debug)]
pub struct TrmBufferPool {
    /// Input embeddings, `[positions, hidden]`.
    pub(crate) x: AlignedMatrix,
    /// Answer state, `[positions, hidden]`.
    pub(crate) z_h: AlignedMatrix,
    /// Reasoning state, `[positions, hidden]`.
    pub(crate) z_l: AlignedMatrix,
    /// Output, `[positions, vocab]`; prefix rows are not used.
    pub(crate) logits: AlignedMatrix,
    /// Scratch of a layer.
    pub(crate) scratch: Scratch,
}

/// The scratch space of a layer.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// SwiGLU of the channels, `[positions, width]`.
    pub(crate) act: AlignedMatrix,
    pub(crate) mix: MixScratch,
}

/// The scratch space of a mixer.
#[derive(Debug)]
pub(crate) enum MixScratch {
    /// For each part, the SwiGLU of a panel of channels: `[parts * width, 48]`.
    Mlp(AlignedMatrix),
    Attention {
        /// `[positions, 3 * hidden]`, rotated.
        qkv: AlignedMatrix,
        /// Keys transposed, head after head: `[hidden, positions]`.
        keys: AlignedMatrix,
        /// Values, head after head: `[heads * positions, head_dim]`.
        values: AlignedMatrix,
        /// What the heads found, `[positions, hidden]`, with room for a whole vector behind the last head.
        out: AlignedMatrix,
        /// For each part, the scores of a block of queries: `[parts * 16, positions]`.
        scores: AlignedMatrix,
    },
}

impl TrmBufferPool {
    /// Buffers for one sample at a time, thought about by `parts` threads.
    pub fn new(config: &TrmConfig, parts: usize) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        TrmBufferPool {
            x: AlignedMatrix::zeros(l, d),
            z_h: AlignedMatrix::zeros(l, d),
            z_l: AlignedMatrix::zeros(l, d),
            logits: AlignedMatrix::zeros(l, config.vocab_size),
            scratch: Scratch::new(config, parts),
        }
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        let state = [&self.x, &self.z_h, &self.z_l, &self.logits];
        let mix = match &self.scratch.mix {
            MixScratch::Mlp(act) => vec![act],
            MixScratch::Attention {
                qkv,
                keys,
                values,
                out,
                scores,
            } => vec![qkv, keys, values, out, scores],
        };
        let all = state.into_iter().chain([&self.scratch.act]).chain(mix);
        all.map(|m| size_of_val(m.padded())).sum()
    }
}

impl Scratch {
    pub(crate) fn new(config: &TrmConfig, parts: usize) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let mix = match config.mixer {
            Mixer::Mlp => MixScratch::Mlp(AlignedMatrix::zeros(
                parts * config.swiglu_width(l),
                PANEL_LINES * LINE,
            )),
            Mixer::Attention => {
                let heads = config.num_heads;
                MixScratch::Attention {
                    qkv: AlignedMatrix::zeros(l, 3 * d),
                    keys: AlignedMatrix::zeros(d, l),
                    values: AlignedMatrix::zeros(heads * l, config.head_dim()),
                    out: AlignedMatrix::zeros(l, d + LINE),
                    scores: AlignedMatrix::zeros(parts * QUERY_BLOCK, l),
                }
            }
        };
        Scratch {
            act: AlignedMatrix::zeros(l, config.swiglu_width(d)),
            mix,
        }
    }
}
