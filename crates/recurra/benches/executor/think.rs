//! Thinking about one question, or about several in step.

use recurra::engine::{PackedModel, TrmEngine};
use recurra::executor::{Cancelled, Job};
use recurra::tasks::sudoku::{Generated, Grid, rules};
use std::sync::Arc;

/// As the authors' code has it.
pub(crate) const MOST_STEPS: usize = 16;

/// A puzzle with its answer.
pub(crate) struct Question {
    puzzle: Generated,
    tokens: Vec<u16>,
    /// Steps after which it is done, where that is made up.
    pub(crate) given: usize,
}

impl Question {
    pub(crate) fn new(puzzle: Generated, given: usize) -> Self {
        Question {
            tokens: puzzle.question.encode(),
            puzzle,
            given,
        }
    }

    pub(crate) fn blanks(&self) -> usize {
        self.tokens.len() - self.puzzle.question.givens()
    }
}

/// When a question is done.
#[derive(Clone, Copy)]
pub(crate) enum Done {
    /// The rules hold for the answer.
    Verified,
    /// After its made-up number of steps; the model works, but its answers are not looked at.
    AsGiven,
}

/// How a group goes on when some of its questions are done.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// A group is one question.
    Repacked,
    /// Each goes on until all are done.
    UntilTheLast,
    /// Each goes on to the limit, and answers are looked at in the end only.
    AllSteps,
}

/// What came of a question.
pub(crate) struct Thought {
    pub(crate) steps: usize,
    pub(crate) right: bool,
}

/// Questions that are thought about together, each with an engine of its own.
pub(crate) struct Group<'a> {
    pub(crate) weights: &'a Arc<PackedModel>,
    pub(crate) questions: &'a [Question],
    pub(crate) mode: Mode,
    pub(crate) done: Done,
}

/// What a worker keeps: engines and room for an answer.
pub(crate) struct Thinker {
    engines: Vec<TrmEngine>,
    answer: Vec<u16>,
}

impl Thinker {
    fn grid(&mut self, i: usize, question: &Question) -> Grid {
        self.engines[i].decode().answer_into(&mut self.answer);
        Grid::decode(question.puzzle.question.sudoku(), &self.answer)
    }
}

impl Job for Group<'_> {
    type Worker = Thinker;
    type Output = Vec<Thought>;

    fn worker(&self) -> Thinker {
        Thinker {
            engines: Vec::new(),
            answer: vec![0; self.weights.config().seq_len],
        }
    }

    fn run(self, thinker: &mut Thinker, cancelled: &Cancelled) -> Option<Vec<Thought>> {
        while thinker.engines.len() < self.questions.len() {
            let engine = TrmEngine::with_weights(self.weights.clone(), 1);
            thinker.engines.push(engine);
        }
        for (engine, question) in thinker.engines.iter_mut().zip(self.questions) {
            engine.start(&question.tokens, 0).expect("a fitting puzzle");
        }
        let mut steps = 0;
        loop {
            if cancelled.is_cancelled() {
                return None;
            }
            steps += 1;
            let mut all_done = true;
            for (i, question) in self.questions.iter().enumerate() {
                thinker.engines[i].step();
                all_done &= match (self.mode, self.done) {
                    (Mode::AllSteps, _) => false,
                    (_, Done::AsGiven) => steps >= question.given,
                    (_, Done::Verified) => {
                        rules::verifies(&question.puzzle.question, &thinker.grid(i, question))
                    }
                };
            }
            if all_done || steps == MOST_STEPS {
                break;
            }
        }
        let thought = |(i, question)| Thought {
            steps,
            right: thinker.grid(i, question) == question.puzzle.answer,
        };
        Some(self.questions.iter().enumerate().map(thought).collect())
    }
}
