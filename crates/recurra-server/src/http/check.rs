//! `POST /v1/check`: is this answer right?

use super::schema::CheckedDoc;
use crate::ask::{Posed, check_count};
use crate::body::Json;
use crate::guard::Asker;
use crate::problem::Problem;
use crate::state::Shared;
use axum::extract::State;
use recurra::tasks::task::Checked;
use serde::Deserialize;
use utoipa::ToSchema;

/// A question and what may be its answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckRequest {
    /// The model's name; not needed where there is one.
    model: Option<String>,
    /// The question, in any form in which its task is written.
    question: Posed,
    /// The answer, in one line or in rows.
    answer: Posed,
}

/// Hold an answer against the task's own rules
///
/// No model thinks about it. For a puzzle with one solution, `verified` is proof that the answer is that one.
#[utoipa::path(
    post,
    path = "/v1/check",
    tag = "models",
    request_body = CheckRequest,
    responses((status = 200, description = "Whether the rules hold", body = CheckedDoc))
)]
pub(crate) async fn check(
    State(state): State<Shared>,
    asker: Asker,
    request: Json<CheckRequest>,
) -> Result<axum::Json<Checked>, Problem> {
    let request = request.value;
    let model = state.models.get(request.model.as_deref())?;
    let task = model.puzzles()?.clone();
    check_count(&state, &asker, 1)?;
    let (question, answer) = (request.question.into_text(), request.answer.into_text());
    let checked = state
        .desk
        .perform(&asker.client, move || task.check(&question, &answer))
        .await?;
    Ok(axum::Json(checked?))
}
