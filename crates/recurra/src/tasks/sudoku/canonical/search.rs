//! The tree of choices.

use std::cmp::Ordering;

use super::Canonical;
use super::colours::Colours;
use super::figure::{Figure, LINES};
use super::leaf::Leaf;
use crate::tasks::sudoku::Grid;

/// Finds canonical forms, one after the other, in the same memory.
#[derive(Debug)]
pub struct Canonizer {
    figure: Figure,
    /// Subtrees that are being visited or wait for it, the deepest last.
    subtrees: Vec<Subtree>,
    /// The nodes from the root to where the search is. The first chooses which side becomes the rows.
    nodes: Vec<Node>,
    /// The side that becomes the rows.
    first: usize,
    /// The least leaf of the subtree that was done last.
    leaf: Leaf,
    limit: u64,
    /// What the last grid cost.
    cost: u64,
}

/// What follows a choice.
#[derive(Debug)]
struct Subtree {
    /// The line that was chosen, by its number in the grid.
    line: u8,
    colours: Colours,
    /// See [`Canonizer::LIMIT`]; 0 until it is known.
    cost: u64,
}

/// A node whose subtrees are being visited.
#[derive(Debug, Default)]
struct Node {
    /// The line chosen where the search is.
    chosen: u8,
    /// The least leaf of the subtrees that are done.
    best: Option<Leaf>,
    /// Lines known to be exchanged by symmetries of the figure that keep all lines chosen above.
    orbits: Orbits,
}

/// What became of a subtree.
enum Visit {
    /// Its least leaf is in `Canonizer::leaf`. It cost so much.
    Done(u64),
    /// At the node of this depth, a symmetry of the figure maps the best subtree to the one the search is in.
    Repeats(usize),
    /// The limit is exceeded.
    Exceeded,
}

impl Default for Canonizer {
    fn default() -> Self {
        Canonizer {
            figure: Figure::default(),
            subtrees: Vec::new(),
            nodes: Vec::new(),
            first: 0,
            leaf: Leaf::default(),
            limit: Self::LIMIT,
            cost: 0,
        }
    }
}

impl Canonizer {
    /// What a form may cost: refinements of colours and leaves of the tree. Of choices that a symmetry of the
    /// grid exchanges, those that lead to the least leaf count once, whether the search noticed or not: so all
    /// images of a grid cost the same. The dearest 9x9 known costs 200, the dearest 16x16 COST16.
    pub const LIMIT: u64 = 10_000;

    /// One that has not seen a grid.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the last form cost, against [`Canonizer::LIMIT`]. 0 where it was given up.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    #[cfg(test)]
    pub(super) fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The canonical form of a grid, as [`canonical`](super::canonical()).
    pub fn canonical(&mut self, grid: &Grid) -> Option<Canonical> {
        self.figure.read(grid);
        self.subtrees.clear();
        self.cost = 0;
        let root = Colours::of(&self.figure);
        let visit = match self.order_of_sides(&root) {
            Ordering::Equal => self.visit_both_sides(&root),
            order => {
                self.enter(0);
                self.first = usize::from(order == Ordering::Greater);
                self.push(0, root);
                self.visit(1, 0)
            }
        };
        match visit {
            Visit::Done(cost) => {
                self.cost = cost;
                Some(self.leaf.finish(&self.figure))
            }
            _ => None,
        }
    }

    /// Which side becomes the rows, as far as colours say.
    fn order_of_sides(&self, colours: &Colours) -> Ordering {
        if !self.figure.sudoku.transposes() {
            return Ordering::Less;
        }
        let [rows, cols] = [0, 1].map(|side| colours.sum(&self.figure, side));
        rows.cmp(&cols)
    }

    /// Visits the tree with each side as the rows.
    fn visit_both_sides(&mut self, root: &Colours) -> Visit {
        self.enter(0);
        let mut total = 0;
        for side in [0, 1] {
            self.first = side;
            self.subtrees.clear();
            self.push(0, root.with(&self.figure, self.figure.side(side)));
            total += match self.visit(1, 0) {
                Visit::Done(cost) => {
                    self.keep_best(0);
                    cost
                }
                Visit::Repeats(_) => 0,
                Visit::Exceeded => return Visit::Exceeded,
            };
        }
        self.leave(0, total)
    }

