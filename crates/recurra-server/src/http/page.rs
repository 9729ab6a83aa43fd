//! Pages and the description: what a browser is shown.

use crate::problem::Problem;
use crate::state::Shared;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use tower_http::services::ServeDir;
use utoipa::openapi::OpenApi;

/// The page to try it: one file, which asks no other host.
const TRY: &str = include_str!("try.html");

/// What the page in a folder may do: its own scripts, its WebAssembly, its workers.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'";
/// The same of the page to try it.
const TRY_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Adds the pages and the description of the other routes.
pub(super) fn routes(router: Router<Shared>, state: &Shared, api: &OpenApi) -> Router<Shared> {
    let mut api = api.clone();
    super::schema::finish(&mut api);
    let described = Bytes::from(api.to_json().expect("it is JSON"));
    let router = router.route("/try", get(page)).route(
        "/openapi.json",
        get(|| async { ([(header::CONTENT_TYPE, "application/json")], described) }),
    );
    match &state.settings.page {
        None => router.route("/", get(page)).fallback(nothing),
        Some(folder) => {
            let files = ServeDir::new(folder)
                .call_fallback_on_method_not_allowed(true)
                .fallback(get(nothing).fallback(nothing));
            let files = Router::new()
                .fallback_service(files)
                .layer(map_response(with_policy));
            router.fallback_service(files)
        }
    }
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, TRY_POLICY)], Html(TRY))
}

async fn nothing() -> Problem {
    Problem::not_found("there is no such route; /openapi.json lists them")
}

async fn with_policy(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}
