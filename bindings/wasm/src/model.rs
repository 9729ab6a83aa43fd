//! A model, and a question that it thinks about.

use crate::{error, json, task};
use recurra::model::TrmModel;
use recurra::solver::Wishes;
use recurra::{Event, Solver};
use serde_json::json;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A model in memory, and the solver that asks it.
#[wasm_bindgen]
pub struct Model {
    pub(crate) model: TrmModel,
    solver: Solver,
}

#[wasm_bindgen]
impl Model {
    /// Reads a model file. `task` may be empty, or the JSON of the task whose questions are asked, where it is not the model's
    /// own and the weights do not depend on its size.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8], task: &str) -> Result<Model, JsError> {
        let model = TrmModel::from_bytes(bytes).map_err(error)?;
        let model = match task {
            "" => model,
            task => {
                let spec = task::spec(task).map_err(error)?;
                let own = match &model.header.task {
                    Some(own) => own.to_string(),
                    None => "no task".into(),
                };
                model.for_task(&spec).ok_or_else(|| {
                    error(format!(
                        "task: expected {own} or one that this model's weights know too, found {spec}"
                    ))
                })?
            }
        };
        Self::of(model).map_err(error)
    }

    pub(crate) fn of(model: TrmModel) -> recurra::Result<Model> {
        Ok(Model {
            solver: Solver::new(&model, 1)?,
            model,
        })
    }

    /// What the model's file says of itself and what follows from it, as JSON.
    pub fn info(&self) -> String {
        let header = &self.model.header;
        let config = self.model.config();
        json(&json!({
            "id": self.model.id(),
            "task": header.task,
            "precision": self.model.precision().name(),
            "weights": recurra::model::TrmWeights::count(config),
            "places": config.seq_len,
            "vocabulary": config.vocab_size,
            "cols": header.task.as_ref().map(recurra::TaskSpec::cols),
            "mixer": config.describe_mixer(),
            "max_steps": config.halt_max_steps,
            "flops_per_step": config.flops_per_step(),
            "guesses": self.solver.options().variation.guess,
            "provenance": header.provenance,
        }))
    }

    /// The bytes of its file.
    #[wasm_bindgen(js_name = toBytes)]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.model.to_bytes()
    }

    /// Begins a question, with options in JSON.
    pub fn think(&self, question: &str, options: &str) -> Result<Thinking, JsError> {
        let options = Wishes::read(options, &self.solver).map_err(error)?;
        let thinking = self.solver.think(question, &options).map_err(error)?;
        Ok(Thinking {
            thinking,
            events: Vec::new(),
        })
    }
}

/// A question under way.
#[wasm_bindgen]
pub struct Thinking {
    thinking: recurra::Thinking,
    events: Vec<Event>,
}

#[wasm_bindgen]
impl Thinking {
    /// One improvement step. Gives the JSON of what happened, a list of events of which the answer is the last; nothing where
    /// nobody watches and there is no answer yet.
    pub fn step(&mut self, watch: bool) -> Result<Option<String>, JsError> {
        let events = &mut self.events;
        let mut see = |event: Event| events.push(event);
        let watching: Option<&mut dyn FnMut(Event)> = if watch { Some(&mut see) } else { None };
        let answer = self.thinking.step(watching).map_err(error)?;
        if let Some(answer) = answer {
            see(Event::Answer(answer));
        }
        if self.events.is_empty() {
            return Ok(None);
        }
        let text = json(&self.events);
        self.events.clear();
        Ok(Some(text))
    }

    /// After a step: the probability of every token at every place, one place after another.
    pub fn candidates(&mut self) -> Vec<f32> {
        self.thinking.candidates().to_vec()
    }
}
