//! Which pairs may be trained on.

use super::distinct::class_of_grids;
use super::grid::COLOURS;
use super::{ArcTask, Augmentation, Grid, Pair};
use std::collections::HashSet;

/// The pairs of one task that are trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name of the task.
    pub task: String,
    /// At least one pair.
    pub pairs: Vec<Pair>,
}

/// What is trained on. No training task shows a test pair of an evaluation task, neither as it is nor under any
/// augmentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainingPairs {
    /// The tasks of which a pair is left, training tasks first.
    pub groups: Vec<Group>,
    /// Training tasks that were left out because an evaluation task has their name.
    pub same_name: usize,
    /// Pairs of other training tasks that were left out because they are a test pair of an evaluation task.
    pub same_pair: usize,
}

impl TrainingPairs {
    /// All pairs with a known output of the training tasks, and the demonstrations of the evaluation tasks, as the
    /// reference implementation has it: an evaluation task's demonstrations are what it may be learnt from.
    ///
    /// There, nothing is left out: ARC-AGI-2's training tasks hold most of ARC-AGI-1's evaluation tasks with their
    /// answers.
    pub fn select(training: &[ArcTask], evaluation: &[ArcTask]) -> Self {
        let names: HashSet<&str> = evaluation.iter().map(|task| task.name.as_str()).collect();
        let tests = evaluation.iter().flat_map(|task| &task.test);
        let held_out: HashSet<u64> = tests
            .filter_map(|pair| Some(canonical_class(&pair.input, pair.output.as_ref()?)))
            .collect();
        let mut selected = TrainingPairs::default();
        for task in training {
            if names.contains(task.name.as_str()) {
                selected.same_name += 1;
                continue;
            }
            let tests = task.test.iter().filter_map(|pair| {
                Some(Pair {
                    input: pair.input.clone(),
                    output: pair.output.clone()?,
                })
            });
            let mut pairs: Vec<Pair> = task.train.iter().cloned().chain(tests).collect();
            let all = pairs.len();
            pairs.retain(|pair| !held_out.contains(&canonical_class(&pair.input, &pair.output)));
            selected.same_pair += all - pairs.len();
            selected.add(task, pairs);
        }
        for task in evaluation {
            selected.add(task, task.train.clone());
        }
        selected
    }

    fn add(&mut self, task: &ArcTask, pairs: Vec<Pair>) {
        if !pairs.is_empty() {
            self.groups.push(Group {
                task: task.name.clone(),
                pairs,
            });
        }
    }
}

/// The same for a pair and for its image under every augmentation: the smallest hash of its eight images, the colours but
/// 0 renamed in the order in which they come.
fn canonical_class(input: &Grid, output: &Grid) -> u64 {
    let image = |symmetry| {
        let augmentation = Augmentation::of_square(symmetry);
        let pair = renamed([augmentation.apply(input), augmentation.apply(output)]);
        class_of_grids(pair.iter().map(Some))
    };
    (0..8).map(image).min().expect("there are eight")
}

/// Grids with their colours but 0 renamed in the order in which they come.
fn renamed(grids: [Grid; 2]) -> [Grid; 2] {
    let mut names = [0; COLOURS as usize];
    let mut last = 0;
    grids.map(|grid| {
        let name = |&colour: &u8| {
            let name = &mut names[usize::from(colour)];
            if colour != 0 && *name == 0 {
                last += 1;
                *name = last;
            }
            *name
        };
        let cells = grid.cells().iter().map(name).collect();
        Grid::new(grid.rows(), grid.cols(), cells).expect("as many colours as before")
    })
}
