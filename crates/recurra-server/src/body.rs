//! Reading bodies: in time, within a request's limit, and within what all requests together may hold.

use crate::problem::Problem;
use crate::state::Shared;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of one permit.
const UNIT: usize = 1024;

/// What all bodies together may hold.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Budget(Arc::new(Semaphore::new(units)))
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        self.0.clone().try_acquire_many_owned(units).map_err(|_| {
            crate::measure::rejected("bodies");
            Problem::unavailable("too many bodies are being read")
        })
    }
}

/// A body that was read. It counts against the budget until it is dropped.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    held: Vec<OwnedSemaphorePermit>,
}

impl FromRequest<Shared> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Problem> {
        let limits = &state.settings.limits;
        let most = limits.body;
        let too_large = || {
            let detail = format!("body: expected at most {most} bytes, found more");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
        };
        let told = request.headers().get(header::CONTENT_LENGTH);
        let told = told.and_then(|n| n.to_str().ok()?.parse::<u64>().ok());
        if told.is_some_and(|told| told > most as u64) {
            return Err(too_large());
        }
        let read = async {
            let mut body = request.into_body();
            let mut bytes = BytesMut::new();
            let mut held = Vec::new();
            let mut room = 0;
            while let Some(frame) = body.frame().await {
                let frame =
                    frame.map_err(|_| Problem::malformed("body: it ended before its end"))?;
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if bytes.len() + data.len() > most {
                    return Err(too_large());
                }
                if bytes.len() + data.len() > room {
                    // In steps that grow, so that there are few of them.
                    let more = (bytes.len() + data.len() - room).max(room).max(UNIT);
                    held.push(state.bodies.take(more)?);
                    room += more;
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Body {
                bytes: bytes.freeze(),
                held,
            })
        };
        let patience = Duration::from_secs_f64(limits.body_timeout);
        tokio::time::timeout(patience, read)
            .await
            .unwrap_or_else(|_| {
                let detail = "the body did not come in time";
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", detail))
            })
    }
}

/// Reads to its end a body that nobody needs, if it is a short one that comes at once, so that the connection can be used again.
pub(crate) async fn drain(mut body: axum::body::Body) {
    const MOST: usize = 64 << 10;
    let read = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > MOST {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_millis(100), read)
        .await
        .ok();
}

impl Body {
    /// What the budget is held by, for who keeps what was read.
    pub(crate) fn into_held(self) -> Vec<OwnedSemaphorePermit> {
        self.held
    }

    /// Its JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        json(&self.bytes)
    }
}

/// JSON in bytes.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        match e.classify() {
            serde_json::error::Category::Data => {
                // Its own place stands at its end.
                let text = e.to_string();
                let text = text.split(" at line ").next().unwrap_or_default();
                Problem::refused(format!("body: {place}: {}", short(text)))
            }
            _ => Problem::malformed(format!("body: {place}: expected JSON")),
        }
    })
}

/// A message that quotes what was found quotes little of it.
fn short(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A body that says it is JSON, and its JSON.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    pub(crate) held: Vec<OwnedSemaphorePermit>,
}

impl<T: DeserializeOwned> FromRequest<Shared> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let name = kind.split(';').next().unwrap_or_default().trim();
        if !name.eq_ignore_ascii_case("application/json") {
            let detail = "Content-Type: expected application/json";
            drain(request.into_body()).await;
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                detail,
            ));
        }
        let body = Body::from_request(request, state).await?;
        let value = body.json()?;
        Ok(Json {
            value,
            held: body.into_held(),
        })
    }
}
