//! Messages over groups, backward.

use super::{
    HEARD_KEPT, NODE_IN, NODE_OUT, NODE_PRE, NODES_KEPT, PRE, RECEIVE, SEND, Size,
    TO_CANDIDATES_BACK, TO_NODES_BACK, X, nodes,
};
use crate::network::config::TrmConfig;
use crate::network::pass::Pass;
use recurra_kernels::messages::SumRows;
use recurra_kernels::pack::per_unit;
use recurra_kernels::view::{Units, View};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Precision};

/// Memory: the gradient of what is heard, and then of what is said, `[candidates, 2 * hidden]` each; of what nodes say, and then
/// of what they hear, `[nodes, hidden]` each; a node's SwiGLU and its gradient, `[nodes, 2 * hidden]`; and for nodes in
/// bfloat16, places as a [`Pass`] has them.
const D_HEARD: usize = 0;
const D_SAID: usize = 1;
const D_NODES_SAY: usize = 2;
const D_NODES: usize = 3;
const NODE_ACT: usize = 4;
const BF16: usize = 5;

/// The sizes of that memory.
pub(super) fn space(config: &TrmConfig, precision: Precision) -> Vec<Size> {
    let (l, n, d) = (config.positions_len(), nodes(config), config.hidden_size);
    let bf16 = per_unit(precision) - 1;
    let half = bf16 * n.div_ceil(2);
    vec![
        [l, 2 * d],
        [l, 2 * d],
        [n, d],
        [n, d],
        [n, 2 * d],
        [bf16 * n, 2 * d],
        [half, d],
        [half, 2 * d],
        [half, 4 * d],
    ]
}

impl Pass<'_> {
    /// `dy` is the gradient of `x + receive(what is heard of x)`, and becomes that of `x`.
    pub(super) fn groups(
        self,
        weights: &[PackedMatrix],
        tape: &mut [AlignedMatrix],
        dy: View,
        memory: &[Units],
        to: &mut [AlignedMatrix],
    ) {
        let network = self.network;
        let (l, d, sparse) = (network.l, network.d, &network.tables.sparse);
        let n = tape[NODES_KEPT].rows();
        let view = |i: usize| memory[i].view();
        let (d_heard, d_said) = (view(D_HEARD), view(D_SAID));
        let (d_say, d_hear) = (view(D_NODES_SAY), view(D_NODES));
        let nodes = Pass {
            count: n,
            rows: memory[BF16],
            dy: memory[BF16 + 1],
            input: memory[BF16 + 2],
            output: memory[BF16 + 3],
            ..self
        };
        // What a candidate hears.
        let a = self.arithmetic;
        let heard = a.cols(tape[HEARD_KEPT].view(), l, 2 * d, self.input);
        self.add_gradient(a.cols(dy, l, d, self.dy), heard, &mut to[RECEIVE]);
        self.through(&weights[RECEIVE], dy, d_heard.store());
        // What nodes say of what they hear.
        network.isa.run(SumRows {
            matrix: &sparse[TO_CANDIDATES_BACK],
            x: d_heard.at(0, d),
            out: d_say,
            cols: d,
            rows: 0..n,
        });
        let (first, last) = to.split_at_mut(NODE_OUT);
        nodes.swiglu(
            [&weights[NODE_IN], &weights[NODE_OUT]],
            [tape[NODES_KEPT].view(), tape[NODE_PRE].view()],
            d_say,
            view(NODE_ACT),
            [&mut first[NODE_IN], &mut last[0]],
            d_hear.store(),
        );
        // What a candidate says, to its cell and to its groups.
        network.rivals(d_heard, d_said, 0..l / network.tables.block);
        network.isa.run(SumRows {
            matrix: &sparse[TO_NODES_BACK],
            x: d_hear,
            out: d_said.at(0, d),
            cols: d,
            rows: 0..l,
        });
        let [_, rows, cols] = self.gates(tape[PRE].view(), d_said, 2 * d);
        let x = tape[X].view();
        self.through_gates(&weights[SEND], x, [rows, cols], &mut to[SEND], dy.add());
    }
}
