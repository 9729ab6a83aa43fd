//! How to think, as JSON.

use recurra::solver::Wishes;
use recurra::{SolveOptions, Solver};

/// The options in a JSON text, completed by the model's own.
pub(crate) fn read(text: &str, solver: &Solver) -> Result<SolveOptions, String> {
    let wishes: Wishes = match text {
        "" => Wishes::default(),
        text => serde_json::from_str(text).map_err(|e| format!("options: {e}"))?,
    };
    wishes.options(solver)
}
