//! The whole state of a training in one file, so that it goes on exactly where it stopped.
//!
//! A safetensors file: the weights, their moving average, the optimiser's moments and the latent states of the batch,
//! named `weights.NAME`, `average.NAME`, `mean.NAME`, `square.NAME`, `z_h` and `z_l`; everything else is JSON in the
//! metadata entry `recurra.training`. Random numbers need no state: they are drawn anew from the seed, the step and
//! the place in the batch.

use super::config::TrainConfig;
use super::gradient::is_trained;
use super::group::{Alone, Group};
use super::optimizer::Optimizer;
use super::sample::Sample;
use super::trainer::Trainer;
use crate::error::{Error, Result};
use crate::groups::Groups;
use crate::model::tensors::{Tensor, serialize, tensor_matrix};
use crate::model::weights::check_shape;
use crate::model::{TrmConfig, TrmWeights};
use recurra_kernels::AlignedMatrix;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Name of the metadata entry.
const STATE_KEY: &str = "recurra.training";
/// Version of the state that this library writes.
const VERSION: u32 = 1;

/// Everything that is not a matrix.
#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    architecture: TrmConfig,
    /// Those of the architecture, which itself does not say them.
    #[serde(default)]
    groups: Option<Groups>,
    /// Of a mixture, the tasks after the first, whose weights are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
    train: TrainConfig,
    step: u64,
    adam_steps: u64,
    slots: Vec<SlotState>,
    /// The caller's own.
    notes: serde_json::Value,
}

/// In what another task of a mixture differs from the first.
#[derive(Serialize, Deserialize)]
struct Other {
    seq_len: usize,
    vocab_size: usize,
    groups: Option<Groups>,
}

#[derive(Serialize, Deserialize)]
struct SlotState {
    #[serde(default, skip_serializing_if = "is_zero")]
    kind: usize,
    question: Vec<u16>,
    labels: Vec<u16>,
    puzzle: usize,
    steps: usize,
    halted: bool,
}

/// Whether a number need not be written.
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What is wrong with a file that is no checkpoint.
pub(super) fn format(what: &dyn std::fmt::Display) -> Error {
    Error::Format(format!("not a checkpoint: {what}"))
}

impl State {
    /// Reads everything that is not a matrix.
    fn read(bytes: &[u8]) -> Result<Self> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| format(&e))?;
        let state = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(STATE_KEY))
            .ok_or_else(|| {
                format(&format!(
                    "expected a metadata entry `{STATE_KEY}`, found none"
                ))
            })?;
        let mut state: State = serde_json::from_str(state).map_err(|e| format(&e))?;
        if state.version != VERSION {
            return Err(format(&format!(
                "expected version {VERSION}, found {}",
                state.version
            )));
        }
        state.architecture.groups = state.groups.take().map(Arc::new);
        state.architecture.validate()?;
        Ok(state)
    }
}

/// What a checkpoint says of its training, without the weights.
#[derive(Debug, Clone)]
pub struct CheckpointHead {
    /// The architecture; of a mixture, that of its first task.
    pub architecture: TrmConfig,
    /// How it is trained.
    pub train: TrainConfig,
    /// Training steps done.
    pub step: u64,
    /// What [`Trainer::to_checkpoint`] was given.
    pub notes: serde_json::Value,
}

impl CheckpointHead {
    /// Reads it from the bytes of a checkpoint.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Config`] for a file that is no checkpoint.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let state = State::read(bytes)?;
        Ok(CheckpointHead {
            architecture: state.architecture,
            train: state.train,
            step: state.step,
            notes: state.notes,
        })
    }
}

/// The tensors of what is learnt: weights, their moving average, and the optimiser's moments.
pub(super) fn learnt(
    config: &TrmConfig,
    weights: &TrmWeights,
    average: &TrmWeights,
    optimizer: &Optimizer,
) -> Vec<Tensor> {
    let shapes = TrmWeights::shapes(config);
    let mut tensors = Vec::new();
    for (group, weights) in [
        ("weights", weights),
        ("average", average),
        ("mean", &optimizer.mean),
        ("square", &optimizer.square),
    ] {
        for ((name, shape), matrix) in shapes.iter().zip(weights.tensors()) {
            // What the optimiser does not train has no moments.
            if matrix.rows() > 0 {
                tensors.push(Tensor::f32(&format!("{group}.{name}"), shape, matrix));
            }
        }
    }
    tensors
}

/// The same in a file.
pub(super) struct Learnt<'a> {
    pub(super) tensors: &'a SafeTensors<'a>,
    pub(super) config: &'a TrmConfig,
}

impl Learnt<'_> {
    /// Checks all shapes before anything is allocated in those of the configuration.
    pub(super) fn check(&self) -> Result<()> {
        for (name, shape) in TrmWeights::shapes(self.config) {
            let view = self.tensors.tensor(&format!("weights.{name}"));
            check_shape(&name, &shape, view.map_err(|e| format(&e))?.shape())?;
        }
        Ok(())
    }

    pub(super) fn read(&self, name: &str, shape: &[usize]) -> Result<AlignedMatrix> {
        let view = self.tensors.tensor(name).map_err(|e| format(&e))?;
        check_shape(name, shape, view.shape())?;
        if view.dtype() != Dtype::F32 {
            return Err(format(&format!("tensor `{name}`: expected F32")));
        }
        tensor_matrix(name, shape, view.data())
    }

    pub(super) fn weights(&self, group: &str, all: bool) -> Result<TrmWeights> {
        TrmWeights::build(self.config, |name, shape| {
            if all || is_trained(name) {
                self.read(&format!("{group}.{name}"), shape)
            } else {
                Ok(AlignedMatrix::zeros(0, 0))
            }
        })
    }

    pub(super) fn optimizer(&self, optimizer: &mut Optimizer, steps: u64) -> Result<()> {
        optimizer.mean = self.weights("mean", false)?;
        // Some optimisers keep no square of some tensors; earlier versions stored zeros for them.
        let squares = optimizer.square.tensors_mut().into_iter();
        for ((name, shape), square) in TrmWeights::shapes(self.config).iter().zip(squares) {
            if square.rows() > 0 {
                *square = self.read(&format!("square.{name}"), shape)?;
            }
        }
        optimizer.steps = steps;
        Ok(())
    }
}

