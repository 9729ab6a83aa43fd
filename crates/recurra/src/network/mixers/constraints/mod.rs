//! Messages between candidates over declared groups.
//!
//! A row of the state is a candidate: a cell and a symbol. x, the SwiGLU of each row, is what the candidate says: one half to
//! its cell, one to its groups. From its cell a candidate hears the other symbols; in each group and symbol - a *constraint
//! node* - what the members say is brought together, goes through a SwiGLU of the node's own, and is heard by every member.
//! Sums are means times three, so that cells and groups of any size are alike. No weight knows a cell, a symbol or a group.

mod backward;
mod forward;
mod plan;

use super::{BackwardSpace, Inputs, Mix, Size, Slot, Sums, Tables};
use crate::error::{Error, Result};
use crate::network::config::{Positions, TrmConfig};
use crate::network::heads::MOST_CHANNELS;
use crate::network::memory::{ScratchViews, Space};
use crate::network::pass::Pass;
use crate::network::{Inject, Network};
pub(super) use plan::tables;
use recurra_kernels::matrix::LINE;
use recurra_kernels::messages::SumOthers;
use recurra_kernels::view::{Units, View};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Packing, Precision};

/// Messages over groups.
pub(super) struct Constraints;

/// Weights: `[4 * hidden, hidden]`, what a candidate says (gates, then ups; to its cell, then to its groups); of a node,
/// `[4 * hidden, hidden]` and `[hidden, 2 * hidden]`; `[hidden, 2 * hidden]`, what a candidate hears (of its cell, then of its groups).
const SEND: usize = 0;
const NODE_IN: usize = 1;
const NODE_OUT: usize = 2;
const RECEIVE: usize = 3;

/// Scratch space: what candidates say, `[candidates, 2 * hidden]`; what they hear, likewise; what nodes hear and then say,
/// `[nodes, hidden]` each; a node's SwiGLU, `[nodes, 2 * hidden]`; then rows quantised, with a scale for each row: of the state,
/// of what is heard, of what nodes hear, and of their SwiGLU.
const SAID: usize = 0;
const HEARD: usize = 1;
const NODES: usize = 2;
const NODES_SAY: usize = 3;
const NODE_ACT: usize = 4;
const QUANTIZED: usize = 5;

/// The tape: the input of the layer, `[candidates, hidden]`; gates and ups of what is said, `[candidates, 4 * hidden]`; what is
/// heard, `[candidates, 2 * hidden]`; what nodes hear, `[nodes, hidden]`; their gates and ups, `[nodes, 4 * hidden]`; 1 / root mean
/// square of the norm, one number a candidate.
const X: usize = 0;
const PRE: usize = 1;
const HEARD_KEPT: usize = 2;
const NODES_KEPT: usize = 3;
const NODE_PRE: usize = 4;
const INVERSE: usize = 5;

/// Sparse tables: to nodes from candidates, to candidates from nodes, and the transposed of both.
const TO_NODES: usize = 0;
const TO_CANDIDATES: usize = 1;
const TO_NODES_BACK: usize = 2;
const TO_CANDIDATES_BACK: usize = 3;

/// Nodes of a configuration: one for each group and symbol.
fn nodes(config: &TrmConfig) -> usize {
    let groups = config.groups.as_ref();
    groups.map_or(0, |groups| groups.groups.len() * groups.symbols)
}

impl Mix for Constraints {
    fn describe(&self, _: &TrmConfig) -> String {
        "messages over declared groups".to_owned()
    }

    fn check(&self, config: &TrmConfig) -> Result<()> {
        let wrong = |field, expected: &str, found: String| {
            Err(Error::Config {
                field,
                expected: expected.into(),
                found,
            })
        };
        if config.positions != Positions::None {
            return config.positions.misplaced("none with messages over groups");
        }
        if !config.hidden_size.is_multiple_of(LINE) || config.hidden_size > MOST_CHANNELS {
            let expected =
                format!("a multiple of {LINE}, at most {MOST_CHANNELS}, with messages over groups");
            return wrong("hidden_size", &expected, config.hidden_size.to_string());
        }
        if config.puzzle_emb_len > 0 {
            let expected = "0 with messages over groups";
            return wrong(
                "puzzle_emb_len",
                expected,
                config.puzzle_emb_len.to_string(),
            );
        }
        let Some(groups) = &config.groups else {
            let expected = "a task that declares groups in which no symbol stands twice";
            return wrong("task", expected, "another".into());
        };
        groups.check()?;
        if groups.cells != config.seq_len {
            return wrong(
                "seq_len",
                "a token for each cell",
                config.seq_len.to_string(),
            );
        }
        Ok(())
    }

