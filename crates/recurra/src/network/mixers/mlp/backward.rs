//! The MLP mixer, backward.

use super::Size;
use crate::network::config::TrmConfig;
use crate::network::pass::Pass;
use recurra_kernels::pack::per_unit;
use recurra_kernels::product::Lhs;
use recurra_kernels::swiglu::Bf16Forms;
use recurra_kernels::view::{Pre, Units, View};
use recurra_kernels::{PackedMatrix, Precision};

/// Memory: the SwiGLU and its gradient, `[width, hidden]`; right factors of the weights' gradients, `[hidden / unit,
/// positions]`; in bfloat16, gates and ups' gradient with units along rows and along columns, `[2 * width, hidden / 2]` and
/// `[width, hidden]`, and the SwiGLU, `[width, hidden / 2]`.
const ACT: usize = 0;
const TRANSPOSED: usize = 1;
const PRE_ROWS: usize = 2;
const PRE_COLS: usize = 3;
const ACT_ROWS: usize = 4;

/// The sizes of that memory.
pub(super) fn space(config: &TrmConfig, precision: Precision) -> Vec<Size> {
    let (l, d) = (config.positions_len(), config.hidden_size);
    let width = config.swiglu_width(l);
    let bf16 = per_unit(precision) - 1;
    vec![
        [width, d],
        [d.div_ceil(per_unit(precision)), l],
        [bf16 * 2 * width, d.div_ceil(2)],
        [bf16 * width, d],
        [bf16 * width, d.div_ceil(2)],
    ]
}

impl Pass<'_> {
    /// `dy` is the gradient of `x + down(silu(gate) * up)` across positions, and becomes that of `x`. In f32, `pre`, gates and
    /// ups, becomes their gradient. Results: gradients of `gate_up` and of `down` transposed.
    pub(super) fn mix_mlp(
        self,
        [gate_up, down]: [&PackedMatrix; 2],
        [x, pre]: [View; 2],
        dy: View,
        memory: &[Units],
        [to_gate_up, to_down_t]: [View; 2],
    ) {
        let (a, l, d, width) = (self.arithmetic, self.network.l, self.network.d, down.n);
        let (act, transposed) = (memory[ACT].view(), memory[TRANSPOSED]);
        let right = a.cols(dy, l, d, self.dy).rhs();
        a.product(
            (width, d, a.units(l)),
            Lhs::Packed(down),
            right,
            act.store(),
        );
        let both = Pre {
            gate: pre,
            up: pre.at(width, 0),
        };
        let act_rows = memory[ACT_ROWS];
        let (rows, cols) = (memory[PRE_ROWS], memory[PRE_COLS]);
        let forms = Bf16Forms {
            rows: Some(rows),
            cols: Some(cols),
        };
        let act_to = Bf16Forms {
            rows: Some(act_rows),
            cols: None,
        };
        let d_pre = [forms, forms.at(width, 0)];
        a.swiglu_backward(both, act, (width, d), act_to, d_pre);
        let [act, pre_rows, pre_cols] = match a.is_f32() {
            true => [act.units(), pre.units(), pre.units()],
            false => [act_rows, rows, cols],
        };
        let units = a.units(d);
        a.transpose(dy, l, d, transposed, self.rows);
        a.product(
            (width, l, units),
            act.lhs(),
            transposed.rhs(),
            to_down_t.add(),
        );
        a.transpose(x, l, d, transposed, self.rows);
        let size = (2 * width, l, units);
        a.product(size, pre_rows.lhs(), transposed.rhs(), to_gate_up.add());
        let size = (l, d, a.units(2 * width));
        a.product(size, Lhs::Packed(gate_up), pre_cols.rhs(), dy.add());
    }
}
