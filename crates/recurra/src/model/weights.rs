//! The named weights of a model.

use super::config::{Mixer, Positions, TrmConfig};
use crate::error::{Error, Result};
use crate::kernels::{AlignedMatrix, Linear, Precision};

/// Name of the puzzle table.
pub(crate) const PUZZLE_TABLE: &str = "puzzle_emb.weights";

/// A SwiGLU without bias: `down(silu(gate(x)) * up(x))`.
#[derive(Debug, Clone)]
pub struct SwiGluWeights<M = AlignedMatrix> {
    /// `[2 * width, inputs]`: gate rows first, then up rows.
    pub gate_up: M,
    /// `[inputs, width]`.
    pub down: M,
}

impl<M> SwiGluWeights<M> {
    /// Its linear layers.
    pub fn linears(&self) -> Vec<&M> {
        vec![&self.gate_up, &self.down]
    }
}

/// The part of a layer that mixes positions.
#[derive(Debug, Clone)]
pub enum MixWeights<M = AlignedMatrix> {
    /// A SwiGLU across positions.
    Mlp(SwiGluWeights<M>),
    /// Attention: `qkv` is `[3 * hidden, hidden]` (queries, keys, values; heads within), `o` is `[hidden, hidden]`.
    Attention {
        /// Queries, keys and values.
        qkv: M,
        /// Output projection.
        o: M,
    },
    /// A convolution: `[hidden, seen]`, seen being the nine cells of a square row by row, the mean of all cells and, with
    /// a prefix, its mean, `hidden` numbers each.
    Conv(M),
}

impl<M> MixWeights<M> {
    /// Its linear layers.
    pub fn linears(&self) -> Vec<&M> {
        match self {
            MixWeights::Mlp(w) => w.linears(),
            MixWeights::Attention { qkv, o } => vec![qkv, o],
            MixWeights::Conv(kernel) => vec![kernel],
        }
    }
}

/// One layer of the network.
#[derive(Debug, Clone)]
pub struct LayerWeights<M = AlignedMatrix> {
    /// Mixes positions.
    pub mix: MixWeights<M>,
    /// Mixes channels.
    pub mlp: SwiGluWeights<M>,
}

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
        let mut shapes: Vec<NamedShape> = vec![
            (
                "embed_tokens.embedding_weight".into(),
                vec![config.vocab_size, d],
            ),
            ("lm_head.weight".into(), vec![config.vocab_size, d]),
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
        let (d, l) = (config.hidden_size, config.positions_len());
        let swiglu = |layer: usize, name: &str, n: usize| {
            let width = config.swiglu_width(n);
            let name = format!("L_level.layers.{layer}.{name}");
            [
                (format!("{name}.gate_up_proj.weight"), vec![2 * width, n]),
                (format!("{name}.down_proj.weight"), vec![n, width]),
            ]
        };
        let mut shapes = Vec::new();
        for i in 0..config.num_layers {
            match config.mixer {
                Mixer::Mlp => shapes.extend(swiglu(i, "mlp_t", l)),
                Mixer::Attention => {
                    let name = format!("L_level.layers.{i}.self_attn");
                    shapes.push((format!("{name}.qkv_proj.weight"), vec![3 * d, d]));
                    shapes.push((format!("{name}.o_proj.weight"), vec![d, d]));
                }
                Mixer::Conv => {
                    let name = format!("L_level.layers.{i}.conv.weight");
                    shapes.push((name, vec![d, config.neighbours().width()]));
                }
            }
            shapes.extend(swiglu(i, "mlp", d));
        }
        shapes
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
                .map(|_| LayerWeights {
                    mix: match config.mixer {
                        Mixer::Mlp => MixWeights::Mlp(SwiGluWeights {
                            gate_up: linear(),
                            down: linear(),
                        }),
                        Mixer::Attention => MixWeights::Attention {
                            qkv: linear(),
                            o: linear(),
                        },
                        Mixer::Conv => MixWeights::Conv(linear()),
                    },
                    mlp: SwiGluWeights {
                        gate_up: linear(),
                        down: linear(),
                    },
                })
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
        let mut all = Vec::new();
        for layer in &self.layers {
            all.extend(layer.mix.linears());
            all.extend(layer.mlp.linears());
        }
        all
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
        let mut linears = Vec::new();
        for layer in &mut self.layers {
            match &mut layer.mix {
                MixWeights::Mlp(w) => linears.extend([&mut w.gate_up, &mut w.down]),
                MixWeights::Attention { qkv, o } => linears.extend([qkv, o]),
                MixWeights::Conv(kernel) => linears.push(kernel),
            }
            linears.extend([&mut layer.mlp.gate_up, &mut layer.mlp.down]);
        }
        (tables, linears)
    }

    /// The same model with its linear layers held in another way.
    pub fn map<N>(self, mut linear: impl FnMut(M) -> N) -> TrmWeights<N> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for LayerWeights { mix, mlp } in self.layers {
            let mix = match mix {
                MixWeights::Mlp(w) => MixWeights::Mlp(SwiGluWeights {
                    gate_up: linear(w.gate_up),
                    down: linear(w.down),
                }),
                MixWeights::Attention { qkv, o } => MixWeights::Attention {
                    qkv: linear(qkv),
                    o: linear(o),
                },
                MixWeights::Conv(kernel) => MixWeights::Conv(linear(kernel)),
            };
            let mlp = SwiGluWeights {
                gate_up: linear(mlp.gate_up),
                down: linear(mlp.down),
            };
            layers.push(LayerWeights { mix, mlp });
        }
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