    fn slots(&self, config: &TrmConfig) -> Vec<Slot> {
        let d = config.hidden_size;
        let pairs = |name| Slot {
            packing: Packing::PairPanels,
            ..Slot::panels(name, [4 * d, d])
        };
        vec![
            pairs("groups.send_proj"),
            pairs("groups.node_gate_up_proj"),
            Slot::panels("groups.node_down_proj", [d, 2 * d]),
            Slot::panels("groups.receive_proj", [d, 2 * d]),
        ]
    }

    fn flops(&self, config: &TrmConfig) -> u64 {
        let square = (config.hidden_size * config.hidden_size) as u64;
        let (candidates, nodes) = (config.positions_len() as u64, nodes(config) as u64);
        12 * square * (candidates + nodes)
    }

    fn widest(&self, config: &TrmConfig) -> usize {
        4 * config.hidden_size * (1 + nodes(config) / config.positions_len().max(1))
    }

    fn tables(&self, config: &TrmConfig) -> Tables {
        tables(config)
    }

    fn scratch(&self, config: &TrmConfig, space: Space) -> Vec<Size> {
        let (l, n, d) = (config.positions_len(), nodes(config), config.hidden_size);
        let mut sizes = vec![[l, 2 * d], [l, 2 * d], [n, d], [n, d], [n, 2 * d]];
        for (rows, cols) in [(l, d), (l, 2 * d), (n, d), (n, 2 * d)] {
            let rows = space.quantized() * rows;
            sizes.push([rows, cols.div_ceil(space.per_unit())]);
            sizes.push([space.quantized(), rows]);
        }
        sizes
    }

    fn tape(&self, config: &TrmConfig) -> Vec<Size> {
        let (l, n, d) = (config.positions_len(), nodes(config), config.hidden_size);
        vec![[l, d], [l, 4 * d], [l, 2 * d], [n, d], [n, 4 * d], [1, l]]
    }

    fn backward_space(&self, config: &TrmConfig, precision: Precision) -> BackwardSpace {
        BackwardSpace {
            own: backward::space(config, precision),
            widest_input: 2 * config.hidden_size,
            widest_output: 4 * config.hidden_size,
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
        network.mix_groups(weights, z, inject, scratch.mix, tape);
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
        pass.groups(weights, tape, dy, memory, sums.weights);
    }

    /// A node's SwiGLU, `[nodes, 2 * hidden]`.
    fn inputs_space(&self, config: &TrmConfig) -> Vec<Size> {
        vec![[nodes(config), 2 * config.hidden_size]]
    }

    fn inputs(
        &self,
        network: &Network,
        tape: &mut [AlignedMatrix],
        memory: &[View],
        take: Inputs<'_>,
    ) {
        let (l, d, n) = (network.l, network.d, tape[NODES_KEPT].rows());
        take(tape[X].view(), l, d);
        take(tape[NODES_KEPT].view(), n, d);
        let (pre, act) = (tape[NODE_PRE].view(), memory[0]);
        network.swiglu(pre, pre.at(0, 2 * d), act, [n, 2 * d]);
        take(act, n, 2 * d);
        take(tape[HEARD_KEPT].view(), l, 2 * d);
    }
}

impl Network<'_> {
    /// From the first `hidden` columns of `x` to those of `out`, for some cells: to each candidate the mean of the other symbols
    /// of its cell, times three.
    fn rivals(&self, x: View, out: View, cells: std::ops::Range<usize>) {
        let block = self.tables.block;
        self.isa.run(SumOthers {
            x,
            out,
            cols: self.d,
            block,
            blocks: cells,
            factor: plan::LOUDNESS / (block - 1).max(1) as f32,
        });
    }
}
