//! What stands in front of a model of vectors: answers known before, a plan of the steps, and what feedback has taught.

// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;

use super::check::length;
use super::refiner::{RefineOptions, Refined, Refiner, VectorQuestion};
use crate::cache::{CacheConfig, SimilarConfig, Thought, TrmCache};
use crate::error::{Error, Result};
use crate::hash::fnv1a;
use crate::thinking::adaptive::complexity;
use crate::thinking::{AdaptiveKSelector, AdaptiveOptions, Feature, Features, KPredictor, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How much is remembered, and how near a question must be to get another's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryOptions {
    /// Most bytes of answers under their own questions.
    pub exact_bytes: u64,
    /// The least cosine of two questions of which one gets the other's answer, from [`MemoryOptions::LEAST`] to 1; above 1 for
    /// none.
    pub similar: f32,
    /// Most questions that others may be near to.
    pub similar_entries: usize,
    /// Most answers of which feedback is still understood.
    pub open_answers: usize,
    /// Whether the steps of a question are planned; otherwise it gets all.
    pub plan: bool,
}

impl MemoryOptions {
    /// No near question's answer is taken below this cosine, whatever feedback says.
    pub const LEAST: f32 = 0.8;
}

impl Default for MemoryOptions {
    fn default() -> Self {
        MemoryOptions {
            exact_bytes: 64 << 20,
            similar: 0.99,
            similar_entries: 20_000,
            open_answers: 10_000,
            plan: true,
        }
    }
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// It was thought about.
    Model,
    /// The very same question was asked before.
    Exact,
    /// A near question was.
    Similar,
}

/// An answer with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    /// The answer.
    pub refined: Refined,
    /// Where it came from.
    pub route: Route,
    /// Cosine of the two questions, where a near one's answer was taken.
    pub similarity: Option<f32>,
    /// By which feedback knows it.
    pub id: u64,
}

/// What a memory has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct MemoryStats {
    /// Answers of the very same question.
    pub exact: u64,
    /// Answers of a near question.
    pub similar: u64,
    /// Answers that were thought about.
    pub thought: u64,
    /// Feedback that an answer was right.
    pub right: u64,
    /// Feedback that one was wrong.
    pub wrong: u64,
    /// The least cosine at which a near question's answer is taken now.
    pub threshold: f32,
}

/// What feedback has taught; kept in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lessons {
    model: String,
    /// The least cosine at which a near question's answer is taken.
    threshold: f32,
    right: u64,
    wrong: u64,
}

/// An answer of which feedback may still come.
#[derive(Debug)]
struct Open {
    key: Vec<u8>,
    features: Features,
    steps: usize,
    route: Route,
    similarity: Option<f32>,
}

/// A question that must be thought about.
struct Asked {
    key: Vec<u8>,
    /// By which near questions find it.
    print: Option<Vec<f32>>,
    features: Features,
    /// Steps that are planned for it, at most.
    steps: usize,
}

/// What a memory has of a question.
enum Found {
    Known(Recalled),
    Unknown(Asked),
}

#[derive(Debug)]
struct State {
    selector: AdaptiveKSelector,
    lessons: Lessons,
    open: HashMap<u64, Open>,
    /// Identifiers of open answers, the oldest first; some may have had their feedback.
    order: VecDeque<u64>,
    next: u64,
    /// Makes identifiers that nobody guesses who was not told them.
    names: RandomState,
    stats: MemoryStats,
}

/// A model of vectors behind its caches, for any number of threads. All that it holds is bounded.
#[derive(Debug)]
pub struct Memory {
    refiner: Refiner,
    options: MemoryOptions,
    cache: TrmCache,
    state: Mutex<State>,
}

/// How far a wrong answer of a near question moves the threshold towards 1, relative to the distance. A right one near the
/// threshold moves it back so little that one wrong answer in two hundred keeps it where it is.
const TIGHTEN: f32 = 0.2;
const LOOSEN: f32 = TIGHTEN / 200.0;

