//! Training models of vectors: each improvement step's vector is to find its passage among those of the batch.
//!
//! A training step takes questions with their passages, thinks `halt_max_steps` steps about all of them, and takes the
//! gradient of every step's loss through the whole recursion. In the loss a question's own passage stands against those of
//! the other questions, and against passages that are near and wrong: those of the file, and those that raw vectors find.

mod calibrate;
mod checkpoint;
mod contrast;
// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
mod unrolled;

pub use calibrate::calibrate;
pub use checkpoint::VectorCheckpoint;

use super::gradient::Gradient;
use super::optimizer::{Optimizer, move_average};
use super::schedule::learning_rate_ratio;
use super::{Decay, TrainConfig};
use crate::engine::PackedModel;
use crate::error::{Error, Result};
use crate::hash::fnv1a;
use crate::model::{TrmConfig, TrmModel, TrmWeights};
use crate::network::config::{Mixer, Positions};
use crate::network::stack::PackedLayer;
use crate::tasks::TaskSpec;
use crate::tasks::vectors::VectorSpec;
use crate::vectors::state::{tokens, turns};
use crate::vectors::{FlatIndex, Pairs, Row};
use contrast::{Columns, Contrast};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra_kernels::Isa;
use recurra_kernels::pack::Entries;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use unrolled::{Batch, Unrolled};

/// How a model of vectors is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorTrainConfig {
    /// Batch, optimiser, schedule, seed. Fields that only puzzles have do nothing.
    pub train: TrainConfig,
    /// Scores are divided by this before the softmax.
    pub temperature: f64,
    /// Weight of the halting head's loss.
    pub halt_weight: f64,
    /// Wrong passages of each question that the raw vectors find nearest and that stand in the loss.
    pub mined: usize,
    /// Length of the random vector that is added to each vector that the network sees.
    pub noise: f64,
}

impl Default for VectorTrainConfig {
    fn default() -> Self {
        VectorTrainConfig {
            train: TrainConfig {
                batch_size: 128,
                lr: 1e-3,
                warmup: 50,
                decay: Decay::Cosine,
                least_lr: 0.05,
                weight_decay: 0.1,
                ema: 0.99,
                ..TrainConfig::default()
            },
            temperature: 0.05,
            halt_weight: 0.5,
            mined: 4,
            noise: 0.0,
        }
    }
}

/// What one training step found, over the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VectorReport {
    /// Training steps done, this one included.
    pub step: u64,
    /// Mean over the improvement steps of both losses.
    pub loss: f64,
    /// The share of the questions whose passage came first in the batch after the last improvement step.
    pub first: f64,
    /// 2-norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of this step.
    pub lr: f64,
}

/// The architecture for vectors, where nothing else is asked for.
pub fn architecture(spec: &VectorSpec) -> TrmConfig {
    TrmConfig {
        vocab_size: spec.dimension,
        seq_len: spec.roles(),
        hidden_size: 128,
        num_heads: 4,
        expansion: 2.0,
        swiglu_multiple: 32,
        num_layers: 1,
        h_cycles: 1,
        l_cycles: 2,
        mixer: Mixer::Tokens,
        positions: Positions::Learned,
        puzzle_emb_ndim: 0,
        puzzle_emb_len: 0,
        num_puzzle_identifiers: 1,
        halt_max_steps: 4,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    }
}

/// A model that nobody has trained: it returns every first answer as it is.
///
/// # Errors
/// [`Error::Config`] for vectors that no model can have.
pub fn untrained(spec: VectorSpec, seed: u64) -> Result<TrmModel> {
    spec.check()?;
    let config = architecture(&spec);
    config.validate()?;
    let weights = TrmWeights::random(&config, seed);
    Ok(TrmModel::new(
        config,
        Some(TaskSpec::Vectors(spec)),
        weights,
    ))
}

