//! Puzzles told apart by hashes, 16 bytes each.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Bits of a key that hold the line; the others are a hash. Among a hundred million puzzles, two different ones have
/// the same hash of 96 bits with a chance of 10^-13.
const LINE_BITS: u32 = 32;

/// Keys of the puzzles of a set.
#[derive(Default)]
pub(super) struct Keys(Vec<u128>);

/// A hash of what makes two puzzles the same.
pub(super) fn hash(tokens: &[u16], identifier: u32) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, identifier, tokens).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

impl Keys {
    pub(super) fn push(&mut self, hash: u128, line: u32) {
        self.0
            .push(hash >> LINE_BITS << LINE_BITS | u128::from(line));
    }

    /// Puts equal keys beside each other, in the order of their lines.
    pub(super) fn sort(&mut self) {
        self.0.sort_unstable();
    }

    /// Lines whose key stood before, each with the first line that has it. Needs sorted keys.
    pub(super) fn repeated(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let runs = self.0.chunk_by(|a, b| hash_of(*a) == hash_of(*b));
        runs.flat_map(|run| run[1..].iter().map(|key| (line_of(*key), line_of(run[0]))))
    }

    /// Lines of `other` whose key stands here too, each with the first line here that has it. Needs sorted keys.
    pub(super) fn common<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let mut rest = &self.0[..];
        other.0.iter().filter_map(move |key| {
            let smaller = rest.partition_point(|mine| hash_of(*mine) < hash_of(*key));
            rest = &rest[smaller..];
            let mine = rest
                .first()
                .filter(|mine| hash_of(**mine) == hash_of(*key))?;
            Some((line_of(*key), line_of(*mine)))
        })
    }
}

fn hash_of(key: u128) -> u128 {
    key >> LINE_BITS
}

fn line_of(key: u128) -> u32 {
    key as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(questions: &[u16]) -> Keys {
        let mut keys = Keys::default();
        for (line, question) in (1..).zip(questions) {
            keys.push(hash(&[*question], 0), line);
        }
        keys.sort();
        keys
    }

    fn sorted(pairs: impl Iterator<Item = (u32, u32)>) -> Vec<(u32, u32)> {
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn what_is_repeated_or_common_is_found() {
        let (one, other) = (keys(&[5, 6, 5, 7, 5, 6]), keys(&[8, 5, 9, 6, 6]));
        assert_eq!(sorted(one.repeated()), [(3, 1), (5, 1), (6, 2)]);
        assert_eq!(sorted(one.common(&other)), [(2, 1), (4, 2), (5, 2)]);
        assert_eq!(
            sorted(other.common(&one)),
            [(1, 2), (2, 4), (3, 2), (5, 2), (6, 4)]
        );
        assert_eq!(sorted(one.common(&keys(&[]))), []);
        assert_eq!(sorted(keys(&[]).common(&one)), []);
    }

    #[test]
    fn a_puzzle_of_another_identifier_is_another() {
        assert_ne!(hash(&[1, 2], 0), hash(&[1, 2], 1));
        assert_ne!(hash(&[1, 2], 0), hash(&[2, 1], 0));
    }
}