impl Memory {
    /// An empty memory in front of a model.
    ///
    /// # Errors
    /// [`Error::Config`] for numbers out of range.
    pub fn new(refiner: Refiner, options: MemoryOptions) -> Result<Self> {
        let least = MemoryOptions::LEAST;
        if !(least..=f32::MAX).contains(&options.similar) {
            return Err(Error::Config {
                field: "similar",
                expected: format!("at least {least}"),
                found: options.similar.to_string(),
            });
        }
        let d = refiner.spec().dimension;
        let mut cache = TrmCache::new(CacheConfig {
            max_bytes: options.exact_bytes,
            key_bytes: 8 * d + 24,
            answer_bytes: 4 * d + 5,
        });
        if options.similar <= 1.0 {
            let mut similar = SimilarConfig::new(2 * d, least);
            similar.max_entries = options.similar_entries;
            cache = cache.with_similar(similar)?;
        }
        let id = refiner.id().to_owned();
        let plan = AdaptiveOptions::new(refiner.options().max_steps);
        let state = State {
            selector: AdaptiveKSelector::new(plan, KPredictor::new(id.clone())),
            lessons: Lessons {
                model: id,
                threshold: options.similar,
                right: 0,
                wrong: 0,
            },
            open: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
            names: RandomState::new(),
            stats: MemoryStats::default(),
        };
        Ok(Memory {
            refiner,
            options,
            cache,
            state: Mutex::new(state),
        })
    }