/// A model of vectors in training.
#[derive(Debug)]
pub struct VectorTrainer {
    spec: VectorSpec,
    config: VectorTrainConfig,
    pairs: Arc<Pairs>,
    /// Rows with as many question vectors each.
    groups: Vec<Vec<usize>>,
    /// All different answers, and which is each row's.
    index: FlatIndex,
    /// A name for each of them by its numbers, as negatives and paths have; and which is each row's.
    names: Vec<u64>,
    right: Vec<usize>,
    /// For each row, the places of near and wrong answers.
    mined: Vec<Vec<usize>>,
    weights: TrmWeights,
    average: TrmWeights,
    optimizer: Optimizer,
    packed: PackedModel,
    transposed: Vec<PackedLayer>,
    workers: Vec<Worker>,
    step: u64,
}

/// One thread's part of a batch.
#[derive(Debug)]
struct Worker {
    gradient: Gradient,
    space: Option<Unrolled>,
}

impl VectorTrainer {
    /// Begins training from the given weights, on `threads` threads.
    ///
    /// # Errors
    /// [`Error::Config`] for an impossible configuration or fewer than two pairs; as [`Pairs::check`] otherwise.
    pub fn new(
        spec: VectorSpec,
        architecture: &TrmConfig,
        config: VectorTrainConfig,
        pairs: Arc<Pairs>,
        weights: TrmWeights,
        threads: usize,
    ) -> Result<Self> {
        spec.check()?;
        architecture.validate()?;
        config.train.validate()?;
        let train = &config.train;
        let numbers = [
            ("temperature", config.temperature, 1e-4, 100.0),
            ("halt_weight", config.halt_weight, 0.0, 100.0),
            ("noise", config.noise, 0.0, 10.0),
            ("mined", config.mined as f64, 0.0, 64.0),
            // Alone in a batch, every passage is the right one.
            (
                "batch_size",
                train.batch_size as f64,
                2.0,
                f64::from(1 << 16),
            ),
            ("pairs", pairs.len() as f64, 2.0, f64::from(1 << 30)),
        ];
        for (field, found, least, most) in numbers {
            if !(least..=most).contains(&found) {
                return Err(Error::Config {
                    field,
                    expected: format!("{least} to {most}"),
                    found: found.to_string(),
                });
            }
        }
        pairs.check(&spec)?;
        let (answers, right) = pairs.distinct_answers();
        let index = FlatIndex::new(spec.norm, spec.dimension, &answers)?;
        if index.len() < spec.neighbours.max(2) {
            return Err(Error::Config {
                field: "pairs",
                expected: format!("at least {} different answers", spec.neighbours.max(2)),
                found: index.len().to_string(),
            });
        }
        let names = answers.chunks_exact(spec.dimension).map(name).collect();
        let mined = mine(&index, &pairs, &right, config.mined);
        let mut by_length = std::collections::BTreeMap::<usize, Vec<usize>>::new();
        for i in 0..pairs.len() {
            let length = pairs.row(i).question.len();
            by_length.entry(length).or_default().push(i);
        }
        let packed = PackedModel::rounded(
            Isa::detect(),
            architecture,
            &weights,
            train.precision.into(),
        );
        let workers = (0..threads.clamp(1, train.batch_size)).map(|_| Worker {
            gradient: Gradient::new(architecture),
            space: None,
        });
        Ok(VectorTrainer {
            transposed: packed.transposed(&weights),
            packed,
            workers: workers.collect(),
            optimizer: Optimizer::new(architecture, train.optimizer_settings()),
            average: weights.clone(),
            weights,
            groups: by_length.into_values().collect(),
            index,
            names,
            right,
            mined,
            spec,
            config,
            pairs,
            step: 0,
        })
    }

    /// The architecture.
    pub fn architecture(&self) -> &TrmConfig {
        self.packed.config()
    }

    /// The vectors.
    pub fn spec(&self) -> &VectorSpec {
        &self.spec
    }

    /// How it is trained.
    pub fn config(&self) -> &VectorTrainConfig {
        &self.config
    }

    /// What it is trained on.
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// Threads that train.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    /// The moving average of the weights: the model to use.
    pub fn average(&self) -> &TrmWeights {
        &self.average
    }

    /// The model as it is now.
    pub fn model(&self) -> TrmModel {
        let task = TaskSpec::Vectors(self.spec.clone());
        TrmModel::new(
            self.architecture().clone(),
            Some(task),
            self.average.clone(),
        )
    }

