//! The training loop's state and its one step.

use super::config::TrainConfig;
#[cfg(all(test, feature = "import"))]
use super::gradient::Gradient;
use super::group::{Alone, Group, places};
use super::optimizer::{Optimizer, move_average};
use super::sample::{Sample, SampleSource, share};
use super::schedule::{depth, learning_rate_ratio};
use super::worker::{Recipe, Slot, Weights, Worker};
use crate::engine::PackedModel;
use crate::error::{Error, Result};
use crate::model::{TrmConfig, TrmWeights};
use crate::network::stack::PackedLayer;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra_kernels::pack::Entries;
use recurra_kernels::{AlignedMatrix, Isa, Precision};
use std::collections::BTreeMap;

/// What one training step found, over the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Training steps done, this one included.
    pub step: u64,
    /// Mean of `lm + 0.5 * halt`.
    pub loss: f64,
    /// Mean cross-entropy.
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

/// Tasks of a mixture at most: each needs memory of its own on every thread.
const MOST_TASKS: usize = 64;

/// A model in training.
#[derive(Debug)]
pub struct Trainer {
    pub(crate) train: TrainConfig,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) weights: TrmWeights,
    pub(crate) average: TrmWeights,
    pub(crate) optimizer: Optimizer,
    pub(crate) slots: Vec<Slot>,
    pub(crate) step: u64,
    pub(crate) group: Box<dyn Group>,
    workers: Vec<Worker>,
}

/// One task of a mixture: the weights, packed for its size and its groups.
#[derive(Debug)]
pub(crate) struct Kind {
    packed: PackedModel,
    /// The layers transposed, for the backward pass.
    transposed: Vec<PackedLayer>,
}

impl Kind {
    fn new(isa: Isa, config: &TrmConfig, weights: &TrmWeights, precision: Precision) -> Self {
        // Rows of the table are taken from the weights, which change with every step.
        let packed = PackedModel::rounded(isa, config, weights, precision);
        Kind {
            transposed: packed.transposed(weights),
            packed,
        }
    }

    pub(crate) fn config(&self) -> &TrmConfig {
        self.packed.config()
    }

