//! ARC tasks as training samples.

use super::IGNORE_LABEL;
use super::sample::{Sample, SampleSource};
use crate::error::{Error, Result};
use crate::tasks::arc::encoding::PAD;
use crate::tasks::arc::{Augmentation, Group, Identifiers, Pair, Shift, encode};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Pairs of tasks, each drawn under one of its task's augmentations and moved over the canvas.
///
/// All pairs are equally likely, as are the augmentations of a task: so it is over an epoch of the reference
/// implementation. There, one pair of each augmented task stays in the corner, which is where test inputs lie, and the
/// others are moved once for all; here every draw moves anew, and stays in the corner as often.
#[derive(Debug)]
pub struct ArcSource {
    pairs: Vec<(Pair, usize)>,
    tasks: Vec<Task>,
}

#[derive(Debug)]
struct Task {
    /// Rows of the puzzle table, and what they stand for.
    rows: Vec<(usize, Augmentation)>,
    /// How many pairs it has.
    pairs: u64,
}

impl ArcSource {
    /// A source of these pairs.
    ///
    /// # Errors
    /// [`Error::Question`] where there are none, or a task has no row in the table.
    pub fn new(groups: impl IntoIterator<Item = Group>, identifiers: &Identifiers) -> Result<Self> {
        let (mut pairs, mut tasks) = (Vec::new(), Vec::new());
        for group in groups {
            let rows: Vec<_> = identifiers.rows(&group.task).collect();
            if rows.is_empty() {
                return Err(refuse("tasks of the table", format!("`{}`", group.task)));
            }
            let place = tasks.len();
            tasks.push(Task {
                rows,
                pairs: group.pairs.len() as u64,
            });
            pairs.extend(group.pairs.into_iter().map(|pair| (pair, place)));
        }
        if pairs.is_empty() {
            return Err(refuse("at least one pair", "none".into()));
        }
        Ok(ArcSource { pairs, tasks })
    }

    /// How many pairs it holds, augmentations not counted.
    pub fn pairs(&self) -> usize {
        self.pairs.len()
    }
}

fn refuse(expected: &str, found: String) -> Error {
    Error::Question {
        what: "training pairs",
        expected: expected.into(),
        found,
    }
}

impl SampleSource for ArcSource {
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample) {
        let mut below = |n: u64| rng.next_u64() % n;
        let (pair, task) = &self.pairs[below(self.pairs.len() as u64) as usize];
        let task = &self.tasks[*task];
        let (row, augmentation) = task.rows[below(task.rows.len() as u64) as usize];
        let stays = below(task.pairs) == 0;
        let pair = augmentation.apply_to_pair(pair);
        let shift = if stays {
            Shift::default()
        } else {
            Shift::random(&pair, rng)
        };
        encode(&pair.input, shift, &mut sample.question);
        encode(&pair.output, shift, &mut sample.labels);
        for label in sample.labels.iter_mut().filter(|label| **label == PAD) {
            *label = IGNORE_LABEL;
        }
        (sample.puzzle, sample.kind) = (row, 0);
    }
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use super::*;
    use crate::tasks::arc::{ArcTask, Question, SEQ_LEN, TaskSet, TrainingPairs, VOCAB_SIZE, crop};
    use rand::SeedableRng;

    fn tasks() -> (Vec<ArcTask>, Identifiers) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/arc");
        let file = |name: &str| std::fs::read(format!("{folder}/{name}.json")).unwrap();
        let mut set = TaskSet::read(&file("training_challenges"));
        set.add_solutions(&file("training_solutions"));
        let mut identifiers = Identifiers::new();
        for task in &set.tasks {
            identifiers.add(task, 5, 1);
        }
        (set.tasks, identifiers)
    }

    #[test]
    fn samples_are_pairs_of_the_task_that_their_row_stands_for() {
        let (tasks, identifiers) = tasks();
        let selected = TrainingPairs::select(&tasks[..3], &tasks[3..]);
        let source = ArcSource::new(selected.groups.clone(), &identifiers).unwrap();
        assert_eq!(source.pairs(), 3 + 5 + 6 + 6);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut sample = Sample::default();
        let (mut corner, mut rows) = (0, vec![0; identifiers.count()]);
        const DRAWS: usize = 4000;
        for _ in 0..DRAWS {
            source.draw(&mut rng, &mut sample);
            assert_eq!(
                (sample.question.len(), sample.labels.len()),
                (SEQ_LEN, SEQ_LEN)
            );
            rows[sample.puzzle] += 1;
            let first = sample.question.iter().position(|&t| t != PAD).unwrap();
            corner += usize::from(first == 0);
            let known = |&t: &u16| t == IGNORE_LABEL || (t != PAD && usize::from(t) < VOCAB_SIZE);
            assert!(sample.labels.iter().all(known));
            // Moved back, both grids belong to a pair of the task.
            let (task, augmentation) = identifiers.get(sample.puzzle).unwrap();
            let question = Question {
                tokens: vec![],
                puzzle: sample.puzzle,
                augmentation,
            };
            let [input, output] = [&sample.question, &sample.labels]
                .map(|tokens| question.read_answer(&tokens[first..]).unwrap());
            let group = selected
                .groups
                .iter()
                .find(|group| group.task == task)
                .unwrap();
            assert!(group.pairs.contains(&Pair { input, output }), "{task}");
        }
        assert_eq!(rows[0], 0);
        assert!(rows[1..].iter().all(|&count| count > 80), "{rows:?}");
        // Four groups of 20 pairs, each of which stays once in as many draws as it has pairs, and by chance.
        assert!((750..1000).contains(&corner), "{corner}");
    }

    #[test]
    fn the_same_numbers_give_the_same_sample() {
        let (tasks, identifiers) = tasks();
        let groups = TrainingPairs::select(&tasks, &[]).groups;
        let source = ArcSource::new(groups, &identifiers).unwrap();
        let draw = |seed| {
            let mut sample = Sample::default();
            source.draw(&mut ChaCha8Rng::seed_from_u64(seed), &mut sample);
            sample
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        // The end of the output is learnt, what lies outside is not.
        let sample = draw(3);
        let ignored = sample.labels.iter().filter(|&&t| t == IGNORE_LABEL).count();
        let grid = crop(
            &sample.labels[sample
                .labels
                .iter()
                .position(|&t| t > 1 && t != IGNORE_LABEL)
                .unwrap()..],
        );
        let grid = grid.unwrap();
        let ends = grid.rows() + grid.cols();
        assert!((0..=ends).contains(&(SEQ_LEN - ignored - grid.cells().len())));
    }

    #[test]
    fn nothing_to_learn_from_is_refused() {
        let (tasks, identifiers) = tasks();
        assert!(ArcSource::new([], &identifiers).is_err());
        let groups = TrainingPairs::select(&tasks, &[]).groups;
        let message = ArcSource::new(groups, &Identifiers::new())
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "training pairs: expected tasks of the table, found `6150a2bd`"
        );
    }
}
