//! The Open Inference Protocol, version 2, as clients of Triton and KServe speak it, with its extension for binary tensors.
//!
//! A model takes `question` (BYTES, one text each) or `tokens` (integers, `[questions, places]`), and gives `answer`, `tokens`,
//! `verified`, `steps` and `halt`. A question that is refused fails the request: the protocol has no place for it.

use super::health::Health;
use super::{Name, schema::OptionsDoc};
use crate::ask::{Terms, submit};
use crate::body::{Body, json};
use crate::guard::Asker;
use crate::models::Served;
use crate::problem::Problem;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use recurra::Answer;
use recurra::solver::Wishes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as object};
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// The server, for clients that ask what it can do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Server {
    #[schema(value_type = String)]
    name: &'static str,
    #[schema(value_type = String)]
    version: &'static str,
    #[schema(value_type = Vec<String>)]
    extensions: [&'static str; 1],
}

/// What a model takes or gives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tensor {
    #[schema(value_type = String)]
    name: &'static str,
    #[schema(value_type = String)]
    datatype: &'static str,
    shape: Vec<i64>,
}

/// A model's inputs and outputs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Metadata {
    name: String,
    #[schema(value_type = Vec<String>)]
    versions: [&'static str; 1],
    #[schema(value_type = String)]
    platform: &'static str,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

/// Whether it is ready.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    name: String,
    ready: bool,
}

/// The server
#[utoipa::path(get, path = "/v2", tag = "triton", responses((status = 200, description = "What it is", body = Server)))]
pub(crate) async fn server() -> axum::Json<Server> {
    axum::Json(Server {
        name: "recurra",
        version: env!("CARGO_PKG_VERSION"),
        extensions: ["binary_tensor_data"],
    })
}

/// Whether the server lives
#[utoipa::path(get, path = "/v2/health/live", tag = "triton", responses((status = 200, description = "It does", body = Health)))]
pub(crate) async fn live() -> axum::Json<Health> {
    axum::Json(Health { status: "ok" })
}

/// Whether the server takes questions
#[utoipa::path(get, path = "/v2/health/ready", tag = "triton", responses((status = 200, description = "It does", body = Health)))]
pub(crate) async fn ready(State(state): State<Shared>) -> Result<axum::Json<Health>, Problem> {
    super::health::readyz(State(state)).await
}

/// A model's inputs and outputs
#[utoipa::path(
    get,
    path = "/v2/models/{model}",
    tag = "triton",
    params(("model" = String, Path, description = "The model's name")),
    responses((status = 200, description = "The model", body = Metadata))
)]
pub(crate) async fn model(
    State(state): State<Shared>,
    Name(model): Name,
) -> Result<axum::Json<Metadata>, Problem> {
    let model = state.models.get(Some(&model))?;
    let tensor = |name, datatype, shape: &[i64]| Tensor {
        name,
        datatype,
        shape: shape.to_vec(),
    };
    let mut inputs = vec![tensor("question", "BYTES", &[-1])];
    let mut outputs = vec![
        tensor("answer", "BYTES", &[-1]),
        tensor("verified", "BOOL", &[-1]),
        tensor("steps", "INT32", &[-1]),
        tensor("halt", "FP32", &[-1]),
    ];
    if let Some(task) = &model.task {
        let shape = [-1, task.seq_len() as i64];
        inputs.push(tensor("tokens", "INT32", &shape));
        outputs.push(tensor("tokens", "INT32", &shape));
    }
    Ok(axum::Json(Metadata {
        name: model.name.clone(),
        versions: ["1"],
        platform: "recurra",
        inputs,
        outputs,
    }))
}

/// Whether a model takes questions
#[utoipa::path(
    get,
    path = "/v2/models/{model}/ready",
    tag = "triton",
    params(("model" = String, Path, description = "The model's name")),
    responses((status = 200, description = "It does", body = Ready))
)]
pub(crate) async fn model_ready(
    State(state): State<Shared>,
    Name(model): Name,
) -> Result<axum::Json<Ready>, Problem> {
    let model = state.models.get(Some(&model))?;
    match state.stopping.load(Ordering::Relaxed) {
        true => Err(Problem::unavailable("the server stops")),
        false => Ok(axum::Json(Ready {
            name: model.name.clone(),
            ready: true,
        })),
    }
}

