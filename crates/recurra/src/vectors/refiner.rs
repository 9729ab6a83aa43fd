//! Thinking about vectors.

use super::check;
use super::flat::FlatIndex;
use super::state::{
    answer_row, answers, direction, embed, first_states, halt_logit, moved, probability, read,
    retrieve, seen, tokens, turns,
};
use crate::engine::PackedModel;
use crate::error::{Error, Result};
use crate::model::refining::Refining;
use crate::model::{TrmModel, TrmWeights};
use crate::network::mixers::MOST_TOKENS;
use crate::network::scratch::Scratch;
use crate::network::team::Member;
use crate::network::{Latent, Network, TrmConfig};
use crate::tasks::TaskSpec;
use crate::tasks::vectors::{Embedder, VectorSpec};
use crate::thinking::StopReason;
use recurra_kernels::{AlignedMatrix, Isa};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};

/// Improvement steps at most.
const MOST_STEPS: usize = 1 << 20;
/// Workspaces that are kept for the next questions.
const SPARE: usize = 64;

/// A model of vectors, ready to think. Cheap to clone, for any number of threads.
///
/// ```
/// # fn main() -> recurra::Result<()> {
/// # use recurra::{Norm, VectorSpec};
/// # let spec = VectorSpec { embedder: "my-embedder".into(), hash: String::new(), dimension: 4, norm: Norm::Unit, questions: 1, neighbours: 0, in_turn: false };
/// # let folder = std::env::temp_dir().join(format!("recurra-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("adapter.safetensors");
/// # recurra::Refiner::untrained(spec, 1)?.save(&path)?;
/// let trm = recurra::Refiner::open(&path)?;
/// let question = [0.6, 0.0, 0.8, 0.0];
/// let initial_answer = question;
/// let k = 4;
/// let result = trm.reason(&question, &initial_answer, k)?;
/// println!("{:?}, confidence {:.2} after {} steps", result.vector, result.confidence, result.steps);
/// // Nobody has trained this model: it returns what it was given, and says so.
/// assert_eq!((result.vector, result.refined), (initial_answer.to_vec(), false));
/// assert!(trm.reason(&question, &[0.0; 4], k).is_err());
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Refiner {
    desk: Arc<Desk>,
    index: Option<FlatIndex>,
}

/// What all clones share.
#[derive(Debug)]
struct Desk {
    spec: VectorSpec,
    refining: Refining,
    id: String,
    /// As held in its file.
    #[cfg(feature = "files")]
    source: TrmModel,
    model: PackedModel,
    spaces: Mutex<Vec<Workspace>>,
}

/// How a question is thought about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefineOptions {
    /// Improvement steps, at most.
    pub max_steps: usize,
    /// Stop when the confidence is at least this, from 0 to 1; above 1 never.
    pub halt_above: f32,
    /// Where the confidence is below this in the end, the first answer is returned unchanged.
    pub raw_below: f32,
}

/// A question with its first answer.
#[derive(Debug, Clone, Copy)]
pub struct VectorQuestion<'a> {
    /// One vector or more, one after the other: the question, and what may stand beside it.
    pub question: &'a [f32],
    /// The vector to move: where nothing better is known, the question's.
    pub initial: &'a [f32],
}

/// An answer that was thought about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refined {
    /// The refined vector, or the first answer where the model is not sure enough of its own.
    pub vector: Vec<f32>,
    /// The model's probability, in 0 to 1, that the refined vector finds the right passage among those of a batch.
    pub confidence: f32,
    /// Improvement steps done.
    pub steps: usize,
    /// Whether [`Refined::vector`] was refined; otherwise it is the first answer, unchanged.
    pub refined: bool,
    /// Why thinking stopped.
    pub stopped: StopReason,
}

/// The memory of one thread: rows of several samples.
#[derive(Debug)]
struct Workspace {
    v: AlignedMatrix,
    x: AlignedMatrix,
    z_h: AlignedMatrix,
    z_l: AlignedMatrix,
    delta: AlignedMatrix,
    scratch: Scratch,
}

impl Workspace {
    fn new(model: &PackedModel) -> Self {
        let config = sized(model.config(), MOST_TOKENS);
        let (d, dimension) = (config.hidden_size, config.vocab_size);
        let zeros = |cols| AlignedMatrix::zeros(MOST_TOKENS, cols);
        Workspace {
            v: zeros(dimension),
            x: zeros(d),
            z_h: zeros(d),
            z_l: zeros(d),
            delta: zeros(dimension),
            scratch: Scratch::new(&config, 1, model.precision()),
        }
    }
}

/// The architecture with room for so many rows.
pub(crate) fn sized(config: &TrmConfig, rows: usize) -> TrmConfig {
    TrmConfig {
        seq_len: rows,
        ..config.clone()
    }
}

