//! The whole state of a training of vectors in one file, so that it goes on exactly where it stopped.
//!
//! Weights, their moving average and the optimiser's moments are tensors as in a checkpoint of puzzles; everything else is JSON in
//! the metadata entry `recurra.training.vectors`. The pairs are not in it.

use super::{VectorTrainConfig, VectorTrainer};
use crate::error::Result;
use crate::model::TrmConfig;
use crate::model::tensors::serialize;
use crate::tasks::vectors::VectorSpec;
use crate::train::checkpoint::{Learnt, format, learnt};
use crate::vectors::Pairs;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Name of the metadata entry.
const STATE_KEY: &str = "recurra.training.vectors";
/// Version of the state that this library writes.
const VERSION: u32 = 1;

/// What a checkpoint says of its training, without the weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VectorCheckpoint {
    version: u32,
    /// The vectors.
    pub spec: VectorSpec,
    /// The architecture.
    pub architecture: TrmConfig,
    /// How it is trained.
    pub config: VectorTrainConfig,
    /// Training steps done.
    pub step: u64,
    adam_steps: u64,
    /// What [`VectorTrainer::to_checkpoint`] was given.
    pub notes: serde_json::Value,
}

impl VectorCheckpoint {
    /// Whether these bytes are a checkpoint of vectors, and not one of puzzles.
    pub fn is(bytes: &[u8]) -> bool {
        let read = SafeTensors::read_metadata(bytes);
        read.is_ok_and(|(_, metadata)| {
            let notes = metadata.metadata().as_ref();
            notes.is_some_and(|notes| notes.contains_key(STATE_KEY))
        })
    }

    /// Reads it from the bytes of a checkpoint.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) or [`Error::Config`](crate::Error::Config) for a file that is no checkpoint.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| format(&e))?;
        let state = metadata.metadata().as_ref().and_then(|m| m.get(STATE_KEY));
        let state = state.ok_or_else(|| {
            format(&format!(
                "expected a metadata entry `{STATE_KEY}`, found none"
            ))
        })?;
        let state: VectorCheckpoint = serde_json::from_str(state).map_err(|e| format(&e))?;
        if state.version != VERSION {
            return Err(format(&format!(
                "expected version {VERSION}, found {}",
                state.version
            )));
        }
        state.architecture.validate()?;
        Ok(state)
    }
}

impl VectorTrainer {
    /// The bytes of a checkpoint. `notes` are kept and given back as they are.
    pub fn to_checkpoint(&self, notes: &serde_json::Value) -> Vec<u8> {
        let state = VectorCheckpoint {
            version: VERSION,
            spec: self.spec.clone(),
            architecture: self.architecture().clone(),
            config: self.config.clone(),
            step: self.step,
            adam_steps: self.optimizer.steps,
            notes: notes.clone(),
        };
        let state = serde_json::to_string(&state).expect("a state is JSON");
        let tensors = learnt(
            self.architecture(),
            &self.weights,
            &self.average,
            &self.optimizer,
        );
        serialize(&tensors, HashMap::from([(STATE_KEY.to_owned(), state)]))
    }

    /// Goes on from a checkpoint, with the pairs that the training began with. With the same number of threads, everything that
    /// follows is the same as without the interruption, byte for byte.
    ///
    /// # Errors
    /// As [`VectorCheckpoint::read`] and [`VectorTrainer::new`]; [`Error::Tensor`](crate::Error::Tensor) for a file that is no whole
    /// checkpoint.
    pub fn from_checkpoint(bytes: &[u8], pairs: Arc<Pairs>, threads: usize) -> Result<Self> {
        let state = VectorCheckpoint::read(bytes)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| format(&e))?;
        let saved = Learnt {
            tensors: &tensors,
            config: &state.architecture,
        };
        saved.check()?;
        let weights = saved.weights("weights", true)?;
        let mut trainer = VectorTrainer::new(
            state.spec,
            &state.architecture,
            state.config,
            pairs,
            weights,
            threads,
        )?;
        trainer.average = saved.weights("average", true)?;
        saved.optimizer(&mut trainer.optimizer, state.adam_steps)?;
        trainer.step = state.step;
        Ok(trainer)
    }
}
