//! A hierarchical navigable small world (HNSW) graph from which entries can be taken out again.
//!
//! After Malkov and Yashunin, <https://arxiv.org/abs/1603.09320>, with one difference: a link holds both ways. So an
//! entry knows all who know it, and to take it out is a matter of its neighbours. Entries are numbered 0, 1, 2, ...
//! without a gap; the last one takes the number of one that leaves.

#[cfg(test)]
mod check;

use super::links::{Links, MOST};
use super::pages::Pages;
use super::rows::Rows;
use super::search::{Beam, Scratch};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Neighbours that a new entry is given on a level.
const GIVEN: usize = 16;
/// Candidates among which they are chosen.
const CONSTRUCTION: usize = 100;
/// Who has so few links loses none for the sake of another entry.
const FEW: usize = GIVEN / 2;
/// Levels above the lowest; each has 1 / [`GIVEN`] of the entries of the one below.
const UPPER_LEVELS: usize = 8;

/// The graph, with the rows that its entries stand for.
pub(super) struct Graph {
    rows: Rows,
    ground: Pages<Links>,
    /// An entry's links on the levels above, the lowest first.
    upper: Pages<Vec<Links>>,
    upper_links: usize,
    /// Where searches begin: an entry of the highest level.
    entry: u32,
    rng: ChaCha8Rng,
    scratch: Scratch,
}

