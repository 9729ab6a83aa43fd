//! Any table of questions and answers that are grids: reading, encoding, declared rules and symmetries.
//!
//! A grid has up to 64 rows and 64 columns of up to 255 different symbols. What a model must know of a table is its
//! [`GridSpec`]: the symbols, the frame, the shapes and the [`Rules`]. All but the rules is inferred from the data
//! (`survey`).
//!
//! ```
//! use recurra::tasks::Task;
//! use recurra::tasks::grid::{GridTask, Layout, RulesFile, survey};
//!
//! let table = "question,answer\n1./.1,12/21\n.2/2.,12/21\n";
//! let rules = RulesFile::read("blank = '.'\nkeep = 'givens'\npermutation = ['row', 'column']\nproof = true").unwrap();
//! let mut refused = Vec::new();
//! let survey = survey(table.as_bytes(), Layout::default(), &mut |error| refused.push(error)).unwrap();
//! let task = GridTask::new(rules.declare(survey).unwrap()).unwrap();
//! let question = task.parse("1./..").unwrap();
//! assert_eq!(task.verify(&question, &task.parse("12/21").unwrap()), Some(true));
//! ```

mod alphabet;
mod cells;
mod exact;
// They are read from their files.
#[cfg(all(test, not(target_family = "wasm")))]
mod examples;
mod frame;
mod generate;
mod read;
pub mod rules;
mod shape;
pub mod spec;
mod survey;
mod symmetry;
mod task;
#[cfg(test)]
mod tests;
pub mod toy;

pub use exact::Solutions;
pub use generate::{Generated, Generator, Wish};
pub use read::Layout;
pub use rules::{Rules, RulesFile};
pub use shape::Shape;
pub use spec::{GridSpec, ShapeRule};
pub use survey::survey;
pub use task::GridTask;