    /// The same with answers to the very same questions on disk, too. The store says how many bytes it holds.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn with_store(self, store: std::sync::Arc<crate::cache::Store>) -> Self {
        let model = self.refiner.digest();
        Memory {
            cache: self.cache.with_store(store, model),
            ..self
        }
    }

    /// Waits until the disk has all answers.
    ///
    /// # Errors
    /// [`Error::Io`] if they could not be written.
    pub fn flush(&self) -> Result<()> {
        self.cache.flush()
    }

    /// The model behind it.
    pub fn refiner(&self) -> &Refiner {
        &self.refiner
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question: one that is known, or the model's.
    ///
    /// # Errors
    /// As [`Refiner::reason_with`].
    pub fn answer(&self, question: VectorQuestion<'_>, options: RefineOptions) -> Result<Recalled> {
        match self.recall(question, options)? {
            Found::Known(recalled) => Ok(recalled),
            Found::Unknown(asked) => {
                let planned = RefineOptions {
                    max_steps: asked.steps,
                    ..options
                };
                let refined = self.refiner.reason_with(question, planned)?;
                self.keep(asked, refined)
            }
        }
    }

    /// The answers to many questions, of which the unknown ones are thought about together, on all threads; each has an
    /// answer or its own error.
    ///
    /// # Errors
    /// As [`Refiner::reason_many`].
    pub fn answer_many(
        &self,
        questions: &[VectorQuestion<'_>],
        options: RefineOptions,
    ) -> Result<Vec<Result<Recalled>>> {
        let mut answers = Vec::with_capacity(questions.len());
        let (mut unknown, mut places) = (Vec::new(), Vec::new());
        for (place, &question) in questions.iter().enumerate() {
            answers.push(match self.recall(question, options) {
                Ok(Found::Known(recalled)) => Ok(recalled),
                Ok(Found::Unknown(asked)) => {
                    unknown.push(asked);
                    places.push(place);
                    // Replaced when it has been thought about.
                    Err(Error::Cancelled)
                }
                Err(error) => Err(error),
            });
        }
        let left: Vec<VectorQuestion> = places.iter().map(|&place| questions[place]).collect();
        let steps: Vec<usize> = unknown.iter().map(|asked| asked.steps).collect();
        let thought = self.refiner.reason_planned(&left, options, |i| steps[i])?;
        for ((place, asked), refined) in places.into_iter().zip(unknown).zip(thought) {
            answers[place] = refined.and_then(|refined| self.keep(asked, refined));
        }
        Ok(answers)
    }

    /// What is known of a question.
    fn recall(&self, question: VectorQuestion<'_>, options: RefineOptions) -> Result<Found> {
        self.refiner.check(question)?;
        let key = key(question, options);
        if let Some(hit) = self.cache.get(&key)
            && let Some(refined) = from_thought(&hit.thought, question.initial)
        {
            let features = Features::UNKNOWN;
            return Ok(Found::Known(self.tell(
                key,
                refined,
                Route::Exact,
                None,
                features,
            )));
        }
        // Where the question is one vector: the order of several is no direction.
        let one = question.question.len() == question.initial.len() && self.options.similar <= 1.0;
        let print = one.then(|| [question.question, question.initial].concat());
        if let Some(print) = &print
            && let Some(hit) = self.cache.near(print)?
            && let Some(similarity) = hit.similarity
            && similarity >= self.state().lessons.threshold
            && let Some(refined) = from_thought(&hit.thought, question.initial)
        {
            let (route, features) = (Route::Similar, Features::UNKNOWN);
            let told = self.tell(key, refined, route, Some(similarity), features);
            return Ok(Found::Known(told));
        }
        let features = features(question);
        let mut steps = options.max_steps;
        // No step of a question that is taken in turn can be spared.
        if self.options.plan && !self.refiner.spec().in_turn {
            let number = fnv1a(key.iter().copied());
            steps = steps.min(self.state().selector.plan(&features, number).budget);
        }
        Ok(Found::Unknown(Asked {
            key,
            print,
            features,
            steps,
        }))
    }

    /// Keeps what was thought.
    fn keep(&self, asked: Asked, refined: Refined) -> Result<Recalled> {
        self.cache.put(&asked.key, to_thought(&refined));
        if let Some(print) = asked.print {
            self.cache.put_near(&print, to_thought(&refined))?;
        }
        Ok(self.tell(asked.key, refined, Route::Model, None, asked.features))
    }

    fn tell(
        &self,
        key: Vec<u8>,
        refined: Refined,
        route: Route,
        similarity: Option<f32>,
        features: Features,
    ) -> Recalled {
        let mut state = self.state();
        match route {
            Route::Model => state.stats.thought += 1,
            Route::Exact => state.stats.exact += 1,
            Route::Similar => state.stats.similar += 1,
        }
        let id = state.names.hash_one(state.next);
        state.next += 1;
        let open = Open {
            key,
            features,
            steps: refined.steps,
            route,
            similarity,
        };
        state.open.insert(id, open);
        state.order.push_back(id);
        while state.order.len() > self.options.open_answers {
            let oldest = state.order.pop_front().expect("there are some");
            state.open.remove(&oldest);
        }
        Recalled {
            refined,
            route,
            similarity,
            id,
        }
    }

    /// Says whether an answer was right: whether it found the right passage. The plan of steps learns from it, a near question's
    /// wrong answer makes the threshold stricter, and a wrong answer is not given again from the exact cache. False where the
    /// answer is not known any more, or had its feedback.
    pub fn feedback(&self, id: u64, right: bool) -> bool {
        let mut state = self.state();
        let Some(open) = state.open.remove(&id) else {
            return false;
        };
        let State {
            selector, lessons, ..
        } = &mut *state;
        match right {
            true => lessons.right += 1,
            false => lessons.wrong += 1,
        }
        match (open.route, right) {
            (Route::Model, _) => {
                let steps = open.steps;
                let outcome = match right {
                    true => Outcome::Solved { steps },
                    false => Outcome::Unsolved { budget: steps },
                };
                selector.learn(&open.features, outcome);
            }
            (Route::Similar, false) => {
                lessons.threshold += TIGHTEN * (1.0 - lessons.threshold);
            }
            // What was much nearer than it had to be does not say that less would do.
            (Route::Similar, true)
                if open
                    .similarity
                    .is_some_and(|s| 1.0 - s > 0.5 * (1.0 - lessons.threshold)) =>
            {
                let room = (1.0 - lessons.threshold).max(1e-4);
                lessons.threshold = (lessons.threshold - LOOSEN * room).max(MemoryOptions::LEAST);
            }
            _ => {}
        }
        if !right {
            self.cache.forget(&open.key);
        }
        true
    }

    /// What it has done.
    pub fn stats(&self) -> MemoryStats {
        let state = self.state();
        MemoryStats {
            right: state.lessons.right,
            wrong: state.lessons.wrong,
            threshold: state.lessons.threshold,
            ..state.stats
        }
    }

    /// Forgets all answers; what was learnt stays.
    pub fn clear(&self) {
        self.cache.clear();
    }

    /// Writes what was learnt into a folder: `steps.bin`, the plan of steps, and `lessons.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[cfg(feature = "files")]
    pub fn save(&self, folder: impl AsRef<std::path::Path>) -> Result<()> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|source| Error::Io {
            path: folder.into(),
            source,
        })?;
        let state = self.state();
        state.selector.predictor().save(folder.join("steps.bin"))?;
        let lessons = serde_json::to_vec(&state.lessons).expect("lessons are JSON");
        crate::model::disk::write(&folder.join("lessons.json"), &lessons)
    }

    /// Goes on from what [`Memory::save`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for anything else, and for what another model was taught.
    #[cfg(feature = "files")]
    pub fn load(&self, folder: impl AsRef<std::path::Path>) -> Result<()> {
        let folder = folder.as_ref();
        let predictor = KPredictor::open(folder.join("steps.bin"), self.refiner.id())?;
        let path = folder.join("lessons.json");
        let bytes = crate::model::disk::read(&path)?;
        let lessons: Lessons = serde_json::from_slice(&bytes)
            .map_err(|e| Error::Format(e.to_string()).in_file(&path))?;
        let known = lessons.threshold >= MemoryOptions::LEAST && lessons.threshold.is_finite();
        if lessons.model != self.refiner.id() || !known {
            let text = format!(
                "expected what the model {} was taught, found something else",
                self.refiner.id()
            );
            return Err(Error::Format(text).in_file(&path));
        }
        let mut state = self.state();
        let options = *state.selector.options();
        state.selector = AdaptiveKSelector::new(options, predictor);
        state.lessons = lessons;
        Ok(())
    }
}

