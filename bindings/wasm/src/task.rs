//! Tasks without a model: reading, making and checking puzzles. A task is JSON, as in a model's file.

use crate::{error, json};
use recurra::TaskSpec;
use recurra::solver::Question;
use recurra::tasks::Task;
use recurra::tasks::sudoku::{Generator, Sudoku};
use recurra::tasks::task::answer_tokens;
use serde_json::json;
use std::sync::Arc;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The task that a JSON text names.
pub(crate) fn spec(text: &str) -> Result<TaskSpec, String> {
    serde_json::from_str(text).map_err(|e| format!("task: {e}"))
}

fn task(text: &str) -> Result<Arc<dyn Task>, JsError> {
    spec(text).map_err(error)?.task().map_err(error)
}

/// Reads a puzzle in any form in which its task is written; refuses one that has no answer, or several where a proof rests on
/// there being one. Gives it in one line, and its tokens.
#[wasm_bindgen]
pub fn read(task: &str, text: &str) -> Result<String, JsError> {
    let task = self::task(task)?;
    let tokens = Question::from(text).tokens(&*task).map_err(error)?;
    Ok(json(&json!({
        "question": task.line(&tokens),
        "tokens": tokens,
    })))
}

/// Makes the puzzle of this seed and number, with its answer. `givens` is for Sudoku; 0: as the task likes.
#[wasm_bindgen]
pub fn generate(task: &str, seed: u32, number: u32, givens: usize) -> Result<String, JsError> {
    let spec = spec(task).map_err(error)?;
    let task = spec.task().map_err(error)?;
    let (question, answer) = match (&spec, givens) {
        (&TaskSpec::Sudoku { size }, 1..) => {
            let sudoku = Sudoku::new(size).ok_or_else(|| error("size: expected 4, 6, 9 or 16"))?;
            let generator = Generator::new(sudoku, Some(givens), seed.into()).map_err(error)?;
            let made = generator.puzzle(number.into()).map_err(error)?;
            (made.question.to_line(), made.answer.to_line())
        }
        _ => {
            let made = task
                .generate(seed.into(), number.into(), &|_| true)
                .ok_or_else(|| error(format!("{spec}: no such puzzle can be made")))?;
            (task.line(&made.question), task.line(&made.answer))
        }
    };
    Ok(json(&json!({ "question": question, "answer": answer })))
}

/// Holds an answer against the task's own rules: whether they hold, and which does not.
#[wasm_bindgen]
pub fn check(task: &str, question: &str, answer: &str) -> Result<String, JsError> {
    let task = self::task(task)?;
    let question = task.parse(question).map_err(error)?;
    let answer = answer_tokens(&*task, answer).map_err(error)?;
    Ok(json(&json!({
        "verified": task.verify(&question, &answer),
        "objection": task.objection(&question, &answer),
    })))
}
