//! Puzzles kept for testing.

/// One part of so many of a task's puzzles, told by a stable hash of each: the same on every machine and for every way
/// of generating, so that no list of them has to be kept. What is hashed is the task's own
/// ([`Task::split_class`](super::Task::split_class)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOut {
    parts: u64,
}

impl HeldOut {
    /// Holds out one puzzle in `parts`; none for 0, all for 1.
    pub fn new(parts: u64) -> Self {
        HeldOut { parts }
    }

    /// The number given to [`HeldOut::new`].
    pub fn parts(self) -> u64 {
        self.parts
    }

    /// Whether puzzles of this hash are for testing: those whose hash is a multiple of the parts.
    pub fn contains(self, class: u64) -> bool {
        // Nothing is a multiple of 0 parts, except a hash of 0.
        self.parts != 0 && class.is_multiple_of(self.parts)
    }
}
