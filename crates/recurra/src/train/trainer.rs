//! The training loop's state and its one step.

#[cfg(test)]
use super::gradient::Gradient;
use super::optimizer::{Optimizer, Rule, Settings, move_average};
use super::sample::SampleSource;
use super::schedule::{Decay, depth, learning_rate_ratio};
use super::worker::{Slot, Worker};
use crate::engine::PackedModel;
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::model::{TrmConfig, TrmWeights};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Samples in a batch.
    pub batch_size: usize,
    /// Peak learning rate.
    pub lr: f64,
    /// Steps of the linear warm-up.
    pub warmup: u64,
    /// What the learning rate does after it.
    pub decay: Decay,
    /// Learning rate at the end of a cosine, relative to the peak.
    pub least_lr: f64,
    /// How gradients change weights.
    #[serde(default)]
    pub optimizer: Rule,
    /// Adam: decay of the mean gradient.
    pub beta1: f64,
    /// Adam: decay of the mean square.
    pub beta2: f64,
    /// AdamW: added to the root.
    pub eps: f64,
    /// Muon: decay of the momentum.
    #[serde(default = "default_momentum")]
    pub momentum: f64,
    /// Decoupled weight decay, relative to the learning rate.
    pub weight_decay: f64,
    /// Largest 2-norm of the gradient; 0 for no limit.
    pub clip: f64,
    /// Decay of the moving average of the weights, which is the model that is saved.
    pub ema: f64,
    /// Share of samples that must think for a random number of steps before they may halt.
    pub halt_exploration: f64,
    /// Whether the recursion is shallow at first ([`schedule::depth`](super::schedule::depth)).
    #[serde(default)]
    pub curriculum: bool,
    /// Share of samples that begin in random states instead of the model's own.
    #[serde(default)]
    pub random_start: f64,
    /// Learning rate of the puzzle table (sign descent).
    pub puzzle_lr: f64,
    /// Weight decay of the puzzle table.
    pub puzzle_weight_decay: f64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            batch_size: 128,
            lr: 2e-3,
            warmup: 100,
            decay: Decay::Cosine,
            least_lr: 0.05,
            optimizer: Rule::default(),
            momentum: default_momentum(),
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
            ema: 0.995,
            halt_exploration: 0.1,
            curriculum: false,
            random_start: 0.0,
            puzzle_lr: 1e-2,
            puzzle_weight_decay: 0.1,
            seed: 0,
        }
    }
}

fn default_momentum() -> f64 {
    0.95
}

/// What one training step found, over the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Training steps done, this one included.
    pub step: u64,
    /// Mean of `lm + 0.5 * halt`.
    pub loss: f64,
    /// Mean stablemax cross-entropy.
    pub lm_loss: f64,
    /// Mean halting loss.
    pub halt_loss: f64,
    /// Samples whose thinking ended in this step.
    pub finished: usize,
    /// Of those, the share answered right everywhere.
    pub exact: f64,
    /// Of those, the mean number of improvement steps.
    pub steps: f64,
    /// 2-norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of this step.
    pub lr: f64,
}

/// A model in training.
#[derive(Debug)]
pub struct Trainer {
    pub(crate) train: TrainConfig,
    pub(crate) config: TrmConfig,
    pub(crate) weights: TrmWeights,
    pub(crate) average: TrmWeights,
    pub(crate) optimizer: Optimizer,
    pub(crate) slots: Vec<Slot>,
    pub(crate) step: u64,
    packed: PackedModel,
    workers: Vec<Worker>,
}

impl Trainer {
    /// Begins training from the given weights, on `threads` threads.
    ///
    /// # Errors
    /// [`Error::Config`] for an impossible configuration.
    pub fn new(
        config: &TrmConfig,
        train: TrainConfig,
        weights: TrmWeights,
        threads: usize,
    ) -> Result<Self> {
        config.validate()?;
        train.validate()?;
        let settings = Settings {
            rule: train.optimizer,
            beta1: train.beta1 as f32,
            beta2: train.beta2 as f32,
            eps: train.eps as f32,
            weight_decay: train.weight_decay as f32,
            momentum: train.momentum as f32,
        };
        let threads = threads.clamp(1, train.batch_size);
        let mut packed = PackedModel::new(Isa::detect(), config, &weights);
        // Its rows are taken from the weights, which change with every step.
        packed.puzzle_emb = None;
        Ok(Trainer {
            packed,
            average: weights.clone(),
            slots: (0..train.batch_size).map(|_| Slot::new(config)).collect(),
            workers: (0..threads).map(|_| Worker::new(config)).collect(),
            config: config.clone(),
            step: 0,
            optimizer: Optimizer::new(config, settings),
            train,
            weights,
        })
    }

