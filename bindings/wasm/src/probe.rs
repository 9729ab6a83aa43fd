//! Which build this is, and whether this machine's engine runs it right.

use recurra::kernels::Isa;
use wasm_bindgen::prelude::wasm_bindgen;

/// The instruction set that this module computes with: `relaxed`, `simd128` or `scalar`.
#[wasm_bindgen(js_name = instructionSet)]
pub fn instruction_set() -> String {
    if cfg!(target_feature = "relaxed-simd") {
        return "relaxed".into();
    }
    Isa::detect().name().into()
}

/// Whether products of floats and of bytes are what they must be, within what rounding allows. Relaxed instructions may differ
/// from one engine to another, and an engine may get them wrong; who loads this module asks this first.
#[wasm_bindgen]
pub fn probe() -> bool {
    recurra::kernels::probe::knows(Isa::detect())
}
