//! Answers to ARC tasks: a test input is asked in every form that the model knows, and the answers are voted over.

use super::attempts::time_left;
use super::pool::share_out;
use super::{Answer, Question, Refusal, SolveOptions, Source};
use crate::engine::{Attempt, PackedModel, Surroundings};
use crate::error::{Error, Result};
use crate::model::TrmModel;
use crate::tasks::TaskSpec;
use crate::tasks::arc::{
    ArcTask, Attempts, Ballot, Grid, Identifiers, Submission, TaskSet, questions,
};
use crate::thinking::{StopReason, StopRules};
use recurra_kernels::{AlignedMatrix, Isa};
use std::sync::{Arc, Mutex, PoisonError};
use web_time::Instant;

/// Where the rows of a puzzle table are read from: memory, or a file too large for it.
pub trait PuzzleRows {
    /// Rows and columns.
    fn shape(&self) -> [usize; 2];

    /// Reads these rows, in this order.
    ///
    /// # Errors
    /// [`Error::Tensor`] for a row that is not there, [`Error::Format`] where it cannot be read.
    fn rows(&mut self, rows: &[usize]) -> Result<AlignedMatrix>;
}

impl PuzzleRows for &AlignedMatrix {
    fn shape(&self) -> [usize; 2] {
        [AlignedMatrix::rows(self), self.cols()]
    }

    fn rows(&mut self, rows: &[usize]) -> Result<AlignedMatrix> {
        let mut found = AlignedMatrix::zeros(rows.len(), self.cols());
        for (to, &from) in rows.iter().enumerate() {
            found.row_mut(to).copy_from_slice(self.row(from));
        }
        Ok(found)
    }
}

impl PuzzleRows for Box<dyn PuzzleRows + Send> {
    fn shape(&self) -> [usize; 2] {
        (**self).shape()
    }

    fn rows(&mut self, rows: &[usize]) -> Result<AlignedMatrix> {
        (**self).rows(rows)
    }
}

#[cfg(feature = "import")]
impl<R: std::io::Read + std::io::Seek> PuzzleRows for crate::model::import::TableRows<R> {
    fn shape(&self) -> [usize; 2] {
        Self::shape(self)
    }

    fn rows(&mut self, rows: &[usize]) -> Result<AlignedMatrix> {
        self.read(rows)
    }
}

/// How to think about ARC tasks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArcOptions {
    /// When to stop thinking about one form of a test input. A rule that asks for proof never holds.
    pub stop: StopRules,
    /// How many forms of a test input are asked at most, the unchanged one first.
    pub votes: usize,
}

/// What came of asking the test inputs of some tasks.
#[derive(Debug, Default)]
pub struct ArcAnswers {
    /// The two best answers to each test input.
    pub submission: Submission,
    /// Forms asked of all test inputs.
    pub votes: usize,
    /// Of those, answers with no grid in them.
    pub blank: usize,
    /// Improvement steps of all of them.
    pub steps: usize,
    /// The halting logit of the form of which the model was surest, and why it stopped thinking about it.
    surest: Option<(f32, StopReason)>,
}

impl ArcAnswers {
    fn count(&mut self, form: &Form) {
        self.votes += 1;
        self.blank += usize::from(form.grid.is_none());
        self.steps += form.steps;
        let surer = |(halt, _): (f32, _)| halt.total_cmp(&form.halt).is_le();
        if self.surest.is_none_or(surer) {
            self.surest = Some((form.halt, form.stopped));
        }
    }
}

/// Answers ARC tasks with one model on some threads.
pub struct ArcSolver<T = Box<dyn PuzzleRows + Send>> {
    weights: Arc<PackedModel>,
    table: Mutex<T>,
    identifiers: Identifiers,
    stop: StopRules,
    threads: usize,
}

impl<T> std::fmt::Debug for ArcSolver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArcSolver")
            .field("stop", &self.stop)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// What a solver asks of who votes over answers.
pub(super) trait Votes: std::fmt::Debug + Send + Sync {
    /// How its questions are thought about unless somebody says otherwise.
    fn solve_options(&self) -> SolveOptions;

    /// Answers the test inputs of a file of challenges.
    fn ask(&self, question: &Question, options: &SolveOptions) -> Result<Answer>;
}

impl Votes for ArcSolver {
    fn solve_options(&self) -> SolveOptions {
        SolveOptions::new(self.options().stop)
    }

