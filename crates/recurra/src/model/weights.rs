//! The named weights of a model.

use crate::error::{Error, Result};
use crate::network::config::{Positions, TrmConfig};
use crate::network::weights::linears_of;
pub use crate::network::weights::{LayerWeights, SwiGluWeights};
use crate::network::{heads, mixers};
use recurra_kernels::{AlignedMatrix, Linear, Precision};

/// Name of the puzzle table.
pub(crate) const PUZZLE_TABLE: &str = "puzzle_emb.weights";

/// All weights of a model: the tables in f32, the linear layers of its network as `M` holds them. With f32 for those
/// too, also the shape of a gradient, a moment of an optimiser, a moving average.
#[derive(Debug, Clone)]
pub struct TrmWeights<M = AlignedMatrix> {
    /// `[vocab, hidden]`.
    pub embed_tokens: AlignedMatrix,
    /// `[vocab, hidden]`.
    pub lm_head: AlignedMatrix,
    /// `[2, hidden]`: halt and continue.
    pub q_head: AlignedMatrix,
    /// `[2]`.
    pub q_bias: AlignedMatrix,
    /// `[puzzles, puzzle_emb_ndim]`, if the model has a prefix.
    pub puzzle_emb: Option<AlignedMatrix>,
    /// `[positions, hidden]`, if positions are learned.
    pub embed_pos: Option<AlignedMatrix>,
    /// `[hidden]`: z_H before the first step, the same in every position.
    pub h_init: AlignedMatrix,
    /// `[hidden]`: z_L before the first step.
    pub l_init: AlignedMatrix,
    /// The layers, first to last.
    pub layers: Vec<LayerWeights<M>>,
}

/// A tensor's name and shape.
pub type NamedShape = (String, Vec<usize>);

impl TrmWeights {
    /// Names (the reference implementation's, without its prefix) and shapes of all tensors of a model, in
    /// the order of [`TrmWeights::tensors`].
    pub fn shapes(config: &TrmConfig) -> Vec<NamedShape> {
        let mut shapes = Self::table_shapes(config);
        shapes.extend(Self::linear_shapes(config));
        shapes
    }

    /// The part of [`TrmWeights::shapes`] outside of the layers, in the order of [`TrmWeights::tables`].
    pub fn table_shapes(config: &TrmConfig) -> Vec<NamedShape> {
        let (d, l) = (config.hidden_size, config.positions_len());
        let [inputs, outputs] = heads::of(config).table_rows(config);
        let mut shapes: Vec<NamedShape> = vec![
            ("embed_tokens.embedding_weight".into(), vec![inputs, d]),
            ("lm_head.weight".into(), vec![outputs, d]),
            ("q_head.weight".into(), vec![2, d]),
            ("q_head.bias".into(), vec![2]),
        ];
        if config.puzzle_emb_ndim > 0 {
            let shape = vec![config.num_puzzle_identifiers, config.puzzle_emb_ndim];
            shapes.push((PUZZLE_TABLE.into(), shape));
        }
        if config.positions == Positions::Learned {
            shapes.push(("embed_pos.embedding_weight".into(), vec![l, d]));
        }
        shapes.push(("H_init".into(), vec![d]));
        shapes.push(("L_init".into(), vec![d]));
        shapes
    }

    /// The part of [`TrmWeights::shapes`] inside the layers, in the order of [`TrmWeights::linears`].
    pub fn linear_shapes(config: &TrmConfig) -> Vec<NamedShape> {
        let of_layer = linears_of(config);
        let layer = |i: usize| {
            let named = |(name, size): &(String, [usize; 2])| {
                (format!("L_level.layers.{i}.{name}"), size.to_vec())
            };
            of_layer.iter().map(named).collect::<Vec<_>>()
        };
        (0..config.num_layers).flat_map(layer).collect()
    }

    /// Zeros in the shapes of `config`.
    pub fn zeros(config: &TrmConfig) -> Self {
        Self::build(config, |_, shape| Ok(matrix_of(shape))).expect("zeros are always there")
    }

    /// Builds the weights from a function that gives the tensor of a name and shape; vectors are one row.
    ///
    /// # Errors
    /// The first error of the function.
    pub fn build(
        config: &TrmConfig,
        mut tensor: impl FnMut(&str, &[usize]) -> Result<AlignedMatrix>,
    ) -> Result<Self> {
        let mut all = Vec::new();
        for (name, shape) in Self::shapes(config) {
            all.push(tensor(&name, &shape)?);
        }
        let linears = all.split_off(Self::table_shapes(config).len());
        Ok(Self::assemble(config, all, linears))
    }

    /// All tensors, in the order of [`TrmWeights::shapes`].
    pub fn tensors(&self) -> Vec<&AlignedMatrix> {
        let mut all = self.tables();
        all.extend(self.linears());
        all
    }

