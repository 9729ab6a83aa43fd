//! The models that are served, and what is known of how long their questions take.

use crate::adapters::Adapter;
use crate::problem::Problem;
use crate::settings::{ModelSource, Settings};
use anyhow::anyhow;
use arc_swap::ArcSwap;
use recurra::Answer;
use recurra::cache::{Store, StoreOptions, TrmCache};
use recurra::kernels::AlignedMatrix;
use recurra::model::{TrmModel, TrmWeights};
use recurra::solver::{SolveOptions, Solver, Source};
use recurra::tasks::grid::GridTask;
use recurra::tasks::{Task, TaskSpec};
use recurra::thinking::{Features, KPredictor, Limits, Outcome};
use recurra::vectors::Refiner;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A model as it was opened.
pub enum Opened {
    /// One whose questions are puzzles.
    Puzzles(Box<TrmModel>),
    /// One of vectors.
    Vectors(Refiner),
    /// One for ARC-AGI, whose solver keeps its table of puzzles in the file.
    Arc(Solver),
}

/// Opens a model with so many threads: the program's own way, so that names of sizes and rules mean the same.
pub type Open = Arc<dyn Fn(&ModelSource, usize) -> anyhow::Result<Opened> + Send + Sync>;

/// A model that is served.
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) spec: TaskSpec,
    /// None for ARC-AGI.
    pub(crate) task: Option<Arc<dyn Task>>,
    pub(crate) solver: Solver,
    /// Stands for the weights.
    pub(crate) id: String,
    pub(crate) weights: usize,
    /// Whether puzzles of its task can be made.
    pub(crate) generates: bool,
    pub(crate) cache: Option<Arc<TrmCache>>,
    predictor: Mutex<KPredictor>,
    /// Seconds of a step, and steps of a question: moving means, as bits.
    pace: Mean,
    usual: Mean,
}

/// A moving mean that threads share.
struct Mean(AtomicU64);

impl Mean {
    const SHARE: f64 = 0.05;

    fn of(value: f64) -> Self {
        Mean(AtomicU64::new(value.to_bits()))
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn learn(&self, value: f64) {
        // Who loses a race loses one value of many.
        let mean = self.get();
        let next = mean + Self::SHARE * (value - mean);
        if next.is_finite() {
            self.0.store(next.to_bits(), Ordering::Relaxed);
        }
    }
}

impl Served {
    /// One whose questions are puzzles.
    fn puzzles_of(
        source: &ModelSource,
        model: &TrmModel,
        settings: &Settings,
        caches: &Caches,
    ) -> anyhow::Result<Self> {
        let solver = Solver::new(model, settings.threads)?;
        let task = solver.task()?.clone();
        let cache = caches.of(model, &solver, settings)?;
        let solver = match &cache {
            Some(cache) => solver.remembering(cache.clone())?,
            None => solver,
        };
        let about = (
            model.id(),
            TrmWeights::<AlignedMatrix>::count(model.config()),
        );
        Ok(Served::new(
            source,
            task.spec(),
            Some(task),
            solver,
            cache,
            about,
        ))
    }

    fn new(
        source: &ModelSource,
        spec: TaskSpec,
        task: Option<Arc<dyn Task>>,
        solver: Solver,
        cache: Option<Arc<TrmCache>>,
        (id, weights): (String, usize),
    ) -> Self {
        Served {
            name: source.name.clone(),
            predictor: Mutex::new(KPredictor::new(id.clone())),
            pace: Mean::of(0.001),
            usual: Mean::of(solver.options().stop.max_steps as f64 / 4.0),
            generates: match &spec {
                TaskSpec::Arc | TaskSpec::Vectors(_) => false,
                TaskSpec::Grid(grid) => {
                    GridTask::new((**grid).clone()).is_ok_and(|grid| grid.has_solver())
                }
                TaskSpec::Sudoku { .. } | TaskSpec::Maze { .. } => true,
            },
            spec,
            task,
            solver,
            id,
            weights,
            cache,
        }
    }

    /// The task.
    ///
    /// # Errors
    /// For ARC-AGI, whose answers are voted over.
    pub(crate) fn puzzles(&self) -> Result<&Arc<dyn Task>, Problem> {
        self.task.as_ref().ok_or_else(|| {
            Problem::refused(format!("model `{}`: expected a model for puzzles, found one for ARC-AGI, whose answers have no rule check", self.name))
        })
    }

