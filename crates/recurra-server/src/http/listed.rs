//! `GET /v1/models`: what is served.

use super::{Description, Name, describe, describe_adapter};
use crate::problem::Problem;
use crate::state::Shared;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// All models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    models: Vec<Description>,
}

/// The models that are served
#[utoipa::path(get, path = "/v1/models", tag = "models", responses((status = 200, description = "All of them", body = Listed)))]
pub(crate) async fn models(State(state): State<Shared>) -> axum::Json<Listed> {
    let all = state.models.all();
    let puzzles = all.puzzles.values().map(|model| describe(model));
    let vectors = all.vectors.values().map(|model| describe_adapter(model));
    axum::Json(Listed {
        models: puzzles.chain(vectors).collect(),
    })
}

/// One of them, and how its questions are written
#[utoipa::path(
    get,
    path = "/v1/models/{model}",
    tag = "models",
    params(("model" = String, Path, description = "The model's name")),
    responses((status = 200, description = "The model", body = Description))
)]
pub(crate) async fn model(
    State(state): State<Shared>,
    Name(model): Name,
) -> Result<axum::Json<Description>, Problem> {
    if let Some(adapter) = state.models.all().vectors.get(&model) {
        return Ok(axum::Json(describe_adapter(adapter)));
    }
    Ok(axum::Json(describe(&*state.models.get(Some(&model))?)))
}
