//! How NumPy holds numbers: integers, floats and flags, the highest or the lowest byte first.

use half::f16;

/// Type of the numbers of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberType {
    kind: Kind,
    bytes: u8,
    /// Whether the highest byte comes first.
    big: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Unsigned,
    Signed,
    Float,
}

/// The types that are read, in words.
pub(in crate::reading) const READ: &str =
    "integers of 1, 2, 4 or 8 bytes, floats of 2, 4 or 8, or booleans";

impl NumberType {
    /// The type that NumPy calls so, such as `|u1` or `<f8`.
    pub(in crate::reading) fn named(name: &str) -> Option<Self> {
        let (order, rest) = name.split_at_checked(1)?;
        let (kind, bytes) = rest.split_at_checked(1)?;
        let kind = match kind {
            "b" => Kind::Bool,
            "u" => Kind::Unsigned,
            "i" => Kind::Signed,
            "f" => Kind::Float,
            _ => return None,
        };
        let bytes = bytes.parse().ok()?;
        let known = match kind {
            Kind::Bool => bytes == 1,
            Kind::Float => [2, 4, 8].contains(&bytes),
            Kind::Unsigned | Kind::Signed => [1, 2, 4, 8].contains(&bytes),
        };
        let big = match order {
            "<" | "|" => false,
            ">" => true,
            _ => return None,
        };
        known.then_some(NumberType { kind, bytes, big })
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        self.bytes.into()
    }

    /// NumPy's name of the type.
    pub fn name(self) -> String {
        let order = match (self.bytes, self.big) {
            (1, _) => '|',
            (_, true) => '>',
            (_, false) => '<',
        };
        let kind = match self.kind {
            Kind::Bool => 'b',
            Kind::Unsigned => 'u',
            Kind::Signed => 'i',
            Kind::Float => 'f',
        };
        format!("{order}{kind}{}", self.bytes)
    }

    /// The number in these bytes.
    ///
    /// # Errors
    /// The number, if it is no whole one, or too large for one.
    pub(in crate::reading) fn get(self, bytes: &[u8]) -> Result<i64, f64> {
        let mut low = [0; 8];
        low[..bytes.len()].copy_from_slice(bytes);
        if self.big {
            low[..bytes.len()].reverse();
        }
        let number = u64::from_le_bytes(low);
        match self.kind {
            Kind::Bool | Kind::Unsigned => i64::try_from(number).map_err(|_| number as f64),
            Kind::Signed => {
                let unused = 64 - 8 * u32::from(self.bytes);
                Ok((number << unused) as i64 >> unused)
            }
            Kind::Float => {
                let value = match self.bytes {
                    2 => f16::from_bits(number as u16).to_f64(),
                    4 => f32::from_bits(number as u32).into(),
                    _ => f64::from_bits(number),
                };
                // A whole number that a float holds exactly.
                if value.fract() == 0.0 && value.abs() < 1e15 {
                    Ok(value as i64)
                } else {
                    Err(value)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_type() {
        let named = |name: &str| NumberType::named(name).unwrap();
        for (name, bytes, number) in [
            ("|b1", &[1][..], 1),
            ("|u1", &[255], 255),
            ("|i1", &[255], -1),
            ("<i2", &[0xfe, 0xff], -2),
            (">u2", &[1, 2], 258),
            (">i4", &[0, 0, 1, 2], 258),
            ("<u4", &[255; 4], 0xffff_ffff),
            (">u8", &[0, 0, 0, 0, 0, 0, 0, 9], 9),
            ("<f2", &f16::from_f64(9.0).to_le_bytes(), 9),
            ("<f4", &7f32.to_le_bytes(), 7),
            (">f8", &9f64.to_be_bytes(), 9),
        ] {
            assert_eq!(named(name).get(bytes), Ok(number), "{name}");
            assert_eq!(named(name).name(), name);
        }
        assert_eq!(named("<f8").get(&1.5f64.to_le_bytes()), Err(1.5));
        assert_eq!(named("<u8").get(&[255; 8]), Err(u64::MAX as f64));
        assert!(named("<f4").get(&f32::NAN.to_le_bytes()).is_err());
        for name in ["<U81", "|O", "<c8", "<f16", "<f3", "i4", "", "é"] {
            assert_eq!(NumberType::named(name), None, "{name}");
        }
    }
}