    /// All tensors, in the order of [`TrmWeights::shapes`].
    pub fn tensors_mut(&mut self) -> Vec<&mut AlignedMatrix> {
        let (mut all, linears) = self.parts_mut();
        all.extend(linears);
        all
    }

    /// How many numbers a model of this configuration has.
    pub fn count(config: &TrmConfig) -> usize {
        let size = |(_, shape): NamedShape| shape.iter().product::<usize>();
        Self::shapes(config).into_iter().map(size).sum()
    }
}

impl<M> TrmWeights<M> {
    /// Weights from all tables and all linear layers, in the order of [`TrmWeights::shapes`].
    pub(crate) fn assemble(
        config: &TrmConfig,
        tables: Vec<AlignedMatrix>,
        linears: Vec<M>,
    ) -> Self {
        let mixing = mixers::of(config.mixer).slots(config).len();
        let mut tables = tables.into_iter();
        let mut table = || tables.next().expect("`table_shapes` lists every table");
        let mut linears = linears.into_iter();
        let mut linear = || linears.next().expect("`linear_shapes` lists every layer");
        TrmWeights {
            embed_tokens: table(),
            lm_head: table(),
            q_head: table(),
            q_bias: table(),
            puzzle_emb: (config.puzzle_emb_ndim > 0).then(&mut table),
            embed_pos: (config.positions == Positions::Learned).then(&mut table),
            h_init: table(),
            l_init: table(),
            layers: (0..config.num_layers)
                .map(|_| LayerWeights::take(mixing, &mut linear))
                .collect(),
        }
    }

    /// What lies outside of the layers, in the order of [`TrmWeights::table_shapes`].
    pub fn tables(&self) -> Vec<&AlignedMatrix> {
        let mut all = vec![
            &self.embed_tokens,
            &self.lm_head,
            &self.q_head,
            &self.q_bias,
        ];
        all.extend(&self.puzzle_emb);
        all.extend(&self.embed_pos);
        all.extend([&self.h_init, &self.l_init]);
        all
    }

    /// The linear layers, in the order of [`TrmWeights::linear_shapes`].
    pub fn linears(&self) -> Vec<&M> {
        self.layers.iter().flat_map(LayerWeights::linears).collect()
    }

    /// Tables and linear layers, to be changed.
    pub(crate) fn parts_mut(&mut self) -> (Vec<&mut AlignedMatrix>, Vec<&mut M>) {
        let mut tables = vec![
            &mut self.embed_tokens,
            &mut self.lm_head,
            &mut self.q_head,
            &mut self.q_bias,
        ];
        tables.extend(&mut self.puzzle_emb);
        tables.extend(&mut self.embed_pos);
        tables.extend([&mut self.h_init, &mut self.l_init]);
        let layers = self.layers.iter_mut();
        (tables, layers.flat_map(LayerWeights::linears_mut).collect())
    }

    /// The same model with its linear layers held in another way.
    pub fn map<N>(self, mut linear: impl FnMut(M) -> N) -> TrmWeights<N> {
        let layer = |layer: LayerWeights<M>| {
            let mixing = layer.mix.len();
            let mut linears = layer.into_linears().map(&mut linear);
            LayerWeights::take(mixing, || linears.next().expect("as many as there were"))
        };
        let layers = self.layers.into_iter().map(layer).collect();
        TrmWeights {
            embed_tokens: self.embed_tokens,
            lm_head: self.lm_head,
            q_head: self.q_head,
            q_bias: self.q_bias,
            puzzle_emb: self.puzzle_emb,
            embed_pos: self.embed_pos,
            h_init: self.h_init,
            l_init: self.l_init,
            layers,
        }
    }
}

impl TrmWeights<Linear> {
    /// The least exact precision of its linear layers.
    pub fn precision(&self) -> Precision {
        let precisions = self.linears().into_iter().map(Linear::precision);
        precisions.max().unwrap_or(Precision::F32)
    }

    /// The same weights, all in f32.
    pub fn to_f32(&self) -> TrmWeights {
        self.clone().map(|linear| match linear {
            Linear::F32(weights) => weights,
            other => other.to_f32(),
        })
    }
}

impl From<TrmWeights> for TrmWeights<Linear> {
    fn from(weights: TrmWeights) -> Self {
        weights.map(Linear::F32)
    }
}

/// A zero matrix for a tensor of one or two dimensions.
fn matrix_of(shape: &[usize]) -> AlignedMatrix {
    match shape {
        [cols] => AlignedMatrix::zeros(1, *cols),
        [rows, cols] => AlignedMatrix::zeros(*rows, *cols),
        _ => unreachable!("tensors of a model have one or two dimensions"),
    }
}

/// Refuses a tensor of another shape than expected.
pub(crate) fn check_shape(name: &str, expected: &[usize], found: &[usize]) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Tensor {
        name: name.into(),
        expected: format!("shape {expected:?}"),
        found: format!("shape {found:?}"),
    })
}
