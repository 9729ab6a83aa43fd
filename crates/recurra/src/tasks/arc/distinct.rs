//! Augmentations of one task that differ in what they make of it.

use super::{ArcTask, Augmentation, Grid};
use crate::hash::class_of_bytes;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// Random augmentations tried for one that is wanted.
const TRIES: usize = 5;

/// The identity, then up to `wanted` random augmentations under which the task's pairs, whatever their order, are others
/// than under those before. There are fewer where so many were not found in 5 times as many tries.
///
/// They depend on the task, `wanted` and the seed alone, and are the same on every machine.
pub(super) fn distinct(task: &ArcTask, wanted: usize, seed: u64) -> Vec<Augmentation> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(class_of_bytes(task.name.bytes()));
    let mut found = vec![Augmentation::IDENTITY];
    let mut seen = HashSet::from([class(task, &Augmentation::IDENTITY)]);
    let mut tries = wanted.saturating_mul(TRIES);
    while found.len() <= wanted && tries > 0 {
        let augmentation = Augmentation::random(&mut rng);
        if seen.insert(class(task, &augmentation)) {
            found.push(augmentation);
        }
        tries -= 1;
    }
    found
}

/// A hash of a task's pairs under an augmentation, whatever their order.
fn class(task: &ArcTask, augmentation: &Augmentation) -> u64 {
    let train = (task.train.iter()).map(|pair| (&pair.input, Some(&pair.output)));
    let test = (task.test.iter()).map(|pair| (&pair.input, pair.output.as_ref()));
    let mut pairs: Vec<u64> = (train.chain(test))
        .map(|(input, output)| {
            let [input, output] = [Some(input), output].map(|g| g.map(|g| augmentation.apply(g)));
            class_of_grids([input.as_ref(), output.as_ref()])
        })
        .collect();
    pairs.sort_unstable();
    class_of_bytes(pairs.into_iter().flat_map(u64::to_le_bytes))
}

/// A stable hash of grids, of which some may be unknown.
pub(super) fn class_of_grids<'a>(grids: impl IntoIterator<Item = Option<&'a Grid>>) -> u64 {
    class_of_bytes(grids.into_iter().flat_map(|grid| {
        let size = grid.map_or([0; 2], |grid| [grid.rows() as u8, grid.cols() as u8]);
        let cells = grid.map_or(&[][..], Grid::cells);
        size.into_iter().chain(cells.iter().copied())
    }))
}
