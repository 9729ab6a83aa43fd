//! `POST /v1/embeddings`: embeddings as the usual services give them, refined; `POST /v1/feedback`: whether one was right.

use crate::adapters::Adapter;
use crate::ask::{check_count, deadline};
use crate::body::Json;
use crate::guard::Asker;
use crate::problem::Problem;
use crate::state::Shared;
use crate::upstream::{Text, Usage, bad};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use recurra::thinking::StopReason;
use recurra::vectors::{Recalled, RefineOptions, Route, VectorQuestion};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use utoipa::ToSchema;

/// What is to be embedded and refined.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EmbeddingsRequest {
    /// The name of a served model of vectors; not needed where there is one.
    model: Option<String>,
    #[schema(value_type = InputDoc)]
    input: Input,
    /// How vectors are written: `base64` is their 32-bit floats, the lowest byte first.
    #[serde(default)]
    encoding_format: Encoding,
    /// Numbers in a vector: those of the model.
    #[schema(minimum = 1)]
    dimensions: Option<usize>,
    /// Improvement steps, at most; without it, as many as the model was trained with.
    #[schema(minimum = 1)]
    max_steps: Option<usize>,
    /// Seconds that it may take, the embedding service's among them.
    timeout: Option<f64>,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Float,
    Base64,
}

/// One or several.
#[derive(Debug, PartialEq)]
struct Input(Vec<Item>);

/// What one answer is for.
#[derive(Debug, PartialEq)]
enum Item {
    /// For the embedding service.
    Text(Text),
    /// An embedding that the asker has.
    Vectors(Vectors),
}

/// A question in vectors.
#[derive(Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VectorsQuestion)]
struct Vectors {
    /// One vector or more, one after the other.
    question: Vec<f32>,
    /// What is refined; without it, the question's first vector.
    #[serde(default)]
    initial: Option<Vec<f32>>,
}

/// What `input` may be, for the description.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EmbeddingsInput)]
#[allow(dead_code)]
enum InputDoc {
    /// A text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// A vector. Whole numbers alone are the tokens of a text.
    Vector(Vec<f32>),
    /// Vectors.
    Vectors(Vec<Vec<f32>>),
    /// Questions of several vectors.
    Questions(Vec<Vectors>),
}

/// A number, and the token that it is where it was written as one.
struct Number(f32, Option<u32>);

impl From<u64> for Number {
    fn from(v: u64) -> Self {
        Number(v as f32, u32::try_from(v).ok())
    }
}

