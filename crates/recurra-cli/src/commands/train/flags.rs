//! Flags for the architecture and the recipe, and what they change in a preset.

use crate::exit::UsageError;
use clap::builder::RangedU64ValueParser;
use recurra::kernels::Isa;
use recurra::train::{Decay, Probabilities, Rule, TrainConfig, TrainPrecision};
use recurra::{Mixer, Positions, TrmConfig};

/// The architecture, where it is to differ from the task's preset.
#[derive(clap::Args)]
#[command(next_help_heading = "Architecture [default: a preset for the size]")]
pub(super) struct Shape {
    /// Channels
    #[arg(long, value_name = "N")]
    pub(super) hidden: Option<usize>,
    /// Layers
    #[arg(long, value_name = "N")]
    pub(super) layers: Option<usize>,
    /// Updates of the answer state in one improvement step
    #[arg(long, value_name = "N")]
    pub(super) h_cycles: Option<usize>,
    /// Updates of the reasoning state before each of them
    #[arg(long, value_name = "N")]
    pub(super) l_cycles: Option<usize>,
    /// Improvement steps about each question in training, and at most when the model is asked [default: 16; 4 for vectors]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) think: Option<u16>,
    /// How positions are mixed
    #[arg(long, value_enum)]
    pub(super) mixer: Option<MixerName>,
    /// How attention knows where a cell stands [default: in rows and columns]
    #[arg(long, value_enum)]
    pub(super) positions: Option<PositionsName>,
    /// Attention heads
    #[arg(long, value_name = "N")]
    pub(super) heads: Option<usize>,
    /// Width of a SwiGLU relative to its input
    #[arg(long, value_name = "X")]
    pub(super) expansion: Option<f64>,
    /// Widths of SwiGLUs are raised to a multiple of this, itself one of 16
    #[arg(long, value_name = "N")]
    pub(super) swiglu_multiple: Option<usize>,
}

/// The mixers.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum MixerName {
    /// A SwiGLU across positions
    Mlp,
    /// Attention
    Attention,
    /// A convolution of 3 x 3 cells, which also sees the mean of all cells
    Conv,
    /// Messages between the candidates of cells over the groups in which no symbol stands twice: Sudoku, and tables whose
    /// rules declare such groups
    Constraints,
}

/// What attention knows of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PositionsName {
    /// Rotary, by the cell's number
    Line,
    /// Rotary, by the cell's row and column
    Grid,
    /// A learned row for each cell
    Learned,
}

/// The optimisers.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum OptimizerName {
    /// AdamW
    Adamw,
    /// Adam with the arc tangent of mean and root
    AdamAtan2,
    /// Muon for the linear layers, AdamW for the rest
    Muon,
}

impl From<OptimizerName> for Rule {
    fn from(name: OptimizerName) -> Self {
        match name {
            OptimizerName::Adamw => Rule::AdamW,
            OptimizerName::AdamAtan2 => Rule::AdamAtan2,
            OptimizerName::Muon => Rule::Muon,
        }
    }
}

/// Probabilities of logits.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum ProbabilitiesName {
    /// That grow with a logit, not with its exponential
    Stablemax,
    /// That grow with a logit's exponential
    Softmax,
}

impl From<ProbabilitiesName> for Probabilities {
    fn from(name: ProbabilitiesName) -> Self {
        match name {
            ProbabilitiesName::Stablemax => Probabilities::Stablemax,
            ProbabilitiesName::Softmax => Probabilities::Softmax,
        }
    }
}

/// The numbers that linear layers multiply.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum PrecisionName {
    /// 32-bit floats
    F32,
    /// bfloat16, with sums and weights in f32
    Bf16,
}

impl From<PrecisionName> for TrainPrecision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::F32 => TrainPrecision::F32,
            PrecisionName::Bf16 => TrainPrecision::Bf16,
        }
    }
}