    /// Visits a subtree whose root has this depth.
    fn visit(&mut self, depth: usize, subtree: usize) -> Visit {
        if self.subtrees[subtree].colours.ties == 0 {
            return self.visit_leaf(depth, subtree);
        }
        self.enter(depth);
        let start = self.subtrees.len();
        let mut total = self.grow(subtree);
        let end = self.subtrees.len();
        let (mut best, mut least) = (start, total);
        for child in start..end {
            let node = &mut self.nodes[depth];
            let line = self.subtrees[child].line;
            let mut before = self.subtrees[start..child].iter();
            if let Some(same) = before.find(|other| node.orbits.share(other.line, line)) {
                self.subtrees[child].cost = same.cost;
                continue;
            }
            node.chosen = line;
            self.subtrees[child].cost = match self.visit(depth + 1, child) {
                Visit::Done(cost) => {
                    if self.keep_best(depth) {
                        best = child;
                    }
                    least += cost;
                    cost
                }
                Visit::Repeats(above) if above == depth => self.subtrees[best].cost,
                visit => return visit,
            };
            self.subtrees.truncate(end);
            if least > self.limit {
                return Visit::Exceeded;
            }
        }
        let (orbits, best) = (&self.nodes[depth].orbits, &self.subtrees[best]);
        for child in &self.subtrees[start..end] {
            if !orbits.share(child.line, best.line) {
                total += child.cost;
            }
        }
        self.leave(depth, total + best.cost)
    }

    /// Appends the subtrees of a node: one for each line of a class of equal colours, as far as they
    /// have the least colours after it. Returns how many refinements that took.
    fn grow(&mut self, subtree: usize) -> u64 {
        let start = self.subtrees.len();
        let sides = [self.first, 1 - self.first];
        let colours = &self.subtrees[subtree].colours;
        let (side, colour) = colours.largest_class(&self.figure, sides);
        let mut least = [u64::MAX; 2];
        let mut count = 0;
        for line in self.figure.side(side) {
            let colours = &self.subtrees[subtree].colours;
            if colours.lines[line] != colour {
                continue;
            }
            count += 1;
            let colours = colours.with(&self.figure, line..line + 1);
            let sums = sides.map(|side| colours.sum(&self.figure, side));
            if sums < least {
                least = sums;
                self.subtrees.truncate(start);
            }
            if sums == least {
                self.push(self.figure.origins[line], colours);
            }
        }
        count
    }

    fn push(&mut self, line: u8, colours: Colours) {
        self.subtrees.push(Subtree {
            line,
            colours,
            cost: 0,
        });
    }

    /// A leaf that was seen before, in another order of lines, is a symmetry of the figure.
    fn visit_leaf(&mut self, depth: usize, subtree: usize) -> Visit {
        let colours = &self.subtrees[subtree].colours;
        self.leaf.fill(&self.figure, colours, self.first);
        for above in 0..depth {
            let (upper, node) = (&self.nodes[..above], &self.nodes[above]);
            let Some(image) = node.best.as_ref().and_then(|best| best.onto(&self.leaf)) else {
                continue;
            };
            let kept = |node: &Node| image[usize::from(node.chosen)] == node.chosen;
            if upper.iter().skip(1).all(kept) {
                for node in &mut self.nodes[1..=above] {
                    node.orbits.merge(&image);
                }
                return Visit::Repeats(above);
            }
        }
        Visit::Done(1)
    }

    /// Begins a node.
    fn enter(&mut self, depth: usize) {
        self.nodes.truncate(depth);
        self.nodes.push(Node::default());
    }

    /// Ends a node: its best leaf is that of the subtree.
    fn leave(&mut self, depth: usize, cost: u64) -> Visit {
        match self.nodes[depth].best.take() {
            Some(best) if cost <= self.limit => {
                self.leaf = best;
                Visit::Done(cost)
            }
            _ => Visit::Exceeded,
        }
    }

    /// Takes the last leaf as a node's best if it is less. Whether it was.
    fn keep_best(&mut self, depth: usize) -> bool {
        let best = &mut self.nodes[depth].best;
        let less = best
            .as_ref()
            .is_none_or(|best| self.leaf.compare(best) == Ordering::Less);
        if less {
            *best = Some(self.leaf.clone());
        }
        less
    }
}

/// Sets of lines: each line names another of its set, or itself.
#[derive(Debug)]
struct Orbits([u8; LINES]);

impl Default for Orbits {
    fn default() -> Self {
        Orbits(std::array::from_fn(|line| line as u8))
    }
}

impl Orbits {
    fn find(&self, mut line: u8) -> u8 {
        while self.0[usize::from(line)] != line {
            line = self.0[usize::from(line)];
        }
        line
    }

    fn share(&self, a: u8, b: u8) -> bool {
        self.find(a) == self.find(b)
    }

    /// Unites each line with its image.
    fn merge(&mut self, image: &[u8; LINES]) {
        for (line, &image) in image.iter().enumerate() {
            let (a, b) = (self.find(line as u8), self.find(image));
            self.0[usize::from(a.max(b))] = a.min(b);
        }
    }
}