    /// The architecture.
    pub fn config(&self) -> &TrmConfig {
        &self.config
    }

    /// How it is trained.
    pub fn train_config(&self) -> &TrainConfig {
        &self.train
    }

    /// The weights as they are.
    pub fn weights(&self) -> &TrmWeights {
        &self.weights
    }

    /// The moving average of the weights: the model to use.
    pub fn average(&self) -> &TrmWeights {
        &self.average
    }

    /// Training steps done.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// One training step on the whole batch. `progress` is the share of the training that is done, 0 to 1; it
    /// sets the learning rate.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss or the gradient is not finite; the weights are then as before the step, and
    /// the next step begins with new samples.
    pub fn step(&mut self, source: &dyn SampleSource, progress: f64) -> Result<StepReport> {
        let (first_stream, seed) = (2 * self.step * self.slots.len() as u64, self.train.seed);
        for (i, slot) in self.slots.iter_mut().enumerate() {
            if slot.halted {
                let mut rng = stream(seed, first_stream + 2 * i as u64);
                source.draw(&mut rng, &mut slot.sample);
                let elsewhere = share(&mut rng) < self.train.random_start;
                slot.start = elsewhere.then_some(rng);
                slot.steps = 0;
                slot.halted = false;
            }
        }
        let (h_cycles, l_cycles) = (self.config.h_cycles, self.config.l_cycles);
        self.run_workers(if self.train.curriculum {
            depth(h_cycles, l_cycles, progress)
        } else {
            (h_cycles, l_cycles)
        });
        let (all, rest) = self.workers.split_first_mut().expect("there is a worker");
        for worker in rest {
            all.gradient.add(&worker.gradient);
        }
        let lr = self.train.lr
            * learning_rate_ratio(
                self.train.decay,
                self.train.warmup,
                self.train.least_lr,
                self.step,
                progress,
            );
        let report = self.report(lr);
        if !report.loss.is_finite() || !report.gradient_norm.is_finite() {
            // The latent states may not be finite either: all samples begin anew, so that the trainer can go on
            // and its checkpoint can be read.
            for slot in &mut self.slots {
                *slot = Slot::new(&self.config);
            }
            return Err(Error::Diverged {
                step: report.step,
                loss: report.loss,
            });
        }
        let scale = if self.train.clip > 0.0 && report.gradient_norm > self.train.clip {
            self.train.clip / report.gradient_norm
        } else {
            1.0
        };
        let gradient = &self.workers[0].gradient;
        self.optimizer.step(
            self.packed.isa(),
            &mut self.weights,
            &gradient.weights,
            scale as f32,
            lr as f32,
        );
        self.move_puzzle_rows(lr / self.train.lr);
        move_average(
            self.packed.isa(),
            &mut self.average,
            &self.weights,
            &self.optimizer.mean,
            self.train.ema as f32,
        );
        self.packed.repack(&self.weights);
        for (i, slot) in self.slots.iter_mut().enumerate() {
            let rng = stream(seed, first_stream + 2 * i as u64 + 1);
            slot.halted = halts(&self.config, &self.train, slot, rng);
        }
        self.step += 1;
        Ok(report)
    }

    /// Shares the batch out: each worker takes the same places in every step, so that the same seed and the
    /// same number of threads give the same sums.
    fn run_workers(&mut self, depth: (usize, usize)) {
        let share = 1.0 / self.slots.len() as f64;
        let (model, weights) = (&self.packed, &self.weights);
        let workers = self.workers.len();
        let total = self.slots.len();
        let mut jobs = Vec::with_capacity(workers);
        let mut slots = &mut self.slots[..];
        for (i, worker) in self.workers.iter_mut().enumerate() {
            let count = total * (i + 1) / workers - total * i / workers;
            let (mine, rest) = slots.split_at_mut(count);
            slots = rest;
            jobs.push((worker, mine));
        }
        let run = |(worker, slots): (&mut Worker, &mut [Slot])| {
            worker.gradient.clear();
            for slot in slots {
                worker.step(model, weights, slot, share, depth);
            }
            worker.gradient.finish();
        };
        #[cfg(feature = "threads")]
        {
            use rayon::prelude::*;
            jobs.into_par_iter().for_each(run);
        }
        #[cfg(not(feature = "threads"))]
        jobs.into_iter().for_each(run);
    }

