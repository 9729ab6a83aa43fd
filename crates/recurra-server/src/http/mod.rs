//! The routes, and what is done around each of them.

mod check;
mod describe;
mod embeddings;
mod generate;
mod health;
mod listed;
mod page;
pub(crate) mod schema;
mod solve;
mod triton;

pub(crate) use describe::{Description, describe, describe_adapter};
pub(crate) use generate::make;

use crate::body::drain;
use crate::guard::Asker;
use crate::listen::Peer;
use crate::problem::{CODE, Problem};
use crate::state::Shared;
use axum::Router;
use axum::body::HttpBody;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::sync::atomic::Ordering;
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the description begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Recurra",
        description = "Answers of tiny recursive models, each checked against its task's own rules."
    ),
    components(schemas(Problem)),
    tags(
        (name = "models", description = "Questions, answers and models"),
        (name = "vectors", description = "Embeddings, refined by models of vectors"),
        (name = "triton", description = "The Open Inference Protocol, version 2"),
        (name = "server", description = "How the server is")
    )
)]
struct Api;

/// All routes.
pub(crate) fn router(state: &Shared) -> Router {
    let described = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(solve::solve))
        .routes(routes!(check::check))
        .routes(routes!(listed::models))
        .routes(routes!(listed::model))
        .routes(routes!(generate::generate))
        .routes(routes!(embeddings::embeddings))
        .routes(routes!(embeddings::feedback))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(triton::server))
        .routes(routes!(triton::live))
        .routes(routes!(triton::ready))
        .routes(routes!(triton::model))
        .routes(routes!(triton::model_ready))
        .routes(routes!(triton::infer));
    let (router, api) = described.split_for_parts();
    let router = page::routes(router, state, &api).with_state(state.clone());
    let router = match state.settings.mcp {
        true => router.nest_service("/mcp", crate::mcp::http_service(state)),
        false => router,
    };
    router
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors(state))
        .layer(from_fn_with_state(state.clone(), around))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::fault("the request failed").into_response()
        }))
}

async fn method_not_allowed() -> Problem {
    let detail = "the route has no such method; the header Allow lists those it has";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail)
}

/// What browsers ask before pages of allowed origins may ask.
fn cors(state: &Shared) -> CorsLayer {
    let guard = state.clone();
    let allowed = AllowOrigin::predicate(move |origin, _| {
        origin
            .to_str()
            .is_ok_and(|origin| guard.guard.allows_origin(origin))
    });
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            REQUEST_ID,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("mcp-protocol-version"),
            HeaderName::from_static("mcp-session-id"),
        ])
        .expose_headers([REQUEST_ID, HeaderName::from_static("mcp-session-id")])
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Routes that answer whoever asks: they say how the server is, or are pages without data.
fn is_open(path: &str) -> bool {
    let v2 = path.starts_with("/v2/health/");
    let api = path.starts_with("/v1/")
        || path.starts_with("/v2/")
        || path == "/v2"
        || path == "/metrics"
        || path.starts_with("/mcp");
    v2 || !api
}

/// What is done around every request: its id, who asks, whether it may, what is logged and counted.
async fn around(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&request);
    let trace = trace_id(&request).to_owned();
    let route = request.extensions().get::<MatchedPath>();
    // Never the path itself, in which anything may stand.
    let route = route.map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let peer = request.extensions().get::<Peer>().and_then(|peer| peer.0);
    let mut client = None;
    let has_body = !request.body().is_end_stream();
    let admitted = state
        .guard
        .check_place(request.headers(), request.uri())
        .and_then(|()| {
            let preflight = method == Method::OPTIONS;
            let asker = match is_open(request.uri().path()) || preflight {
                true => state
                    .guard
                    .client(request.headers(), peer)
                    .unwrap_or_else(|_| Asker::nobody()),
                false => state.guard.client(request.headers(), peer)?,
            };
            client = Some(asker.client.clone());
            request.extensions_mut().insert(asker);
            Ok(())
        });
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            drain(request.into_body()).await;
            problem.into_response()
        }
    };
    let status = response.status().as_u16();
    let took = began.elapsed();
    crate::measure::request(&route, status, took);
    let problem = response.headers_mut().remove(CODE);
    let problem = problem
        .as_ref()
        .and_then(|code| code.to_str().ok())
        .unwrap_or("");
    tracing::info!(
        target: "recurra::access",
        request_id = id.to_str().unwrap_or_default(),
        trace_id = trace,
        client = client.as_deref().unwrap_or(""),
        method = method.as_str(),
        route,
        status,
        problem,
        seconds = took.as_secs_f64(),
        "request"
    );
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let unread = has_body && matches!(status, 400 | 404 | 405 | 408 | 413 | 503);
    if unread || state.stopping.load(Ordering::Relaxed) {
        // What was not read cannot be told from the next request; and who asks again while the server stops asks another.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The id that the request has, if it is a plain one, or else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let plain = |id: &&HeaderValue| {
        let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        (1..=64).contains(&id.len()) && id.as_bytes().iter().all(fits)
    };
    let given = request.headers().get(REQUEST_ID).filter(plain).cloned();
    given.unwrap_or_else(|| {
        let id = uuid::Uuid::new_v4().simple().to_string();
        HeaderValue::from_str(&id).expect("hexadecimal digits")
    })
}

/// The trace that the request belongs to (W3C Trace Context); empty if it says none.
fn trace_id(request: &Request) -> &str {
    let parent = request.headers().get("traceparent");
    let parent = parent
        .and_then(|parent| parent.to_str().ok())
        .unwrap_or_default();
    let mut parts = parent.split('-');
    let (version, trace) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let known = version.len() == 2 && hex(version) && version != "ff";
    if known && trace.len() == 32 && hex(trace) && trace.bytes().any(|b| b != b'0') {
        trace
    } else {
        ""
    }
}

impl FromRequestParts<Shared> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Asker>()
            .cloned()
            .ok_or_else(|| Problem::fault("nobody asks"))
    }
}

/// Fields after `?`, refused in our own form.
pub(crate) struct Fields<T>(pub(crate) T);

impl<T: serde::de::DeserializeOwned> FromRequestParts<Shared> for Fields<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(query) => Ok(Fields(query.0)),
            Err(rejection) => Err(Problem::refused(format!(
                "query: {}",
                rejection.body_text()
            ))),
        }
    }
}

/// A part of the path, refused in our own form.
pub(crate) struct Name(pub(crate) String);

impl FromRequestParts<Shared> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Problem> {
        match axum::extract::Path::<String>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Name(path.0)),
            Err(_) => Err(Problem::malformed("path: expected UTF-8")),
        }
    }
}
