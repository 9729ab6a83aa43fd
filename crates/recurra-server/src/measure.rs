//! What is counted, for Prometheus.

use crate::desk::Desk;
use crate::models::Models;
use crate::problem::Problem;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use recurra::Answer;
use std::time::Duration;

const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
const STEPS: [f64; 10] = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0, 128.0, 512.0];

/// Begins to count; once a process.
pub(crate) fn start() -> anyhow::Result<PrometheusHandle> {
    let named = |name: &str| Matcher::Full(name.into());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(named("recurra_request_seconds"), &SECONDS)?
        .set_buckets_for_metric(named("recurra_answer_steps"), &STEPS)?
        .install_recorder()?;
    describe_counter!("recurra_requests_total", "Requests, by route and status");
    describe_histogram!(
        "recurra_request_seconds",
        "Seconds from a request's head to its answer's head, by route"
    );
    describe_counter!("recurra_questions_total", "Questions, by model and outcome");
    describe_histogram!(
        "recurra_answer_steps",
        "Improvement steps of an answer, by model"
    );
    describe_counter!("recurra_steps_total", "Improvement steps, by model");
    describe_counter!(
        "recurra_rejected_total",
        "Requests that were refused for want of room, by reason"
    );
    describe_gauge!(
        "recurra_queue_steps",
        "Predicted improvement steps that wait"
    );
    describe_gauge!("recurra_queue_questions", "Questions that wait");
    describe_gauge!(
        "recurra_queue_seconds",
        "Predicted seconds until what waits has been taken up"
    );
    describe_gauge!("recurra_running", "Questions that are thought about");
    describe_gauge!("recurra_connections", "Connections");
    describe_gauge!(
        "recurra_cache_answers",
        "Answers by where they came from, by model, since the models were read"
    );
    Ok(handle)
}

/// Counts a question's end.
pub(crate) fn answered(model: &str, outcome: &Result<Answer, Problem>) {
    let label = match outcome {
        Ok(answer) => match answer.verified {
            Some(true) => "verified",
            Some(false) => "unverified",
            None => "unchecked",
        },
        Err(problem) => problem.code,
    };
    let model = model.to_owned();
    counter!("recurra_questions_total", "model" => model.clone(), "outcome" => label).increment(1);
    if let Ok(answer) = outcome {
        counter!("recurra_steps_total", "model" => model.clone()).increment(answer.steps as u64);
        histogram!("recurra_answer_steps", "model" => model).record(answer.steps as f64);
    }
}

/// Counts a request that found no room.
pub(crate) fn rejected(reason: &'static str) {
    counter!("recurra_rejected_total", "reason" => reason).increment(1);
}

/// Counts a request.
pub(crate) fn request(route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!("recurra_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    histogram!("recurra_request_seconds", "route" => route).record(took.as_secs_f64());
}

/// Counts a connection until it is dropped.
pub(crate) struct Connected;

impl Connected {
    pub(crate) fn new() -> Self {
        gauge!("recurra_connections").increment(1.0);
        Connected
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        gauge!("recurra_connections").decrement(1.0);
    }
}

/// All that was counted, as text.
pub(crate) fn render(handle: &PrometheusHandle, desk: &Desk, models: &Models) -> String {
    let (steps, waiting, running) = desk.load();
    gauge!("recurra_queue_steps").set(steps);
    gauge!("recurra_queue_questions").set(waiting as f64);
    gauge!("recurra_queue_seconds").set(desk.predicted_wait());
    gauge!("recurra_running").set(running as f64);
    for (name, model) in &models.all().puzzles {
        let Some(cache) = &model.cache else { continue };
        let counters = cache.counters();
        for (source, count) in [
            ("exact", counters.exact),
            ("stored", counters.stored),
            ("model", counters.misses),
        ] {
            gauge!("recurra_cache_answers", "model" => name.clone(), "source" => source)
                .set(count as f64);
        }
    }
    handle.run_upkeep();
    handle.render()
}
