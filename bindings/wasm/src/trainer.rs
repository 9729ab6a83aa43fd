//! Training, a few steps at a time.

use crate::model::Model;
use crate::{error, json};
use recurra::model::{TrmModel, TrmWeights};
use recurra::solver::SolveOptions;
use recurra::tasks::{HeldOut, Task};
use recurra::thinking::StopRules;
use recurra::train::preset::{constraints, preset};
use recurra::train::{PuzzleSource, SampleSource, Trainer as Training};
use recurra::{Solver, TaskSpec};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Puzzle numbers of held-out puzzles: a run of their own.
const TEST_SEED: u64 = 0x7e57;

/// What to learn, and how: where nothing is said, as `recurra train` does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    task: TaskSpec,
    /// `constraints`, or the task's usual one.
    #[serde(default)]
    mixer: Option<String>,
    #[serde(default)]
    hidden: Option<usize>,
    #[serde(default)]
    l_cycles: Option<usize>,
    #[serde(default)]
    batch: Option<usize>,
    #[serde(default)]
    lr: Option<f64>,
    #[serde(default)]
    warmup: Option<u64>,
    #[serde(default)]
    ema: Option<f64>,
    #[serde(default)]
    seed: u64,
    /// Puzzles to train on.
    #[serde(default = "pool")]
    pool: usize,
    /// One solution in so many is never trained on.
    #[serde(default = "held_out")]
    held_out: u64,
    /// Held-out puzzles that measure the model.
    #[serde(default = "tests")]
    tests: usize,
}

fn pool() -> usize {
    2000
}

fn held_out() -> u64 {
    5
}

fn tests() -> usize {
    256
}

/// A model that learns from random weights.
#[wasm_bindgen]
pub struct Trainer {
    training: Training,
    spec: TaskSpec,
    task: Arc<dyn Task>,
    source: PuzzleSource,
    tests: Vec<String>,
}

#[wasm_bindgen]
impl Trainer {
    /// Begins a training. `plan` is JSON: `task`, and where it is to differ from the preset `mixer` (`constraints`), `hidden`,
    /// `l_cycles`, `batch`, `lr`, `warmup`, `ema`; `seed`, `pool`, `held_out` and `tests`.
    #[wasm_bindgen(constructor)]
    pub fn new(plan: &str) -> Result<Trainer, JsError> {
        let plan: Plan = serde_json::from_str(plan).map_err(|e| error(format!("plan: {e}")))?;
        Self::begin(plan).map_err(error)
    }

    fn begin(plan: Plan) -> Result<Trainer, String> {
        let said = |e: recurra::Error| e.to_string();
        let spec = plan.task;
        let task = spec.task().map_err(said)?;
        let (mut config, mut train) = match plan.mixer.as_deref() {
            None => preset(&spec).map_err(said)?,
            Some("constraints") => constraints(&spec).map_err(said)?,
            Some(other) => return Err(format!("mixer: expected `constraints`, found `{other}`")),
        };
        config.hidden_size = plan.hidden.unwrap_or(config.hidden_size);
        config.l_cycles = plan.l_cycles.unwrap_or(config.l_cycles);
        train.batch_size = plan.batch.unwrap_or(train.batch_size);
        train.lr = plan.lr.unwrap_or(train.lr);
        train.warmup = plan.warmup.unwrap_or(train.warmup);
        train.ema = plan.ema.unwrap_or(train.ema);
        train.seed = plan.seed;
        if !(2..=1 << 20).contains(&plan.held_out) {
            return Err(format!(
                "held_out: expected 2 to {}, found {}",
                1 << 20,
                plan.held_out
            ));
        }
        let held_out = HeldOut::new(plan.held_out);
        let make = |count: usize, seed: u64, test: bool| {
            let one = |number: usize| {
                let wanted = |class| held_out.contains(class) == test;
                task.generate(seed, number as u64, &wanted)
                    .ok_or_else(|| format!("{spec}: no puzzle could be made"))
            };
            (0..count).map(one).collect::<Result<Vec<_>, String>>()
        };
        let tests = make(plan.tests, TEST_SEED, true)?;
        let puzzles = make(plan.pool, plan.seed, false)?;
        let source = PuzzleSource::new(task.clone(), puzzles, held_out);
        if source.is_empty() {
            return Err("pool: expected at least 1".into());
        }
        let weights = TrmWeights::random(&config, train.seed);
        Ok(Trainer {
            training: Training::new(&config, train, weights, 1).map_err(said)?,
            tests: tests.iter().map(|pair| task.line(&pair.question)).collect(),
            spec,
            task,
            source,
        })
    }

    /// One training step; `progress` is the share of the training that is done, 0 to 1. Gives what it found, as JSON.
    pub fn step(&mut self, progress: f64) -> Result<String, JsError> {
        let source: &dyn SampleSource = &self.source;
        let report = self.training.step(source, progress).map_err(error)?;
        Ok(json(&json!({
            "step": report.step,
            "loss": report.loss,
            "finished": report.finished,
            "exact": report.exact,
            "lr": report.lr,
        })))
    }

    /// Asks the model as it is so many held-out puzzles, one attempt each: which share it answers right.
    pub fn measure(&self, count: usize) -> Result<String, JsError> {
        let solver = Solver::new(&self.as_model(), 1).map_err(error)?;
        let options = SolveOptions::new(StopRules::new(solver.options().stop.max_steps));
        let questions = &self.tests[..count.min(self.tests.len())];
        let mut right = 0;
        for question in questions {
            let mut thinking = solver.think(&question[..], &options).map_err(error)?;
            let answer = loop {
                if let Some(answer) = thinking.step(None).map_err(error)? {
                    break answer;
                }
            };
            right += usize::from(answer.verified == Some(true));
        }
        let share = right as f64 / questions.len().max(1) as f64;
        let exact = (!questions.is_empty()).then_some(share);
        Ok(json(
            &json!({ "count": questions.len(), "right": right, "exact": exact }),
        ))
    }

    /// What it learns, as JSON.
    pub fn info(&self) -> String {
        json(&json!({
            "task": self.spec,
            "weights": TrmWeights::count(self.training.config()),
            "pool": self.source.len(),
            "tests": self.tests.len(),
            "batch": self.training.train_config().batch_size,
            "places": self.task.seq_len(),
        }))
    }

    /// The model as it is: the moving average of the weights.
    pub fn model(&self) -> Result<Model, JsError> {
        Model::of(self.as_model()).map_err(error)
    }

    fn as_model(&self) -> TrmModel {
        let config = self.training.config().clone();
        let weights = self.training.average().clone();
        TrmModel::new(config, Some(self.spec.clone()), weights)
    }
}
