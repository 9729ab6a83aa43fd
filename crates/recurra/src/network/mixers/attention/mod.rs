//! Multi-head attention between the positions of a sample, not causal.

mod backward;
mod forward;
mod rotary;
mod views;

use super::{BackwardSpace, Inputs, Mix, Size, Slot, Sums, Tables};
use crate::error::{Error, Result};
use crate::network::config::{Positions, TrmConfig};
use crate::network::memory::{ScratchViews, Space};
use crate::network::pass::Pass;
use crate::network::{Inject, Network};
use recurra_kernels::matrix::LINE;
use recurra_kernels::view::{Units, View};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Precision};
use views::AttentionViews;

/// Attention.
pub(super) struct Attention;

/// Queries whose scores are computed together: the score matrix is never stored whole.
const QUERY_BLOCK: usize = 32;

/// Weights: `[3 * hidden, hidden]` (queries, keys, values; heads within) and `[hidden, hidden]`.
const W_QKV: usize = 0;
const W_O: usize = 1;

/// The tape: the input of the layer, `[positions, hidden]`; queries, keys and values after rotation, `[positions, 3 * hidden]`,
/// and what the heads found, `[positions, hidden]`, both with room behind the last head; 1 / root mean square of the norm, one
/// number a position.
const X: usize = 0;
const QKV: usize = 1;
const OUT: usize = 2;
const INVERSE: usize = 3;

impl Mix for Attention {
    fn describe(&self, config: &TrmConfig) -> String {
        format!("attention, {} heads", config.num_heads)
    }

    fn check(&self, config: &TrmConfig) -> Result<()> {
        let wrong = |expected: String, found: String| {
            Err(Error::Config {
                field: "num_heads",
                expected,
                found,
            })
        };
        let (d, heads) = (config.hidden_size, config.num_heads);
        if !(1..=d).contains(&heads) {
            return wrong(format!("1 to {d}"), heads.to_string());
        }
        if !d.is_multiple_of(heads) {
            return wrong(format!("a divisor of hidden_size = {d}"), heads.to_string());
        }
        let head_dim = config.head_dim();
        let even = match config.positions {
            Positions::Rotary => 2,
            Positions::Grid { .. } => 4,
            Positions::None | Positions::Learned => 1,
        };
        if head_dim.is_multiple_of(even) {
            return Ok(());
        }
        wrong(
            format!("heads of a multiple of {even} channels, for rotary positions"),
            format!("{heads} heads of {head_dim} channels"),
        )
    }

    fn slots(&self, config: &TrmConfig) -> Vec<Slot> {
        let d = config.hidden_size;
        vec![
            Slot::panels("self_attn.qkv_proj", [3 * d, d]),
            Slot::panels("self_attn.o_proj", [d, d]),
        ]
    }

    fn flops(&self, config: &TrmConfig) -> u64 {
        let (l, d) = (config.positions_len() as u64, config.hidden_size as u64);
        8 * l * d * d + 4 * l * l * d
    }

    /// cos and sin of the rotary angles, if heads are turned.
    fn tables(&self, config: &TrmConfig) -> Tables {
        let angles = config.is_rotary().then(|| rotary::angles(config));
        Tables {
            floats: angles.into_iter().flatten().collect(),
            ..Tables::default()
        }
    }

    fn scratch(&self, config: &TrmConfig, space: Space) -> Vec<Size> {
        AttentionViews::sizes(config, space)
    }

    fn tape(&self, config: &TrmConfig) -> Vec<Size> {
        let (l, d) = (config.positions_len(), config.hidden_size);
        vec![[l, d], [l, 3 * d + LINE], [l, d + LINE], [1, l]]
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
        let weights = [&weights[W_QKV], &weights[W_O]];
        network.mix_attention(weights, z, inject, scratch, tape);
    }

    fn backward(
        &self,
        pass: Pass,
        weights: &[PackedMatrix],
        tape: &mut [AlignedMatrix],
        [y, dy]: [View; 2],
        memory: &[Units],
        sums: Sums<'_>,
    ) {
        pass.norm_rows(y, dy, &tape[INVERSE]);
        let kept = [X, QKV, OUT].map(|i| tape[i].view());
        pass.attention(
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
