//! `GET /v1/models/{model}/generate`: puzzles of a model's task.

use super::{Fields, Name};
use crate::ask::check_count;
use crate::guard::Asker;
use crate::problem::Problem;
use crate::state::Shared;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which puzzles.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// With the number it decides a puzzle: the same seed gives the same ones.
    #[serde(default)]
    #[param(maximum = 18446744073709551615u64)]
    seed: u64,
    /// The number of the first.
    #[serde(default)]
    #[param(maximum = 4294967295u64)]
    first: u32,
    /// How many.
    #[serde(default = "one")]
    #[param(minimum = 1)]
    count: usize,
    /// Cells that are given; for Sudoku.
    #[param(minimum = 1)]
    givens: Option<usize>,
}

fn one() -> usize {
    1
}

/// A question and its answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    /// In one line.
    pub(crate) question: String,
    /// In one line.
    pub(crate) answer: String,
}

/// Puzzles.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Puzzles {
    pub(crate) puzzles: Vec<Made>,
}

/// Make puzzles of the model's task, with their answers
#[utoipa::path(
    get,
    path = "/v1/models/{model}/generate",
    tag = "models",
    params(("model" = String, Path, description = "The model's name"), Wanted),
    responses((status = 200, description = "The puzzles", body = Puzzles))
)]
pub(crate) async fn generate(
    State(state): State<Shared>,
    asker: Asker,
    Name(model): Name,
    Fields(wanted): Fields<Wanted>,
) -> Result<axum::Json<Puzzles>, Problem> {
    let model = state.models.get(Some(&model))?;
    check_count(&state, &asker, wanted.count)?;
    let mut puzzles = Vec::with_capacity(wanted.count);
    for number in (u64::from(wanted.first)..).take(wanted.count) {
        // One by one, so that others get their turn, and a client that is gone is noticed.
        puzzles.push(make(&state, &asker, &model, wanted.seed, number, wanted.givens).await?);
    }
    Ok(axum::Json(Puzzles { puzzles }))
}

/// Makes one puzzle.
pub(crate) async fn make(
    state: &Shared,
    asker: &Asker,
    model: &crate::models::Served,
    seed: u64,
    number: u64,
    givens: Option<usize>,
) -> Result<Made, Problem> {
    let task = model.puzzles()?.clone();
    let spec = model.spec.clone();
    let made = state.desk.perform(&asker.client, move || {
        let made = spec.puzzle(seed, number, givens)?;
        Ok::<_, String>(Made {
            question: task.line(&made.question),
            answer: task.line(&made.answer),
        })
    });
    made.await?.map_err(Problem::refused)
}