/// One sample on its way.
struct Sample<'a> {
    /// Its place among the questions.
    place: usize,
    question: VectorQuestion<'a>,
    most: usize,
    /// Where steps go one after the other, the probability that all so far were right.
    so_far: f32,
}

impl Refiner {
    /// A model of vectors.
    ///
    /// # Errors
    /// [`Error::Config`] for a model of another task.
    pub fn new(model: &TrmModel) -> Result<Self> {
        let Some(TaskSpec::Vectors(spec)) = &model.header.task else {
            let found = model.header.task.as_ref();
            return Err(Error::Config {
                field: "task",
                expected: "vectors".into(),
                found: found.map_or("none".into(), TaskSpec::to_string),
            });
        };
        Ok(Refiner {
            desk: Arc::new(Desk {
                spec: spec.clone(),
                refining: model.header.refining.clone().unwrap_or(Refining::ALWAYS),
                id: model.id(),
                model: PackedModel::new(Isa::detect(), model.config(), &model.weights),
                #[cfg(feature = "files")]
                source: model.clone(),
                spaces: Mutex::default(),
            }),
            index: None,
        })
    }

    /// A model for these vectors that nobody has trained: it returns every first answer as it is.
    ///
    /// # Errors
    /// [`Error::Config`] for vectors that no model can have.
    pub fn untrained(spec: VectorSpec, seed: u64) -> Result<Self> {
        Refiner::new(&crate::train::vectors::untrained(spec, seed)?)
    }