    fn report(&self, lr: f64) -> StepReport {
        let n = self.slots.len() as f64;
        let mean = |f: fn(&Slot) -> f64| self.slots.iter().map(f).sum::<f64>() / n;
        let ended = |s: &&Slot| s.halt_logit > 0.0 || s.steps >= self.config.halt_max_steps;
        let ended: Vec<&Slot> = self.slots.iter().filter(ended).collect();
        let share = |f: fn(&Slot) -> f64| {
            ended.iter().fold(0.0, |sum, s| sum + f(s)) / ended.len().max(1) as f64
        };
        StepReport {
            step: self.step + 1,
            loss: mean(|s| s.loss.total()),
            lm_loss: mean(|s| s.loss.lm),
            halt_loss: mean(|s| s.loss.halt),
            finished: ended.len(),
            exact: share(|s| f64::from(u8::from(s.loss.exact()))),
            steps: share(|s| s.steps as f64),
            gradient_norm: self.workers[0].gradient.norm(),
            lr,
        }
    }

    /// Sign descent on the rows of the puzzle table that this batch used, as the reference implementation does.
    fn move_puzzle_rows(&mut self, lr_ratio: f64) {
        let Some(table) = &mut self.weights.puzzle_emb else {
            return;
        };
        let mut rows: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        for slot in &self.slots {
            match rows.entry(slot.sample.puzzle) {
                std::collections::btree_map::Entry::Vacant(e) => {
                    e.insert(slot.puzzle_gradient.clone());
                }
                std::collections::btree_map::Entry::Occupied(mut e) => {
                    for (to, from) in e.get_mut().iter_mut().zip(&slot.puzzle_gradient) {
                        *to += from;
                    }
                }
            }
        }
        let lr = (self.train.puzzle_lr * lr_ratio) as f32;
        let keep = 1.0 - lr * self.train.puzzle_weight_decay as f32;
        // The average of the weights takes the rows as they are: a row moves only when its puzzle is drawn.
        let average = self.average.puzzle_emb.as_mut();
        let average = average.expect("the average has what the weights have");
        for (row, gradient) in rows {
            for (w, g) in table.row_mut(row).iter_mut().zip(gradient) {
                let sign = if g == 0.0 { 0.0 } else { g.signum() };
                *w = *w * keep - lr * sign;
            }
            average.row_mut(row).copy_from_slice(table.row(row));
        }
    }

    /// Takes weights changed from outside, for tests.
    #[cfg(test)]
    pub(crate) fn repack(&mut self) {
        self.packed.repack(&self.weights);
    }

    /// Sum of the gradients of the last step, for tests against fixtures.
    #[cfg(test)]
    pub(crate) fn gradient(&self) -> &Gradient {
        &self.workers[0].gradient
    }
}

impl TrainConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Config`] names the first field that cannot be.
    pub fn validate(&self) -> Result<()> {
        let fail = |field, expected: &str, found: String| {
            Err(Error::Config {
                field,
                expected: expected.into(),
                found,
            })
        };
        if self.batch_size == 0 || self.batch_size > 1 << 20 {
            return fail("batch_size", "1 to 1048576", self.batch_size.to_string());
        }
        for (field, value, least, most) in [
            ("lr", self.lr, 1e-12, 10.0),
            ("least_lr", self.least_lr, 0.0, 1.0),
            ("beta1", self.beta1, 0.0, 0.999_999),
            ("beta2", self.beta2, 0.0, 0.999_999),
            ("eps", self.eps, 1e-30, 1.0),
            ("momentum", self.momentum, 0.0, 0.999_999),
            ("weight_decay", self.weight_decay, 0.0, 1e3),
            ("clip", self.clip, 0.0, f64::MAX),
            ("ema", self.ema, 0.0, 0.999_999_9),
            ("random_start", self.random_start, 0.0, 1.0),
            ("halt_exploration", self.halt_exploration, 0.0, 1.0),
            ("puzzle_lr", self.puzzle_lr, 0.0, 10.0),
            ("puzzle_weight_decay", self.puzzle_weight_decay, 0.0, 1e3),
        ] {
            if !(least..=most).contains(&value) {
                return fail(field, &format!("{least} to {most}"), value.to_string());
            }
        }
        Ok(())
    }
}

/// A random number from 0 to 1.
fn share(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / ((1u64 << 53) as f64)
}

/// Random numbers of their own for every place and step, so that a resumed training draws the same ones.
fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Whether thinking about a slot's sample ends after this step: the halting head says so or the steps are used
/// up, but with some probability not before a random step, so that the head sees what more thinking brings.
fn halts(config: &TrmConfig, train: &TrainConfig, slot: &Slot, mut rng: ChaCha8Rng) -> bool {
    let most = config.halt_max_steps;
    if most == 1 {
        return true;
    }
    let explores = share(&mut rng) < train.halt_exploration;
    let least = if explores {
        2 + (rng.next_u64() % (most as u64 - 1)) as usize
    } else {
        0
    };
    (slot.steps >= most || slot.halt_logit > 0.0) && slot.steps >= least
}