    fn ask(&self, question: &Question, options: &SolveOptions) -> Result<Answer> {
        let refuse = |error: String| Refusal { line: 1, error };
        let text = question
            .text()
            .ok_or_else(|| refuse("expected the text of a file of challenges".into()))?;
        let set = TaskSet::read(text.as_bytes());
        if let Some(error) = set.errors.first() {
            return Err(refuse(error.to_string()).into());
        }
        let started = Instant::now();
        let arc_options = ArcOptions {
            stop: options.stop,
            votes: usize::MAX,
        };
        if let Some(unknown) = set.tasks.iter().find(|task| !self.knows(&task.name)) {
            let name = &unknown.name;
            let expected = "expected one whose demonstrations the model has learnt";
            return Err(refuse(format!("task `{name}`: {expected}")).into());
        }
        let answers = self.answer_unless(&set.tasks, &arc_options, &|| {}, &|| {
            if options.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            time_left(options).map(drop)
        })?;
        let names: Vec<&str> = set.tasks.iter().map(|task| task.name.as_str()).collect();
        Ok(Answer {
            line: 1,
            id: None,
            question: names.join(" "),
            text: answers.submission.to_json(),
            verified: None,
            steps: answers.steps,
            restarts: answers.votes.saturating_sub(1),
            stopped: answers.surest.map_or(StopReason::MaxSteps, |(_, why)| why),
            halt: answers.surest.map_or(f32::NAN, |(halt, _)| halt),
            finite: answers.surest.is_some_and(|(halt, _)| halt.is_finite()),
            seconds: started.elapsed().as_secs_f64(),
            source: Source::Model,
            tokens: Vec::new(),
        })
    }
}

impl ArcSolver {
    /// A solver of the model in a file, whose puzzle table stays there. `identifiers` is the file that says which task each of
    /// its rows belongs to: the one [beside the model](Identifiers::beside) unless another is named.
    ///
    /// # Errors
    /// Where a file cannot be read, or the two do not belong together.
    #[cfg(all(feature = "files", feature = "import"))]
    pub fn open(
        model: &std::path::Path,
        identifiers: Option<&std::path::Path>,
        threads: usize,
    ) -> Result<Self> {
        let (opened, rows) = TrmModel::open_apart(model)?;
        let beside = Identifiers::beside(model);
        let path = identifiers.unwrap_or(&beside);
        let read = Identifiers::from_json(&crate::model::disk::read(path)?);
        let identifiers = read.map_err(|e| e.in_file(path))?;
        let rows: Box<dyn PuzzleRows + Send> = Box::new(rows);
        Self::new(&opened, rows, identifiers, threads).map_err(|e| e.in_file(model))
    }
}

impl<T: PuzzleRows> ArcSolver<T> {
    /// A solver of the tasks that `identifiers` names. The rows of the puzzle table are read from `table`, as they are
    /// needed; the model's own table may have none.
    ///
    /// # Errors
    /// [`Error::Config`] if the model was not made for ARC, or table and identifiers do not belong together.
    pub fn new(
        model: &TrmModel,
        table: T,
        identifiers: Identifiers,
        threads: usize,
    ) -> Result<Self> {
        let refuse = |field, expected: String, found: String| {
            Err(Error::Config {
                field,
                expected,
                found,
            })
        };
        match &model.header.task {
            Some(TaskSpec::Arc) => {}
            Some(task) => return refuse("task", TaskSpec::Arc.to_string(), task.to_string()),
            None => return refuse("task", TaskSpec::Arc.to_string(), "none".into()),
        }
        let [rows, _] = table.shape();
        if rows != identifiers.count() {
            let expected = format!("as many as there are identifiers, {}", identifiers.count());
            return refuse("num_puzzle_identifiers", expected, rows.to_string());
        }
        Ok(ArcSolver {
            weights: Arc::new(PackedModel::without_table(
                Isa::detect(),
                model.config(),
                &model.weights,
            )),
            table: Mutex::new(table),
            identifiers,
            stop: StopRules::usual(
                model.config().halt_max_steps,
                model.header.thinking.as_ref(),
            ),
            threads: threads.max(1),
        })
    }

    /// How test inputs are thought about unless somebody says otherwise: in all forms.
    pub fn options(&self) -> ArcOptions {
        ArcOptions {
            stop: self.stop,
            votes: usize::MAX,
        }
    }

    /// Whether the model has learnt from the demonstrations of the task of this name.
    pub fn knows(&self, task: &str) -> bool {
        self.identifiers.rows(task).len() > 0
    }

