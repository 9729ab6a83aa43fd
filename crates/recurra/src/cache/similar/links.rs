//! The neighbours of one entry on one level.

/// Most neighbours.
pub(super) const MOST: usize = 32;

/// Ends a list that is not full; no entry has this number.
const NONE: u32 = u32::MAX;

/// Up to [`MOST`] neighbours, in two cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Links([u32; MOST]);

impl Links {
    pub(super) fn new() -> Self {
        Links([NONE; MOST])
    }

    pub(super) fn len(&self) -> usize {
        // Full to the end of the list, which the compiler makes a few vector instructions of.
        self.0.iter().filter(|&&id| id != NONE).count()
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        &self.0[..self.len()]
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.0.contains(&id)
    }

    /// Adds a neighbour; there is room.
    pub(super) fn push(&mut self, id: u32) {
        let len = self.len();
        self.0[len] = id;
    }

    /// Takes a neighbour out, if it is one.
    pub(super) fn remove(&mut self, id: u32) {
        let len = self.len();
        if let Some(at) = self.0[..len].iter().position(|&x| x == id) {
            self.0[at] = self.0[len - 1];
            self.0[len - 1] = NONE;
        }
    }

    /// Gives a neighbour another number.
    pub(super) fn rename(&mut self, from: u32, to: u32) {
        for id in self.0.iter_mut().filter(|id| **id == from) {
            *id = to;
        }
    }
}
