//! The named weights of a model.

use super::config::{Mixer, Positions, TrmConfig};
use crate::error::{Error, Result};
use crate::kernels::AlignedMatrix;

/// A SwiGLU without bias: `down(silu(gate(x)) * up(x))`.
#[derive(Debug, Clone)]
pub struct SwiGluWeights {
    /// `[2 * width, inputs]`: gate rows first, then up rows.
    pub gate_up: AlignedMatrix,
    /// `[inputs, width]`.
    pub down: AlignedMatrix,
}

/// The part of a layer that mixes positions.
#[derive(Debug, Clone)]
pub enum MixWeights {
    /// A SwiGLU across positions.
    Mlp(SwiGluWeights),
    /// Attention: `qkv` is `[3 * hidden, hidden]` (queries, keys, values; heads within), `o` is `[hidden, hidden]`.
    Attention {
        /// Queries, keys and values.
        qkv: AlignedMatrix,
        /// Output projection.
        o: AlignedMatrix,
    },
}

/// One layer of the network.
#[derive(Debug, Clone)]
pub struct LayerWeights {
    /// Mixes positions.
    pub mix: MixWeights,
    /// Mixes channels.
    pub mlp: SwiGluWeights,
}

/// All weights of a model. Also the shape of a gradient, a moment of an optimiser, a moving average.
#[derive(Debug, Clone)]
pub struct TrmWeights {
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
    pub layers: Vec<LayerWeights>,
}

/// A tensor's name and shape.
pub type NamedShape = (String, Vec<usize>);

impl TrmWeights {
    /// Names (the reference implementation's, without its prefix) and shapes of all tensors of a model, in
    /// the order of [`TrmWeights::tensors`].
    pub fn shapes(config: &TrmConfig) -> Vec<NamedShape> {
        let (d, l) = (config.hidden_size, config.positions_len());
        let swiglu = |layer: usize, name: &str, n: usize| {
            let width = config.swiglu_width(n);
            let name = format!("L_level.layers.{layer}.{name}");
            [
                (format!("{name}.gate_up_proj.weight"), vec![2 * width, n]),
                (format!("{name}.down_proj.weight"), vec![n, width]),
            ]
        };
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
            shapes.push(("puzzle_emb.weights".into(), shape));
        }
        if config.positions == Positions::Learned {
            shapes.push(("embed_pos.embedding_weight".into(), vec![l, d]));
        }
        shapes.push(("H_init".into(), vec![d]));
        shapes.push(("L_init".into(), vec![d]));
        for i in 0..config.num_layers {
            match config.mixer {
                Mixer::Mlp => shapes.extend(swiglu(i, "mlp_t", l)),
                Mixer::Attention => {
                    let name = format!("L_level.layers.{i}.self_attn");
                    shapes.push((format!("{name}.qkv_proj.weight"), vec![3 * d, d]));
                    shapes.push((format!("{name}.o_proj.weight"), vec![d, d]));
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
        let mut all = Self::shapes(config)
            .into_iter()
            .map(|(name, shape)| tensor(&name, &shape));
        let mut next = || all.next().expect("`shapes` lists every tensor");
        Ok(TrmWeights {
            embed_tokens: next()?,
            lm_head: next()?,
            q_head: next()?,
            q_bias: next()?,
            puzzle_emb: (config.puzzle_emb_ndim > 0).then(&mut next).transpose()?,
            embed_pos: (config.positions == Positions::Learned)
                .then(&mut next)
                .transpose()?,
            h_init: next()?,
            l_init: next()?,
            layers: (0..config.num_layers)
                .map(|_| {
                    let (first, second) = (next()?, next()?);
                    Ok(LayerWeights {
                        mix: match config.mixer {
                            Mixer::Mlp => MixWeights::Mlp(SwiGluWeights {
                                gate_up: first,
                                down: second,
                            }),
                            Mixer::Attention => MixWeights::Attention {
                                qkv: first,
                                o: second,
                            },
                        },
                        mlp: SwiGluWeights {
                            gate_up: next()?,
                            down: next()?,
                        },
                    })
                })
                .collect::<Result<_>>()?,
        })
    }

    /// All tensors, in the order of [`TrmWeights::shapes`].
    pub fn tensors(&self) -> Vec<&AlignedMatrix> {
        let mut all = vec![
            &self.embed_tokens,
            &self.lm_head,
            &self.q_head,
            &self.q_bias,
        ];
        all.extend(&self.puzzle_emb);
        all.extend(&self.embed_pos);
        all.extend([&self.h_init, &self.l_init]);
        for layer in &self.layers {
            match &layer.mix {
                MixWeights::Mlp(w) => all.extend([&w.gate_up, &w.down]),
                MixWeights::Attention { qkv, o } => all.extend([qkv, o]),
            }
            all.extend([&layer.mlp.gate_up, &layer.mlp.down]);
        }
        all
    }

    /// All tensors, in the order of [`TrmWeights::shapes`].
    pub fn tensors_mut(&mut self) -> Vec<&mut AlignedMatrix> {
        let mut all = vec![
            &mut self.embed_tokens,
            &mut self.lm_head,
            &mut self.q_head,
            &mut self.q_bias,
        ];
        all.extend(&mut self.puzzle_emb);
        all.extend(&mut self.embed_pos);
        all.extend([&mut self.h_init, &mut self.l_init]);
        for layer in &mut self.layers {
            match &mut layer.mix {
                MixWeights::Mlp(w) => all.extend([&mut w.gate_up, &mut w.down]),
                MixWeights::Attention { qkv, o } => all.extend([qkv, o]),
            }
            all.extend([&mut layer.mlp.gate_up, &mut layer.mlp.down]);
        }
        all
    }

    /// How many numbers a model of this configuration has.
    pub fn count(config: &TrmConfig) -> usize {
        let size = |(_, shape): NamedShape| shape.iter().product::<usize>();
        Self::shapes(config).into_iter().map(size).sum()
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
