//! What a store knows of its file: where each key's record stands.

use super::format::{FIRST, SEGMENT};
use crate::model::ModelId;
use std::collections::HashMap;

/// What a model has in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelUse {
    /// The model.
    pub model: ModelId,
    /// Answers of it.
    pub entries: u64,
    /// Bytes of their records in the file.
    pub bytes: u64,
}

/// A record's place: in units of 8 bytes (records begin at multiples of 8), so that an entry takes 16 bytes with its hash.
#[derive(Debug, Clone, Copy)]
struct Entry {
    place: u32,
    units: u16,
    model: u16,
}

impl Entry {
    fn at(self) -> u64 {
        u64::from(self.place) * 8
    }

    fn len(self) -> usize {
        usize::from(self.units) * 8
    }
}

/// A segment in use.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// None for one that holds nothing that counts.
    pub(super) sequence: Option<u64>,
    /// Hashes of all records written to it, also of those that others took the place of.
    hashes: Vec<u64>,
}

impl Segment {
    /// One without records.
    pub(super) fn begun(sequence: Option<u64>) -> Self {
        Segment {
            sequence,
            hashes: Vec::new(),
        }
    }
}

/// Where the records are, and whose.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: HashMap<u64, Entry>,
    models: Vec<ModelUse>,
    numbers: HashMap<ModelId, u16>,
    /// In the order of the file.
    pub(super) segments: Vec<Segment>,
}

/// Where a place of the file belongs.
fn segment_of(at: u64) -> usize {
    ((at - FIRST) / SEGMENT as u64) as usize
}

impl Index {
    /// Place, length and sequence number of the record with this hash.
    pub(super) fn find(&self, hash: u64) -> Option<(u64, usize, u64)> {
        let entry = self.entries.get(&hash)?;
        let sequence = self.segments[segment_of(entry.at())].sequence?;
        Some((entry.at(), entry.len(), sequence))
    }

    /// Whether the record at this place is the one that its hash leads to.
    pub(super) fn leads_to(&self, hash: u64, at: u64) -> bool {
        self.entries.get(&hash).is_some_and(|e| e.at() == at)
    }

    /// A record was written: it takes the place of an earlier one with its hash. False if there
    /// are more models than numbers: then it stays unknown.
    pub(super) fn insert(&mut self, hash: u64, at: u64, len: usize, model: ModelId) -> bool {
        let number = match self.numbers.get(&model) {
            Some(&number) => number,
            None => {
                let Ok(number) = u16::try_from(self.models.len()) else {
                    return false;
                };
                self.numbers.insert(model, number);
                self.models.push(ModelUse {
                    model,
                    entries: 0,
                    bytes: 0,
                });
                number
            }
        };
        let Ok(place) = u32::try_from(at / 8) else {
            return false;
        };
        let entry = Entry {
            place,
            units: (len / 8) as u16,
            model: number,
        };
        let earlier = self.entries.insert(hash, entry);
        if let Some(earlier) = earlier {
            self.forget(earlier);
        }
        let used = &mut self.models[usize::from(number)];
        used.entries += 1;
        used.bytes += len as u64;
        self.segments[segment_of(at)].hashes.push(hash);
        true
    }

    fn forget(&mut self, entry: Entry) {
        let used = &mut self.models[usize::from(entry.model)];
        used.entries -= 1;
        used.bytes -= entry.len() as u64;
    }

    /// Drops the record at a place. False if its hash leads elsewhere.
    pub(super) fn remove(&mut self, hash: u64, at: u64) -> bool {
        let leads = self.leads_to(hash, at);
        if leads && let Some(entry) = self.entries.remove(&hash) {
            self.forget(entry);
        }
        leads
    }

    /// Drops all records of a segment, and says how many they were.
    pub(super) fn evict(&mut self, segment: usize) -> u64 {
        let hashes = std::mem::take(&mut self.segments[segment]).hashes;
        let mut evicted = 0;
        for hash in hashes {
            let entry = self.entries.get(&hash).copied();
            if let Some(entry) = entry.filter(|e| segment_of(e.at()) == segment) {
                evicted += u64::from(self.remove(hash, entry.at()));
            }
        }
        evicted
    }

    /// Whether nothing was ever written to a segment of this life.
    pub(super) fn is_unused(&self, segment: usize) -> bool {
        self.segments[segment].hashes.is_empty()
    }

    /// The segment that was begun first; one that holds nothing comes before all others.
    pub(super) fn oldest(&self) -> Option<usize> {
        (0..self.segments.len()).min_by_key(|&i| self.segments[i].sequence)
    }

    /// The segments in the order they were begun.
    pub(super) fn in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.segments.len()).collect();
        order.retain(|&i| self.segments[i].sequence.is_some());
        order.sort_by_key(|&i| self.segments[i].sequence);
        order
    }

    /// What each model has, those with nothing left out, in the order of their hashes.
    pub(super) fn models(&self) -> Vec<ModelUse> {
        let mut models = self.models.clone();
        models.retain(|used| used.entries > 0);
        models.sort_by_key(|used| used.model);
        models
    }
}
