//! What a panic said: a module that panics traps, and a trap has no words.

use std::sync::{Mutex, PoisonError};
use wasm_bindgen::prelude::wasm_bindgen;

static SAID: Mutex<String> = Mutex::new(String::new());

/// Runs when the module is loaded.
#[wasm_bindgen(start)]
fn begin() {
    std::panic::set_hook(Box::new(|panic| {
        *SAID.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

/// What the panic said that ended the module; empty where there was none.
#[wasm_bindgen(js_name = panicMessage)]
pub fn panic_message() -> String {
    SAID.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