    /// What can be told of a question before anybody thinks about it. None: it cannot be read.
    fn features(&self, tokens: &[u16]) -> Option<Features> {
        let task = self.task.as_ref()?;
        let embedding = std::iter::empty::<&[f32]>();
        Some(Features::of_question(
            tokens,
            task.vocab_size(),
            |t| task.is_given(t),
            embedding,
        ))
    }

    /// How many steps a question will take, as far as can be told.
    pub(crate) fn predict(&self, tokens: Option<&[u16]>, options: &SolveOptions) -> f64 {
        let most = most_steps(options);
        let Some(features) = tokens.and_then(|tokens| self.features(tokens)) else {
            return self.usual.get().clamp(1.0, most as f64);
        };
        let limits = Limits {
            min_k: 1,
            max_k: most,
            quantile: 0.99,
        };
        let predictor = self
            .predictor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if predictor.solved() == 0 {
            return self.usual.get().clamp(1.0, most as f64);
        }
        let work = predictor.predict(&features, &limits).work;
        f64::from(work).clamp(1.0, most as f64)
    }

    /// Predicted seconds of so many steps on one thread.
    pub(crate) fn seconds(&self, steps: f64) -> f64 {
        steps * self.pace.get()
    }

    /// Learns from an answer how long others will take.
    pub(crate) fn learn(&self, answer: &Answer) {
        if answer.source != Source::Model || answer.steps == 0 {
            return;
        }
        self.pace.learn(answer.seconds / answer.steps as f64);
        self.usual.learn(answer.steps as f64);
        let Some(task) = &self.task else { return };
        let Ok(tokens) = task.parse(&answer.question) else {
            return;
        };
        if let Some(features) = self.features(&tokens) {
            let outcome = match answer.verified {
                Some(true) => Outcome::Solved {
                    steps: answer.steps,
                },
                _ => Outcome::Unsolved {
                    budget: answer.steps,
                },
            };
            let mut predictor = self
                .predictor
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            predictor.learn(&features, outcome);
        }
    }
}

/// Steps of all attempts together.
fn most_steps(options: &SolveOptions) -> usize {
    let attempts = options.restarts.saturating_add(1);
    options.stop.max_steps.saturating_mul(attempts).max(1)
}

/// The caches, which live on when models are read again.
#[derive(Default)]
struct Caches {
    store: Option<Arc<Store>>,
    /// By what stands for weights, architecture and task.
    known: Mutex<BTreeMap<String, Arc<TrmCache>>>,
}

impl Caches {
    fn open(settings: &Settings) -> anyhow::Result<Self> {
        let store = settings.cache.as_ref().map(|path| {
            let options = StoreOptions {
                max_bytes: settings.cache_size << 20,
                ..StoreOptions::default()
            };
            Store::open(path, options).map(Arc::new)
        });
        Ok(Caches {
            store: store.transpose()?,
            known: Mutex::default(),
        })
    }

    fn of(
        &self,
        model: &TrmModel,
        solver: &Solver,
        settings: &Settings,
    ) -> anyhow::Result<Option<Arc<TrmCache>>> {
        let memory = match (&self.store, settings.cache_memory) {
            (None, None) => return Ok(None),
            (_, memory) => memory.unwrap_or(64),
        };
        let digest = model.digest();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{digest:?}");
        if let Some(cache) = known.get(&key) {
            return Ok(Some(cache.clone()));
        }
        let mut cache = TrmCache::new(solver.cache_config(memory << 20)?);
        if let Some(store) = &self.store {
            cache = cache.with_store(store.clone(), digest);
        }
        let cache = Arc::new(cache);
        known.insert(key, cache.clone());
        Ok(Some(cache))
    }

    /// Forgets those of models that are served no more.
    fn keep(&self, models: &BTreeMap<String, Arc<Served>>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, cache| {
            let is = |m: &Arc<Served>| m.cache.as_ref().is_some_and(|c| Arc::ptr_eq(c, cache));
            models.values().any(is)
        });
    }
}

/// What is served, by name.
#[derive(Default)]
pub(crate) struct All {
    pub(crate) puzzles: BTreeMap<String, Arc<Served>>,
    pub(crate) vectors: BTreeMap<String, Arc<Adapter>>,
}