/// The question and everything else that decides the answer, to the bit.
fn key(question: VectorQuestion<'_>, options: RefineOptions) -> Vec<u8> {
    let numbers = [options.halt_above, options.raw_below];
    let floats = question.question.len() + question.initial.len() + numbers.len();
    let mut key = Vec::with_capacity(4 * floats + 16);
    key.extend((options.max_steps as u64).to_le_bytes());
    key.extend((question.question.len() as u64).to_le_bytes());
    let all = numbers
        .iter()
        .chain(question.question)
        .chain(question.initial);
    all.for_each(|number| key.extend(number.to_le_bytes()));
    key
}

/// What is known of a question before it is thought about: how spread out its numbers are, how many vectors it has, and where
/// it lies, in three directions that are the same for all questions, so that questions of one kind make a pattern.
fn features(question: VectorQuestion<'_>) -> Features {
    let mut features = Features::UNKNOWN;
    if let Some(complexity) = complexity([question.question]) {
        features.set(Feature::Complexity, complexity);
    }
    let vectors = question.question.len() / question.initial.len();
    features.set(Feature::Given, vectors as f32 / 64.0);
    for (i, place) in [
        Feature::GivenEntropy,
        Feature::GivenMost,
        Feature::GivenKinds,
    ]
    .into_iter()
    .enumerate()
    {
        features.set(
            place,
            lies(question.question, question.initial.len(), i as u64),
        );
    }
    features
}

/// Where a question lies in one of some random directions, 0 to 1: the mean over its vectors.
fn lies(question: &[f32], d: usize, direction: u64) -> f32 {
    let mut state = direction + 1;
    // Signs of one place in all vectors are the same.
    let signs: Vec<f32> = (0..d)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if state >> 63 == 0 { 1.0 } else { -1.0 }
        })
        .collect();
    let vectors = question.chunks_exact(d).map(|vector| {
        // The sum of signed numbers is as long as the vector in the mean.
        let sum: f32 = vector.iter().zip(&signs).map(|(v, s)| v * s).sum();
        (sum / length(vector) as f32 / 3.0).clamp(-1.0, 1.0)
    });
    let mean = vectors.sum::<f32>() * d as f32 / question.len() as f32;
    0.5 + 0.5 * mean
}

fn to_thought(refined: &Refined) -> Thought {
    let mut answer = vec![u8::from(refined.refined)];
    answer.extend((refined.steps as u32).to_le_bytes());
    if refined.refined {
        answer.extend(refined.vector.iter().flat_map(|v| v.to_le_bytes()));
    }
    Thought {
        answer: answer.into(),
        verified: None,
        stopped: refined.stopped,
        halt: refined.confidence,
        seconds: 0.0,
    }
}

/// `None` for bytes that are no such answer. Where the first answer was returned, it is the asker's own.
fn from_thought(thought: &Thought, initial: &[f32]) -> Option<Refined> {
    let (&[refined], rest) = thought.answer.split_first_chunk()?;
    let (steps, rest) = rest.split_first_chunk()?;
    let vector: Vec<f32> = match refined {
        0 => initial.to_vec(),
        _ => rest
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&b| f32::from_le_bytes(b))
            .collect(),
    };
    (vector.len() == initial.len()).then_some(Refined {
        vector,
        confidence: thought.halt,
        steps: u32::from_le_bytes(*steps) as usize,
        refined: refined != 0,
        stopped: thought.stopped,
    })
}
