//! The library's own types, for the description: their JSON is said here once more, and a test holds the two together.

use recurra::thinking::StopReason;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

/// An answer and how it was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Answer)]
#[allow(dead_code)]
pub(crate) struct AnswerDoc {
    /// Which of the request's questions it answers, from 1.
    #[schema(minimum = 1)]
    line: u64,
    /// The question, in one line.
    question: String,
    /// The answer, in one line.
    answer: String,
    /// Whether the task's own rules hold, for the whole answer and the question's givens; null where it has none.
    verified: Option<bool>,
    /// Improvement steps done for it, over all attempts; none for what was known.
    steps: u64,
    /// Attempts that were begun after the first.
    restarts: u64,
    /// Why the attempt that gave it stopped.
    #[schema(value_type = StopDoc)]
    stopped: StopReason,
    /// Halting logit at the end.
    halt: f64,
    /// Seconds from taking the question up to this answer.
    seconds: f64,
    source: SourceDoc,
}

/// Where an answer comes from: the model, or a cache.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Source)]
pub(crate) enum SourceDoc {
    Model,
    Exact,
    Stored,
    Similar,
}

/// Why thinking stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Stopped)]
#[allow(dead_code)]
pub(crate) enum StopDoc {
    Verified,
    Halt,
    Stable,
    Plateau,
    Residual,
    MaxSteps,
    Time,
    Contradiction,
}

/// A question that was not answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Refusal)]
#[allow(dead_code)]
pub(crate) struct RefusalDoc {
    /// Which of the request's questions it is, from 1.
    #[schema(minimum = 1)]
    line: u64,
    /// What was expected and what was found.
    error: String,
}

/// An answer, or why there is none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Line)]
#[allow(dead_code)]
pub(crate) enum LineDoc {
    Answer(AnswerDoc),
    Refusal(RefusalDoc),
}

/// Answers to several questions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Answers)]
#[allow(dead_code)]
pub(crate) struct AnswersDoc {
    answers: Vec<LineDoc>,
}

/// The answer to one question, or those to several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(crate) enum SolveAnswer {
    One(AnswerDoc),
    Several(AnswersDoc),
}

/// The data of one server-sent event: an attempt begins, a step was done, an answer, or why there is none.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Event)]
#[allow(dead_code)]
pub(crate) struct EventDoc {
    /// `attempt`, `step`, `answer` or `error`.
    event: String,
    /// Which of the request's questions it is about, from 1.
    #[schema(minimum = 1)]
    line: u64,
    /// Of `attempt` and `step`: which attempt, from 0.
    attempt: Option<u64>,
    /// Of `step`: improvement steps done in this attempt, from 1.
    step: Option<u64>,
    /// Of `step` and `answer`: the answer (so far), in one line.
    answer: Option<String>,
    /// Of `step`: the probability of each of its tokens.
    certainty: Option<Vec<f64>>,
    /// Of `step` and `answer`: the halting logit.
    halt: Option<f64>,
    /// Of `step` and `answer`: whether the task's rules hold.
    verified: Option<bool>,
}

/// How to think: the names and values of the program's flags.
#[derive(Debug, Default, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Options)]
pub(crate) struct OptionsDoc {
    /// Most improvement steps of one attempt.
    #[schema(minimum = 1)]
    max_steps: Option<u32>,
    /// Before this step no rule but `verified` ends an attempt.
    #[schema(minimum = 1)]
    min_steps: Option<u32>,
    /// What ends an attempt before that, with commas between: `verified`, `halt[=LOGIT]`, `stable[=W]`, `plateau[=EPS[/W]]`,
    /// `residual[=R]`; or `none`.
    stop: Option<String>,
    /// Most seconds for a question, restarts and all.
    #[schema(minimum = 0.0)]
    time: Option<f64>,
    /// How often to start again while the task's rules do not hold.
    #[schema(minimum = 0)]
    restarts: u32,
    /// What is different about a restart, with commas between: `symmetry`, `noise=SIGMA`, `start`; or `guess`.
    restart_by: Option<String>,
    /// How many restarts think side by side.
    #[schema(minimum = 1)]
    side_by_side: Option<u32>,
    /// Seed of all that is random in restarts.
    #[schema(minimum = 0)]
    seed: u64,
}

/// Whether an answer is right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Checked)]
#[allow(dead_code)]
pub(crate) struct CheckedDoc {
    /// Whether the rules hold; null where the task cannot tell.
    verified: Option<bool>,
    /// A rule that is broken, in words.
    objection: Option<String>,
}

/// What all routes have in common: any may fail, and says so in one form.
pub(crate) fn finish(api: &mut OpenApi) {
    let problem = || {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        RefOr::T(
            ResponseBuilder::new()
                .description("What was expected and what was found")
                .content("application/problem+json", content)
                .build(),
        )
    };
    for item in api.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            operation
                .responses
                .responses
                .insert("default".to_owned(), problem());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recurra::solver::{Refusal, Wishes};

    #[test]
    fn what_is_described_is_what_is_said() {
        let model = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../models/sudoku4.safetensors"
        );
        let solver = recurra::Solver::open(model).unwrap();
        let answer = solver.ask("1.....3..2.....4").unwrap();
        let json = serde_json::to_string(&answer).unwrap();
        serde_json::from_str::<AnswerDoc>(&json).unwrap();
        let refusal = Refusal {
            line: 1,
            error: String::new(),
        };
        serde_json::from_str::<RefusalDoc>(&serde_json::to_string(&refusal).unwrap()).unwrap();
        let checked = solver
            .task()
            .unwrap()
            .check(&answer.question, &answer.text)
            .unwrap();
        serde_json::from_str::<CheckedDoc>(&serde_json::to_string(&checked).unwrap()).unwrap();
        for reason in StopReason::ALL {
            serde_json::from_str::<StopDoc>(&serde_json::to_string(&reason).unwrap()).unwrap();
        }
        for event in solver
            .stream("1.....3..2.....4", &solver.options())
            .unwrap()
        {
            let mut value = serde_json::to_value(event.unwrap()).unwrap();
            value["line"] = 1.into();
            serde_json::from_value::<EventDoc>(value).unwrap();
        }
        // Every option that is described is one, and none is missing.
        let options = serde_json::to_value(OptionsDoc::default()).unwrap();
        let mut named: Vec<&String> = options.as_object().unwrap().keys().collect();
        serde_json::from_value::<Wishes>(options.clone()).unwrap();
        let unknown = serde_json::from_str::<Wishes>(r#"{"nothing":1}"#)
            .unwrap_err()
            .to_string();
        named.sort();
        for name in &named {
            assert!(unknown.contains(&format!("`{name}`")), "{name}: {unknown}");
        }
        assert_eq!(
            unknown.matches('`').count(),
            2 * (named.len() + 1),
            "{unknown}"
        );
    }
}
