//! Attention among the few tokens of a sample, of many samples at once.
//!
//! The rows of the state are the tokens of one sample after the other, as many for each ([`Network::block`]). Linear layers
//! take all rows together, so that a batch costs less than its samples alone; only the scores are a sample's own.
//!
//! [`Network::block`]: crate::network::Network::block

mod backward;
mod forward;

use super::{BackwardSpace, Inputs, Mix, Size, Slot};
use crate::error::{Error, Result};
use crate::network::config::{Positions, TrmConfig};
use crate::network::memory::{ScratchViews, Space};
use crate::network::pass::Pass;
use crate::network::{Inject, Network};
use recurra_kernels::view::{Units, View};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Precision};

/// The mixer of vector models.
pub(super) struct Tokens;

/// Tokens that a sample may have.
pub(crate) const MOST_TOKENS: usize = 192;

/// Weights: `[3 * hidden, hidden]` (queries, keys, values; heads within) and `[hidden, hidden]`.
const W_QKV: usize = 0;
const W_O: usize = 1;

/// Scratch space: queries, keys and values, `[rows, 3 * hidden]`; what the heads found, `[rows, hidden]`.
const SCRATCH_QKV: usize = 0;
const SCRATCH_OUT: usize = 1;

/// The tape: the input of the layer, `[rows, hidden]`; queries, keys and values, `[rows, 3 * hidden]`; what the heads found,
/// `[rows, hidden]`; 1 / root mean square of the norm, one number a row.
const X: usize = 0;
const QKV: usize = 1;
const OUT: usize = 2;
const INVERSE: usize = 3;

impl Mix for Tokens {
    fn describe(&self, config: &TrmConfig) -> String {
        format!(
            "attention among a sample's vectors, {} heads",
            config.num_heads
        )
    }

    fn check(&self, config: &TrmConfig) -> Result<()> {
        let (d, heads) = (config.hidden_size, config.num_heads);
        if !(1..=d).contains(&heads) || !d.is_multiple_of(heads) {
            return Err(Error::Config {
                field: "num_heads",
                expected: format!("a divisor of hidden_size = {d}"),
                found: heads.to_string(),
            });
        }
        if config.puzzle_emb_ndim > 0 {
            return Err(Error::Config {
                field: "puzzle_emb_ndim",
                expected: "0 for a model of vectors".into(),
                found: config.puzzle_emb_ndim.to_string(),
            });
        }
        match config.positions {
            Positions::Learned => Ok(()),
            positions => positions.misplaced("learned for a model of vectors"),
        }
    }

    fn slots(&self, config: &TrmConfig) -> Vec<Slot> {
        let d = config.hidden_size;
        vec![
            Slot::panels("self_attn.qkv_proj", [3 * d, d]),
            Slot::panels("self_attn.o_proj", [d, d]),
        ]
    }

    /// Scores among few tokens are not worth counting.
    fn flops(&self, config: &TrmConfig) -> u64 {
        let (l, d) = (config.positions_len() as u64, config.hidden_size as u64);
        8 * l * d * d
    }

    fn scratch(&self, config: &TrmConfig, _: Space) -> Vec<Size> {
        let (l, d) = (config.positions_len(), config.hidden_size);
        vec![[l, 3 * d], [l, d]]
    }

    fn tape(&self, config: &TrmConfig) -> Vec<Size> {
        let (l, d) = (config.positions_len(), config.hidden_size);
        vec![[l, d], [l, 3 * d], [l, d], [1, l]]
    }

    fn backward_space(&self, config: &TrmConfig, _: Precision) -> BackwardSpace {
        BackwardSpace {
            own: backward::space(config),
            widest_input: 0,
            widest_output: 3 * config.hidden_size,
        }
    }

    fn forward(
        &self,
        network: &Network,
        weights: &[PackedMatrix],
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut [AlignedMatrix]>,
    ) {
        network.mix_tokens([&weights[W_QKV], &weights[W_O]], z, inject, scratch, tape);
    }

    fn backward(
        &self,
        pass: Pass,
        weights: &[PackedMatrix],
        tape: &mut [AlignedMatrix],
        [y, dy]: [View; 2],
        memory: &[Units],
        sums: super::Sums<'_>,
    ) {
        pass.norm_rows(y, dy, &tape[INVERSE]);
        let kept = [X, QKV, OUT].map(|i| tape[i].view());
        pass.tokens(
            [&weights[W_QKV], &weights[W_O]],
            kept,
            dy,
            memory,
            sums.weights,
        );
    }

    fn inputs(&self, network: &Network, tape: &mut [AlignedMatrix], _: &[View], take: Inputs<'_>) {
        take(tape[X].view(), network.l, network.d);
        take(tape[OUT].view(), network.l, network.d);
    }
}

/// Sums of this many products side by side: what a compiler makes vectors of.
const LANES: usize = 16;

/// The inner product of two rows.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (a_lines, b_lines) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a_lines.0.iter().zip(b_lines.0) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_lines.1.iter().zip(b_lines.1).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

/// `to += factor * from`.
fn add_scaled(to: &mut [f32], factor: f32, from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// Some numbers of one row.
///
/// # Safety
/// The view holds row `row` with `cols` numbers from column `col` on, and nobody writes to them meanwhile.
unsafe fn part<'a>(view: View, row: usize, col: usize, cols: usize) -> &'a [f32] {
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(view.at(row, col).ptr, cols) }
}

/// The same to be changed.
///
/// # Safety
/// As [`part`], and nobody reads them meanwhile either.
unsafe fn part_mut<'a>(view: View, row: usize, col: usize, cols: usize) -> &'a mut [f32] {
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts_mut(view.at(row, col).ptr, cols) }
}

/// The probabilities with which token `row` of a sample that begins at row `first` attends to its tokens.
///
/// # Safety
/// `qkv` holds the sample's rows, queries from column 0 and keys from column `d` on.
unsafe fn attention(
    qkv: View,
    [first, row, block]: [usize; 3],
    [head, head_dim, d]: [usize; 3],
    p: &mut [f32],
) {
    let scale = 1.0 / (head_dim as f32).sqrt();
    // SAFETY: as the caller promises.
    let query = unsafe { part(qkv, first + row, head * head_dim, head_dim) };
    let mut most = f32::NEG_INFINITY;
    for (j, p) in p[..block].iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        let key = unsafe { part(qkv, first + j, d + head * head_dim, head_dim) };
        *p = scale * dot(query, key);
        most = most.max(*p);
    }
    let mut sum = 0.0;
    for p in &mut p[..block] {
        *p = (*p - most).exp();
        sum += *p;
    }
    p[..block].iter_mut().for_each(|p| *p /= sum);
}
