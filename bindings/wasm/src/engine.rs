//! The recursion alone, for measurements and tests: tokens in, logits out, no rules and no clock.

use crate::error;
use crate::model::Model;
use recurra::engine::TrmEngine;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// One worker's recursion on a model.
#[wasm_bindgen]
pub struct Engine {
    engine: TrmEngine,
}

#[wasm_bindgen]
impl Engine {
    /// An engine for a model.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &Model) -> Engine {
        Engine {
            engine: TrmEngine::new(&model.model, 1),
        }
    }

    /// Takes a question in tokens.
    pub fn start(&mut self, question: &[u16]) -> Result<(), JsError> {
        self.engine.start(question, 0).map_err(error)
    }

    /// Does so many improvement steps. Allocates nothing.
    pub fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.engine.step();
        }
    }

    /// The logits of every token at every place, one place after another.
    pub fn logits(&mut self) -> Vec<f32> {
        let (places, vocab) = (
            self.engine.config().seq_len,
            self.engine.config().vocab_size,
        );
        let logits = self.engine.decode();
        let mut all = Vec::with_capacity(places * vocab);
        (0..places).for_each(|place| all.extend_from_slice(logits.row(place)));
        all
    }

    /// The halting logit.
    pub fn halt(&self) -> f32 {
        self.engine.halt_logits()[0]
    }
}
