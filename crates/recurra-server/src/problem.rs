//! What went wrong, as the client is told it: `application/problem+json`, without paths, stacks or questions.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use recurra::Error;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub(crate) status: u16,
    /// The status in words.
    pub(crate) title: String,
    /// A word for programs.
    #[schema(value_type = String)]
    pub(crate) code: &'static str,
    /// What was expected and what was found.
    pub(crate) detail: String,
    #[serde(skip)]
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            code,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// The request is not one: 400.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// The request is one, but means nothing here: 422.
    pub(crate) fn refused(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// Too much waits: 429.
    pub(crate) fn busy(detail: &str, retry_after: u64) -> Self {
        Problem {
            retry_after: Some(retry_after),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail)
        }
    }

    /// The server stops, or cannot now: 503.
    pub(crate) fn unavailable(detail: &str) -> Self {
        Problem {
            retry_after: Some(1),
            ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        }
    }

    pub(crate) fn too_late() -> Self {
        let detail = "the request's time was up before anybody could think about it";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail)
    }

    /// A fault of the server, of which no more is told: 500.
    pub(crate) fn fault(detail: &str) -> Self {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", detail)
    }

    pub(crate) fn not_finite() -> Self {
        Problem::fault("the model's output is not finite")
    }

    pub(crate) fn http_status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(_) | Error::Question { .. } | Error::Config { .. } => {
                Problem::refused(error.to_string())
            }
            Error::Deadline => Problem::too_late(),
            Error::Busy => Problem::busy("the queue is full", 1),
            Error::Cancelled => Problem::unavailable("the question was given up"),
            Error::Panicked(_) => Problem::fault("thinking failed"),
            _ => Problem::fault("the model could not be used"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response =
            (self.http_status(), [(header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == 401 {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        let code = HeaderValue::from_static(self.code);
        response.headers_mut().insert(CODE, code);
        response
    }
}

/// The problem's code, for logs and for clients that do not read the body.
pub(crate) const CODE: HeaderName = HeaderName::from_static("x-problem");