/// Tensors for a model.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Inference {
    /// Given back as it is.
    id: Option<String>,
    inputs: Vec<Input>,
    /// Which outputs are wanted; all, if there are none.
    #[serde(default)]
    outputs: Vec<Output>,
    /// How to think, with the names of `options` of `/v1/solve`, and `timeout`.
    #[serde(default)]
    #[schema(value_type = Option<OptionsDoc>)]
    parameters: Map<String, Value>,
}

/// A tensor.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Input {
    /// `question` or `tokens`.
    name: String,
    #[schema(value_type = Vec<u64>)]
    shape: Vec<usize>,
    /// `BYTES`, or of integers.
    datatype: String,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    parameters: Map<String, Value>,
    /// In the order of rows, nested or not.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Value>>)]
    data: Value,
}

/// An output that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Output {
    name: String,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    parameters: Map<String, Value>,
}

/// Answers, as tensors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inferred {
    model_name: String,
    model_version: String,
    id: Option<String>,
    #[schema(value_type = Vec<Object>)]
    outputs: Vec<Value>,
}

/// Answer questions that are tensors
#[utoipa::path(
    post,
    path = "/v2/models/{model}/infer",
    tag = "triton",
    params(("model" = String, Path, description = "The model's name")),
    request_body = Inference,
    responses((status = 200, description = "The answers", body = Inferred))
)]
pub(crate) async fn infer(
    State(state): State<Shared>,
    Name(model): Name,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let model = state.models.get(Some(&model))?;
    let bytes = body.bytes.clone();
    let length = headers.get(JSON_LENGTH).map(|length| {
        let length = length.to_str().ok().and_then(|n| n.parse::<usize>().ok());
        let fits = length.filter(|&n| n <= bytes.len());
        fits.ok_or_else(|| {
            Problem::malformed(
                "Inference-Header-Content-Length: expected at most the body's length",
            )
        })
    });
    let (text, mut rest) = bytes.split_at(length.transpose()?.unwrap_or(bytes.len()));
    let mut request: Inference = json(text)?;
    let [input] = &request.inputs[..] else {
        return Err(Problem::refused(format!(
            "inputs: expected one, `question` or `tokens`, found {}",
            request.inputs.len()
        )));
    };
    let binary = size_of_binary(&input.parameters)?;
    let own = match binary {
        Some(size) => {
            let (own, others) = rest.split_at_checked(size).ok_or_else(|| {
                Problem::malformed("binary_data_size: expected at most what follows the JSON")
            })?;
            rest = others;
            Some(own)
        }
        None => None,
    };
    if !rest.is_empty() {
        return Err(Problem::malformed(
            "body: expected nothing after the tensors",
        ));
    }
    let texts = texts(&model, input, own)?;
    let binary_wanted = request
        .parameters
        .remove("binary_data_output")
        .and_then(|v| v.as_bool())
        .unwrap_or(false);
    let timeout = request
        .parameters
        .remove("timeout")
        .and_then(|v| v.as_f64());
    // What Triton's own clients send for sequences and priorities.
    for name in ["sequence_id", "sequence_start", "sequence_end", "priority"] {
        request.parameters.remove(name);
    }
    let wishes: Wishes = serde_json::from_value(Value::Object(request.parameters))
        .map_err(|e| Problem::refused(format!("parameters: {e}")))?;
    let wanted = wanted(&model, &request.outputs, binary_wanted)?;
    let terms = Terms::new(&state, &model, &wishes, timeout)?;
    let mut tickets = submit(&state, &asker, &model, &terms, texts, None)?;
    let mut answers = Vec::with_capacity(tickets.len());
    for ticket in &mut tickets {
        answers.push(ticket.answer().await?);
    }
    drop(body);
    Ok(respond(&model, request.id, &answers, &wanted))
}

