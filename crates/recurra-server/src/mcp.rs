//! Tools for language models, by the Model Context Protocol.
//!
//! No sessions are kept: every request says all that is needed, so any replica can answer it. Schemas are written by hand, because
//! each of their words is read by a model again and again; a test counts them.

mod schemas;
mod trace;

use crate::ask::{Posed, Terms, check_count, submit};
use crate::guard::Asker;
use crate::http::{Description, describe};
use crate::models::Served;
use crate::problem::Problem;
use crate::state::Shared;
use axum::http::request::Parts;
use recurra::solver::Wishes;
use recurra::{Answer, Event};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    Resource, ResourceContents, ResourceTemplate, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler, ServiceExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Restarts where a call says nothing: an agent waits for a right answer rather than for a quick one.
const RESTARTS: usize = 32;

/// What language models are told of the whole.
const INSTRUCTIONS: &str = "Solves puzzles (Sudoku, mazes, grids under declared rules, ARC-AGI) with small recursive models and checks each answer \
    against the rules. Trust an answer only if `verified` is true; if not, call solve again with another seed or more restarts. \
    Do not solve such puzzles yourself: copy the question into `solve`. describe_task tells how questions are written.";

/// Tools over standard input and output, until the other side closes them.
pub(crate) async fn stdio(state: &Shared) -> anyhow::Result<()> {
    let running = Tools::new(state).serve(rmcp::transport::stdio()).await?;
    running.waiting().await?;
    Ok(())
}

