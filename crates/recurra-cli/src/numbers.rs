//! Numbers as people write them.

use serde::Serialize;
use serde_json::{Number, Value};

/// What this serialises to, where single precision is written with the digits that it needs: 0.9, not 0.8999999761581421.
pub(crate) fn plain(value: impl Serialize) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(value)?;
    shorten(&mut value);
    Ok(value)
}

/// The same of a value that was read, maybe from a file of an earlier version.
pub(crate) fn shorten(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let shorter = number.as_f64().and_then(|long| {
                let single = long as f32;
                // Only what single precision holds exactly was one.
                let same = f64::from(single) == long;
                single.to_string().parse().ok().filter(|_| same)
            });
            if let Some(shorter) = shorter.and_then(Number::from_f64) {
                *number = shorter;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(entries) => entries.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_precision_has_its_own_digits_and_double_keeps_its() {
        let value = plain((0.9f32, [1e-5f32, 0.995], 0.1f64, 1.0f32, 7u8, "0.9")).unwrap();
        assert_eq!(
            value,
            serde_json::json!([0.9, [1e-5, 0.995], 0.1, 1.0, 7, "0.9"])
        );
    }
}