    /// Training steps done.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// One training step. `progress` is the share of the training that is done, 0 to 1; it sets the learning rate.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss or the gradient is not finite; the weights are then as before.
    pub fn step(&mut self, progress: f64) -> Result<VectorReport> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.train.seed);
        rng.set_stream(1 + self.step);
        let rows = self.draw(&mut rng);
        let (loss, first) = self.gradient(&rows, rng.next_u64());
        let train = &self.config.train;
        let rate = learning_rate_ratio(
            train.decay,
            train.warmup,
            train.least_lr,
            self.step,
            progress,
        );
        let gradient = &self.workers[0].gradient;
        let report = VectorReport {
            step: self.step + 1,
            loss,
            first,
            gradient_norm: gradient.norm(),
            lr: train.lr * rate,
        };
        if !report.loss.is_finite() || !report.gradient_norm.is_finite() {
            return Err(Error::Diverged {
                step: report.step,
                loss,
            });
        }
        let scale = if train.clip > 0.0 && report.gradient_norm > train.clip {
            train.clip / report.gradient_norm
        } else {
            1.0
        };
        let isa = self.packed.isa();
        let lr = report.lr as f32;
        self.optimizer
            .step(isa, &mut self.weights, &gradient.weights, scale as f32, lr);
        let short = (1 + self.step) as f64 / (10 + self.step) as f64;
        let decay = train.ema.min(short) as f32;
        move_average(
            isa,
            &mut self.average,
            &self.weights,
            &self.optimizer.mean,
            decay,
        );
        self.packed.repack(&self.weights);
        for (packed, weights) in self.transposed.iter_mut().zip(&self.weights.layers) {
            packed.repack(isa, weights, Entries::transposed);
        }
        self.step += 1;
        Ok(report)
    }

    /// Different rows with as many question vectors each.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let batch = self.config.train.batch_size;
        // A group by its share of the rows.
        let mut at = (rng.next_u64() % self.pairs.len() as u64) as usize;
        let mut group = &self.groups[0];
        for candidate in &self.groups {
            group = candidate;
            if at < group.len() {
                break;
            }
            at -= group.len();
        }
        if group.len() <= batch {
            return group.clone();
        }
        let mut rows = Vec::with_capacity(batch);
        let mut taken = std::collections::HashSet::with_capacity(batch);
        while rows.len() < batch {
            let row = group[(rng.next_u64() % group.len() as u64) as usize];
            if taken.insert(row) {
                rows.push(row);
            }
        }
        rows
    }

    /// The loss of some rows and its gradient, summed into the first worker's.
    fn gradient(&mut self, rows: &[usize], seed: u64) -> (f64, f64) {
        let (pairs, spec) = (&*self.pairs, &self.spec);
        let (packed, transposed) = (&self.packed, &self.transposed);
        let questions = pairs.row(rows[0]).question.len() / spec.dimension;
        let most = packed.config().halt_max_steps;
        let steps = match spec.in_turn {
            true => most.min(turns(questions)),
            false => most,
        };
        let index = (spec.neighbours > 0).then_some(&self.index);
        let workers = self.workers.len().min(rows.len());
        let part = |i: usize| rows.len() * i / workers..rows.len() * (i + 1) / workers;
        let noise = self.config.noise as f32;
        let forward = |(i, worker): (usize, &mut Worker)| {
            let rows = &rows[part(i)];
            let batch = Batch {
                pairs,
                rows,
                steps,
                index,
                noise,
                seed: seed ^ (i as u64) << 32,
            };
            let tokens = tokens(spec, questions);
            let space = worker
                .space
                .take()
                .filter(|space| space.fits(rows.len(), tokens));
            let mut space =
                space.unwrap_or_else(|| Unrolled::new(packed, spec, rows.len(), tokens));
            space.forward(packed, &batch);
            worker.space = Some(space);
        };
        each(&mut self.workers[..workers], &forward);
        // Where no path says otherwise, every step has the same passages.
        let kinds = self.pairs.path_each().clamp(1, steps);
        let columns: Vec<Columns> = (0..kinds).map(|step| self.columns(rows, step)).collect();
        let contrast = |step: usize| Contrast {
            isa: self.packed.isa(),
            columns: &columns[step.min(kinds - 1)],
            temperature: self.config.temperature,
            halt_weight: self.config.halt_weight,
        };
        let share = 1.0 / (rows.len() * steps) as f64;
        let mut spaces: Vec<&mut Unrolled> = Vec::with_capacity(workers);
        spaces.extend(
            self.workers[..workers]
                .iter_mut()
                .filter_map(|w| w.space.as_mut()),
        );
        let judged: Vec<(f64, usize)> = {
            let one = |(i, space): (usize, &mut &mut Unrolled)| {
                let first = part(i).start;
                let mut sums = (0.0, 0);
                for step in 0..steps {
                    let (loss, right) = contrast(step).judge(space.outcome(step), first, share);
                    sums.0 += loss;
                    sums.1 = right;
                }
                sums
            };
            each(&mut spaces, &one)
        };
        let backward = |(_, worker): (usize, &mut Worker)| {
            worker.gradient.clear();
            let space = worker.space.as_mut().expect("it has thought");
            space.backward(packed, transposed, &mut worker.gradient);
            worker.gradient.finish();
        };
        each(&mut self.workers[..workers], &backward);
        let (all, rest) = self.workers.split_first_mut().expect("there is a worker");
        rest[..workers - 1]
            .iter()
            .for_each(|worker| all.gradient.add(&worker.gradient));
        let loss = judged.iter().map(|j| j.0).sum();
        let right: usize = judged.iter().map(|j| j.1).sum();
        (loss, right as f64 / rows.len() as f64)
    }

    /// The passages among which the questions of a batch look: their own after an improvement step, in their order, and wrong ones.
    fn columns(&self, rows: &[usize], step: usize) -> Columns {
        let mut columns = Columns::new(self.spec.norm, self.spec.dimension);
        let mut seen = std::collections::HashSet::new();
        for &row in rows {
            let Row { answer, path, .. } = self.pairs.row(row);
            let end = self.names[self.right[row]];
            // The last step of a path is the answer, whatever stands there.
            let mut steps = path.chunks_exact(self.spec.dimension).rev().skip(1).rev();
            let vector = steps.nth(step).unwrap_or(answer);
            let own = name(vector);
            // A step that begins anew knows only of itself whether it is right.
            columns.push_own(vector, own, own == end || self.spec.in_turn);
            seen.insert(own);
        }
        for &row in rows {
            for &place in &self.mined[row] {
                if seen.insert(self.names[place]) {
                    columns.push(self.index.vector(place), self.names[place]);
                }
            }
            let negatives = self.pairs.row(row).negatives;
            for vector in negatives.chunks_exact(self.spec.dimension) {
                let name = name(vector);
                if seen.insert(name) {
                    columns.push(vector, name);
                }
            }
        }
        columns.finish();
        columns
    }
}