    /// The votes of a test input's forms. They are the same whatever the number of threads. `done` is called after each
    /// form, from any thread. Without votes: the task is not known.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Tensor`] where the table's rows cannot be read.
    pub fn vote(
        &self,
        task: &str,
        input: &Grid,
        options: &ArcOptions,
        done: &(dyn Fn() + Sync),
    ) -> Result<Ballot> {
        let forms = self.forms(task, input, options, done, &|| Ok(()))?;
        Ok(ballot(&forms))
    }

    /// Answers the test inputs of tasks; of several tasks of a name, the first counts. A task that is not known gets attempts
    /// without votes. `done` is called after each form of a test input, from any thread.
    ///
    /// # Errors
    /// As [`ArcSolver::vote`].
    pub fn answer<'a>(
        &self,
        tasks: impl IntoIterator<Item = &'a ArcTask>,
        options: &ArcOptions,
        done: &(dyn Fn() + Sync),
    ) -> Result<ArcAnswers> {
        self.answer_unless(tasks, options, done, &|| Ok(()))
    }

    /// The same, given up as soon as `over` says why.
    fn answer_unless<'a>(
        &self,
        tasks: impl IntoIterator<Item = &'a ArcTask>,
        options: &ArcOptions,
        done: &(dyn Fn() + Sync),
        over: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<ArcAnswers> {
        let mut answers = ArcAnswers::default();
        for task in tasks {
            if answers.submission.tasks.contains_key(&task.name) {
                continue;
            }
            let mut attempts = Vec::with_capacity(task.test.len());
            for pair in &task.test {
                let forms = self.forms(&task.name, &pair.input, options, done, over)?;
                attempts.push(Attempts::best(&ballot(&forms).ranking()));
                forms.iter().for_each(|form| answers.count(form));
            }
            let name = task.name.clone();
            answers.submission.tasks.insert(name, attempts);
        }
        Ok(answers)
    }

    fn forms(
        &self,
        task: &str,
        input: &Grid,
        options: &ArcOptions,
        done: &(dyn Fn() + Sync),
        over: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<Vec<Form>> {
        let asked: Vec<_> = questions(task, input, &self.identifiers)
            .take(options.votes)
            .collect();
        let places: Vec<usize> = asked.iter().map(|question| question.puzzle).collect();
        let rows = {
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            table.rows(&places)?
        };
        let forms = share_out(&self.weights, self.threads, asked.len(), &|engine, i| {
            let question = &asked[i];
            engine.start_with_row(&question.tokens, rows.row(i))?;
            let mut attempt = Attempt::new(options.stop, question.tokens.len());
            let stopped = loop {
                over()?;
                if let Some(stopped) = engine.advance(&mut attempt, &mut Surroundings::default()) {
                    break stopped;
                }
            };
            done();
            Ok(Form {
                grid: question.read_answer(&attempt.answer),
                halt: attempt.halt_logit,
                steps: attempt.steps,
                stopped,
            })
        });
        forms.into_iter().collect()
    }
}

/// What came of one form of a test input.
struct Form {
    /// The answer, turned back; none where the tokens are no grid.
    grid: Option<Grid>,
    halt: f32,
    steps: usize,
    stopped: StopReason,
}

fn ballot(forms: &[Form]) -> Ballot {
    let mut ballot = Ballot::new();
    for form in forms {
        ballot.add(form.grid.clone(), form.halt);
    }
    ballot
}

