//! Messages over groups, forward.

use super::{
    HEARD, HEARD_KEPT, INVERSE, NODE_ACT, NODE_IN, NODE_OUT, NODE_PRE, NODES, NODES_KEPT,
    NODES_SAY, PRE, QUANTIZED, RECEIVE, SAID, SEND, TO_CANDIDATES, TO_NODES, X,
};
use crate::network::linear::RowBuffer;
use crate::network::{Inject, Network};
use recurra_kernels::messages::SumRows;
use recurra_kernels::product::Part;
use recurra_kernels::view::{Pre, Units, View, copy_rows};
use recurra_kernels::{AlignedMatrix, PackedMatrix};

/// The `number`-th of the places for quantised rows.
fn quantized(scratch: &[Units], number: usize) -> RowBuffer {
    RowBuffer {
        units: scratch[QUANTIZED + 2 * number],
        scales: scratch[QUANTIZED + 2 * number + 1].view(),
    }
}

impl Network<'_> {
    /// Each member takes some cells and some nodes; they meet where one half needs the other.
    pub(super) fn mix_groups(
        &self,
        weights: &[PackedMatrix],
        z: View,
        inject: Option<Inject>,
        scratch: &[Units],
        mut tape: Option<&mut [AlignedMatrix]>,
    ) {
        let (d, part, whole) = (self.d, self.member.part(), Part::WHOLE);
        let symbols = self.tables.block;
        let to_nodes = &self.tables.sparse[TO_NODES];
        let cells = part.of(self.l / symbols);
        let (first, count) = (cells.start * symbols, cells.len() * symbols);
        let nodes = part.of(to_nodes.rows());
        // With a tape, what backward needs is computed where it is kept.
        let mut kept = |place: usize| tape.as_mut().map(|tape| tape[place].view());
        let place = |kept: Option<View>, place: usize| kept.unwrap_or(scratch[place].view());
        let (said, nodes_say) = (scratch[SAID].view(), scratch[NODES_SAY].view());
        let heard = place(kept(HEARD_KEPT), HEARD);
        let hear = place(kept(NODES_KEPT), NODES);

        let rows = z.at(first, 0);
        self.inject(inject, rows, first, 0, count, d);
        if let Some(x) = kept(X) {
            copy_rows(rows, x.at(first, 0), count, d);
        }
        let pre = |kept: Option<View>, row: usize| {
            kept.map(|kept| Pre {
                gate: kept.at(row, 0),
                up: kept.at(row, 2 * d),
            })
        };
        let buffer = quantized(scratch, 0).at(first);
        self.prepare_rows(&weights[SEND], rows, count, buffer);
        let input = self.prepared(&weights[SEND], rows, buffer);
        let pre_said = pre(kept(PRE), first);
        let to = said.at(first, 0);
        self.linear_swiglu_floats(count, input, &weights[SEND], to, pre_said, whole);
        self.rivals(said, heard, cells);
        self.member.meet();

        let (node, node_count) = (nodes.start, nodes.len());
        self.isa.run(SumRows {
            matrix: to_nodes,
            x: said.at(0, d),
            out: hear,
            cols: d,
            rows: nodes,
        });
        let own = hear.at(node, 0);
        let buffer = quantized(scratch, 2).at(node);
        self.prepare_rows(&weights[NODE_IN], own, node_count, buffer);
        let input = self.prepared(&weights[NODE_IN], own, buffer);
        let act = scratch[NODE_ACT].view().at(node, 0);
        let pre_node = pre(kept(NODE_PRE), node);
        self.linear_swiglu_floats(node_count, input, &weights[NODE_IN], act, pre_node, whole);
        let buffer = quantized(scratch, 3).at(node);
        self.prepare_rows(&weights[NODE_OUT], act, node_count, buffer);
        let input = self.prepared(&weights[NODE_OUT], act, buffer);
        let to = nodes_say.at(node, 0).store();
        self.linear(node_count, input, &weights[NODE_OUT], to, whole);
        self.member.meet();

        self.isa.run(SumRows {
            matrix: &self.tables.sparse[TO_CANDIDATES],
            x: nodes_say,
            out: heard.at(0, d),
            cols: d,
            rows: first..first + count,
        });
        let own = heard.at(first, 0);
        let buffer = quantized(scratch, 1).at(first);
        self.prepare_rows(&weights[RECEIVE], own, count, buffer);
        let input = self.prepared(&weights[RECEIVE], own, buffer);
        self.linear(count, input, &weights[RECEIVE], rows.add(), whole);
        let inverse = kept(INVERSE).map(|inverse| inverse.at(0, first));
        self.norm_rows(rows, count, inverse);
    }
}