fn size_of_binary(parameters: &Map<String, Value>) -> Result<Option<usize>, Problem> {
    match parameters.get("binary_data_size") {
        None => Ok(None),
        Some(size) => match size.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(size) => Ok(Some(size)),
            None => Err(Problem::refused(
                "binary_data_size: expected a whole number",
            )),
        },
    }
}

/// The questions of a tensor, as texts.
fn texts(model: &Served, input: &Input, binary: Option<&[u8]>) -> Result<Vec<String>, Problem> {
    let wrong = |what: String| Problem::refused(format!("input: {what}"));
    let cells = input
        .shape
        .iter()
        .try_fold(1usize, |n, &side| n.checked_mul(side));
    let cells = cells.ok_or_else(|| wrong("shape: expected a smaller one".into()))?;
    match (input.name.as_str(), input.datatype.as_str()) {
        ("question", "BYTES") => {
            let texts = match binary {
                Some(bytes) => strings(bytes).ok_or_else(|| {
                    wrong("expected a length of 4 bytes before each text of UTF-8".into())
                })?,
                None => {
                    let mut texts = Vec::new();
                    flatten(&input.data, &mut |value| {
                        texts.push(value.as_str()?.to_owned());
                        Some(())
                    })
                    .ok_or_else(|| wrong("data: expected texts".into()))?;
                    texts
                }
            };
            match texts.len() == cells {
                true => Ok(texts),
                false => Err(wrong(format!(
                    "shape: expected {} texts, found {cells}",
                    texts.len()
                ))),
            }
        }
        ("tokens", kind) => {
            let task = model.puzzles()?;
            let places = task.seq_len();
            let numbers: Vec<u64> = match binary {
                Some(bytes) => integers(bytes, kind).ok_or_else(|| {
                    wrong(format!(
                        "datatype: expected integers, found {kind} or bytes that are none"
                    ))
                })?,
                None => {
                    let mut numbers = Vec::new();
                    flatten(&input.data, &mut |value| {
                        numbers.push(value.as_u64()?);
                        Some(())
                    })
                    .ok_or_else(|| wrong("data: expected tokens".into()))?;
                    numbers
                }
            };
            if numbers.len() != cells || !numbers.len().is_multiple_of(places) {
                return Err(wrong(format!(
                    "shape: expected [questions, {places}] and as many tokens"
                )));
            }
            let most = task.vocab_size() as u64;
            if numbers.iter().any(|&token| token >= most) {
                return Err(wrong(format!("expected tokens below {most}")));
            }
            let tokens: Vec<u16> = numbers.into_iter().map(|token| token as u16).collect();
            Ok(tokens
                .chunks_exact(places)
                .map(|tokens| task.line(tokens))
                .collect())
        }
        _ => Err(wrong(
            "expected `question` of BYTES or `tokens` of integers".into(),
        )),
    }
}

/// Shows every leaf of nested lists; `None` as soon as `see` says it.
fn flatten(value: &Value, see: &mut dyn FnMut(&Value) -> Option<()>) -> Option<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| flatten(item, see)),
        leaf => see(leaf),
    }
}

fn strings(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        texts.push(std::str::from_utf8(text).ok()?.to_owned());
        bytes = rest;
    }
    Some(texts)
}

/// Integers that are not negative, of any width.
fn integers(bytes: &[u8], kind: &str) -> Option<Vec<u64>> {
    let width = match kind {
        "INT8" | "UINT8" => 1,
        "INT16" | "UINT16" => 2,
        "INT32" | "UINT32" => 4,
        "INT64" | "UINT64" => 8,
        _ => return None,
    };
    let chunks = bytes.chunks_exact(width);
    let whole = chunks.remainder().is_empty();
    let number = |chunk: &[u8]| {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(chunk);
        u64::from_le_bytes(wide)
    };
    whole.then(|| chunks.map(number).collect())
}