// The executor's threads are not there in the browser.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use crate::cache::{CacheConfig, TrmCache};
    use crate::model::TrmWeights;
    use crate::solver::Solver;
    use crate::tasks::arc::{Pair, TestPair};
    use crate::thinking::{AdaptiveKSelector, AdaptiveOptions, KPredictor};
    use crate::train::preset::preset;

    fn task() -> ArcTask {
        let grid = |cells: &[u8]| Grid::new(2, cells.len() / 2, cells.to_vec()).unwrap();
        let (input, output) = (grid(&[0, 1, 2, 3, 4, 5]), grid(&[5, 4, 3, 2]));
        ArcTask {
            name: "a".into(),
            train: vec![Pair {
                input: input.clone(),
                output,
            }],
            test: vec![TestPair {
                input,
                output: None,
            }],
        }
    }

    fn model(rows: usize) -> TrmModel {
        let (mut config, _) = preset(&TaskSpec::Arc).unwrap();
        (config.hidden_size, config.num_heads, config.num_layers) = (16, 2, 1);
        (config.h_cycles, config.l_cycles) = (1, 1);
        (config.puzzle_emb_ndim, config.puzzle_emb_len) = (20, 2);
        config.num_puzzle_identifiers = rows;
        let mut weights = TrmWeights::random(&config, 3);
        if let Some(table) = &mut weights.puzzle_emb {
            for row in 0..rows {
                table.row_mut(row).fill(row as f32);
            }
        }
        TrmModel::new(config, Some(TaskSpec::Arc), weights)
    }

    #[test]
    fn every_form_votes_with_its_own_row() {
        let task = task();
        let mut identifiers = Identifiers::new();
        identifiers.add(&task, 3, 1);
        let model = model(identifiers.count());
        let table = model.weights.puzzle_emb.as_ref().unwrap();
        let options = |votes| ArcOptions {
            stop: StopRules::none(2),
            votes,
        };
        let vote = |votes, threads| {
            let solver = ArcSolver::new(&model, table, identifiers.clone(), threads).unwrap();
            assert!(solver.knows("a") && !solver.knows("b"));
            let input = &task.test[0].input;
            let unknown = solver.vote("b", input, &options(9), &|| {}).unwrap();
            assert!(unknown.blank() == 0 && unknown.ranking().is_empty());
            solver.vote("a", input, &options(votes), &|| {}).unwrap()
        };
        let all = vote(9, 1);
        let cast = |ballot: &Ballot| -> usize {
            ballot.blank() + ballot.ranking().iter().map(|c| c.votes).sum::<usize>()
        };
        assert_eq!((cast(&all), cast(&vote(2, 1))), (4, 2));
        assert_eq!(all.ranking(), vote(9, 2).ranking());
        // What the engine says of the unchanged form, asked by its row of the table in memory.
        let mut engine = crate::engine::TrmEngine::new(&model, 1);
        let question = questions("a", &task.test[0].input, &identifiers)
            .next()
            .unwrap();
        let alone = engine
            .reason(
                &question.tokens,
                question.puzzle,
                StopRules::none(2),
                Surroundings::default(),
            )
            .unwrap();
        let first = vote(1, 1);
        match question.read_answer(&alone.answer) {
            Some(grid) => assert_eq!(first.ranking()[0].grid, grid),
            None => assert_eq!(first.blank(), 1),
        }
    }

    #[test]
    fn what_is_for_puzzles_is_refused() {
        let task = task();
        let mut identifiers = Identifiers::new();
        identifiers.add(&task, 3, 1);
        let model = model(identifiers.count());
        let table: Box<dyn PuzzleRows + Send> =
            Box::new(Owned(model.weights.puzzle_emb.clone().unwrap()));
        let solver: Solver = ArcSolver::new(&model, table, identifiers, 1)
            .unwrap()
            .into();
        let options = SolveOptions::new(StopRules::none(2));
        assert!(solver.solve_many(&[vec![1]], &options, &|| {}).is_err());
        assert!(solver.solve_many(&[], &options, &|| {}).is_err());
        assert!(solver.record(&[], 2, &|| {}).is_err());
        let selector = AdaptiveKSelector::new(AdaptiveOptions::new(2), KPredictor::new("m"));
        assert!(solver.clone().adapting(selector).is_err());
        let cache = TrmCache::new(CacheConfig {
            max_bytes: 1 << 10,
            key_bytes: 8,
            answer_bytes: 8,
        });
        assert!(solver.remembering(Arc::new(cache)).is_err());
    }

    /// A table that lasts as long as its solver.
    struct Owned(AlignedMatrix);

    impl PuzzleRows for Owned {
        fn shape(&self) -> [usize; 2] {
            PuzzleRows::shape(&&self.0)
        }

        fn rows(&mut self, rows: &[usize]) -> Result<AlignedMatrix> {
            PuzzleRows::rows(&mut &self.0, rows)
        }
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let mut identifiers = Identifiers::new();
        identifiers.add(&task(), 3, 1);
        let mut model = model(identifiers.count() + 1);
        let table = model.weights.puzzle_emb.clone().unwrap();
        let error = |model: &TrmModel| {
            let solver = ArcSolver::new(model, &table, identifiers.clone(), 1);
            solver.unwrap_err().to_string()
        };
        assert!(error(&model).contains("num_puzzle_identifiers"));
        model.header.task = None;
        assert!(error(&model).contains("ARC-AGI"));
    }
}
