//! The convolution over the cells of a grid, in the precision of its weights: one product with what each position sees.

use super::{BackwardSpace, Inputs, Mix, Size, Slot, Sums};
use crate::error::{Error, Result};
use crate::network::config::{Positions, TrmConfig};
use crate::network::linear::RowBuffer;
use crate::network::memory::{ScratchViews, Space};
use crate::network::pass::Pass;
use crate::network::{Inject, Network};
use recurra_kernels::view::{Units, View, copy_rows};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Precision};

/// The convolution.
pub(super) struct Conv;

/// Weights: `[hidden, seen]`, seen being the nine cells of a square row by row, the mean of all cells and, with a prefix, its
/// mean, `hidden` numbers each.
const KERNEL: usize = 0;

/// Scratch space: the state after the injection, `[positions, hidden]`, as neighbours are read while rows of the state change;
/// for each part, means of positions, `[parts * 2, hidden]`; what positions see, `[rows, seen]`; the same quantised, and a
/// scale for each row.
const STATE: usize = 0;
const MEANS: usize = 1;
const SEEN: usize = 2;
const ROWS: usize = 3;
const SCALES: usize = 4;

/// The tape: the input of the layer, `[positions, hidden]`, and 1 / root mean square of the norm, one number a position.
const X: usize = 0;
const INVERSE: usize = 1;

impl Mix for Conv {
    fn describe(&self, _: &TrmConfig) -> String {
        "3 x 3 convolution, and means of positions".to_owned()
    }

    fn check(&self, config: &TrmConfig) -> Result<()> {
        match config.positions {
            Positions::Grid { cols } if config.seq_len.is_multiple_of(cols) => Ok(()),
            Positions::Grid { cols } => Err(Error::Config {
                field: "positions.cols",
                expected: format!("a divisor of seq_len = {}", config.seq_len),
                found: cols.to_string(),
            }),
            positions => positions.misplaced("a grid with a convolution"),
        }
    }

    fn slots(&self, config: &TrmConfig) -> Vec<Slot> {
        let size = [config.hidden_size, config.neighbours().width()];
        vec![Slot::panels("conv", size)]
    }

    fn flops(&self, config: &TrmConfig) -> u64 {
        let width = config.neighbours().width();
        2 * (config.positions_len() * config.hidden_size * width) as u64
    }

    fn widest(&self, config: &TrmConfig) -> usize {
        config.neighbours().width()
    }

    fn scratch(&self, config: &TrmConfig, space: Space) -> Vec<Size> {
        let (d, width) = (config.hidden_size, config.neighbours().width());
        let rows = space.quantized() * space.rows;
        vec![
            [config.positions_len(), d],
            [space.parts * 2, d],
            [space.rows, width],
            [rows, width.div_ceil(space.per_unit())],
            [space.quantized(), rows],
        ]
    }

    fn tape(&self, config: &TrmConfig) -> Vec<Size> {
        let (l, d) = (config.positions_len(), config.hidden_size);
        vec![[l, d], [1, l]]
    }

    /// What positions see, and then its gradient, `[positions, seen]`; means of positions, `[2, hidden]`.
    fn backward_space(&self, config: &TrmConfig, _: Precision) -> BackwardSpace {
        let width = config.neighbours().width();
        BackwardSpace {
            own: self.inputs_space(config),
            widest_input: width,
            widest_output: 0,
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
        let kept = tape.map(|tape| [tape[X].view(), tape[INVERSE].view()]);
        network.mix_conv(&weights[KERNEL], z, inject, scratch.mix, kept);
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
        let views = [memory[0].view(), memory[1].view()];
        let to = &mut sums.weights[KERNEL];
        pass.conv(&weights[KERNEL], tape[X].view(), dy, views, to);
    }

    /// What positions see, `[positions, seen]`, and means of positions, `[2, hidden]`.
    fn inputs_space(&self, config: &TrmConfig) -> Vec<Size> {
        let width = config.neighbours().width();
        vec![[config.positions_len(), width], [2, config.hidden_size]]
    }

    fn inputs(
        &self,
        network: &Network,
        tape: &mut [AlignedMatrix],
        memory: &[View],
        take: Inputs<'_>,
    ) {
        let (seen, means) = (memory[0], memory[1]);
        let neighbours = network.neighbours;
        neighbours.gather_all(tape[X].view(), means, seen);
        take(seen, network.l, neighbours.width());
    }
}

impl Network<'_> {
    /// `kept` are the places of the tape: for the state after the injection, and for what the norm divides by.
    fn mix_conv(
        &self,
        kernel: &PackedMatrix,
        z: View,
        inject: Option<Inject>,
        scratch: &[Units],
        kept: Option<[View; 2]>,
    ) {
        let (d, part) = (self.d, self.member.part());
        let x = kept.map_or(scratch[STATE].view(), |[x, _]| x);
        let mine = part.of(self.l);
        let rows = z.at(mine.start, 0);
        self.inject(inject, rows, mine.start, 0, mine.len(), d);
        copy_rows(rows, x.at(mine.start, 0), mine.len(), d);
        self.member.meet();
        // Each member works the means out for itself: that is less than to meet once more.
        let means = scratch[MEANS].view().at(2 * part.part, 0);
        self.neighbours.average(x, means);
        self.on_rows(&mut |member, first, count, at| {
            let mine = member.part().of(count);
            let buffer = RowBuffer {
                units: scratch[ROWS],
                scales: scratch[SCALES].view(),
            };
            let (seen, buffer) = (scratch[SEEN].view().at(at, 0), buffer.at(at));
            let own = seen.at(mine.start, 0);
            self.neighbours
                .gather(x, means, own, first + mine.start, mine.len());
            self.prepare_rows(kernel, own, mine.len(), buffer.at(mine.start));
            member.meet();
            let input = self.prepared(kernel, seen, buffer);
            let z = z.at(first, 0);
            self.linear(count, input, kernel, z.add(), member.part());
            member.meet();
            let inverse = kept.map(|[_, inverse]| inverse.at(0, first + mine.start));
            self.norm_rows(z.at(mine.start, 0), mine.len(), inverse);
        });
    }
}

impl Pass<'_> {
    /// `dy` is the gradient of `x + kernel(what positions see of x)`, and becomes that of `x`. Scratch: what they see, and means.
    fn conv(
        self,
        kernel: &PackedMatrix,
        x: View,
        dy: View,
        [seen, means]: [View; 2],
        to: &mut AlignedMatrix,
    ) {
        let (a, l, d) = (self.arithmetic, self.network.l, self.network.d);
        let neighbours = self.network.neighbours;
        neighbours.gather_all(x, means, seen);
        let input = a.cols(seen, l, neighbours.width(), self.input);
        self.add_gradient(a.cols(dy, l, d, self.dy), input, to);
        // From here on `seen` is the gradient of what it was.
        self.through(kernel, dy, seen.store());
        neighbours.scatter(seen, means, dy);
    }
}
