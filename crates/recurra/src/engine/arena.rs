//! All memory that thinking needs, sized once from the model.

use crate::model::TrmConfig;
use crate::network::scratch::Scratch;
use recurra_kernels::{AlignedMatrix, Precision};

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
    /// The answer state before the last step that was measured, `[positions, hidden]`.
    pub(crate) z_before: AlignedMatrix,
    /// Output, `[positions, vocab]`; prefix rows are not used.
    pub(crate) logits: AlignedMatrix,
    /// Scratch of a layer.
    pub(crate) scratch: Scratch,
}

impl TrmBufferPool {
    /// Buffers for one sample at a time, thought about by `parts` threads, with weights of this precision.
    pub fn new(config: &TrmConfig, parts: usize, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        TrmBufferPool {
            x: AlignedMatrix::zeros(l, d),
            z_h: AlignedMatrix::zeros(l, d),
            z_l: AlignedMatrix::zeros(l, d),
            z_before: AlignedMatrix::zeros(l, d),
            logits: AlignedMatrix::zeros(l, config.vocab_size),
            scratch: Scratch::new(config, parts, precision),
        }
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        let state = [&self.x, &self.z_h, &self.z_l, &self.z_before, &self.logits];
        state.into_iter().map(AlignedMatrix::bytes).sum::<usize>() + self.scratch.bytes()
    }
}
