//! Rules from a TOML file.

use super::{RuleError, Rules};
use crate::tasks::InputError;
use crate::tasks::grid::{GridSpec, GridTask};

/// The rules of a file, which still know where they stand in it.
#[derive(Clone, Debug, Default)]
pub struct RulesFile {
    rules: Rules,
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
        let table = toml::de::DeTable::parse(text).map_err(|error| refused(error, &[]))?;
        let keys = table.get_ref().keys();
        let keys: Vec<_> = keys
            .map(|key| (key.get_ref().to_string(), line(key.span().start)))
            .collect();
        let rules = toml::from_str(text).map_err(|error| refused(error, &keys))?;
        Ok(RulesFile { rules, keys })
    }

    /// Adds the rules to what is known of a table.
    ///
    /// # Errors
    /// A rule that contradicts the table or another rule.
    pub fn declare(&self, mut spec: GridSpec) -> Result<GridSpec, InputError> {
        spec.rules = self.rules.clone();
        match GridTask::bind(spec.clone()) {
            Ok(_) => Ok(spec),
            Err(RuleError {
                key,
                expected,
                found,
            }) => {
                let line = self.keys.iter().find(|known| known.0 == key);
                Err(InputError {
                    line: line.map_or(1, |known| known.1),
                    column: None,
                    expected: format!("{expected} for `{key}`"),
                    found,
                })
            }
        }
    }
}
