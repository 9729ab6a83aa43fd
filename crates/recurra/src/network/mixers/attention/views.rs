//! Attention's scratch space.

use super::{QUERY_BLOCK, Size};
use crate::network::config::TrmConfig;
use crate::network::memory::Space;
use recurra_kernels::matrix::LINE;
use recurra_kernels::view::{Units, View};

/// Attention's scratch space as its kernels see it.
#[derive(Clone, Copy)]
pub(super) struct AttentionViews {
    /// Queries, keys and values, rotated: `[positions, 3 * hidden]`, with room for a whole vector behind the last head.
    pub(super) qkv: View,
    /// Keys transposed, head after head: `[hidden, positions]`.
    pub(super) keys: View,
    /// What the heads found, `[positions, hidden]`, with room for a whole vector behind the last head.
    pub(super) out: View,
    /// For each part, the scores of a block of queries: `[parts * 32, positions]`.
    pub(super) scores: View,
    pub(super) quantized: QuantizedHeads,
}

/// The heads' factors quantised; empty for a model in f32.
#[derive(Clone, Copy)]
pub(super) struct QuantizedHeads {
    /// `[positions, hidden / 2]` units, each head's in its place.
    pub(super) queries: Units,
    /// `[heads, positions]`.
    pub(super) query_scales: View,
    /// `[heads * head_dim / 2, positions]` units.
    pub(super) keys: Units,
    /// `[heads, positions]`.
    pub(super) key_scales: View,
    /// `[heads, positions]`.
    pub(super) key_starts: Units,
    /// `[heads * positions / 2, head_dim]` units.
    pub(super) values: Units,
    /// `[heads, head_dim]`.
    pub(super) value_scales: View,
    /// `[heads, head_dim]`, zeros: probabilities have no zero point.
    pub(super) value_starts: Units,
    /// For each part, `[32, positions / 2]` units.
    pub(super) probabilities: Units,
    /// `[parts, 32]`.
    pub(super) probability_scales: View,
}

impl AttentionViews {
    /// The sizes of the matrices, in the order of [`AttentionViews::of`].
    pub(super) fn sizes(config: &TrmConfig, space: Space) -> Vec<Size> {
        let (l, d, heads) = (config.positions_len(), config.hidden_size, config.num_heads);
        let (parts, head_dim) = (space.parts, config.head_dim());
        // Of the precisions that a model may mix, bfloat16 has the larger units.
        let (some, half) = (space.quantized(), space.per_unit());
        let quantized = |rows: usize, cols: usize| [some * rows, cols];
        vec![
            [l, 3 * d + LINE],
            [d, l],
            [l, d + LINE],
            [parts * QUERY_BLOCK, l],
            quantized(l, d.div_ceil(half)),
            quantized(heads, l),
            quantized(heads * head_dim.div_ceil(half), l),
            quantized(heads, l),
            quantized(heads, l),
            quantized(heads * l.div_ceil(half), head_dim),
            quantized(heads, head_dim),
            quantized(heads, head_dim),
            quantized(parts * QUERY_BLOCK, l.div_ceil(half)),
            quantized(parts, QUERY_BLOCK),
        ]
    }

    /// The scratch space as named views.
    pub(super) fn of(scratch: &[Units]) -> Self {
        let mut next = scratch.iter().copied();
        let mut units = || next.next().expect("a matrix for each of `sizes`");
        AttentionViews {
            qkv: units().view(),
            keys: units().view(),
            out: units().view(),
            scores: units().view(),
            quantized: QuantizedHeads {
                queries: units(),
                query_scales: units().view(),
                keys: units(),
                key_scales: units().view(),
                key_starts: units(),
                values: units(),
                value_scales: units().view(),
                value_starts: units(),
                probabilities: units(),
                probability_scales: units().view(),
            },
        }
    }
}