    /// Opens a model file.
    ///
    /// # Errors
    /// As [`Model::open`](crate::Model::open) and [`Refiner::new`], with the file's name.
    #[cfg(feature = "files")]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let model = TrmModel::open(path.as_ref())?;
        Refiner::new(&model).map_err(|e| e.in_file(path.as_ref()))
    }

    /// Writes its model file.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[cfg(feature = "files")]
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        self.desk.source.save(path)
    }

    /// The same with vectors that each step may retrieve, for models that look at them.
    ///
    /// # Errors
    /// [`Error::Question`] for an index of other vectors, or fewer than a step retrieves.
    pub fn with_index(self, index: FlatIndex) -> Result<Self> {
        self.spec().accept(&Embedder {
            dimension: Some(index.dimension()),
            norm: Some(index.norm()),
            ..Embedder::default()
        })?;
        if index.len() < self.spec().neighbours {
            return Err(Error::Question {
                what: "index",
                expected: format!("at least {} vectors", self.spec().neighbours),
                found: index.len().to_string(),
            });
        }
        Ok(Refiner {
            index: Some(index),
            ..self
        })
    }

    /// The vectors that it refines.
    pub fn spec(&self) -> &VectorSpec {
        &self.desk.spec
    }

    /// A name by which files that belong to this model know it.
    pub fn id(&self) -> &str {
        &self.desk.id
    }

    /// What stands for its weights, architecture and vectors on disk.
    #[cfg(feature = "store")]
    pub fn digest(&self) -> crate::model::ModelId {
        self.desk.source.digest()
    }

    /// How many weights it has.
    pub fn weights(&self) -> usize {
        TrmWeights::<AlignedMatrix>::count(self.config())
    }

    /// The architecture.
    #[doc(hidden)]
    pub fn config(&self) -> &TrmConfig {
        self.desk.model.config()
    }

    /// The model's own options: its steps, and the confidences that were calibrated for it.
    pub fn options(&self) -> RefineOptions {
        RefineOptions {
            max_steps: self.config().halt_max_steps,
            halt_above: self.desk.refining.halt_above,
            raw_below: self.desk.refining.raw_below,
        }
    }

    /// Thinks at most `k` steps about a question of one vector or more, which stand one after the other in `question`, and
    /// moves `initial_answer`, one vector, to where the answer lies. Stops earlier where it is sure.
    ///
    /// # Errors
    /// [`Error::Question`] for numbers that are no vectors of the embedding model, and for no step.
    pub fn reason(&self, question: &[f32], initial_answer: &[f32], k: usize) -> Result<Refined> {
        let question = VectorQuestion {
            question,
            initial: initial_answer,
        };
        let options = RefineOptions {
            max_steps: k,
            ..self.options()
        };
        self.reason_with(question, options)
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`Refiner::reason`].
    pub fn reason_with(
        &self,
        question: VectorQuestion<'_>,
        options: RefineOptions,
    ) -> Result<Refined> {
        let tokens = self.tokens(question)?;
        self.steps(options.max_steps)?;
        let sample = Sample {
            place: 0,
            question,
            most: options.max_steps,
            so_far: 1.0,
        };
        let mut found = None;
        self.think(vec![sample], tokens, options, &mut |_, refined| {
            found = Some(refined)
        });
        Ok(found.expect("every sample ends"))
    }

    /// Thinks about many questions together, on all threads; each has an answer or its own error. Answers are the same as
    /// those of [`Refiner::reason_with`].
    ///
    /// # Errors
    /// [`Error::Question`] for no step.
    pub fn reason_many(
        &self,
        questions: &[VectorQuestion<'_>],
        options: RefineOptions,
    ) -> Result<Vec<Result<Refined>>> {
        self.reason_planned(questions, options, |_| options.max_steps)
    }

    /// The same with a limit of steps for each, at most that of the options.
    pub(crate) fn reason_planned(
        &self,
        questions: &[VectorQuestion<'_>],
        options: RefineOptions,
        most: impl Fn(usize) -> usize,
    ) -> Result<Vec<Result<Refined>>> {
        self.steps(options.max_steps)?;
        let mut answers: Vec<Result<Refined>> = Vec::with_capacity(questions.len());
        // Samples of as many vectors think together.
        let mut groups = std::collections::BTreeMap::<usize, Vec<Sample>>::new();
        for (place, &question) in questions.iter().enumerate() {
            match self.tokens(question) {
                Ok(tokens) => {
                    let most = most(place).clamp(1, options.max_steps);
                    let sample = Sample {
                        place,
                        question,
                        most,
                        so_far: 1.0,
                    };
                    groups.entry(tokens).or_default().push(sample);
                    // Replaced when it has been thought about.
                    answers.push(Err(Error::Cancelled));
                }
                Err(error) => answers.push(Err(error)),
            }
        }
        let mut jobs = Vec::new();
        for (tokens, mut samples) in groups {
            let most = MOST_TOKENS / tokens;
            let parts = samples.len().div_ceil(most).next_multiple_of(threads());
            let each = samples.len().div_ceil(parts).max(1);
            while !samples.is_empty() {
                let rest = samples.split_off(each.min(samples.len()));
                jobs.push((tokens, std::mem::replace(&mut samples, rest)));
            }
        }
        let run = |(tokens, samples): (usize, Vec<Sample>)| {
            let mut found = Vec::with_capacity(samples.len());
            self.think(samples, tokens, options, &mut |place, refined| {
                found.push((place, refined))
            });
            found
        };
        #[cfg(feature = "threads")]
        let found: Vec<_> = {
            use rayon::prelude::*;
            jobs.into_par_iter().map(run).collect()
        };
        #[cfg(not(feature = "threads"))]
        let found: Vec<_> = jobs.into_iter().map(run).collect();
        for (place, refined) in found.into_iter().flatten() {
            answers[place] = Ok(refined);
        }
        Ok(answers)
    }

    /// Refuses what [`Refiner::reason_with`] refuses of a question.
    pub(crate) fn check(&self, question: VectorQuestion<'_>) -> Result<()> {
        self.tokens(question).map(drop)
    }

    fn steps(&self, steps: usize) -> Result<()> {
        if (1..=MOST_STEPS).contains(&steps) {
            return Ok(());
        }
        Err(Error::Question {
            what: "number of steps",
            expected: format!("1 to {MOST_STEPS}"),
            found: steps.to_string(),
        })
    }

    /// Checks a question, and returns how many tokens its sample has.
    fn tokens(&self, question: VectorQuestion<'_>) -> Result<usize> {
        let spec = self.spec();
        if spec.neighbours > 0 && self.index.is_none() {
            return Err(Error::Question {
                what: "index",
                expected: format!("one, as each step retrieves {} vectors", spec.neighbours),
                found: "none".into(),
            });
        }
        let most = check::most_questions(spec);
        let count = check::vectors(spec, "question", question.question, most)?;
        check::vectors(spec, "initial answer", question.initial, 1)?;
        Ok(tokens(spec, count))
    }

    /// Thinks about samples of as many tokens; no more than a workspace holds.
    fn think(
        &self,
        mut samples: Vec<Sample>,
        tokens: usize,
        options: RefineOptions,
        done: &mut dyn FnMut(usize, Refined),
    ) {
        let (desk, model, spec) = (&*self.desk, &self.desk.model, self.spec());
        let config = model.config();
        let lock = || desk.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let space = lock().pop();
        let mut space = space.unwrap_or_else(|| Workspace::new(model));
        let d = spec.dimension;
        let mut moved_to: Vec<f32> = samples
            .iter()
            .flat_map(|sample| sample.question.initial)
            .copied()
            .collect();
        // What is moved.
        let mut from = moved_to.clone();
        let mut step = 0;
        while !samples.is_empty() {
            step += 1;
            let rows = samples.len() * tokens;
            let network = Network::of_rows(&model.stack, Member::ALONE, rows, tokens);
            moved_to.truncate(samples.len() * d);
            if spec.in_turn && step > 1 {
                self.go_on_from(&moved_to, &mut from);
            }
            if spec.in_turn || step == 1 {
                self.begin(&network, &mut space, &samples, &from, [step, tokens]);
            }
            if spec.neighbours > 0 {
                self.retrieve(&network, &mut space, &moved_to, tokens);
            }
            let latent = Latent {
                x: space.x.view(),
                z_h: space.z_h.view(),
                z_l: space.z_l.view(),
            };
            for _ in 0..config.h_cycles {
                network.cycle(config.l_cycles, latent, space.scratch.views(), &mut []);
            }
            read(
                &network,
                model,
                answers(space.z_h.view(), tokens),
                samples.len(),
                space.delta.view(),
            );
            let mut kept = 0;
            let mut left = Vec::with_capacity(samples.len());
            for (i, mut sample) in samples.into_iter().enumerate() {
                let mut confidence =
                    probability(halt_logit(model, answer_row(&space.z_h, i, tokens)));
                let to = kept * d..(kept + 1) * d;
                moved(
                    spec.norm,
                    &from[i * d..(i + 1) * d],
                    space.delta.row(i),
                    &mut moved_to[to.clone()],
                );
                let halts = if spec.in_turn {
                    sample.so_far *= confidence;
                    confidence = sample.so_far;
                    step >= turns(sample.question.question.len() / d)
                } else {
                    confidence >= options.halt_above
                };
                if halts || step >= sample.most {
                    // A vector that has left the finite numbers is no answer.
                    let sure = confidence >= options.raw_below;
                    let vector = &moved_to[to];
                    let unmoved = vector == sample.question.initial;
                    let refined = sure && !unmoved && vector.iter().all(|v| v.is_finite());
                    let vector = if refined {
                        vector
                    } else {
                        sample.question.initial
                    };
                    let answer = Refined {
                        vector: vector.to_vec(),
                        confidence,
                        steps: step,
                        refined,
                        stopped: if halts {
                            StopReason::Halt
                        } else {
                            StopReason::MaxSteps
                        },
                    };
                    done(sample.place, answer);
                    continue;
                }
                if kept < i {
                    let Workspace { v, x, z_h, z_l, .. } = &mut space;
                    [v, x, z_h, z_l]
                        .into_iter()
                        .for_each(|m| move_rows(m, i * tokens, kept * tokens, tokens));
                    from.copy_within(i * d..(i + 1) * d, kept * d);
                }
                kept += 1;
                left.push(sample);
            }
            samples = left;
        }
        let mut spaces = lock();
        if spaces.len() < SPARE {
            spaces.push(space);
        }
    }

    /// From where steps that begin anew go on: from what they retrieve, if they do, or else from what the step before has found.
    fn go_on_from(&self, moved: &[f32], from: &mut Vec<f32>) {
        from.clear();
        match &self.index {
            Some(index) if self.spec().neighbours > 0 => {
                for nearest in index.nearest(moved, 1) {
                    from.extend(index.vector(nearest[0].0));
                }
            }
            _ => from.extend(moved),
        }
    }

    /// Input embeddings and first states of all steps, or of one that begins anew `from` what the last one has found.
    fn begin(
        &self,
        network: &Network,
        space: &mut Workspace,
        samples: &[Sample],
        from: &[f32],
        [step, tokens]: [usize; 2],
    ) {
        let (model, spec) = (&self.desk.model, self.spec());
        let d = spec.dimension;
        for (i, (sample, from)) in samples.iter().zip(from.chunks_exact(d)).enumerate() {
            let first = i * tokens;
            direction(from, space.v.row_mut(first));
            let seen = seen(spec, sample.question.question, step - 1);
            for (j, vector) in seen.chunks_exact(d).enumerate() {
                direction(vector, space.v.row_mut(first + 1 + j));
            }
            // Rows for what is retrieved are filled in each step.
            (0..spec.neighbours).for_each(|j| space.v.row_mut(first + tokens - 1 - j).fill(0.0));
        }
        let rows = samples.len() * tokens;
        embed(network, model, spec, space.v.view(), space.x.view(), tokens);
        first_states(model, [&mut space.z_h, &mut space.z_l], rows);
    }

    /// Puts what the present answers retrieve into the state's input.
    fn retrieve(&self, network: &Network, space: &mut Workspace, moved: &[f32], tokens: usize) {
        let (model, spec) = (&self.desk.model, self.spec());
        let index = self
            .index
            .as_ref()
            .expect("a question without an index was refused");
        retrieve(index, spec, moved, &mut space.v, tokens);
        embed(network, model, spec, space.v.view(), space.x.view(), tokens);
    }
}

/// Copies rows to others further up.
fn move_rows(matrix: &mut AlignedMatrix, from: usize, to: usize, rows: usize) {
    let stride = matrix.stride();
    matrix
        .padded_mut()
        .copy_within(from * stride..(from + rows) * stride, to * stride);
}

fn threads() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}