/// By which equal vectors are known.
fn name(vector: &[f32]) -> u64 {
    fnv1a(vector.iter().flat_map(|v| v.to_le_bytes()))
}

/// For each row the nearest wrong answers by its first answer.
fn mine(index: &FlatIndex, pairs: &Pairs, right: &[usize], count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new(); pairs.len()];
    }
    let d = pairs.dimension;
    let raw: Vec<f32> = (0..pairs.len())
        .flat_map(|i| pairs.row(i).initial)
        .copied()
        .collect();
    let mut all = Vec::with_capacity(pairs.len());
    for (i, found) in index
        .nearest(&raw[..pairs.len() * d], count + 1)
        .into_iter()
        .enumerate()
    {
        let wrong = found
            .into_iter()
            .map(|(place, _)| place)
            .filter(|&place| place != right[i]);
        all.push(wrong.take(count).collect());
    }
    all
}

/// Does something with each, on all threads, in an order that does not matter.
fn each<T: Send, R: Send>(items: &mut [T], run: &(impl Fn((usize, &mut T)) -> R + Sync)) -> Vec<R> {
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        items.par_iter_mut().enumerate().map(run).collect()
    }
    #[cfg(not(feature = "threads"))]
    items.iter_mut().enumerate().map(run).collect()
}
