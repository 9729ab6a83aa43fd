//! All memory that thinking needs, sized once from the model.

use super::attention::{AttentionViews, QuantizedHeads};
use super::conv::ConvViews;
use super::linear::RowBuffer;
use crate::kernels::matrix::LINE;
use crate::kernels::view::{Units, View};
use crate::kernels::{AlignedMatrix, Precision};
use crate::model::TrmConfig;
use crate::model::config::Mixer;

/// Cache lines in a panel of channels: its SwiGLU stays in the second-level cache.
pub(crate) const PANEL_LINES: usize = 3;

/// Rows of a sample that go through the half of a layer that does not mix them together: their SwiGLU stays in the
/// second-level cache.
const ROW_CHUNK: usize = 192;

/// Queries whose scores are computed together: the score matrix is never stored whole.
pub(crate) const QUERY_BLOCK: usize = 32;

/// The buffers of one worker: its latent state and the scratch space of a layer.
///
/// There is one a worker, never shared and never resized, so a step allocates nothing and no buffer can
/// have two borrowers.
#[derive(Debug)]
pub struct TrmBufferPool {
    /// Input embeddings, `[positions, hidden]`.
    pub(crate) x: AlignedMatrix,
    /// Answer state, `[positions, hidden]`.
    pub(crate) z_h: AlignedMatrix,
    /// Reasoning state, `[positions, hidden]`.
    pub(crate) z_l: AlignedMatrix,
    /// The answer state before the last step that was measured, `[positions, hidden]`.
    pub(crate) z_before: AlignedMatrix,
    /// Output, `[positions, vocab]`; prefix rows are not used.
    pub(crate) logits: AlignedMatrix,
    /// Scratch of a layer.
    pub(crate) scratch: Scratch,
}

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
    mix: MixScratch,
}

/// Memory for quantised rows; none for a model in f32.
#[derive(Debug)]
struct QuantizedRows {
    units: AlignedMatrix<u32>,
    scales: AlignedMatrix,
}