/// All models, which can be read again while they are used.
pub(crate) struct Models {
    current: ArcSwap<All>,
    open: Open,
    caches: Caches,
    /// Whether a reading has begun and not ended.
    reading: AtomicBool,
}

impl Models {
    pub(crate) fn open(settings: &Settings, open: Open) -> anyhow::Result<Self> {
        let models = Models {
            current: ArcSwap::default(),
            open,
            caches: Caches::open(settings)?,
            reading: AtomicBool::new(false),
        };
        models.read(settings)?;
        Ok(models)
    }

    /// Reads all models again. Where one cannot be read, all stay as they are. Who uses an old one keeps it until the end.
    pub(crate) fn read(&self, settings: &Settings) -> anyhow::Result<()> {
        if self.reading.swap(true, Ordering::AcqRel) {
            return Err(anyhow!("the models are being read already"));
        }
        let done = self.read_all(settings).map(|all| {
            self.caches.keep(&all.puzzles);
            let old = self.current.swap(Arc::new(all));
            // What those that are served no more were taught is kept.
            old.vectors.values().for_each(|adapter| adapter.write());
        });
        self.reading.store(false, Ordering::Release);
        done
    }

    fn read_all(&self, settings: &Settings) -> anyhow::Result<All> {
        let mut all = All::default();
        let before = self.all();
        for source in &settings.models {
            let name = source.name.clone();
            let served = match (self.open)(source, settings.threads)? {
                Opened::Vectors(refiner) => {
                    let same = before.vectors.get(&name);
                    let same = same.filter(|old| old.is_of(&refiner)).cloned();
                    let adapter = match same {
                        Some(adapter) => adapter,
                        None => {
                            let store = self.caches.store.as_ref();
                            Arc::new(Adapter::open(&name, refiner, settings, store)?)
                        }
                    };
                    all.vectors.insert(name, adapter);
                    continue;
                }
                Opened::Puzzles(model) => {
                    Served::puzzles_of(source, &model, settings, &self.caches)?
                }
                Opened::Arc(solver) => {
                    let about = (String::new(), 0);
                    Served::new(source, TaskSpec::Arc, None, solver, None, about)
                }
            };
            all.puzzles.insert(name, Arc::new(served));
        }
        Ok(all)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Arc<All> {
        self.current.load_full()
    }

    /// The model of puzzles of this name; without a name, the only one.
    pub(crate) fn get(&self, name: Option<&str>) -> Result<Arc<Served>, Problem> {
        let all = self.current.load();
        refuse_kind(&all.vectors, name, "puzzles", "vectors")?;
        pick(&all.puzzles, name)
    }

    /// The model of vectors of this name; without a name, the only one.
    pub(crate) fn adapter(&self, name: Option<&str>) -> Result<Arc<Adapter>, Problem> {
        let all = self.current.load();
        refuse_kind(&all.puzzles, name, "vectors", "puzzles")?;
        if all.vectors.is_empty() {
            return Err(Problem::not_found(
                "model: this server has no model of vectors",
            ));
        }
        pick(&all.vectors, name)
    }

    /// Writes what waits for the disk.
    pub(crate) fn flush(&self) -> recurra::Result<()> {
        let all = self.current.load();
        all.vectors
            .values()
            .try_for_each(|adapter| adapter.flush())?;
        let mut caches = all.puzzles.values().filter_map(|m| m.cache.as_ref());
        caches.try_for_each(|cache| cache.flush())
    }
}

/// The one of this name; without a name, the only one.
fn pick<T>(models: &BTreeMap<String, Arc<T>>, name: Option<&str>) -> Result<Arc<T>, Problem> {
    let found = match name {
        Some(name) => models.get(name),
        None if models.len() == 1 => models.values().next(),
        None => None,
    };
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> = models.keys().map(String::as_str).collect();
        let names = names.join(", ");
        match name {
            Some(_) => Problem::not_found(format!("model: expected one of {names}, found another")),
            None => Problem::refused(format!("model: expected one of {names}, found none")),
        }
    })
}

/// Refuses the name of a model of the other kind.
fn refuse_kind<T>(
    others: &BTreeMap<String, T>,
    name: Option<&str>,
    expected: &str,
    found: &str,
) -> Result<(), Problem> {
    match name.filter(|&name| others.contains_key(name)) {
        None => Ok(()),
        Some(name) => Err(Problem::refused(format!(
            "model `{name}`: expected a model of {expected}, found one of {found}"
        ))),
    }
}
