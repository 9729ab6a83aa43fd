//! Stable hashes: the same on every machine and in every version.

/// FNV-1a of 64 bits.
pub(crate) fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A hash that tells training from test puzzles: FNV-1a of 64 bits, then the finaliser of MurmurHash3.
///
/// FNV-1a alone would not do: its lowest bit is the parity of all bytes, which for some tasks is the same
/// for all puzzles of one size, so that half of the classes would be empty.
pub(crate) fn class_of_bytes(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let mut hash = fnv1a(bytes);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