/// The recipe, where it is to differ from the default.
#[derive(clap::Args)]
#[command(next_help_heading = "Recipe")]
pub(super) struct Recipe {
    /// Samples in a batch [default: 32; 16 for ARC]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(super) batch: Option<usize>,
    /// How gradients change weights [default: adamw]
    #[arg(long, value_enum)]
    pub(super) optimizer: Option<OptimizerName>,
    /// Peak learning rate [default: 0.004; 0.002 for ARC]
    #[arg(long, value_name = "X")]
    pub(super) lr: Option<f64>,
    /// Steps of the warm-up [default: 100]
    #[arg(long, value_name = "N")]
    pub(super) warmup: Option<u64>,
    /// Keep the learning rate after the warm-up, instead of a cosine
    #[arg(long)]
    pub(super) constant_lr: bool,
    /// Weight decay [default: 0.1]
    #[arg(long, value_name = "X")]
    pub(super) weight_decay: Option<f64>,
    /// Begin with a shallow recursion, which deepens when 30 % and 60 % of the training are done [default: true; false for ARC and mazes]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(super) curriculum: Option<bool>,
    /// Share of the samples that begin to think in a random state [default: 0]
    #[arg(long, value_name = "X")]
    pub(super) random_start: Option<f64>,
    /// Begin to think about a sample in so many states, and train the one that does best (winner takes all) [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) starts: Option<usize>,
    /// What logits become for the loss [default: softmax; stablemax for ARC]
    #[arg(long, value_enum)]
    pub(super) probabilities: Option<ProbabilitiesName>,
    /// Numbers that linear layers multiply, forward and backward [default: bf16 where this processor has instructions that pay, otherwise
    /// f32]
    #[arg(long, value_enum)]
    pub(super) precision: Option<PrecisionName>,
    /// Share of each label that is shared out to all tokens [default: 0]
    #[arg(long, value_name = "X")]
    pub(super) label_smoothing: Option<f64>,
    /// Decay of the moving average of the weights [default: 0.995]
    #[arg(long, value_name = "X")]
    pub(super) ema: Option<f64>,
    /// Largest 2-norm of the gradient, 0 for no limit [default: 1]
    #[arg(long, value_name = "X")]
    pub(super) clip: Option<f64>,
    /// Seed of everything random [default: 0]
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
}

impl Shape {
    /// What every task has.
    pub(super) fn sizes(&self, config: &mut TrmConfig) {
        set(&mut config.hidden_size, self.hidden);
        set(&mut config.num_layers, self.layers);
        set(&mut config.h_cycles, self.h_cycles);
        set(&mut config.l_cycles, self.l_cycles);
        set(&mut config.num_heads, self.heads);
        set(&mut config.expansion, self.expansion);
        set(&mut config.swiglu_multiple, self.swiglu_multiple);
        set(&mut config.halt_max_steps, self.think.map(usize::from));
    }

    /// `cols` is the number of columns of the task's grids.
    pub(super) fn apply(&self, config: &mut TrmConfig, cols: usize) -> Result<(), UsageError> {
        self.sizes(config);
        // A row of the puzzle table fills its positions at most.
        let most = config.puzzle_emb_len * config.hidden_size;
        config.puzzle_emb_ndim = config.puzzle_emb_ndim.min(most);
        match self.mixer {
            // A preset of its own has begun it.
            None | Some(MixerName::Constraints) => {}
            Some(MixerName::Mlp) => {
                (config.mixer, config.positions) = (Mixer::Mlp, Positions::None);
            }
            Some(MixerName::Attention) => {
                (config.mixer, config.positions) = (Mixer::Attention, Positions::Grid { cols });
            }
            Some(MixerName::Conv) => {
                (config.mixer, config.positions) = (Mixer::Conv, Positions::Grid { cols });
            }
        }
        let positions = match self.positions {
            None => return Ok(()),
            Some(PositionsName::Line) => Positions::Rotary,
            Some(PositionsName::Grid) => Positions::Grid { cols },
            Some(PositionsName::Learned) => Positions::Learned,
        };
        let expected = match (config.mixer, positions) {
            (Mixer::Attention, _) | (Mixer::Mlp, Positions::Learned) => None,
            (Mixer::Conv, Positions::Grid { .. }) => None,
            (Mixer::Mlp, _) => Some("--mixer attention, or `learned`"),
            (Mixer::Conv, _) => Some("--mixer attention, or `grid`"),
            (Mixer::Constraints | Mixer::Tokens, _) => Some("another --mixer"),
        };
        if let Some(expected) = expected {
            return Err(UsageError(format!("--positions: expected {expected}")));
        }
        config.positions = positions;
        Ok(())
    }
}

impl Recipe {
    pub(super) fn apply(&self, train: &mut TrainConfig) {
        set(&mut train.batch_size, self.batch);
        set(&mut train.optimizer, self.optimizer.map(Rule::from));
        set(&mut train.lr, self.lr);
        set(&mut train.warmup, self.warmup);
        set(&mut train.weight_decay, self.weight_decay);
        set(&mut train.ema, self.ema);
        set(&mut train.clip, self.clip);
        set(&mut train.random_start, self.random_start);
        set(&mut train.starts, self.starts);
        let probabilities = self.probabilities.map(Probabilities::from);
        set(&mut train.probabilities, probabilities);
        set(&mut train.curriculum, self.curriculum);
        let fastest = TrainPrecision::fastest(Isa::detect());
        train.precision = self.precision.map_or(fastest, TrainPrecision::from);
        set(&mut train.label_smoothing, self.label_smoothing);
        set(&mut train.seed, self.seed);
        if self.constant_lr {
            train.decay = Decay::Constant;
        }
    }
}

/// Replaces a default by what was asked for.
pub(super) fn set<T: Copy>(value: &mut T, asked: Option<T>) {
    *value = asked.unwrap_or(*value);
}
