//! From a request's questions to jobs, within the server's limits. HTTP, Triton's protocol and MCP all go through here.

use crate::desk::{Ask, Ticket, Watch};
use crate::guard::Asker;
use crate::models::Served;
use crate::problem::Problem;
use crate::state::State;
use recurra::Event;
use recurra::solver::{CancelToken, SolveOptions, Wishes};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// A question as JSON has it: a text, rows, or what a task of ARC-AGI is.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Question)]
pub(crate) enum Posed {
    /// In one line, or drawn.
    Text(String),
    /// A row each.
    Rows(Vec<String>),
    /// A file of challenges.
    #[schema(value_type = Object)]
    Object(serde_json::Map<String, Value>),
}

impl Posed {
    /// As the task reads it.
    pub(crate) fn into_text(self) -> String {
        match self {
            Posed::Text(text) => text,
            Posed::Rows(rows) => rows.join("\n"),
            Posed::Object(object) => Value::Object(object).to_string(),
        }
    }
}

/// How a request wants its questions to be thought about.
pub(crate) struct Terms {
    pub(crate) options: SolveOptions,
}

impl Terms {
    /// The options that were wished, if they are within the limits.
    pub(crate) fn new(
        state: &State,
        model: &Served,
        wishes: &Wishes,
        timeout: Option<f64>,
    ) -> Result<Self, Problem> {
        let limits = &state.settings.limits;
        let mut options = wishes
            .options(&model.solver)
            .map_err(|e| Problem::refused(format!("options: {e}")))?;
        for (name, found, most) in [
            ("max_steps", wishes.max_steps.unwrap_or(0), limits.steps),
            ("restarts", wishes.restarts, limits.restarts),
            ("side_by_side", options.side_by_side, limits.side_by_side),
        ] {
            if found > most {
                return Err(Problem::refused(format!(
                    "options: {name}: expected at most {most}, this server's limit, found {found}"
                )));
            }
        }
        options.stop.max_steps = options.stop.max_steps.min(limits.steps);
        if options.variation.guess && !model.task.as_ref().is_some_and(|task| task.guessable()) {
            return Err(Problem::refused(
                "options: restart_by: expected a task whose answers' symbols can be givens of its questions",
            ));
        }
        if model.task.is_none() && (options.restarts > 0 || wishes.restart_by.is_some()) {
            return Err(Problem::refused(
                "options: restarts: expected a model whose answers have a rule check, found one for ARC-AGI",
            ));
        }
        options.deadline = Some(deadline(state, timeout)?);
        Ok(Terms { options })
    }

    fn ask(&self, model: &Arc<Served>, text: String, watch: Option<Watch>) -> Ask {
        let options = SolveOptions {
            // Each is given up alone.
            cancel: CancelToken::new(),
            ..self.options.clone()
        };
        Ask {
            model: model.clone(),
            tokens: model.task.as_ref().and_then(|task| task.parse(&text).ok()),
            question: text.into(),
            options: Box::new(options),
            watch,
        }
    }
}

/// Queues questions in text.
pub(crate) fn submit(
    state: &State,
    asker: &Asker,
    model: &Arc<Served>,
    terms: &Terms,
    texts: Vec<String>,
    watch: Option<mpsc::Sender<(u64, Event)>>,
) -> Result<Vec<Ticket>, Problem> {
    check_count(state, asker, texts.len())?;
    let asks = (1..).zip(texts).map(|(line, text)| {
        let watch = watch.clone().map(|sender| Watch { line, sender });
        terms.ask(model, text, watch)
    });
    state.desk.submit(&asker.client, asks.collect())
}

/// When a request must be over that may take so many seconds, or as long as this server lets one.
pub(crate) fn deadline(state: &State, timeout: Option<f64>) -> Result<Instant, Problem> {
    let most = state.settings.timeout();
    let patience = match timeout {
        None => most,
        Some(seconds) => Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|patience| !patience.is_zero() && *patience <= most)
            .ok_or_else(|| {
                Problem::refused(format!(
                    "timeout: expected seconds above 0 and at most {}, this server's limit, found {seconds}",
                    most.as_secs_f64()
                ))
            })?,
    };
    Ok(Instant::now() + patience)
}

/// Refuses too many questions at once.
pub(crate) fn check_count(state: &State, asker: &Asker, count: usize) -> Result<(), Problem> {
    let most = state.settings.limits.questions;
    if count == 0 || count > most {
        return Err(Problem::refused(format!(
            "questions: expected 1 to {most}, found {count}"
        )));
    }
    asker.count(count)
}