impl Graph {
    pub(super) fn new(dimensions: usize, seed: u64) -> Self {
        Graph {
            rows: Rows::new(dimensions),
            ground: Pages::new(),
            upper: Pages::new(),
            upper_links: 0,
            entry: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
            scratch: Scratch::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn row(&self, id: u32) -> &[f32] {
        self.rows.row(id)
    }

    /// Bytes of rows and links.
    pub(super) fn bytes(&self) -> usize {
        let upper = self.upper.bytes() + self.upper_links * size_of::<Links>();
        self.rows.bytes() + self.ground.bytes() + upper
    }

    /// Bytes that one more entry may take.
    pub(super) fn bytes_of_next(&self) -> usize {
        let upper = self.upper.bytes_of_next() + UPPER_LEVELS * size_of::<Links>();
        self.rows.bytes_of_next() + self.ground.bytes_of_next() + upper
    }

    /// Levels above the lowest on which an entry is.
    fn level(&self, id: u32) -> usize {
        self.upper[id].len()
    }

    fn links(&self, level: usize, id: u32) -> &Links {
        match level {
            0 => &self.ground[id],
            _ => &self.upper[id][level - 1],
        }
    }

    fn links_mut(&mut self, level: usize, id: u32) -> &mut Links {
        match level {
            0 => &mut self.ground[id],
            _ => &mut self.upper[id][level - 1],
        }
    }

    /// The most links of an entry on a level.
    fn most(level: usize) -> usize {
        if level == 0 { MOST } else { GIVEN }
    }

    /// Searches for the entries next to `query`; they are left in the beam, at most `width` of them.
    pub(super) fn search(&self, query: &[f32], width: usize, scratch: &mut Scratch) {
        self.descend(query, 0, scratch);
        self.search_level(query, 0, width, scratch);
    }

    /// Leaves in the beam the best entry found on the levels above `floor`, or where to begin.
    fn descend(&self, query: &[f32], floor: usize, scratch: &mut Scratch) {
        scratch.beam.best.clear();
        if self.len() == 0 {
            return;
        }
        self.rows
            .cosines(query, &[self.entry], &mut scratch.cosines);
        scratch.beam.width = 1;
        scratch.beam.offer(self.entry, scratch.cosines[0]);
        for level in (floor + 1..=self.level(self.entry)).rev() {
            self.search_level(query, level, 1, scratch);
        }
    }

    /// Searches one level from the entries in the beam.
    fn search_level(&self, query: &[f32], level: usize, width: usize, scratch: &mut Scratch) {
        let Scratch {
            beam,
            seen,
            ids,
            cosines,
            ..
        } = scratch;
        beam.width = width;
        seen.clear(self.len());
        for candidate in &mut beam.best {
            seen.insert(candidate.id);
            candidate.expanded = false;
        }
        let mut next = 0;
        while let Some(candidate) = beam.best.get_mut(next) {
            if candidate.expanded {
                next += 1;
                continue;
            }
            candidate.expanded = true;
            let neighbours = self.links(level, candidate.id).as_slice();
            ids.clear();
            ids.extend(neighbours.iter().filter(|&&id| seen.insert(id)));
            self.rows.cosines(query, ids, cosines);
            for (&id, &cosine) in ids.iter().zip(&*cosines) {
                if let Some(at) = beam.offer(id, cosine) {
                    next = next.min(at);
                }
            }
        }
    }

    /// Adds an entry, whose number is the length before; the row has its padding.
    pub(super) fn push(&mut self, row: &[f32]) {
        let id = self.len() as u32;
        let level = self.draw_level();
        self.rows.push(row);
        self.ground.push(Links::new());
        self.upper.push(vec![Links::new(); level]);
        self.upper_links += level;
        if id == 0 {
            self.entry = 0;
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let top = self.level(self.entry);
        self.descend(row, level, &mut scratch);
        for level in (0..=level.min(top)).rev() {
            self.search_level(row, level, CONSTRUCTION, &mut scratch);
            let chosen = self.choose(&scratch.beam, &mut scratch.cosines);
            for &other in &chosen {
                self.connect(level, id, other);
            }
            if self.links(level, id).len() == 0 {
                self.wedge(level, id, chosen[0]);
            }
        }
        self.scratch = scratch;
        if level > top {
            self.entry = id;
        }
    }

    fn draw_level(&mut self) -> usize {
        let up = 1.0 / GIVEN as f64;
        let mut level = 0;
        while level < UPPER_LEVELS && self.rng.random::<f64>() < up {
            level += 1;
        }
        level
    }

    /// The neighbours for a new entry: those that are nearer to it than to a nearer neighbour, then the nearest.
    fn choose(&self, beam: &Beam, cosines: &mut Vec<f32>) -> Vec<u32> {
        let (mut chosen, mut rest) = (Vec::new(), Vec::new());
        for candidate in &beam.best {
            self.rows
                .cosines(self.rows.row(candidate.id), &chosen, cosines);
            if cosines.iter().all(|&c| c <= candidate.cosine) {
                chosen.push(candidate.id);
                if chosen.len() == GIVEN {
                    break;
                }
            } else {
                rest.push(candidate.id);
            }
        }
        let room = GIVEN - chosen.len();
        chosen.extend(rest.into_iter().take(room));
        chosen
    }

    /// Links two entries, unless one has no room and finds its neighbours worthier.
    fn connect(&mut self, level: usize, a: u32, b: u32) {
        let linked = self.links(level, a).contains(b);
        if !linked && self.make_room(level, a, b) && self.make_room(level, b, a) {
            self.link(level, a, b);
        }
    }

    fn link(&mut self, level: usize, a: u32, b: u32) {
        self.links_mut(level, a).push(b);
        self.links_mut(level, b).push(a);
    }

    fn unlink(&mut self, level: usize, a: u32, b: u32) {
        self.links_mut(level, a).remove(b);
        self.links_mut(level, b).remove(a);
    }

    /// Sees to it that `id` has room for a new neighbour, if that is worth it.
    ///
    /// For it goes the furthest that is linked to one nearer to both, through which it is found; otherwise the furthest
    /// to which there is another way. So no link goes without which some entry could not be reached.
    fn make_room(&mut self, level: usize, id: u32, new: u32) -> bool {
        let mut ids = self.links(level, id).as_slice().to_vec();
        if ids.len() < Self::most(level) {
            return true;
        }
        ids.push(new);
        let mut cosines = Vec::new();
        self.rows.cosines(self.rows.row(id), &ids, &mut cosines);
        let mut order: Vec<(f32, u32)> = cosines.iter().copied().zip(ids).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let spare = |&at: &usize| self.links(level, order[at].1).len() > FEW;
        let hidden = |&at: &usize| {
            let (cosine, far) = order[at];
            let links = self.links(level, far);
            let nearer = order[..at].iter().map(|&(_, nearer)| nearer);
            let through = nearer.filter(|&k| k != new && links.contains(k));
            let through: Vec<u32> = through.collect();
            self.rows
                .cosines(self.rows.row(far), &through, &mut cosines);
            cosines.iter().any(|&c| c > cosine)
        };
        let far = || (1..order.len()).rev().filter(spare);
        let leaving = far().find(hidden);
        let leaving = leaving.or_else(|| far().find(|&at| self.other_way(level, id, order[at].1)));
        match leaving.map(|at| order[at].1) {
            Some(leaving) if leaving != new => {
                self.unlink(level, id, leaving);
                true
            }
            _ => false,
        }
    }

    /// Whether `far` is linked to another neighbour of `id`, or to a neighbour of such a one.
    fn other_way(&self, level: usize, id: u32, far: u32) -> bool {
        let links = self.links(level, far);
        let neighbours = self.links(level, id).as_slice().iter();
        neighbours.filter(|&&k| k != far).any(|&k| {
            let beyond = self.links(level, k).as_slice().iter();
            links.contains(k) || beyond.filter(|&&m| m != id).any(|&m| links.contains(m))
        })
    }

    /// Puts an entry without links between another and a neighbour of that.
    fn wedge(&mut self, level: usize, id: u32, other: u32) {
        if let Some(&neighbour) = self.links(level, other).as_slice().last() {
            self.unlink(level, other, neighbour);
            self.link(level, id, neighbour);
        }
        self.link(level, id, other);
    }

    /// Takes an entry out; the last one takes its number.
    pub(super) fn swap_remove(&mut self, id: u32) {
        for level in 0..=self.level(id) {
            let links = std::mem::replace(self.links_mut(level, id), Links::new());
            for &other in links.as_slice() {
                self.links_mut(level, other).remove(id);
            }
            self.mend(level, links.as_slice());
        }
        let last = self.len() as u32 - 1;
        for level in 0..=self.level(last) {
            let links = self.links(level, last).clone();
            for &other in links.as_slice() {
                self.links_mut(level, other).rename(last, id);
            }
        }
        self.rows.swap_remove(id);
        self.ground.swap_remove(id);
        self.upper_links -= self.upper.swap_remove(id).len();
        if self.entry == id {
            let highest = (0..last).max_by_key(|&other| self.level(other));
            self.entry = highest.unwrap_or(0);
        } else if self.entry == last {
            self.entry = id;
        }
    }

    /// Links entries that lost the one between them, along the tree that joins them all by the nearest pairs (Prim);
    /// whoever has few links then gets one more.
    fn mend(&mut self, level: usize, ids: &[u32]) {
        let Some((&first, rest)) = ids.split_first() else {
            return;
        };
        let mut outside = rest.to_vec();
        // For each outside, the nearest inside and the cosine.
        let mut nearest = vec![(first, f32::NEG_INFINITY); outside.len()];
        let (mut added, mut cosines) = (first, Vec::new());
        while !outside.is_empty() {
            let row = self.rows.row(added);
            self.rows.cosines(row, &outside, &mut cosines);
            for (near, &cosine) in nearest.iter_mut().zip(&cosines) {
                if cosine > near.1 {
                    *near = (added, cosine);
                }
            }
            let at = (0..outside.len()).max_by(|&a, &b| nearest[a].1.total_cmp(&nearest[b].1));
            let at = at.expect("some are outside");
            added = outside.swap_remove(at);
            let (inside, _) = nearest.swap_remove(at);
            self.connect(level, inside, added);
        }
        for &id in ids {
            if self.links(level, id).len() < GIVEN {
                self.connect_nearest(level, id, ids);
            }
        }
    }

    /// Links an entry to the nearest of the others that it is not linked to.
    fn connect_nearest(&mut self, level: usize, id: u32, others: &[u32]) {
        let links = self.links(level, id);
        let strange = |other: &u32| *other != id && !links.contains(*other);
        let strangers: Vec<u32> = others.iter().copied().filter(strange).collect();
        let mut cosines = Vec::new();
        let row = self.rows.row(id);
        self.rows.cosines(row, &strangers, &mut cosines);
        let at = (0..strangers.len()).max_by(|&a, &b| cosines[a].total_cmp(&cosines[b]));
        if let Some(at) = at {
            self.connect(level, id, strangers[at]);
        }
    }
}
