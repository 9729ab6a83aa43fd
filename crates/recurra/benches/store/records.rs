//! Records whose content follows from their number, so that any of them can be checked.

use recurra::model::ModelId;

/// The model that gives them.
pub(crate) const MODEL: ModelId = ModelId([0x5a; 32]);

/// 40 to 139 bytes.
pub(crate) fn key(number: u64) -> Vec<u8> {
    bytes(number, 40 + (number % 100) as usize)
}

/// 0 to 899 bytes, and 20,000 now and then.
pub(crate) fn value(number: u64) -> Vec<u8> {
    let length = match number % 97 {
        0 => 20_000,
        _ => (number * 37 % 900) as usize,
    };
    bytes(!number, length)
}

/// Bytes that no other number gives.
pub(crate) fn bytes(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while bytes.len() < length {
        bytes.extend(next(&mut state).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The next of a row of pseudo-random numbers (xorshift).
pub(crate) fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
