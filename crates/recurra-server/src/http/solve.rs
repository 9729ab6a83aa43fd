//! `POST /v1/solve`: questions in, answers out, at once or step by step.

use super::schema::{EventDoc, OptionsDoc, SolveAnswer};
use crate::ask::{Posed, Terms, submit};
use crate::body::Json;
use crate::desk::Ticket;
use crate::guard::Asker;
use crate::problem::Problem;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event as Told, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt, unfold};
use recurra::solver::{Refusal, Wishes};
use recurra::{Answer, Event};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// One question, or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SolveRequest {
    /// The model's name; not needed where there is one.
    model: Option<String>,
    /// A question, in any form in which its task is written: a text, rows, or an object for ARC-AGI.
    question: Option<Posed>,
    /// Several, in place of `question`.
    questions: Option<Vec<Posed>>,
    /// How to think; what is missing is as the model likes it.
    #[serde(default)]
    #[schema(value_type = OptionsDoc)]
    options: Wishes,
    /// Seconds after which the answer is of no use: what was not begun by then is refused, what was gives what it has.
    #[schema(exclusive_minimum = 0.0)]
    timeout: Option<f64>,
}

/// An answer, or why there is none, as a line of `recurra solve --json`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Line {
    Answer(Answer),
    Refusal(Refusal),
}

impl Line {
    /// Of the question on this line.
    pub(crate) fn new(line: u64, outcome: Result<Answer, Problem>) -> Self {
        match outcome {
            Ok(answer) => Line::Answer(Answer { line, ..answer }),
            Err(problem) => Line::Refusal(Refusal {
                line,
                error: problem.detail,
            }),
        }
    }
}

/// Answer questions, each checked against the rules
///
/// With `Accept: text/event-stream` every improvement step is told as it happens, and each answer as the last event of its question.
#[utoipa::path(
    post,
    path = "/v1/solve",
    tag = "models",
    request_body = SolveRequest,
    responses(
        (status = 200, description = "The answer to `question`, or `answers` to `questions`, in their order", content(
            (SolveAnswer = "application/json"),
            (EventDoc = "text/event-stream"),
        )),
    )
)]
pub(crate) async fn solve(
    State(state): State<Shared>,
    asker: Asker,
    headers: HeaderMap,
    request: Json<SolveRequest>,
) -> Result<Response, Problem> {
    let Json { value, held } = request;
    let model = state.models.get(value.model.as_deref())?;
    let (questions, one) = match (value.question, value.questions) {
        (Some(question), None) => (vec![question], true),
        (None, Some(questions)) => (questions, false),
        _ => {
            return Err(Problem::refused(
                "body: expected either `question` or `questions`",
            ));
        }
    };
    let terms = Terms::new(&state, &model, &value.options, value.timeout)?;
    let texts = questions.into_iter().map(Posed::into_text).collect();
    if wants_events(&headers) {
        let (sender, events) = mpsc::channel(1024);
        let tickets = submit(&state, &asker, &model, &terms, texts, Some(sender))?;
        let stream = told(tickets, events, held);
        return Ok(Sse::new(stream)
            .keep_alive(KeepAlive::default())
            .into_response());
    }
    let mut tickets = submit(&state, &asker, &model, &terms, texts, None)?;
    if one {
        let answer = tickets[0].answer().await?;
        return Ok(axum::Json(answer).into_response());
    }
    let mut answers = Vec::with_capacity(tickets.len());
    for (line, ticket) in (1..).zip(&mut tickets) {
        answers.push(Line::new(line, ticket.answer().await));
    }
    Ok(axum::Json(json!({ "answers": answers })).into_response())
}

/// Whether events are asked for.
fn wants_events(headers: &HeaderMap) -> bool {
    let accepts = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut kinds = accepts.flat_map(|value| value.split(','));
    kinds.any(|kind| {
        kind.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case("text/event-stream")
    })
}

type Ending = Pin<Box<dyn Future<Output = (u64, Result<Answer, Problem>)> + Send>>;

/// Events of questions, as they happen. Dropped, it gives the questions up.
fn told<H: Send>(
    tickets: Vec<Ticket>,
    events: mpsc::Receiver<(u64, Event)>,
    held: H,
) -> impl Stream<Item = Result<Told, Infallible>> {
    let endings = (1u64..)
        .zip(tickets)
        .map(|(line, mut ticket)| Box::pin(async move { (line, ticket.answer().await) }) as Ending);
    let endings: FuturesUnordered<Ending> = endings.collect();
    unfold(
        (events, endings, held),
        |(mut events, mut endings, held)| async move {
            let event = loop {
                if endings.is_empty() {
                    return None;
                }
                tokio::select! {
                    // What happened before an end is told before it.
                    biased;
                    Some((line, event)) = events.recv() => match &event {
                        // What it means the question's end says.
                        Event::Step(step) if !(step.halt.is_finite() && step.certainty.iter().all(|p| p.is_finite())) => {}
                        _ => break step_event(line, &event),
                    },
                    Some((line, outcome)) = endings.next() => break end_event(line, outcome),
                }
            };
            Some((Ok(event), (events, endings, held)))
        },
    )
}

fn step_event(line: u64, event: &Event) -> Told {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    value["line"] = line.into();
    let name = if matches!(event, Event::Step(_)) {
        "step"
    } else {
        "attempt"
    };
    Told::default().event(name).data(value.to_string())
}

fn end_event(line: u64, outcome: Result<Answer, Problem>) -> Told {
    match outcome {
        Ok(answer) => {
            let answer = Event::Answer(Answer { line, ..answer });
            let data = serde_json::to_string(&answer).unwrap_or_default();
            Told::default().event("answer").data(data)
        }
        Err(problem) => {
            let mut value = serde_json::to_value(&problem).unwrap_or_default();
            value["event"] = "error".into();
            value["line"] = line.into();
            Told::default().event("error").data(value.to_string())
        }
    }
}
