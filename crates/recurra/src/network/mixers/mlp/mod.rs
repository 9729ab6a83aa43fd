//! The MLP mixer (`mlp_t`): a SwiGLU across the positions, the same for every channel. Its norm runs along the positions.
//!
//! Nothing is transposed: weights are the left factor, the state is the right one.

mod backward;
mod columns;
mod forward;

use super::{BackwardSpace, Inputs, Mix, Size, Slot, Sums};
use crate::error::Result;
use crate::network::config::{Positions, TrmConfig};
use crate::network::memory::{ScratchViews, Space};
use crate::network::pass::Pass;
use crate::network::{Inject, Network};
use recurra_kernels::matrix::LINE;
use recurra_kernels::norm::NormColsBackward;
use recurra_kernels::view::{Units, View, transpose};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Packing, Precision};

/// The MLP mixer.
pub(super) struct Mlp;

/// Cache lines in a panel of channels: its SwiGLU stays in the second-level cache.
const PANEL_LINES: usize = 3;

/// Weights: `[2 * width, positions]` and `[positions, width]`.
const GATE_UP: usize = 0;
const DOWN: usize = 1;

/// Scratch space, for each part: the SwiGLU of a panel of channels, `[width, 48]`; the panel and its SwiGLU quantised,
/// `[positions / 2, 48]` and `[width / 2, 48]`; scales of both, `[2, 48]`.
const ACT: usize = 0;
const PANEL: usize = 1;
const ACT_PANEL: usize = 2;
const SCALES: usize = 3;

/// The tape: the input of the layer, `[positions, hidden]`; gates, then ups, `[2 * width, hidden]`; 1 / root mean square of
/// the norm, one number a channel.
const X: usize = 0;
const PRE: usize = 1;
const INVERSE: usize = 2;

impl Mix for Mlp {
    fn describe(&self, _: &TrmConfig) -> String {
        "MLP across positions".to_owned()
    }

    fn check(&self, config: &TrmConfig) -> Result<()> {
        match config.positions {
            Positions::None | Positions::Learned => Ok(()),
            positions => positions.misplaced("none or learned with the MLP mixer"),
        }
    }

    fn slots(&self, config: &TrmConfig) -> Vec<Slot> {
        let l = config.positions_len();
        let width = config.swiglu_width(l);
        vec![
            Slot {
                name: "mlp_t.gate_up_proj",
                size: [2 * width, l],
                packing: Packing::PairRows,
                transposed: Packing::Rows,
                sum_transposed: false,
            },
            Slot {
                name: "mlp_t.down_proj",
                size: [l, width],
                packing: Packing::Rows,
                transposed: Packing::Rows,
                sum_transposed: true,
            },
        ]
    }

    fn flops(&self, config: &TrmConfig) -> u64 {
        config.swiglu_flops(config.positions_len(), config.hidden_size)
    }

    fn scratch(&self, config: &TrmConfig, space: Space) -> Vec<Size> {
        let (l, cols) = (config.positions_len(), PANEL_LINES * LINE);
        let width = config.swiglu_width(l);
        let units = |rows: usize| [space.parts * rows.div_ceil(space.per_unit()), cols];
        vec![
            [space.parts * width, cols],
            units(l),
            units(width),
            [space.parts * 2, cols],
        ]
    }

    fn tape(&self, config: &TrmConfig) -> Vec<Size> {
        let (l, d) = (config.positions_len(), config.hidden_size);
        vec![[l, d], [2 * config.swiglu_width(l), d], [1, d]]
    }

    fn backward_space(&self, config: &TrmConfig, precision: Precision) -> BackwardSpace {
        BackwardSpace {
            own: backward::space(config, precision),
            ..BackwardSpace::default()
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
        let kept = tape.map(|tape| forward::Kept {
            x: tape[X].view(),
            pre: tape[PRE].view(),
            inverse: tape[INVERSE].view(),
        });
        network.mix_mlp(
            &weights[GATE_UP],
            &weights[DOWN],
            z,
            inject,
            scratch.mix,
            kept,
        );
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
        pass.network.isa.run(NormColsBackward {
            y,
            dy,
            rows: pass.network.l,
            cols: pass.network.d,
            inverse: tape[INVERSE].row(0).as_ptr(),
        });
        let kept = [tape[X].view(), tape[PRE].view()];
        let to = [sums.weights[GATE_UP].view(), sums.transposed[DOWN].view()];
        pass.mix_mlp([&weights[GATE_UP], &weights[DOWN]], kept, dy, memory, to);
    }

    /// The SwiGLU, `[width, hidden]`, and the inputs of both products transposed, `[hidden, inputs]`.
    fn inputs_space(&self, config: &TrmConfig) -> Vec<Size> {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let width = config.swiglu_width(l);
        vec![[width, d], [d, l], [d, width]]
    }

    fn inputs(
        &self,
        network: &Network,
        tape: &mut [AlignedMatrix],
        memory: &[View],
        take: Inputs<'_>,
    ) {
        let (l, d) = (network.l, network.d);
        let [act, x_t, act_t] = [0, 1, 2].map(|i| memory[i]);
        let width = tape[PRE].rows() / 2;
        transpose(tape[X].view().units(), x_t.units(), l, d);
        take(x_t, d, l);
        let pre = tape[PRE].view();
        network.swiglu(pre, pre.at(width, 0), act, [width, d]);
        transpose(act.units(), act_t.units(), width, d);
        take(act_t, d, width);
    }
}