impl From<f64> for Number {
    fn from(v: f64) -> Self {
        Number(v as f32, None)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_u64<E>(self, v: u64) -> Result<Number, E> {
                Ok(v.into())
            }
            fn visit_i64<E>(self, v: i64) -> Result<Number, E> {
                Ok((v as f64).into())
            }
            fn visit_f64<E>(self, v: f64) -> Result<Number, E> {
                Ok(v.into())
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Numbers in a row: tokens if each can be one, or else a vector.
fn item(numbers: Vec<Number>) -> Item {
    let tokens: Option<Vec<u32>> = numbers.iter().map(|number| number.1).collect();
    match tokens {
        Some(tokens) if !tokens.is_empty() => Item::Text(Text::Tokens(tokens)),
        _ => Item::Vectors(Vectors {
            question: numbers.into_iter().map(|number| number.0).collect(),
            initial: None,
        }),
    }
}

/// An element of `input`.
enum Element {
    Item(Item),
    Number(Number),
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Element;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, a vector, or an object with `question`")
            }
            fn visit_str<E>(self, v: &str) -> Result<Element, E> {
                Ok(Element::Item(Item::Text(Text::Plain(v.to_owned()))))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Element, E> {
                Ok(Element::Number(v.into()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Element, E> {
                Ok(Element::Number((v as f64).into()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Element, E> {
                Ok(Element::Number(v.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = seq.next_element()? {
                    numbers.push(number);
                }
                Ok(Element::Item(item(numbers)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                let vectors = Vectors::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Element::Item(Item::Vectors(vectors)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Input;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`input`: a text, texts, a vector, vectors, or objects with `question`")
            }
            fn visit_str<E>(self, v: &str) -> Result<Input, E> {
                Ok(Input(vec![Item::Text(Text::Plain(v.to_owned()))]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Input, A::Error> {
                let (mut items, mut numbers) = (Vec::new(), Vec::new());
                while let Some(element) = seq.next_element()? {
                    match element {
                        Element::Item(item) => items.push(item),
                        Element::Number(number) => numbers.push(number),
                    }
                    if !items.is_empty() && !numbers.is_empty() {
                        return Err(A::Error::custom(
                            "`input`: expected either numbers or texts and vectors, found both",
                        ));
                    }
                }
                if !numbers.is_empty() {
                    items.push(item(numbers));
                }
                Ok(Input(items))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Refined embeddings, in the usual form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Embeddings {
    /// `list`.
    #[schema(value_type = String)]
    object: &'static str,
    data: Vec<Embedding>,
    /// The model that refined them.
    model: String,
    usage: Usage,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
struct Embedding {
    /// `embedding`.
    #[schema(value_type = String)]
    object: &'static str,
    /// Which of the inputs it is for, from 0.
    index: usize,
    embedding: Numbers,
    recurra: About,
}

/// A vector: numbers, or what `base64` makes of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Numbers {
    Floats(Vec<f32>),
    Base64(String),
}

/// How an embedding came to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refinement)]
struct About {
    /// By which `/v1/feedback` knows it.
    id: String,
    /// Whether the vector was refined. Otherwise the model was not sure enough, and it is the one that came in.
    refined: bool,
    /// The model's probability that the refined vector finds the right passage among those of a batch.
    confidence: f32,
    /// Improvement steps.
    steps: usize,
    /// Why thinking stopped.
    #[schema(value_type = super::schema::StopDoc)]
    stopped: StopReason,
    /// `model`, or from memory: `exact`, `similar`.
    #[schema(value_type = String)]
    route: Route,
    /// Cosine of the two questions, where a near one's answer was taken.
    similarity: Option<f32>,
}

impl Embedding {
    fn new(index: usize, recalled: Recalled, encoding: Encoding) -> Self {
        let refined = recalled.refined;
        let embedding = match encoding {
            Encoding::Float => Numbers::Floats(refined.vector),
            Encoding::Base64 => {
                let bytes: Vec<u8> = refined
                    .vector
                    .iter()
                    .flat_map(|v| v.to_le_bytes())
                    .collect();
                Numbers::Base64(BASE64_STANDARD.encode(bytes))
            }
        };
        Embedding {
            object: "embedding",
            index,
            embedding,
            recurra: About {
                id: format!("{:016x}", recalled.id),
                refined: refined.refined,
                confidence: refined.confidence,
                steps: refined.steps,
                stopped: refined.stopped,
                route: recalled.route,
                similarity: recalled.similarity,
            },
        }
    }
}

/// Embed texts with the embedding service, or take vectors, and refine them
///
/// As the usual services do it: a program that embeds questions is given this address instead. Where the model is not sure enough, the
/// vector that came in is returned, and `refined` is false.
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    tag = "vectors",
    request_body = EmbeddingsRequest,
    responses((status = 200, description = "An embedding for each input, in their order", body = Embeddings))
)]
pub(crate) async fn embeddings(
    State(state): State<Shared>,
    asker: Asker,
    headers: HeaderMap,
    request: Json<EmbeddingsRequest>,
) -> Result<axum::Json<Embeddings>, Problem> {
    let Json { value, held } = request;
    let adapter = state.models.adapter(value.model.as_deref())?;
    let Input(items) = value.input;
    check_count(&state, &asker, items.len())?;
    let refiner = adapter.memory.refiner();
    let dimension = refiner.spec().dimension;
    if let Some(found) = value.dimensions
        && found != dimension
    {
        return Err(Problem::refused(format!(
            "dimensions: expected {dimension}, as the model refines, found {found}"
        )));
    }
    let own = refiner.options();
    let most = state.settings.limits.steps;
    let options = match value.max_steps {
        None => own,
        Some(steps) if (1..=most).contains(&steps) => RefineOptions {
            max_steps: steps,
            ..own
        },
        Some(steps) => {
            return Err(Problem::refused(format!(
                "max_steps: expected 1 to {most}, this server's limit, found {steps}"
            )));
        }
    };
    let deadline = deadline(&state, value.timeout)?;
    let (vectors, from_service, usage) = vectors(
        &state,
        &adapter,
        items,
        own_authorization(&state, &headers),
        deadline,
    )
    .await?;
    let work = {
        let adapter = adapter.clone();
        move || {
            // What came in counts against the bodies' budget until here.
            let _held = held;
            let d = dimension;
            let questions: Vec<VectorQuestion> = vectors
                .iter()
                .map(|v| VectorQuestion {
                    question: &v.question,
                    initial: v
                        .initial
                        .as_deref()
                        .unwrap_or(&v.question[..d.min(v.question.len())]),
                })
                .collect();
            adapter.memory.answer_many(&questions, options)
        }
    };
    let steps = options.max_steps * from_service.len();
    let thinking = state.desk.perform_steps(&asker.client, steps as f64, work);
    let answers = tokio::time::timeout_at(deadline.into(), thinking).await;
    let answers = answers.map_err(|_| Problem::too_late())???;
    let mut data = Vec::with_capacity(answers.len());
    for (index, answer) in answers.into_iter().enumerate() {
        let recalled = answer.map_err(|error| match from_service[index] {
            true => bad(&format!("answered with what is no embedding: {error}")),
            false => Problem::refused(format!("input {index}: {error}")),
        })?;
        data.push(Embedding::new(index, recalled, value.encoding_format));
    }
    Ok(axum::Json(Embeddings {
        object: "list",
        data,
        model: adapter.name.clone(),
        usage,
    }))
}

/// The asker's key for the embedding service: where this server has keys of its own, what they send is a key of this one.
fn own_authorization<'a>(state: &Shared, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
    let open = state.settings.keys.is_empty();
    headers.get(header::AUTHORIZATION).filter(|_| open)
}

/// All items as vectors, and which of them the embedding service made.
async fn vectors(
    state: &Shared,
    adapter: &Arc<Adapter>,
    items: Vec<Item>,
    authorization: Option<&HeaderValue>,
    deadline: Instant,
) -> Result<(Vec<Vectors>, Vec<bool>, Usage), Problem> {
    let from_service: Vec<bool> = items.iter().map(|i| matches!(i, Item::Text(_))).collect();
    let (mut texts, mut all) = (Vec::new(), Vec::with_capacity(items.len()));
    for item in items {
        all.push(match item {
            Item::Vectors(vectors) => Some(vectors),
            Item::Text(text) => {
                texts.push(text);
                None
            }
        });
    }
    let (mut embedded, usage) = if texts.is_empty() {
        (Vec::new().into_iter(), Usage::default())
    } else {
        let Some(upstream) = &state.upstream else {
            return Err(Problem::refused(
                "input: expected vectors, found a text: this server has no embedding service (--embeddings-upstream)",
            ));
        };
        let spec = adapter.memory.refiner().spec();
        let model = match spec.embedder.is_empty() {
            true => &adapter.name,
            false => &spec.embedder,
        };
        let found = upstream
            .embed(&texts, model, authorization, spec.dimension, deadline)
            .await?;
        (found.0.into_iter(), found.1)
    };
    let all = all.into_iter().map(|vectors| {
        vectors.unwrap_or_else(|| Vectors {
            question: embedded.next().expect("one for each text"),
            initial: None,
        })
    });
    Ok((all.collect(), from_service, usage))
}

/// Whether an answer was right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedbackRequest {
    /// The name of the model that answered; not needed where there is one.
    model: Option<String>,
    /// The `id` of the embedding.
    id: String,
    /// Whether it found the right passage.
    right: bool,
}

/// What a model has learnt from feedback.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Learnt {
    /// Answers that were right.
    right: u64,
    /// Answers that were wrong.
    wrong: u64,
    /// The least cosine at which a near question's answer is taken now.
    threshold: f32,
}

/// Say whether a refined embedding found the right passage
///
/// The plan of steps learns from it; a wrong answer of a near question makes memory stricter; a wrong answer is not given from memory
/// again. It counts once, and as long as the answer is among the last 10,000.
#[utoipa::path(
    post,
    path = "/v1/feedback",
    tag = "vectors",
    request_body = FeedbackRequest,
    responses((status = 200, description = "What was learnt so far", body = Learnt))
)]
pub(crate) async fn feedback(
    State(state): State<Shared>,
    asker: Asker,
    request: Json<FeedbackRequest>,
) -> Result<axum::Json<Learnt>, Problem> {
    let FeedbackRequest { model, id, right } = request.value;
    let adapter = state.models.adapter(model.as_deref())?;
    check_count(&state, &asker, 1)?;
    let unknown = || {
        Problem::not_found(
            "id: expected that of an answer among the last ones which had no feedback yet, found another",
        )
    };
    let plain = id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let id = plain.then(|| u64::from_str_radix(&id, 16).ok()).flatten();
    let id = id.ok_or_else(unknown)?;
    let work = move || {
        let known = adapter.feedback(id, right);
        known.then(|| adapter.memory.stats())
    };
    let stats = state.desk.perform(&asker.client, work).await?;
    let stats = stats.ok_or_else(unknown)?;
    Ok(axum::Json(Learnt {
        right: stats.right,
        wrong: stats.wrong,
        threshold: stats.threshold,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_input_are_told_apart() {
        let read = |text: &str| serde_json::from_str::<Input>(text).map(|input| input.0);
        let text = |text: &str| Item::Text(Text::Plain(text.into()));
        let vector = |numbers: &[f32]| {
            Item::Vectors(Vectors {
                question: numbers.to_vec(),
                initial: None,
            })
        };
        let tokens = |tokens: &[u32]| Item::Text(Text::Tokens(tokens.to_vec()));
        assert_eq!(read(r#""a""#).unwrap(), [text("a")]);
        assert_eq!(read(r#"["a","b"]"#).unwrap(), [text("a"), text("b")]);
        assert_eq!(read("[0.5,1]").unwrap(), [vector(&[0.5, 1.0])]);
        assert_eq!(
            read("[[0.5],[-1]]").unwrap(),
            [vector(&[0.5]), vector(&[-1.0])]
        );
        assert_eq!(read("[1,2]").unwrap(), [tokens(&[1, 2])]);
        assert_eq!(
            read("[[1,2],[0.0]]").unwrap(),
            [tokens(&[1, 2]), vector(&[0.0])]
        );
        let question = read(r#"[{"question":[0.5,1.0],"initial":[0.25,1]}]"#).unwrap();
        let expected = Item::Vectors(Vectors {
            question: vec![0.5, 1.0],
            initial: Some(vec![0.25, 1.0]),
        });
        assert_eq!(question, [expected]);
        assert_eq!(read("[]").unwrap(), []);
        for wrong in [
            "1",
            "null",
            "{}",
            r#"["a",1.0]"#,
            "[[[1.0]]]",
            r#"[{"x":1}]"#,
            "[null]",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
