//! How the server is. None of these waits for a model.

use crate::problem::Problem;
use crate::state::Shared;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

/// How it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(value_type = String)]
    pub(crate) status: &'static str,
}

/// Whether the server lives
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, description = "It does", body = Health)))]
pub(crate) async fn healthz() -> axum::Json<Health> {
    axum::Json(Health { status: "ok" })
}

/// Whether it takes questions
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "server",
    responses((status = 200, description = "It does", body = Health))
)]
pub(crate) async fn readyz(State(state): State<Shared>) -> Result<axum::Json<Health>, Problem> {
    match state.stopping.load(Ordering::Relaxed) {
        true => Err(Problem::unavailable("the server stops")),
        false => Ok(axum::Json(Health { status: "ready" })),
    }
}

/// Counts, for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "server",
    responses((status = 200, description = "All that was counted", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(state): State<Shared>) -> impl IntoResponse {
    let text = crate::measure::render(&state.metrics, &state.desk, &state.models);
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}
