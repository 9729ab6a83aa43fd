//! The memory of a call of the network, sized once from the model.

use super::config::TrmConfig;
use super::linear::RowBuffer;
use super::mixers;
use crate::kernels::view::{Units, View};
use crate::kernels::{AlignedMatrix, Precision};

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

/// What scratch space is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    /// Threads on a sample.
    pub(crate) parts: usize,
    /// Positions on their way at the same time.
    pub(crate) rows: usize,
    /// The least exact precision of the weights.
    pub(crate) precision: Precision,
}

impl Space {
    /// Numbers that share a unit in the products; of mixed precisions the larger units decide.
    pub(crate) fn per_unit(self) -> usize {
        match self.precision {
            Precision::F32 => usize::MAX,
            _ => 2,
        }
    }

    /// 0 where nothing is quantised, so that its memory is empty; otherwise 1.
    pub(crate) fn quantized(self) -> usize {
        usize::from(self.precision != Precision::F32)
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

/// Matrices of units of 4 bytes, with views that are made once.
#[derive(Debug)]
pub(crate) struct Matrices {
    matrices: Vec<AlignedMatrix<u32>>,
    views: Vec<Units>,
}

impl Matrices {
    pub(crate) fn new(sizes: &[mixers::Size]) -> Self {
        let zeros = sizes.iter().map(|[r, c]| AlignedMatrix::zeros(*r, *c));
        let mut matrices: Vec<AlignedMatrix<u32>> = zeros.collect();
        // The numbers stay where they are when a matrix moves.
        let views = matrices.iter_mut().map(AlignedMatrix::units).collect();
        Matrices { matrices, views }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.matrices.iter().map(AlignedMatrix::bytes).sum()
    }

    pub(crate) fn views(&mut self) -> &[Units] {
        &self.views
    }
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

/// The scratch space of a layer as its kernels see it.
#[derive(Clone, Copy)]
pub(crate) struct ScratchViews<'a> {
    pub(crate) act: View,
    pub(crate) z_rows: RowBuffer,
    pub(crate) act_rows: RowBuffer,
    pub(crate) mix: &'a [Units],
}

impl ScratchViews<'_> {
    /// From row `row` of the channels' scratch space.
    pub(crate) fn at_row(self, row: usize) -> Self {
        ScratchViews {
            act: self.act.at(row, 0),
            z_rows: self.z_rows.at(row),
            act_rows: self.act_rows.at(row),
            ..self
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