/// Tools over streamable HTTP. Names and origins were checked before.
pub(crate) fn http_service(state: &Shared) -> StreamableHttpService<Tools, NeverSessionManager> {
    let tools = Tools::new(state);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(state.settings.limits.body);
    StreamableHttpService::new(move || Ok(tools.clone()), Arc::default(), config)
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Tools {
    state: Shared,
    tools: Arc<Vec<Tool>>,
}

impl Tools {
    pub(crate) fn new(state: &Shared) -> Self {
        Tools {
            state: state.clone(),
            tools: Arc::new(schemas::tools()),
        }
    }

    fn model(&self, name: Option<&str>) -> Result<Arc<Served>, Problem> {
        self.state.models.get(name)
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Value, Problem> {
        let arguments = request.arguments.unwrap_or_default();
        let asker = asker(context);
        match &*request.name {
            "list_models" => {
                let _: Nothing = read(arguments)?;
                let all = self.state.models.all();
                let models = all.puzzles.values();
                let models: Vec<_> = models
                    .map(|m| json!({ "model": m.name, "task": m.spec.to_string() }))
                    .collect();
                Ok(json!({ "models": models }))
            }
            "describe_task" => {
                let of: OfModel = read(arguments)?;
                let model = self.model(of.model.as_deref())?;
                self.describe(&model, &asker).await
            }
            "solve" => {
                let wanted: Solve = read(arguments)?;
                let model = self.model(wanted.model.as_deref())?;
                let answer = self.solve(&model, wanted, &asker, context, None).await?;
                Ok(result(&model, &answer))
            }
            "check" => {
                let wanted: Check = read(arguments)?;
                let model = self.model(wanted.model.as_deref())?;
                let task = model.puzzles()?.clone();
                check_count(&self.state, &asker, 1)?;
                let (question, answer) = (wanted.question.into_text(), wanted.answer.into_text());
                let checked = self
                    .state
                    .desk
                    .perform(&asker.client, move || task.check(&question, &answer));
                let checked = checked.await?.map_err(|e| repair(&model, e.into()))?;
                serde_json::to_value(checked).map_err(|_| Problem::fault("no JSON"))
            }
            "generate" => {
                let wanted: Generate = read(arguments)?;
                let model = self.model(wanted.model.as_deref())?;
                check_count(&self.state, &asker, 1)?;
                let made =
                    crate::http::make(&self.state, &asker, &model, wanted.seed, 0, wanted.givens)
                        .await?;
                Ok(json!({ "model": model.name, "question": made.question }))
            }
            "explain_steps" => {
                let wanted: Solve = read(arguments)?;
                let model = self.model(wanted.model.as_deref())?;
                model.puzzles()?;
                let uri = trace::uri(
                    &model.name,
                    &wanted.question.clone().into_text(),
                    &wanted.wishes(),
                );
                let mut steps = trace::Summary::default();
                let answer = self
                    .solve(
                        &model,
                        wanted,
                        &asker,
                        context,
                        Some(&mut |event| steps.add(event)),
                    )
                    .await?;
                let mut value = result(&model, &answer);
                value["thinking"] = steps.tell();
                value["trace"] = uri.into();
                Ok(value)
            }
            _ => Err(Problem::not_found(format!(
                "tool: expected one of {}",
                self.names()
            ))),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.tools.iter().map(|tool| &*tool.name).collect();
        names.join(", ")
    }

    async fn describe(&self, model: &Arc<Served>, asker: &Asker) -> Result<Value, Problem> {
        let Description {
            model: name,
            task,
            question,
            answer,
            verified,
            proves,
            generates,
            max_steps,
            ..
        } = describe(model);
        let mut value = json!({
            "model": name, "task": task, "question": question, "answer": answer, "verified": verified, "proves": proves, "max_steps": max_steps,
        });
        // An example of a large grid would take more room than it is worth.
        let small = model
            .task
            .as_ref()
            .is_some_and(|task| task.seq_len() <= 256);
        if generates && small {
            let made = crate::http::make(&self.state, asker, model, 0, 0, None).await?;
            value["example"] = json!({ "question": made.question, "answer": made.answer });
        }
        Ok(value)
    }

    /// Thinks about a question; tells progress where that is asked for, and every event to `watch`.
    async fn solve(
        &self,
        model: &Arc<Served>,
        wanted: Solve,
        asker: &Asker,
        context: &RequestContext<RoleServer>,
        watch: Option<&mut (dyn FnMut(Event) + Send)>,
    ) -> Result<Answer, Problem> {
        let mut wishes = wanted.wishes();
        if model.task.is_none() && wanted.restarts.is_none() {
            wishes.restarts = 0;
        }
        wishes.restarts = match wanted.restarts {
            None => wishes.restarts.min(self.state.settings.limits.restarts),
            Some(restarts) => restarts,
        };
        let terms = Terms::new(&self.state, model, &wishes, wanted.seconds)
            .map_err(|e| repair(model, e))?;
        let token = context.meta.get_progress_token();
        let (sender, mut events) = mpsc::channel(1024);
        let watched = (token.is_some() || watch.is_some()) && model.task.is_some();
        let text = wanted.question.into_text();
        let mut tickets = submit(
            &self.state,
            asker,
            model,
            &terms,
            vec![text],
            watched.then_some(sender),
        )?;
        let most = (wishes.restarts + 1) * terms.options.stop.max_steps;
        let mut done = 0;
        let mut watch = watch;
        let mut tell = async |event: Event| {
            if let (Event::Step(step), Some(token)) = (&event, &token) {
                done += 1;
                let progress = ProgressNotificationParam::new(token.clone(), f64::from(done))
                    .with_total(most as f64)
                    .with_message(format!("attempt {}, step {}", step.attempt + 1, step.step));
                context.peer.notify_progress(progress).await.ok();
            }
            if let Some(watch) = &mut watch {
                watch(event);
            }
        };
        let ending = tickets[0].answer();
        tokio::pin!(ending);
        let outcome = loop {
            tokio::select! {
                biased;
                () = context.ct.cancelled() => return Err(Problem::unavailable("the call was cancelled")),
                Some((_, event)) = events.recv() => tell(event).await,
                outcome = &mut ending => break outcome,
            }
        };
        while let Ok((_, event)) = events.try_recv() {
            tell(event).await;
        }
        outcome.map_err(|e| repair(model, e))
    }
}

/// An answer, without what the asker knows.
fn result(model: &Served, answer: &Answer) -> Value {
    let Answer {
        text,
        verified,
        steps,
        restarts,
        stopped,
        seconds,
        ..
    } = answer;
    let seconds = (seconds * 1e3).round() / 1e3;
    json!({
        "model": model.name, "answer": text, "verified": verified, "steps": steps, "restarts": restarts, "stopped": stopped, "seconds": seconds,
    })
}

/// A refusal that says how a question is written.
fn repair(model: &Served, mut problem: Problem) -> Problem {
    if problem.status == 422 {
        let form = describe(model).question;
        problem.detail = format!(
            "{}. A question to `{}` is: {form}",
            problem.detail, model.name
        );
    }
    problem
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfModel {
    model: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Solve {
    model: Option<String>,
    question: Posed,
    restarts: Option<usize>,
    max_steps: Option<usize>,
    #[serde(default)]
    seed: u64,
    seconds: Option<f64>,
}

impl Solve {
    fn wishes(&self) -> Wishes {
        Wishes {
            restarts: self.restarts.unwrap_or(RESTARTS),
            max_steps: self.max_steps,
            seed: self.seed,
            ..Wishes::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    model: Option<String>,
    question: Posed,
    answer: Posed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    model: Option<String>,
    #[serde(default)]
    seed: u64,
    givens: Option<usize>,
}

/// A tool's arguments.
fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, Problem> {
    serde_json::from_value(Value::Object(arguments)).map_err(|e| {
        let text = e.to_string();
        let short: String = text.chars().take(200).collect();
        Problem::refused(format!("arguments: {short}. See the tool's input schema"))
    })
}

/// Who asks: the HTTP request's asker, or whoever holds the pipes.
fn asker(context: &RequestContext<RoleServer>) -> Asker {
    let parts = context.extensions.get::<Parts>();
    let asker = parts.and_then(|parts| parts.extensions.get::<Asker>());
    asker.cloned().unwrap_or_else(Asker::local)
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("recurra", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.get_tool(&request.name).is_none() {
            let message = format!("unknown tool; expected one of {}", self.names());
            return Err(ErrorData::invalid_params(message, None));
        }
        let result = match self.call(request, &context).await {
            Ok(value) => CallToolResult::structured(value),
            Err(problem) => {
                let again = problem
                    .retry_after
                    .map(|s| format!(" Try again in {s} s."))
                    .unwrap_or_default();
                CallToolResult::error(vec![ContentBlock::text(problem.detail + &again)])
            }
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let all = self.state.models.all();
        let resource = |model: &Arc<Served>| {
            Resource::new(trace::model_uri(&model.name), model.name.clone())
                .with_description(format!("The model for {}", model.spec))
                .with_mime_type("application/json")
        };
        Ok(ListResourcesResult::with_all_items(
            all.puzzles.values().map(resource).collect(),
        ))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = ResourceTemplate::new(trace::TEMPLATE, "trace")
            .with_description("Every step of a model's thinking about a question: answers, certainty, halting logit; one JSON object a line")
            .with_mime_type("application/jsonl");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let unknown = |message: String| {
            ErrorData::resource_not_found(message, Some(serde_json::json!({ "uri": uri })))
        };
        let place = trace::parse(&uri).ok_or_else(|| {
            let model = trace::model_uri("{model}");
            unknown(format!("expected {model} or {}", trace::TEMPLATE))
        })?;
        let model = self
            .model(Some(&place.model))
            .map_err(|e| unknown(e.detail))?;
        let (text, kind) = match place.question {
            None => (
                serde_json::to_string(&describe(&model)).unwrap_or_default(),
                "application/json",
            ),
            Some(question) => {
                let wanted = Solve {
                    model: None,
                    question: Posed::Text(question),
                    restarts: place.restarts,
                    max_steps: place.max_steps,
                    seed: place.seed,
                    seconds: None,
                };
                let mut lines = String::new();
                let mut watch = |event: Event| trace::line(&event, &mut lines);
                let asker = asker(&context);
                let answer = self
                    .solve(&model, wanted, &asker, &context, Some(&mut watch))
                    .await;
                let answer = answer.map_err(|e| ErrorData::invalid_params(e.detail, None))?;
                trace::line(&Event::Answer(answer), &mut lines);
                (lines, "application/jsonl")
            }
        };
        let contents = ResourceContents::text(text, uri).with_mime_type(kind);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}
