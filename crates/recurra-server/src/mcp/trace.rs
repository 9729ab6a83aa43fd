//! Traces: what happened in each step, as a summary for a tool's result, and whole as a resource. A trace's address holds all that
//! decides it, so nothing is kept, and any replica can make it again.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use recurra::Event;
use recurra::solver::Wishes;
use serde_json::{Value, json};

/// Addresses of traces.
pub(super) const TEMPLATE: &str =
    "recurra://models/{model}/trace/{question}{?restarts,max_steps,seed}";

/// Characters of a question that an address tells; for a longer one it has a place to fill in.
const LONGEST: usize = 300;

/// The address of a model.
pub(super) fn model_uri(model: &str) -> String {
    format!("recurra://models/{model}")
}

/// The address of a trace.
pub(super) fn uri(model: &str, question: &str, wishes: &Wishes) -> String {
    let question = utf8_percent_encode(question, NON_ALPHANUMERIC).to_string();
    // Points are most of many questions, and mean nothing in an address.
    let question = question.replace("%2E", ".");
    // A large question would be told twice, and a language model has it.
    let question = if question.len() > LONGEST {
        "{question}"
    } else {
        &question
    };
    let mut uri = format!(
        "{}/trace/{question}?restarts={}",
        model_uri(model),
        wishes.restarts
    );
    if let Some(steps) = wishes.max_steps {
        uri += &format!("&max_steps={steps}");
    }
    if wishes.seed > 0 {
        uri += &format!("&seed={}", wishes.seed);
    }
    uri
}

/// What an address names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) model: String,
    /// Of a trace.
    pub(super) question: Option<String>,
    pub(super) restarts: Option<usize>,
    pub(super) max_steps: Option<usize>,
    pub(super) seed: u64,
}

/// Reads an address.
pub(super) fn parse(uri: &str) -> Option<Place> {
    let rest = uri.strip_prefix("recurra://models/")?;
    let decoded = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .ok()
            .map(String::from)
    };
    let Some((model, rest)) = rest.split_once('/') else {
        return Some(Place {
            model: decoded(rest)?,
            ..Place::default()
        });
    };
    let rest = rest.strip_prefix("trace/")?;
    let (question, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut place = Place {
        model: decoded(model)?,
        question: Some(decoded(question)?),
        ..Place::default()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=')? {
            ("restarts", n) => place.restarts = Some(n.parse().ok()?),
            ("max_steps", n) => place.max_steps = Some(n.parse().ok()?),
            ("seed", n) => place.seed = n.parse().ok()?,
            _ => return None,
        }
    }
    Some(place)
}

/// Adds an event as a line of JSON, with certainties to three digits.
pub(super) fn line(event: &Event, into: &mut String) {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let Event::Step(step) = event {
        let rounded: Vec<f64> = step
            .certainty
            .iter()
            .map(|&p| (f64::from(p) * 1e3).round() / 1e3)
            .collect();
        value["certainty"] = json!(rounded);
    }
    into.push_str(&value.to_string());
    into.push('\n');
}

/// The steps of a question's thinking, in short.
#[derive(Default)]
pub(super) struct Summary {
    steps: Vec<Value>,
    /// Steps that were left out between the first and the last.
    left_out: usize,
    before: Vec<u16>,
}

impl Summary {
    /// Steps that are told.
    const FIRST: usize = 6;
    const LAST: usize = 6;

    pub(super) fn add(&mut self, event: Event) {
        let step = match event {
            Event::Attempt { .. } => return self.before.clear(),
            Event::Step(step) => step,
            Event::Answer(_) => return,
        };
        let changed = match self.before.len() == step.tokens.len() {
            true => self
                .before
                .iter()
                .zip(&step.tokens)
                .filter(|(a, b)| a != b)
                .count(),
            false => step.tokens.len(),
        };
        let mean =
            |sum: f32| (f64::from(sum) / step.certainty.len().max(1) as f64 * 1e3).round() / 1e3;
        self.steps.push(json!({
            "attempt": step.attempt + 1,
            "step": step.step,
            "cells_changed": changed,
            "mean_certainty": mean(step.certainty.iter().sum()),
            "verified": step.verified,
        }));
        self.before = step.tokens;
        if self.steps.len() > Self::FIRST + Self::LAST {
            self.steps.remove(Self::FIRST);
            self.left_out += 1;
        }
    }

    pub(super) fn tell(self) -> Value {
        let mut steps = self.steps;
        if self.left_out > 0 {
            steps.insert(Self::FIRST, json!({ "steps_left_out": self.left_out }));
        }
        steps.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back() {
        let wishes = Wishes {
            restarts: 3,
            max_steps: Some(9),
            seed: 7,
            ..Wishes::default()
        };
        let question = "#S.\n..G/ü?&=";
        let place = parse(&uri("maze-3", question, &wishes)).unwrap();
        let expected = Place {
            model: "maze-3".into(),
            question: Some(question.into()),
            restarts: Some(3),
            max_steps: Some(9),
            seed: 7,
        };
        assert_eq!(place, expected);
        assert_eq!(parse("recurra://models/a").unwrap().question, None);
        for wrong in [
            "recurra://models/a/b",
            "http://models/a",
            "recurra://models/a/trace/x?y=1",
            "recurra://models/a/trace/x?seed=-1",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