    fn repack(&mut self, weights: &TrmWeights) {
        self.packed.repack(weights);
        let isa = self.packed.isa();
        for (packed, weights) in self.transposed.iter_mut().zip(&weights.layers) {
            packed.repack(isa, weights, Entries::transposed);
        }
    }
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
        Self::in_group(config, train, weights, threads, Box::new(Alone))
    }

    /// The same as one of several processes that train the same model. Each has its own part of every batch; the weights are
    /// the same in all of them, and nearly those of one process with the same batch: sums are rounded in another order.
    ///
    /// # Errors
    /// [`Error::Config`] for an impossible configuration, or a batch smaller than the group.
    pub fn in_group(
        config: &TrmConfig,
        train: TrainConfig,
        weights: TrmWeights,
        threads: usize,
        group: Box<dyn Group>,
    ) -> Result<Self> {
        Self::of_mixture(std::slice::from_ref(config), train, weights, threads, group)
    }

    /// The same on a mixture of tasks, to which [`Sample::kind`] refers: one configuration for each, all of the same weights.
    /// They differ in sizes and groups alone.
    ///
    /// # Errors
    /// As [`Trainer::in_group`]; [`Error::Config`] for no configuration, more than 64, or two that cannot share weights.
    pub fn of_mixture(
        configs: &[TrmConfig],
        train: TrainConfig,
        weights: TrmWeights,
        threads: usize,
        group: Box<dyn Group>,
    ) -> Result<Self> {
        let fail = |field, expected: String, found: String| {
            Err(Error::Config {
                field,
                expected,
                found,
            })
        };
        let Some(first) = configs.first().filter(|_| configs.len() <= MOST_TASKS) else {
            let expected = format!("1 to {MOST_TASKS}");
            return fail("tasks", expected, configs.len().to_string());
        };
        for config in configs {
            config.validate()?;
            train.fits(config)?;
            if !share_weights(first, config) {
                let expected = "tasks that one set of weights answers: the mixer `constraints`, \
                    or one task";
                let found = format!("{} and {} places", first.seq_len, config.seq_len);
                return fail("tasks", expected.into(), found);
            }
        }
        train.validate()?;
        if train.batch_size < group.size() {
            let expected = format!("at least 1 for each of {} processes", group.size());
            return fail("batch_size", expected, train.batch_size.to_string());
        }
        let places = places(&*group, train.batch_size);
        let threads = threads.clamp(1, places.len());
        let (isa, precision) = (Isa::detect(), train.precision.into());
        let kinds = configs.iter();
        let kinds = kinds.map(|config| Kind::new(isa, config, &weights, precision));
        Ok(Trainer {
            kinds: kinds.collect(),
            average: weights.clone(),
            slots: places.map(|_| Slot::new(first)).collect(),
            group,
            workers: (0..threads)
                .map(|_| Worker::new(configs, precision))
                .collect(),
            step: 0,
            optimizer: Optimizer::new(first, train.optimizer_settings()),
            train,
            weights,
        })
    }

    /// The architecture; of a mixture, that of its first task.
    pub fn config(&self) -> &TrmConfig {
        self.kinds[0].config()
    }

    /// The architectures of all tasks of a mixture.
    pub fn configs(&self) -> impl ExactSizeIterator<Item = &TrmConfig> {
        self.kinds.iter().map(Kind::config)
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

    /// The processes that train this model.
    pub fn group(&self) -> &dyn Group {
        &*self.group
    }

    /// Place in the whole batch of the first sample here.
    pub(crate) fn first_place(&self) -> usize {
        places(&*self.group, self.train.batch_size).start
    }

    /// Training steps done.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// Cycles, and updates of z_L in each, that are trained when a share `progress` of the training is done.
    pub fn depth(&self, progress: f64) -> (usize, usize) {
        let (h_cycles, l_cycles) = (self.config().h_cycles, self.config().l_cycles);
        if self.train.curriculum {
            depth(h_cycles, l_cycles, progress)
        } else {
            (h_cycles, l_cycles)
        }
    }

    /// One training step on the whole batch; in a group, all processes do it together. `progress` is the share of the training that is done, 0 to 1; it
    /// sets the learning rate.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss or the gradient is not finite; the weights are then as before the step, and
    /// the next step begins with new samples.
    pub fn step(&mut self, source: &dyn SampleSource, progress: f64) -> Result<StepReport> {
        let (batch, seed) = (self.train.batch_size as u64, self.train.seed);
        let first_stream = 2 * (self.step * batch + self.first_place() as u64);
        for (i, slot) in self.slots.iter_mut().enumerate() {
            if slot.halted {
                let mut rng = stream(seed, first_stream + 2 * i as u64);
                source.draw(&mut rng, &mut slot.sample);
                slot.fit(self.kinds[slot.sample.kind].config());
                let elsewhere = share(&mut rng) < self.train.random_start;
                slot.starts.clear();
                slot.starts.extend((0..self.train.starts).map(|start| {
                    let seed = rng.next_u64();
                    (start > 0 || elsewhere).then_some(seed)
                }));
                slot.steps = 0;
                slot.halted = false;
            }
        }
        self.run_workers(Recipe {
            share: 1.0 / self.train.batch_size as f64,
            depth: self.depth(progress),
            probabilities: self.train.probabilities,
            label_smoothing: self.train.label_smoothing,
        });
        let (all, rest) = self.workers.split_first_mut().expect("there is a worker");
        for worker in rest {
            all.gradient.add(&worker.gradient);
        }
        for sums in all.gradient.weights.tensors_mut() {
            self.group.sum(sums.padded_mut());
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
                *slot = Slot::new(self.kinds[0].config());
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
        let isa = self.kinds[0].packed.isa();
        self.optimizer.step(
            isa,
            &mut self.weights,
            &gradient.weights,
            scale as f32,
            lr as f32,
        );
        self.move_puzzle_rows(lr / self.train.lr);
        // At first the average is short, or untrained weights would stay in it for a long time.
        let short = (1 + self.step) as f64 / (10 + self.step) as f64;
        move_average(
            isa,
            &mut self.average,
            &self.weights,
            &self.optimizer.mean,
            self.train.ema.min(short) as f32,
        );
        self.repack();
        for (i, slot) in self.slots.iter_mut().enumerate() {
            let rng = stream(seed, first_stream + 2 * i as u64 + 1);
            slot.halted = halts(self.kinds[0].config(), &self.train, slot, rng);
        }
        self.step += 1;
        Ok(report)
    }

    /// Shares the batch out: each worker takes the same places in every step, so that the same seed and the
    /// same number of threads give the same sums.
    fn run_workers(&mut self, recipe: Recipe) {
        let (floats, kinds) = (&self.weights, &self.kinds);
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
                let kind = &kinds[slot.sample.kind];
                let weights = Weights {
                    floats,
                    packed: &kind.packed,
                    transposed: &kind.transposed,
                };
                worker.step(weights, slot, recipe);
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
        let mut sums = [0.0; 6];
        for slot in &self.slots {
            let loss = &slot.loss;
            let ended = slot.halt_logit > 0.0 || slot.steps >= self.config().halt_max_steps;
            let ended = f64::from(u8::from(ended));
            let numbers = [
                loss.total(),
                loss.lm,
                loss.halt,
                ended,
                ended * f64::from(u8::from(loss.exact())),
                ended * slot.steps as f64,
            ];
            sums.iter_mut().zip(numbers).for_each(|(sum, n)| *sum += n);
        }
        self.group.sum_f64(&mut sums);
        let [loss, lm_loss, halt_loss, finished, exact, steps] = sums;
        let n = self.train.batch_size as f64;
        StepReport {
            step: self.step + 1,
            loss: loss / n,
            lm_loss: lm_loss / n,
            halt_loss: halt_loss / n,
            finished: finished as usize,
            exact: exact / finished.max(1.0),
            steps: steps / finished.max(1.0),
            gradient_norm: self.workers[0].gradient.norm(),
            lr,
        }
    }

    /// Sign descent on the rows of the puzzle table that this batch used, as the reference implementation does.
    fn move_puzzle_rows(&mut self, lr_ratio: f64) {
        let first = self.first_place();
        let Some(table) = &mut self.weights.puzzle_emb else {
            return;
        };
        // The places of the other processes are zero here.
        let (batch, numbers) = (self.train.batch_size, table.cols());
        let mut used = vec![0.0; batch];
        let mut gradients = vec![0.0; batch * numbers];
        for (slot, place) in self.slots.iter().zip(first..) {
            used[place] = slot.sample.puzzle as f64;
            gradients[place * numbers..][..numbers].copy_from_slice(&slot.puzzle_gradient);
        }
        self.group.sum_f64(&mut used);
        self.group.sum(&mut gradients);
        let mut rows: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        for (row, gradient) in used.into_iter().zip(gradients.chunks(numbers)) {
            let sum = rows
                .entry(row as usize)
                .or_insert_with(|| vec![0.0; numbers]);
            sum.iter_mut()
                .zip(gradient)
                .for_each(|(to, from)| *to += from);
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

    /// The places of the whole batch; in a group, all processes must ask.
    pub(crate) fn whole_batch(&self) -> Vec<Slot> {
        let most = |of: fn(&TrmConfig) -> usize| self.configs().map(of).max().expect("a kind");
        let tokens = most(|config| config.seq_len);
        let (wide, narrow) = (2 * tokens + 4, 2 * most(state_len));
        let mut wides = vec![0.0; self.train.batch_size * wide];
        let mut narrows = vec![0.0; self.train.batch_size * narrow];
        for (slot, place) in self.slots.iter().zip(self.first_place()..) {
            let Sample {
                question,
                labels,
                puzzle,
                kind,
            } = &slot.sample;
            let numbers = question.iter().chain(labels).map(|&t| f64::from(t));
            let flags = [
                *kind as f64,
                *puzzle as f64,
                slot.steps as f64,
                f64::from(u8::from(slot.halted)),
            ];
            let to = wides[place * wide..].iter_mut();
            to.zip(flags.into_iter().chain(numbers))
                .for_each(|(to, from)| *to = from);
            let states = [&slot.z_h, &slot.z_l].map(AlignedMatrix::to_vec).concat();
            narrows[place * narrow..][..states.len()].copy_from_slice(&states);
        }
        self.group.sum_f64(&mut wides);
        self.group.sum(&mut narrows);
        let slots = wides.chunks(wide).zip(narrows.chunks(narrow));
        let slot = |(wide, narrow): (&[f64], &[f32])| {
            let (flags, numbers) = wide.split_at(4);
            let kind = flags[0] as usize;
            let config = self.kinds[kind].config();
            let mut slot = Slot::new(config);
            let (question, rest) = numbers.split_at(config.seq_len);
            let labels = &rest[..config.seq_len];
            let whole = |numbers: &[f64]| numbers.iter().map(|&n| n as u16).collect();
            slot.sample = Sample {
                question: whole(question),
                labels: whole(labels),
                puzzle: flags[1] as usize,
                kind,
            };
            (slot.steps, slot.halted) = (flags[2] as usize, flags[3] != 0.0);
            let (z_h, z_l) = narrow[..2 * state_len(config)].split_at(state_len(config));
            let (rows, cols) = (config.positions_len(), config.hidden_size);
            slot.z_h = AlignedMatrix::from_slice(rows, cols, z_h);
            slot.z_l = AlignedMatrix::from_slice(rows, cols, z_l);
            slot
        };
        slots.map(slot).collect()
    }

    /// Takes changed weights.
    pub(crate) fn repack(&mut self) {
        for kind in &mut self.kinds {
            kind.repack(&self.weights);
        }
    }

    /// Sum of the gradients of the last step, for tests against fixtures.
    #[cfg(all(test, feature = "import"))]
    pub(crate) fn gradient(&self) -> &Gradient {
        &self.workers[0].gradient
    }
}

/// Whether two configurations are the same but for the size of the question, its symbols and its groups, and have the same
/// weights.
fn share_weights(a: &TrmConfig, b: &TrmConfig) -> bool {
    let alike = TrmConfig {
        seq_len: a.seq_len,
        vocab_size: a.vocab_size,
        groups: a.groups.clone(),
        ..b.clone()
    };
    *a == alike && TrmWeights::shapes(a) == TrmWeights::shapes(b)
}

/// Numbers in one latent state.
fn state_len(config: &TrmConfig) -> usize {
    config.positions_len() * config.hidden_size
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