impl Trainer {
    /// The bytes of a checkpoint. `notes` are kept and given back as they are. In a group, all processes must ask, and get the
    /// same.
    pub fn to_checkpoint(&self, notes: &serde_json::Value) -> Vec<u8> {
        let whole;
        let slots = if self.group.size() == 1 {
            &self.slots
        } else {
            whole = self.whole_batch();
            &whole
        };
        let state = State {
            version: VERSION,
            architecture: self.config().clone(),
            groups: self.config().groups.as_deref().cloned(),
            others: self
                .configs()
                .skip(1)
                .map(|config| Other {
                    seq_len: config.seq_len,
                    vocab_size: config.vocab_size,
                    groups: config.groups.as_deref().cloned(),
                })
                .collect(),
            train: self.train.clone(),
            step: self.step,
            adam_steps: self.optimizer.steps,
            slots: slots
                .iter()
                .map(|slot| SlotState {
                    kind: slot.sample.kind,
                    question: slot.sample.question.clone(),
                    labels: slot.sample.labels.clone(),
                    puzzle: slot.sample.puzzle,
                    steps: slot.steps,
                    halted: slot.halted,
                })
                .collect(),
            notes: notes.clone(),
        };
        let state = serde_json::to_string(&state).expect("a state is JSON");
        let mut tensors = learnt(self.config(), &self.weights, &self.average, &self.optimizer);
        for (i, slot) in slots.iter().enumerate() {
            let shape = [slot.z_h.rows(), slot.z_h.cols()];
            tensors.push(Tensor::f32(&format!("z_h.{i}"), &shape, &slot.z_h));
            tensors.push(Tensor::f32(&format!("z_l.{i}"), &shape, &slot.z_l));
        }
        serialize(&tensors, HashMap::from([(STATE_KEY.to_owned(), state)]))
    }

    /// Goes on from a checkpoint; also returns the notes given when it was made. With the same number of threads,
    /// everything that follows is the same as without the interruption, byte for byte.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::Config`] or [`Error::Tensor`] for a file that is no whole checkpoint.
    pub fn from_checkpoint(bytes: &[u8], threads: usize) -> Result<(Self, serde_json::Value)> {
        Self::from_checkpoint_in_group(bytes, threads, Box::new(Alone))
    }

    /// The same as one of several processes, whose number may be another than before.
    ///
    /// # Errors
    /// As [`Trainer::from_checkpoint`]; [`Error::Config`] for a batch smaller than the group.
    pub fn from_checkpoint_in_group(
        bytes: &[u8],
        threads: usize,
        group: Box<dyn Group>,
    ) -> Result<(Self, serde_json::Value)> {
        let state = State::read(bytes)?;
        let config = &state.architecture;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| format(&e))?;
        if state.slots.len() != state.train.batch_size {
            let (expected, found) = (state.train.batch_size, state.slots.len());
            return Err(format(&format!(
                "expected {expected} samples, found {found}"
            )));
        }
        let kept = Learnt {
            tensors: &tensors,
            config,
        };
        kept.check()?;
        let others = state.others.into_iter().map(|other| TrmConfig {
            seq_len: other.seq_len,
            vocab_size: other.vocab_size,
            groups: other.groups.map(Arc::new),
            ..config.clone()
        });
        let configs: Vec<TrmConfig> = std::iter::once(config.clone()).chain(others).collect();
        let mut trainer = Trainer::of_mixture(
            &configs,
            state.train.clone(),
            kept.weights("weights", true)?,
            threads,
            group,
        )?;
        trainer.average = kept.weights("average", true)?;
        kept.optimizer(&mut trainer.optimizer, state.adam_steps)?;
        trainer.step = state.step;
        let first = trainer.first_place();
        let mine = state.slots.into_iter().enumerate().skip(first);
        for (slot, (i, saved)) in trainer.slots.iter_mut().zip(mine) {
            let sample = Sample {
                question: saved.question,
                labels: saved.labels,
                puzzle: saved.puzzle,
                kind: saved.kind,
            };
            let config = configs.get(sample.kind).ok_or_else(|| {
                let (most, found) = (configs.len(), sample.kind);
                format(&format!("expected a kind below {most}, found {found}"))
            })?;
            sample.check(config)?;
            slot.fit(config);
            let shape = [config.positions_len(), config.hidden_size];
            slot.sample = sample;
            (slot.steps, slot.halted) = (saved.steps, saved.halted);
            slot.z_h = kept.read(&format!("z_h.{i}"), &shape)?;
            slot.z_l = kept.read(&format!("z_l.{i}"), &shape)?;
        }
        Ok((trainer, state.notes))
    }
}
