//! What a search needs besides the graph: the best found so far, and what was seen.

/// An entry and its cosine to what is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) cosine: f32,
    pub(super) id: u32,
    /// Whether its neighbours were looked at.
    pub(super) expanded: bool,
}

/// The best candidates, the best first; never more than `width`.
#[derive(Default)]
pub(super) struct Beam {
    pub(super) width: usize,
    pub(super) best: Vec<Candidate>,
}

impl Beam {
    /// Takes a candidate in if it is good enough, and says where it stands then.
    pub(super) fn offer(&mut self, id: u32, cosine: f32) -> Option<usize> {
        let full = self.best.len() >= self.width;
        if full && self.best.last().is_none_or(|worst| cosine <= worst.cosine) {
            return None;
        }
        if full {
            self.best.pop();
        }
        let at = self.best.partition_point(|c| c.cosine >= cosine);
        let candidate = Candidate {
            cosine,
            id,
            expanded: false,
        };
        self.best.insert(at, candidate);
        Some(at)
    }
}

/// A set of entries that costs as much to empty as was put in.
#[derive(Default)]
pub(super) struct Seen {
    bits: Vec<u64>,
    words: Vec<u32>,
}

impl Seen {
    /// Empties it, and makes room for the numbers below `len`.
    pub(super) fn clear(&mut self, len: usize) {
        for word in self.words.drain(..) {
            self.bits[word as usize] = 0;
        }
        self.bits.resize(len.div_ceil(64), 0);
    }

    /// Puts a number in; false if it was.
    pub(super) fn insert(&mut self, id: u32) -> bool {
        let word = &mut self.bits[id as usize / 64];
        let bit = 1 << (id % 64);
        let new = *word & bit == 0;
        if *word == 0 {
            self.words.push(id / 64);
        }
        *word |= bit;
        new
    }
}

/// The memory of a search, used again by the next one.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) beam: Beam,
    pub(super) seen: Seen,
    /// Entries to be compared, and what came of it.
    pub(super) ids: Vec<u32>,
    pub(super) cosines: Vec<f32>,
}
