//! The memory of a call of the network, sized once from the model.

use super::config::TrmConfig;
use super::linear::RowBuffer;
use super::memory::{Matrices, ScratchViews, Space};
use super::mixers;
use recurra_kernels::{AlignedMatrix, Precision};

/// Rows of a sample that go through the half of a layer that does not mix them together: their SwiGLU stays in the
/// second-level cache.
const ROW_CHUNK: usize = 192;

/// How the positions of a sample are shared out where they do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Each thread takes chunks of so many rows from end to end.
    Rows(usize),
    /// All threads take the same rows and share the weights, each with its own in its own cache.
    Weights,
}

impl Sharing {
    /// For `l` positions and `parts` threads.
    pub(crate) fn new(l: usize, parts: usize) -> Self {
        if parts > 1 && l < 2 * ROW_CHUNK * parts {
            Sharing::Weights
        } else {
            let rows = l.div_ceil(parts);
            Sharing::Rows(rows.div_ceil(rows.div_ceil(ROW_CHUNK)))
        }
    }

    /// Rows that are on their way at the same time.
    fn rows(self, l: usize, parts: usize) -> usize {
        match self {
            Sharing::Rows(chunk) => parts * chunk,
            Sharing::Weights => l,
        }
    }
}

/// The scratch space of a layer.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// SwiGLU of the channels, `[rows, width]`; rows on their way at the same time.
    act: AlignedMatrix,
    /// The state's rows and the SwiGLU's, quantised.
    rows: [QuantizedRows; 2],
    /// The mixer's own.
    mix: Matrices,
}

/// Memory for quantised rows; none for a model in f32.
#[derive(Debug)]
struct QuantizedRows {
    units: AlignedMatrix<u32>,
    scales: AlignedMatrix,
}

impl QuantizedRows {
    fn new(cols: usize, space: Space) -> Self {
        let rows = space.quantized() * space.rows;
        QuantizedRows {
            units: AlignedMatrix::zeros(rows, cols.div_ceil(space.per_unit())),
            scales: AlignedMatrix::zeros(space.quantized(), rows),
        }
    }

    fn bytes(&self) -> usize {
        self.units.bytes() + self.scales.bytes()
    }

    fn buffer(&mut self) -> RowBuffer {
        RowBuffer {
            units: self.units.units(),
            scales: self.scales.view(),
        }
    }
}

impl Scratch {
    /// Scratch space for `parts` threads, and weights that are no less exact than `precision`.
    pub(crate) fn new(config: &TrmConfig, parts: usize, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let width = config.swiglu_width(d);
        let space = Space {
            parts,
            rows: Sharing::new(l, parts).rows(l, parts),
            precision,
        };
        Scratch {
            act: AlignedMatrix::zeros(space.rows, width),
            rows: [d, width].map(|cols| QuantizedRows::new(cols, space)),
            mix: Matrices::new(&mixers::of(config.mixer).scratch(config, space)),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let rows = self.rows.iter().map(QuantizedRows::bytes);
        self.act.bytes() + rows.sum::<usize>() + self.mix.bytes()
    }

    /// Views for the kernels.
    pub(crate) fn views(&mut self) -> ScratchViews<'_> {
        let [z_rows, act_rows] = self.rows.each_mut().map(QuantizedRows::buffer);
        ScratchViews {
            act: self.act.view(),
            z_rows,
            act_rows,
            mix: self.mix.views(),
        }
    }
}
