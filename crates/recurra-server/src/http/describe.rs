//! What a model is for, and how its questions are written: for people, programs and language models alike.

use crate::adapters::Adapter;
use crate::models::Served;
use recurra::tasks::TaskSpec;
use serde::Serialize;
use utoipa::ToSchema;

/// A model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Model)]
pub(crate) struct Description {
    /// Its name in requests.
    pub(crate) model: String,
    /// What it answers.
    pub(crate) task: String,
    /// How a question is written.
    pub(crate) question: String,
    /// How an answer is written.
    pub(crate) answer: String,
    /// What it means that an answer is verified.
    pub(crate) verified: String,
    /// Whether verified is proof.
    pub(crate) proves: bool,
    /// Whether puzzles can be made.
    pub(crate) generates: bool,
    /// Whether `/v1/solve` asks it. Models of vectors answer at `/v1/embeddings`.
    pub(crate) solves: bool,
    /// Improvement steps of an attempt, at most, where a request says nothing else.
    pub(crate) max_steps: usize,
    /// Weights of the network; 0 for ARC-AGI.
    pub(crate) weights: usize,
    /// Stands for the weights: models that differ in them differ in it.
    pub(crate) id: String,
}

/// What a model is for.
pub(crate) fn describe(model: &Served) -> Description {
    let (question, answer, verified) = forms(&model.spec);
    Description {
        model: model.name.clone(),
        task: model.spec.to_string(),
        question,
        answer,
        verified: verified.to_owned(),
        proves: model.task.as_ref().is_some_and(|task| task.proves()),
        generates: model.generates,
        solves: true,
        max_steps: model.solver.options().stop.max_steps,
        weights: model.weights,
        id: model.id.clone(),
    }
}

/// The same of a model of vectors.
pub(crate) fn describe_adapter(model: &Adapter) -> Description {
    let refiner = model.memory.refiner();
    let spec = TaskSpec::Vectors(refiner.spec().clone());
    let (question, answer, verified) = forms(&spec);
    Description {
        model: model.name.clone(),
        task: spec.to_string(),
        question,
        answer,
        verified: verified.to_owned(),
        proves: false,
        generates: false,
        solves: false,
        max_steps: refiner.options().max_steps,
        weights: refiner.weights(),
        id: refiner.id().to_owned(),
    }
}

/// How questions and answers are written, and what verified means.
fn forms(spec: &TaskSpec) -> (String, String, &'static str) {
    match spec {
        TaskSpec::Sudoku { size } => {
            let cells = size * size;
            let digits = match size {
                0..=9 => format!("digits 1 to {size}"),
                _ => format!("1 to 9, then letters for 10 to {size}"),
            };
            (
                format!("{cells} characters, row by row, or {size} rows: {digits}; `.`, `0` or `_` where blank. It must have exactly one solution."),
                format!("{cells} characters, row by row, no blanks."),
                "Every row, column and box holds each digit once, and every given is kept. As the puzzle has one solution, the answer is that one.",
            )
        }
        TaskSpec::Maze { rows, cols, .. } => (
            format!("{rows} rows of {cols} characters: `#` wall, `.` free, one `S` (start), one `G` (goal), and a way between them."),
            "The maze with `o` on the path.".into(),
            "The marks are a path from S to G, and none is shorter.",
        ),
        TaskSpec::Grid(grid) => {
            let symbols = grid.symbols.join(" ");
            (
                format!("A grid of at most {} cells, its rows one a line or with `/` between. Symbols: {symbols}", grid.frame),
                "A grid in the same form.".into(),
                match grid.rules.proof {
                    true => "The declared rules hold, and they are declared to be proof.",
                    false => "Never true: the declared rules only tell what is wrong.",
                },
            )
        }
        TaskSpec::Arc => (
            "A JSON object of tasks of ARC-AGI, as in a file of challenges: {\"ID\": {\"train\": [{\"input\": [[0]], \"output\": [[0]]}], \"test\": [{\"input\": [[0]]}]}}. The model must have learnt the demonstrations.".into(),
            "A JSON object with two attempts at each test input.".into(),
            "Nothing: there are no rules. Forms of a test input vote.",
        ),
        TaskSpec::Vectors(vectors) => (
            format!("POST /v1/embeddings, with `input`: a text, or a vector of {} numbers, or several.", vectors.dimension),
            "The refined embedding.".into(),
            "Nothing: there are no rules.",
        ),
    }
}