/// Names of outputs, each with whether it is wanted in binary.
fn wanted(
    model: &Served,
    outputs: &[Output],
    binary: bool,
) -> Result<Vec<(&'static str, bool)>, Problem> {
    let mut known = vec!["answer", "verified", "steps", "halt"];
    known.extend(model.task.as_ref().map(|_| "tokens"));
    if outputs.is_empty() {
        return Ok(known.into_iter().map(|name| (name, binary)).collect());
    }
    let find = |output: &Output| {
        let name = known.iter().find(|name| **name == output.name);
        let name = name.ok_or_else(|| {
            Problem::refused(format!("outputs: expected one of {}", known.join(", ")))
        })?;
        let own = output
            .parameters
            .get("binary_data")
            .and_then(Value::as_bool);
        Ok((*name, own.unwrap_or(binary)))
    };
    outputs.iter().map(find).collect()
}

fn respond(
    model: &Served,
    id: Option<String>,
    answers: &[Answer],
    wanted: &[(&'static str, bool)],
) -> Response {
    let mut outputs = Vec::new();
    let mut tail: Vec<u8> = Vec::new();
    for &(name, binary) in wanted {
        let mut shape = vec![answers.len()];
        let (kind, data, bytes): (_, Value, Vec<u8>) = match name {
            "answer" => {
                let bytes = |a: &Answer| {
                    [&(a.text.len() as u32).to_le_bytes()[..], a.text.as_bytes()].concat()
                };
                let texts: Vec<&str> = answers.iter().map(|a| a.text.as_str()).collect();
                (
                    "BYTES",
                    object!(texts),
                    answers.iter().flat_map(bytes).collect(),
                )
            }
            "verified" => {
                let verified: Vec<bool> =
                    answers.iter().map(|a| a.verified == Some(true)).collect();
                let bytes = verified.iter().map(|&v| v.into()).collect();
                ("BOOL", object!(verified), bytes)
            }
            "steps" => {
                let steps: Vec<i32> = answers.iter().map(|a| a.steps as i32).collect();
                let bytes = steps.iter().flat_map(|n| n.to_le_bytes()).collect();
                ("INT32", object!(steps), bytes)
            }
            "halt" => {
                let halt: Vec<f32> = answers.iter().map(|a| a.halt).collect();
                let bytes = halt.iter().flat_map(|n| n.to_le_bytes()).collect();
                ("FP32", object!(halt), bytes)
            }
            _ => {
                shape.push(answers.first().map_or(0, |a| a.tokens.len()));
                let tokens: Vec<i32> = answers
                    .iter()
                    .flat_map(|a| a.tokens.iter().map(|&t| t.into()))
                    .collect();
                let bytes = tokens.iter().flat_map(|n| n.to_le_bytes()).collect();
                ("INT32", object!(tokens), bytes)
            }
        };
        let mut output = object!({ "name": name, "datatype": kind, "shape": shape });
        if binary {
            output["parameters"] = object!({ "binary_data_size": bytes.len() });
            tail.extend(bytes);
        } else {
            output["data"] = data;
        }
        outputs.push(output);
    }
    let inferred = Inferred {
        model_name: model.name.clone(),
        model_version: "1".into(),
        id,
        outputs,
    };
    if !wanted.iter().any(|(_, binary)| *binary) {
        return axum::Json(inferred).into_response();
    }
    let mut body = serde_json::to_vec(&inferred).unwrap_or_default();
    let length = HeaderValue::from(body.len());
    body.extend(tail);
    let kind = HeaderValue::from_static("application/octet-stream");
    ([(header::CONTENT_TYPE, kind), (JSON_LENGTH, length)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_tensors_are_read_to_the_end_or_not_at_all() {
        let two = [&2u32.to_le_bytes()[..], b"ab", &0u32.to_le_bytes()].concat();
        assert_eq!(strings(&two), Some(vec!["ab".to_owned(), String::new()]));
        assert_eq!(strings(&two[..3]), None);
        assert_eq!(strings(&[255, 255, 255, 255, 1]), None);
        assert_eq!(strings(&[&1u32.to_le_bytes()[..], &[0xff]].concat()), None);
        assert_eq!(integers(&[1, 0, 2, 1], "UINT16"), Some(vec![1, 258]));
        assert_eq!(integers(&[1, 0, 2], "UINT16"), None);
        assert_eq!(integers(&[1], "FP32"), None);
    }
}