impl QuantizedRows {
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

/// The scratch space of a mixer.
#[derive(Debug)]
enum MixScratch {
    Mlp {
        /// For each part, the SwiGLU of a panel of channels: `[parts * width, 48]`.
        act: AlignedMatrix,
        /// For each part, a panel of the state, quantised: `[parts * positions / 2, 48]`.
        panel: AlignedMatrix<u32>,
        /// For each part, the SwiGLU of a panel, quantised: `[parts * width / 2, 48]`.
        act_panel: AlignedMatrix<u32>,
        /// For each part, scales of a panel and of its SwiGLU: `[parts * 2, 48]`.
        scales: AlignedMatrix,
    },
    Attention(Box<AttentionScratch>),
    Conv {
        /// The state after the injection, `[positions, hidden]`.
        x: AlignedMatrix,
        /// For each part, means of positions: `[parts * 2, hidden]`.
        means: AlignedMatrix,
        /// What positions see, `[rows, seen]`; rows on their way at the same time.
        seen: AlignedMatrix,
        /// The same, quantised.
        rows: QuantizedRows,
    },
}

/// The scratch space of attention: the matrices of [`AttentionViews`] and [`QuantizedHeads`], by their names.
#[derive(Debug)]
struct AttentionScratch {
    qkv: AlignedMatrix,
    keys: AlignedMatrix,
    out: AlignedMatrix,
    scores: AlignedMatrix,
    queries_q: AlignedMatrix<u32>,
    query_scales: AlignedMatrix,
    keys_q: AlignedMatrix<u32>,
    key_scales: AlignedMatrix,
    key_starts: AlignedMatrix<u32>,
    values_q: AlignedMatrix<u32>,
    value_scales: AlignedMatrix,
    value_starts: AlignedMatrix<u32>,
    probabilities_q: AlignedMatrix<u32>,
    probability_scales: AlignedMatrix,
}

/// The scratch space of a layer as its kernels see it.
#[derive(Clone, Copy)]
pub(crate) struct ScratchViews {
    pub(crate) act: View,
    pub(crate) z_rows: RowBuffer,
    pub(crate) act_rows: RowBuffer,
    pub(crate) mix: MixViews,
}

impl ScratchViews {
    /// From row `row` of the channels' scratch space.
    pub(crate) fn at_row(self, row: usize) -> ScratchViews {
        ScratchViews {
            act: self.act.at(row, 0),
            z_rows: self.z_rows.at(row),
            act_rows: self.act_rows.at(row),
            ..self
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum MixViews {
    Mlp {
        act: View,
        panel: Units,
        act_panel: Units,
        scales: View,
    },
    Attention(AttentionViews),
    Conv(ConvViews),
}

impl TrmBufferPool {
    /// Buffers for one sample at a time, thought about by `parts` threads, with weights of this precision.
    pub fn new(config: &TrmConfig, parts: usize, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        TrmBufferPool {
            x: AlignedMatrix::zeros(l, d),
            z_h: AlignedMatrix::zeros(l, d),
            z_l: AlignedMatrix::zeros(l, d),
            z_before: AlignedMatrix::zeros(l, d),
            logits: AlignedMatrix::zeros(l, config.vocab_size),
            scratch: Scratch::new(config, parts, precision),
        }
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        let state = [&self.x, &self.z_h, &self.z_l, &self.z_before, &self.logits];
        state.into_iter().map(AlignedMatrix::bytes).sum::<usize>() + self.scratch.bytes()
    }
}

impl Scratch {
    /// Scratch space for `parts` threads, and weights that are no less exact than `precision`.
    pub(crate) fn new(config: &TrmConfig, parts: usize, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let width = config.swiglu_width(d);
        // Numbers that share a unit in the products; of mixed precisions the larger units decide.
        let per_unit = match precision {
            Precision::F32 => usize::MAX,
            _ => 2,
        };
        let rows = Sharing::new(l, parts).rows(l, parts);
        let quantized = |cols: usize| match precision {
            Precision::F32 => QuantizedRows {
                units: AlignedMatrix::zeros(0, 0),
                scales: AlignedMatrix::zeros(0, 0),
            },
            _ => QuantizedRows {
                units: AlignedMatrix::zeros(rows, cols.div_ceil(per_unit)),
                scales: AlignedMatrix::zeros(1, rows),
            },
        };
        let mix = match config.mixer {
            Mixer::Mlp => {
                let (cols, width) = (PANEL_LINES * LINE, config.swiglu_width(l));
                let units =
                    |rows: usize| AlignedMatrix::zeros(parts * rows.div_ceil(per_unit), cols);
                MixScratch::Mlp {
                    act: AlignedMatrix::zeros(parts * width, cols),
                    panel: units(l),
                    act_panel: units(width),
                    scales: AlignedMatrix::zeros(parts * 2, cols),
                }
            }
            Mixer::Attention => {
                MixScratch::Attention(Box::new(AttentionScratch::new(config, parts, precision)))
            }
            Mixer::Conv => {
                let width = config.neighbours().width();
                MixScratch::Conv {
                    x: AlignedMatrix::zeros(l, d),
                    means: AlignedMatrix::zeros(parts * 2, d),
                    seen: AlignedMatrix::zeros(rows, width),
                    rows: quantized(width),
                }
            }
        };
        Scratch {
            act: AlignedMatrix::zeros(rows, width),
            rows: [quantized(d), quantized(width)],
            mix,
        }
    }

    fn bytes(&self) -> usize {
        let rows = QuantizedRows::bytes;
        let mix = match &self.mix {
            MixScratch::Mlp {
                act,
                panel,
                act_panel,
                scales,
            } => act.bytes() + panel.bytes() + act_panel.bytes() + scales.bytes(),
            MixScratch::Attention(attention) => attention.bytes(),
            MixScratch::Conv {
                x,
                means,
                seen,
                rows,
            } => x.bytes() + means.bytes() + seen.bytes() + rows.bytes(),
        };
        self.act.bytes() + self.rows.iter().map(rows).sum::<usize>() + mix
    }

    /// Views for the kernels.
    pub(crate) fn views(&mut self) -> ScratchViews {
        let [z_rows, act_rows] = self.rows.each_mut().map(QuantizedRows::buffer);
        ScratchViews {
            act: self.act.view(),
            z_rows,
            act_rows,
            mix: match &mut self.mix {
                MixScratch::Mlp {
                    act,
                    panel,
                    act_panel,
                    scales,
                } => MixViews::Mlp {
                    act: act.view(),
                    panel: panel.units(),
                    act_panel: act_panel.units(),
                    scales: scales.view(),
                },
                MixScratch::Attention(attention) => MixViews::Attention(attention.views()),
                MixScratch::Conv {
                    x,
                    means,
                    seen,
                    rows,
                } => MixViews::Conv(ConvViews {
                    x: x.view(),
                    means: means.view(),
                    seen: seen.view(),
                    rows: rows.buffer(),
                }),
            },
        }
    }
}

impl AttentionScratch {
    fn new(config: &TrmConfig, parts: usize, precision: Precision) -> Self {
        let (l, d, heads) = (config.positions_len(), config.hidden_size, config.num_heads);
        let head_dim = config.head_dim();
        // Of the precisions that a model may mix, bfloat16 has the larger units.
        let (some, half) = match precision {
            Precision::F32 => (0, usize::MAX),
            _ => (1, 2),
        };
        let units = |rows, cols| AlignedMatrix::<u32>::zeros(some * rows, cols);
        let floats = |rows, cols| AlignedMatrix::<f32>::zeros(some * rows, cols);
        AttentionScratch {
            qkv: AlignedMatrix::zeros(l, 3 * d + LINE),
            keys: AlignedMatrix::zeros(d, l),
            out: AlignedMatrix::zeros(l, d + LINE),
            scores: AlignedMatrix::zeros(parts * QUERY_BLOCK, l),
            queries_q: units(l, d.div_ceil(half)),
            query_scales: floats(heads, l),
            keys_q: units(heads * head_dim.div_ceil(half), l),
            key_scales: floats(heads, l),
            key_starts: units(heads, l),
            values_q: units(heads * l.div_ceil(half), head_dim),
            value_scales: floats(heads, head_dim),
            value_starts: units(heads, head_dim),
            probabilities_q: units(parts * QUERY_BLOCK, l.div_ceil(half)),
            probability_scales: floats(parts, QUERY_BLOCK),
        }
    }

    fn bytes(&self) -> usize {
        let floats = [
            &self.qkv,
            &self.keys,
            &self.out,
            &self.scores,
            &self.query_scales,
            &self.key_scales,
            &self.value_scales,
            &self.probability_scales,
        ];
        let units = [
            &self.queries_q,
            &self.keys_q,
            &self.key_starts,
            &self.values_q,
            &self.value_starts,
            &self.probabilities_q,
        ];
        let floats = floats.into_iter().map(AlignedMatrix::bytes).sum::<usize>();
        floats + units.into_iter().map(AlignedMatrix::bytes).sum::<usize>()
    }

    fn views(&mut self) -> AttentionViews {
        AttentionViews {
            qkv: self.qkv.view(),
            keys: self.keys.view(),
            out: self.out.view(),
            scores: self.scores.view(),
            quantized: QuantizedHeads {
                queries: self.queries_q.units(),
                query_scales: self.query_scales.view(),
                keys: self.keys_q.units(),
                key_scales: self.key_scales.view(),
                key_starts: self.key_starts.units(),
                values: self.values_q.units(),
                value_scales: self.value_scales.view(),
                value_starts: self.value_starts.units(),
                probabilities: self.probabilities_q.units(),
                probability_scales: self.probability_scales.view(),
            },
        }
    }
}
