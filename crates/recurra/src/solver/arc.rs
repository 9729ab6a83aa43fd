//! Answers to ARC tasks: a test input is asked in every form that the model knows, and the answers are voted over.

use super::desk::default_rules;
use super::pool::share_out;
use super::{Answer, Question, Refusal, SolveOptions, Source};
use crate::engine::{Attempt, PackedModel, Surroundings};
use crate::error::{Error, Result};
use crate::model::TrmModel;
use crate::tasks::TaskSpec;
use crate::tasks::arc::{Attempts, Ballot, Grid, Identifiers, Submission, TaskSet, questions};
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

impl ArcSolver {
    /// A solver of the model in a file, whose puzzle table stays there. `identifiers` is the file that says which task each of
    /// its rows belongs to: `MODEL.identifiers.json` unless another is named.
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
        let mut beside = model.as_os_str().to_owned();
        beside.push(".identifiers.json");
        let path = identifiers.unwrap_or(beside.as_ref());
        let read = Identifiers::from_json(&crate::model::disk::read(path)?);
        let identifiers = read.map_err(|e| e.in_file(path))?;
        let rows: Box<dyn PuzzleRows + Send> = Box::new(rows);
        Self::new(&opened, rows, identifiers, threads).map_err(|e| e.in_file(model))
    }

    /// Answers the test inputs of a file of challenges.
    pub(super) fn ask(&self, question: &Question, options: &SolveOptions) -> Result<Answer> {
        let refuse = |error: String| Refusal { line: 1, error };
        let text = question
            .text()
            .ok_or_else(|| refuse("expected the text of a file of challenges".into()))?;
        let set = TaskSet::read(text.as_bytes());
        if let Some(error) = set.errors.first() {
            return Err(refuse(error.to_string()).into());
        }
        let started = Instant::now();
        let options = ArcOptions {
            stop: options.stop,
            votes: usize::MAX,
        };
        let mut submission = Submission::default();
        let mut all = Vec::new();
        for task in &set.tasks {
            if !self.knows(&task.name) {
                let name = &task.name;
                let expected = "expected one whose demonstrations the model has learnt";
                return Err(refuse(format!("task `{name}`: {expected}")).into());
            }
            let mut attempts = Vec::with_capacity(task.test.len());
            for pair in &task.test {
                let forms = self.forms(&task.name, &pair.input, &options, &|| {})?;
                attempts.push(Attempts::best(&ballot(&forms).ranking()));
                all.extend(forms);
            }
            submission.tasks.insert(task.name.clone(), attempts);
        }
        // Of all forms, the one that the model is surest of stands for them.
        let surest = all.iter().max_by(|a, b| a.halt.total_cmp(&b.halt));
        let names: Vec<&str> = set.tasks.iter().map(|task| task.name.as_str()).collect();
        Ok(Answer {
            line: 1,
            question: names.join(" "),
            text: submission.to_json(),
            verified: None,
            steps: all.iter().map(|form| form.steps).sum(),
            restarts: all.len().saturating_sub(1),
            stopped: surest.map_or(StopReason::MaxSteps, |form| form.stopped),
            halt: surest.map_or(f32::NAN, |form| form.halt),
            seconds: started.elapsed().as_secs_f64(),
            source: Source::Model,
            tokens: Vec::new(),
        })
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
            stop: default_rules(
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
        Ok(ballot(&self.forms(task, input, options, done)?))
    }

    fn forms(
        &self,
        task: &str,
        input: &Grid,
        options: &ArcOptions,
        done: &(dyn Fn() + Sync),
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
    use crate::model::TrmWeights;
    use crate::tasks::arc::{ArcTask, Pair, TestPair};
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
