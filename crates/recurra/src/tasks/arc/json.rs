//! JSON read value by value, with the way to each of them at hand.
//!
//! Nothing recurses with the input, and what is not wanted is skipped, not kept. A value that is wrong does not end the
//! reading: it is noted, and what follows it is read on.

use super::augmentation::SEPARATOR;
use super::error::{ArcError, Step, printable};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Characters of a task's name.
const MAX_NAME: usize = 100;
/// Errors after which reading ends.
const MAX_ERRORS: usize = 1000;

/// The way into a task, and the first thing on it that is wrong.
pub(super) struct Trail {
    task: Option<String>,
    steps: Vec<Step>,
    error: Option<ArcError>,
}

impl Trail {
    /// The beginning of a way.
    pub(super) fn new(task: Option<String>) -> Self {
        Trail {
            task,
            steps: Vec::new(),
            error: None,
        }
    }

    /// Notes what is wrong here, unless something was before.
    pub(super) fn blame(&mut self, expected: impl Into<String>, found: impl Into<String>) {
        if self.error.is_none() {
            self.error = Some(ArcError {
                task: self.task.clone(),
                steps: self.steps.clone(),
                expected: expected.into(),
                found: found.into(),
            });
        }
    }

    /// Whether something was wrong.
    pub(super) fn is_blamed(&self) -> bool {
        self.error.is_some()
    }

    /// What was wrong, if something was; what was read otherwise.
    pub(super) fn outcome<T>(self, value: T) -> Result<T, ArcError> {
        self.error.map_or(Ok(value), Err)
    }

    /// Reads a part. Where the text itself is broken, the way stays where that was found.
    pub(super) fn within<T, E>(
        &mut self,
        step: Step,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.steps.push(step);
        let value = read(self)?;
        self.steps.pop();
        Ok(value)
    }

    fn broken(&mut self, error: &serde_json::Error) {
        self.blame("JSON", printable(&error.to_string()));
    }
}

/// A kind of value. Each reads one kind of JSON and blames the others; what it returns then is of no use.
pub(super) trait Kind<'de>: Sized {
    /// What is read.
    type Value: Default;
    /// What is wanted, for messages.
    const EXPECTED: &'static str;

    /// Reads a whole number.
    fn number(self, number: u64, trail: &mut Trail) -> Self::Value {
        wrong::<Self>(trail, &number.to_string())
    }

    /// Reads a list.
    fn list<A: SeqAccess<'de>>(
        self,
        mut list: A,
        trail: &mut Trail,
    ) -> Result<Self::Value, A::Error> {
        skip_list(&mut list)?;
        Ok(wrong::<Self>(trail, "a list"))
    }

    /// Reads an object.
    fn object<A: MapAccess<'de>>(
        self,
        mut object: A,
        trail: &mut Trail,
    ) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(wrong::<Self>(trail, "an object"))
    }
}

fn wrong<'de, K: Kind<'de>>(trail: &mut Trail, found: &str) -> K::Value {
    trail.blame(K::EXPECTED, found);
    K::Value::default()
}

/// Reads a list to its end without keeping anything.
pub(super) fn skip_list<'de, A: SeqAccess<'de>>(list: &mut A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// A value about to be read.
pub(super) struct Node<'t, K> {
    pub(super) kind: K,
    pub(super) trail: &'t mut Trail,
}

impl<'de, K: Kind<'de>> DeserializeSeed<'de> for Node<'_, K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, K: Kind<'de>> Visitor<'de> for Node<'_, K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::EXPECTED)
    }

    fn visit_u64<E>(self, number: u64) -> Result<K::Value, E> {
        Ok(self.kind.number(number, self.trail))
    }

    fn visit_i64<E>(self, number: i64) -> Result<K::Value, E> {
        Ok(wrong::<K>(self.trail, &number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<K::Value, E> {
        Ok(wrong::<K>(self.trail, &format!("{number:?}")))
    }

    fn visit_bool<E>(self, value: bool) -> Result<K::Value, E> {
        Ok(wrong::<K>(self.trail, &value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<K::Value, E> {
        Ok(wrong::<K>(self.trail, "null"))
    }

    fn visit_str<E>(self, text: &str) -> Result<K::Value, E> {
        Ok(wrong::<K>(
            self.trail,
            &format!("the text \"{}\"", printable(text)),
        ))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<K::Value, A::Error> {
        self.kind.list(list, self.trail)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<K::Value, A::Error> {
        self.kind.object(object, self.trail)
    }
}

/// Reads a text that is one value.
pub(super) fn read_value<'de, K: Kind<'de>>(
    text: &'de [u8],
    name: Option<&str>,
    kind: K,
) -> Result<K::Value, ArcError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut trail = Trail::new(name.map(String::from));
    if let Some(name) = name {
        check_name(name, &mut trail);
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let node = Node {
        kind,
        trail: &mut trail,
    };
    let value = node.deserialize(&mut json);
    match value.and_then(|value| json.end().map(|()| value)) {
        Ok(value) => trail.outcome(value),
        Err(error) => {
            trail.broken(&error);
            trail.outcome(K::Value::default())
        }
    }
}

/// Reads an object whose keys are names of tasks, each value as its task's. What is wrong in one does not keep the others
/// from being read, unless the text itself is broken; the way to a broken place is told too.
pub(super) fn read_tasks<'de, K: Kind<'de>>(
    text: &'de [u8],
    kind: impl Fn() -> K,
    mut take: impl FnMut(String, Result<K::Value, ArcError>),
) -> Vec<ArcError> {
    let mut errors = Vec::new();
    let tasks = Tasks {
        kind,
        take: |name, result: Result<K::Value, ArcError>| {
            errors.extend(result.as_ref().err().cloned());
            take(name, result);
            errors.len() < MAX_ERRORS
        },
    };
    if let Err(error) = read_value(text, None, tasks) {
        errors.push(error);
    }
    errors
}

/// The names of tasks and what belongs to them.
struct Tasks<F, T> {
    kind: F,
    /// Takes what was read; false if reading should end.
    take: T,
}

impl<'de, K, F, T> Kind<'de> for Tasks<F, T>
where
    K: Kind<'de>,
    F: Fn() -> K,
    T: FnMut(String, Result<K::Value, ArcError>) -> bool,
{
    type Value = ();
    const EXPECTED: &'static str = "an object whose keys are names of tasks";

    fn object<A: MapAccess<'de>>(
        mut self,
        mut object: A,
        outer: &mut Trail,
    ) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            let mut trail = Trail::new(Some(name.clone()));
            check_name(&name, &mut trail);
            if !names.insert(name.clone()) {
                trail.blame("one task of this name", "another");
            }
            let node = Node {
                kind: (self.kind)(),
                trail: &mut trail,
            };
            let value = object.next_value_seed(node);
            match value {
                Ok(value) => {
                    if !(self.take)(name, trail.outcome(value)) {
                        outer.blame(format!("fewer than {MAX_ERRORS} tasks with errors"), "more");
                        return Err(A::Error::custom("too many errors"));
                    }
                }
                Err(error) => {
                    // Told with the way to it; the text around it has nothing to add.
                    trail.blame("JSON", printable(&error.to_string()));
                    outer.error = trail.error;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

fn check_name(name: &str, trail: &mut Trail) {
    if name.is_empty() || name.contains(SEPARATOR) || name.chars().nth(MAX_NAME).is_some() {
        let expected = format!("a name of 1 to {MAX_NAME} characters without `{SEPARATOR}`");
        trail.blame(expected, "another");
    }
}
