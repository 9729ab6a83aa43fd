//! The tools' names, descriptions and schemas. They are short: a language model reads them with every request.

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};
use std::sync::Arc;

/// All tools.
pub(super) fn tools() -> Vec<Tool> {
    let model = json!({ "type": "string", "description": "Name from list_models; needed if there are several" });
    let question = json!({
        "description": "The puzzle: a string, an array of rows, or an object for ARC",
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }, { "type": "object" }],
    });
    let puzzle = json!({
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let verdict = json!({ "type": ["boolean", "null"], "description": "true: the rules hold" });
    let thinking = json!({
        "model": model, "question": question,
        "restarts": { "type": "integer", "minimum": 0, "description": "Attempts after the first, while the rules do not hold; default 32" },
        "max_steps": { "type": "integer", "minimum": 1, "description": "Steps of an attempt" },
        "seed": { "type": "integer", "minimum": 0, "description": "Another one tries other ways" },
        "seconds": { "type": "number", "exclusiveMinimum": 0, "description": "Time limit" },
    });
    let answer = json!({
        "model": { "type": "string" }, "answer": { "type": "string" }, "verified": verdict, "steps": whole, "restarts": whole,
        "stopped": { "type": "string" }, "seconds": { "type": "number" },
    });
    let answer_required = [
        "model", "answer", "verified", "steps", "restarts", "stopped", "seconds",
    ];
    let mut explained = answer.clone();
    explained["thinking"] = json!({ "type": "array", "items": { "type": "object" } });
    explained["trace"] = json!({ "type": "string" });
    vec![
        tool(
            "list_models",
            "Lists the models and what each solves.",
            object(json!({}), &[]),
            object(
                json!({ "models": { "type": "array", "items": object(json!({ "model": { "type": "string" }, "task": { "type": "string" } }), &["model", "task"]) } }),
                &["models"],
            ),
        ),
        tool(
            "describe_task",
            "Tells how a model's questions and answers are written and what verified means.",
            object(json!({ "model": model }), &[]),
            json!({
                "type": "object",
                "properties": {
                    "model": { "type": "string" }, "task": { "type": "string" }, "question": { "type": "string" }, "answer": { "type": "string" },
                    "verified": { "type": "string" }, "proves": { "type": "boolean" }, "max_steps": whole, "example": { "type": "object" },
                },
                "required": ["model", "task", "question", "answer", "verified", "proves", "max_steps"],
            }),
        ),
        tool(
            "solve",
            "Solves a puzzle and checks the answer against the rules. Trust the answer only if verified is true.",
            object(thinking.clone(), &["question"]),
            object(answer, &answer_required),
        ),
        tool(
            "check",
            "Tells whether an answer to a puzzle is right, and which rule it breaks if not. No model guesses: the rules are applied.",
            object(
                json!({ "model": model, "question": puzzle, "answer": puzzle }),
                &["question", "answer"],
            ),
            object(
                json!({ "verified": verdict, "objection": { "type": ["string", "null"] } }),
                &["verified", "objection"],
            ),
        ),
        tool(
            "generate",
            "Makes a new puzzle; the same seed makes the same one. solve gives its answer.",
            object(
                json!({
                    "model": model, "seed": whole,
                    "givens": { "type": "integer", "minimum": 1, "description": "Filled cells; Sudoku only" },
                }),
                &[],
            ),
            object(
                json!({ "model": { "type": "string" }, "question": { "type": "string" } }),
                &["model", "question"],
            ),
        ),
        tool(
            "explain_steps",
            "Solves a puzzle and tells what changed in each step; the resource named by trace has all of them.",
            object(thinking, &["question"]),
            {
                let mut required = answer_required.to_vec();
                required.extend(["thinking", "trace"]);
                object(explained, &required)
            },
        ),
    ]
}

fn object(properties: Value, required: &[&str]) -> Value {
    let mut schema =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn tool(name: &'static str, description: &'static str, input: Value, output: Value) -> Tool {
    let map = |schema: Value| -> Arc<JsonObject> {
        match schema {
            Value::Object(map) => Arc::new(map),
            _ => Arc::default(),
        }
    };
    let annotations = ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(name, description, map(input))
        .with_raw_output_schema(map(output))
        .with_annotations(annotations)
}
