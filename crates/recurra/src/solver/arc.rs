//! Answers to ARC tasks: a test input is asked in every form that the model knows, and the answers are voted over.

use super::share_out;
use crate::engine::{Attempt, PackedModel, Surroundings};
use crate::error::{Error, Result};
use crate::kernels::{AlignedMatrix, Isa};
use crate::model::TrmModel;
use crate::tasks::TaskSpec;
use crate::tasks::arc::{Ballot, Grid, Identifiers, Question, questions};
use crate::thinking::StopRules;
use std::sync::Arc;

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
#[derive(Debug)]
pub struct ArcSolver<T> {
    weights: Arc<PackedModel>,
    table: T,
    identifiers: Identifiers,
    threads: usize,
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
            table,
            identifiers,
            threads: threads.max(1),
        })
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
        &mut self,
        task: &str,
        input: &Grid,
        options: &ArcOptions,
        done: &(dyn Fn() + Sync),
    ) -> Result<Ballot> {
        let asked: Vec<Question> = questions(task, input, &self.identifiers)
            .take(options.votes)
            .collect();
        let places: Vec<usize> = asked.iter().map(|question| question.puzzle).collect();
        let rows = self.table.rows(&places)?;
        let answers = share_out(&self.weights, self.threads, asked.len(), &|engine, i| {
            let question = &asked[i];
            engine.start_with_row(&question.tokens, rows.row(i))?;
            let mut attempt = Attempt::new(options.stop, question.tokens.len());
            while engine
                .advance(&mut attempt, &mut Surroundings::default())
                .is_none()
            {}
            done();
            Ok::<_, Error>((question.read_answer(&attempt.answer), attempt.halt_logit))
        });
        let mut ballot = Ballot::new();
        for answer in answers {
            let (grid, halt) = answer?;
            ballot.add(grid, halt);
        }
        Ok(ballot)
    }
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
            let mut solver = ArcSolver::new(&model, table, identifiers.clone(), threads).unwrap();
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
