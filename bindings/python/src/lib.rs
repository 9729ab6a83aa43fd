//! The extension module of the Python package `recurra`: the library behind numbers, texts and arrays.
//!
//! What users see is `python/recurra`, which gives these things their names, defaults and help. Options, tasks and reports cross as
//! JSON with the names that they have everywhere else; what is long crosses as arrays. Every call that computes lets other Python
//! threads run, and looks for Ctrl-C.

mod array;
mod data;
mod error;
mod model;
mod outcome;
mod patience;
mod task;
mod trace;
mod train;

use pyo3::prelude::*;
use std::ffi::OsString;

/// The library and the program, for the package around it.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::data::load;
    #[pymodule_export]
    use super::model::{Model, import_checkpoint};
    #[pymodule_export]
    use super::task::Task;
    #[pymodule_export]
    use super::trace::Trace;
    #[pymodule_export]
    use super::train::train;
    #[pymodule_export]
    use super::{main, version};
    use pyo3::prelude::*;

    /// Finds NumPy now: where Ctrl-C comes while it is looked for later, nobody could be told.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        numpy::PyArray1::<u8>::zeros(module.py(), 1, false);
        Ok(())
    }
}

/// Runs a command line of the program, of which the first word is its name, and gives the exit status.
#[pyfunction]
fn main(py: Python<'_>, words: Vec<OsString>) -> u8 {
    py.detach(|| recurra_cli::main(words))
}

/// The version of the library.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
