//! The embedding service that texts go to before a model refines what comes back.

use crate::problem::Problem;
use anyhow::anyhow;
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use tokio_rustls::rustls::crypto::ring;
use utoipa::ToSchema;

/// What the service counted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Usage {
    #[serde(default)]
    pub(crate) prompt_tokens: u64,
    #[serde(default)]
    pub(crate) total_tokens: u64,
}

/// A text, or the tokens of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Plain(String),
    Tokens(Vec<u32>),
}

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    input: &'a [Text],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answered {
    data: Vec<Embedding>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Embedding {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// See the module.
pub(crate) struct Upstream {
    url: Uri,
    /// Its name for its model, where that is not the embedding model's.
    model: Option<String>,
    key: Option<HeaderValue>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Upstream {
    /// Checks what can be checked without asking.
    pub(crate) fn new(url: &str, model: Option<String>, key: Option<&str>) -> anyhow::Result<Self> {
        let wrong = || {
            anyhow!(
                "--embeddings-upstream: expected the URL of a route for embeddings, such as https://example.com/v1/embeddings, found `{url}`"
            )
        };
        let url: Uri = url.parse().map_err(|_| wrong())?;
        let secure = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        if url.host().is_none_or(str::is_empty) || url.path() == "/" {
            return Err(wrong());
        }
        let key = key.map(|key| {
            let mut value = HeaderValue::try_from(format!("Bearer {key}"))?;
            value.set_sensitive(true);
            Ok::<_, axum::http::header::InvalidHeaderValue>(value)
        });
        let key = key
            .transpose()
            .map_err(|_| anyhow!("RECURRA_EMBEDDINGS_KEY: expected a key of visible characters"))?;
        let builder = HttpsConnectorBuilder::new();
        let builder = if secure {
            builder.with_provider_and_native_roots(ring::default_provider())?
        } else {
            // Nobody is asked by TLS: no certificates are needed.
            let roots = tokio_rustls::rustls::RootCertStore::empty();
            let provider = std::sync::Arc::new(ring::default_provider());
            let config = tokio_rustls::rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Upstream {
            url,
            model,
            key,
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// The embeddings of some texts, each of `dimension` numbers, in their order. `authorization` is the asker's own, which is
    /// passed on where the server has no key for the service.
    ///
    /// # Errors
    /// 502 where the service is away, refuses, or answers with something else; 504 where it does not answer by the deadline; 429
    /// where it is busy.
    pub(crate) async fn embed(
        &self,
        texts: &[Text],
        model: &str,
        authorization: Option<&HeaderValue>,
        dimension: usize,
        deadline: Instant,
    ) -> Result<(Vec<Vec<f32>>, Usage), Problem> {
        let asked = Asked {
            model: self.model.as_deref().unwrap_or(model),
            input: texts,
            encoding_format: "float",
        };
        let body = serde_json::to_vec(&asked).map_err(|_| Problem::fault("texts are JSON"))?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(key) = self.key.as_ref().or(authorization) {
            request = request.header(header::AUTHORIZATION, key);
        }
        let request = request
            .body(Full::from(body))
            .map_err(|_| Problem::fault("the request to the embedding service"))?;
        // As long as numbers in full precision with their commas are, and what else an answer says.
        let most = texts.len() * (dimension * 32 + 1024) + (64 << 10);
        let ask = async {
            let away = |_| bad("could not be reached");
            let response = self.client.request(request).await.map_err(away)?;
            let status = response.status();
            if status == StatusCode::TOO_MANY_REQUESTS {
                return Err(Problem::busy("the embedding service is busy", 1));
            }
            if !status.is_success() {
                return Err(bad(&format!("answered with status {}", status.as_u16())));
            }
            let body = Limited::new(response.into_body(), most).collect().await;
            let body = body
                .map_err(|_| bad("answered with too much, or broke off"))?
                .to_bytes();
            serde_json::from_slice::<Answered>(&body)
                .map_err(|_| bad("answered with something else than embeddings"))
        };
        let answered = tokio::time::timeout_at(deadline.into(), ask).await;
        let answered = answered.map_err(|_| {
            let detail = "the embedding service did not answer in time";
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "upstream", detail)
        })??;
        let usage = answered.usage.unwrap_or_default();
        Ok((in_order(answered.data, texts.len(), dimension)?, usage))
    }
}

/// The service's embeddings, if they are as many as there were texts and of the right dimension.
fn in_order(
    data: Vec<Embedding>,
    texts: usize,
    dimension: usize,
) -> Result<Vec<Vec<f32>>, Problem> {
    if data.len() != texts {
        let found = data.len();
        return Err(bad(&format!(
            "answered with {found} embeddings, expected {texts}"
        )));
    }
    let mut all = vec![Vec::new(); texts];
    for (place, Embedding { index, embedding }) in data.into_iter().enumerate() {
        let slot = all.get_mut(index.unwrap_or(place));
        let Some(slot) = slot.filter(|slot| slot.is_empty()) else {
            return Err(bad("answered with embeddings of other texts"));
        };
        if embedding.len() != dimension {
            let found = embedding.len();
            return Err(bad(&format!(
                "answered with vectors of {found} numbers, expected {dimension}, as the model refines"
            )));
        }
        *slot = embedding;
    }
    Ok(all)
}

/// What is wrong with the service: 502. Nothing of what it said is told.
pub(crate) fn bad(what: &str) -> Problem {
    let detail = format!("the embedding service {what}");
    Problem::new(StatusCode::BAD_GATEWAY, "upstream", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_must_be_a_route() {
        for url in [
            "",
            "example.com",
            "ftp://a/b",
            "http://",
            "http://host",
            "http://host/",
        ] {
            assert!(Upstream::new(url, None, None).is_err(), "{url}");
        }
        assert!(Upstream::new("http://127.0.0.1:1/v1/embeddings", None, Some("key")).is_ok());
        assert!(Upstream::new("http://127.0.0.1:1/v1/embeddings", None, Some("\n")).is_err());
    }

    #[test]
    fn embeddings_are_put_in_order() {
        let one = |index, embedding: &[f32]| Embedding {
            index,
            embedding: embedding.to_vec(),
        };
        let found = in_order(vec![one(Some(1), &[1.0]), one(Some(0), &[2.0])], 2, 1);
        assert_eq!(found.unwrap(), [[2.0], [1.0]]);
        let wrong = [
            vec![one(None, &[1.0])],
            vec![one(Some(0), &[1.0]), one(Some(0), &[1.0])],
            vec![one(Some(0), &[1.0]), one(Some(2), &[1.0])],
            vec![one(None, &[1.0]), one(None, &[])],
        ];
        for data in wrong {
            assert_eq!(in_order(data, 2, 1).unwrap_err().status, 502);
        }
    }
}
