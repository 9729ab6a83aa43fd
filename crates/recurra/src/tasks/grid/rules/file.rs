//! Rules from a TOML file.

use super::{Keep, RuleError, Rules, drawings};
use crate::tasks::InputError;
use crate::tasks::grid::alphabet::Alphabet;
use crate::tasks::grid::{GridSpec, GridTask, Shape, ShapeRule};
use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

/// The rules of a file, which still know where they stand in it.
#[derive(Clone, Debug, Default)]
pub struct RulesFile {
    rules: Rules,
    /// Rows and columns of all grids, where the file says them.
    size: Option<Shape>,
    /// Keys and their lines.
    keys: Vec<(String, u64)>,
}

impl RulesFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Line and key of what is no rule.
    pub fn read(text: &str) -> Result<Self, InputError> {
        let line = |at: usize| {
            let before = text.as_bytes().iter().take(at);
            before.filter(|&&byte| byte == b'\n').count() as u64 + 1
        };
        let refused = |error: toml::de::Error, keys: &[(String, u64)]| {
            let span = error.span().unwrap_or(0..0);
            let line = line(span.start);
            let message = error.message().replace('\n', " ");
            let (found, expected) = match (
                message.strip_prefix("expected "),
                message.rsplit_once(", expected "),
            ) {
                (Some(rest), _) => match rest.split_once(", found ") {
                    Some((expected, found)) => (found.to_string(), expected),
                    None => ("something else".into(), rest),
                },
                (None, Some((found, expected))) => (found.to_string(), expected),
                // Not even TOML: what is shown is the place.
                _ => match text.get(span).filter(|at| !at.is_empty() && at.len() < 40) {
                    Some(at) => (format!("{message} `{}`", at.escape_debug()), "TOML"),
                    None => (message.clone(), "TOML"),
                },
            };
            // The key in whose line the error is, or before it.
            let key = keys
                .iter()
                .filter(|key| key.1 <= line)
                .max_by_key(|key| key.1);
            let key = key.filter(|key| !found.contains(&format!("`{}`", key.0)));
            let key = key.map_or(String::new(), |key| format!(" for `{}`", key.0));
            InputError {
                line,
                column: None,
                expected: format!("{expected}{key}"),
                found,
            }
        };
        let mut table = DeTable::parse(text).map_err(|error| refused(error, &[]))?;
        let keys = table.get_ref().keys();
        let keys: Vec<_> = keys
            .map(|key| (key.get_ref().to_string(), line(key.span().start)))
            .collect();
        let size = match table.get_mut().remove("size") {
            None => None,
            Some(size) => {
                let refused = |expected: &str, found: &str| InputError {
                    line: line(size.span().start),
                    column: None,
                    expected: format!("{expected} for `size`"),
                    found: found.into(),
                };
                let Some(text) = size.get_ref().as_str() else {
                    return Err(refused("a text such as '9x9'", "something else"));
                };
                let shape = text.parse().map_err(|error: String| {
                    let (expected, found) = error.split_once(", found ").unwrap_or((&error, ""));
                    refused(expected.trim_start_matches("expected "), found)
                });
                Some(shape?)
            }
        };
        let rules = Rules::deserialize(Deserializer::from(table));
        let rules = rules.map_err(|error| refused(error, &keys))?;
        Ok(RulesFile { rules, size, keys })
    }

    /// Whether the file says the size of all grids, and so is enough to know the task.
    pub fn has_size(&self) -> bool {
        self.size.is_some()
    }

    /// The task that the file describes alone: all grids have its `size` or, where it says none, the one given here, or that of
    /// its drawings; the symbols are those of `fill` and the others that rules name.
    ///
    /// # Errors
    /// What is missing, or contradicts something else.
    pub fn alone(&self, size: Option<Shape>) -> Result<GridSpec, InputError> {
        let fail = |key, expected: &str, found: &str| {
            Err(self.blame(RuleError::new(key, expected, found)))
        };
        let rules = &self.rules;
        let drawings = drawings(rules).map_err(|error| self.blame(error))?;
        let shape = match (self.size, size) {
            (Some(known), Some(size)) if known != size => {
                return fail(
                    "size",
                    &format!("{size}, as asked for,"),
                    &known.to_string(),
                );
            }
            (Some(size), _) | (None, Some(size)) => size,
            (None, None) => match drawings.first() {
                Some(drawing) => drawing.shape,
                None => {
                    let expected = "rows and columns, as there is no table,";
                    return fail("size", expected, "none");
                }
            },
        };
        if rules.fill.is_empty() {
            let expected = "the symbols of an answer, as there is no table,";
            return fail("fill", expected, "none");
        }
        let kept = match &rules.keep {
            Some(Keep::Symbols(symbols)) => &symbols[..],
            _ => &[],
        };
        let named = (rules.fill.iter().map(|symbol| ("fill", symbol)))
            .chain(rules.blank.iter().map(|symbol| ("blank", symbol)))
            .chain(kept.iter().map(|symbol| ("keep", symbol)));
        let mut alphabet = Alphabet::default();
        for (key, symbol) in named {
            if let Err((expected, found)) = alphabet.learn(symbol) {
                return fail(key, &expected, &found);
            }
        }
        let spec = GridSpec {
            symbols: alphabet.sorted(),
            frame: shape,
            question: ShapeRule::Fixed(shape),
            answer: ShapeRule::Fixed(shape),
            rules: Rules::default(),
        };
        self.declare(spec)
    }

    /// Refuses rules by which no puzzle can be made.
    ///
    /// # Errors
    /// What else, or more, would have to be declared.
    pub fn check_generates(&self, spec: &GridSpec) -> Result<(), InputError> {
        let task = GridTask::bind(spec.clone()).map_err(|error| self.blame(error))?;
        task.exact().map(drop).map_err(|error| {
            let mut error = self.blame(error);
            error.expected += ", to make puzzles of rules alone";
            error
        })
    }

    /// Adds the rules to what is known of a table.
    ///
    /// # Errors
    /// A rule that contradicts the table or another rule.
    pub fn declare(&self, mut spec: GridSpec) -> Result<GridSpec, InputError> {
        spec.rules = self.rules.clone();
        if let Some(size) = self.size {
            for rule in [spec.question, spec.answer] {
                if !rule.is(size) {
                    let expected = format!("that of all grids of the data ({rule})");
                    return Err(self.blame(RuleError::new("size", expected, size.to_string())));
                }
            }
        }
        match GridTask::bind(spec.clone()) {
            Ok(_) => Ok(spec),
            Err(error) => Err(self.blame(error)),
        }
    }

    /// The place of a key that is to blame.
    fn blame(&self, error: RuleError) -> InputError {
        let RuleError {
            key,
            expected,
            found,
        } = error;
        let line = self.keys.iter().find(|known| known.0 == key);
        InputError {
            line: line.map_or(1, |known| known.1),
            column: None,
            expected: format!("{expected} for `{key}`"),
            found,
        }
    }
}
