//! What may be trained on.

use super::super::{Augmentation, Pair, TestPair, TrainingPairs};
use super::{pair, set, task};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn tests_of_training_tasks_train_and_those_of_evaluation_tasks_do_not() {
    let (training, evaluation) = (set("training").tasks, set("evaluation").tasks);
    let selected = TrainingPairs::select(&training, &evaluation);
    assert_eq!((selected.same_name, selected.same_pair), (0, 0));
    let counts: Vec<usize> = selected
        .groups
        .iter()
        .map(|group| group.pairs.len())
        .collect();
    assert_eq!(counts, [3, 5, 6, 8, 2, 6]);
    for test in evaluation.iter().flat_map(|task| &task.test) {
        let pairs = selected.groups.iter().flat_map(|group| &group.pairs);
        assert!(pairs.clone().all(|pair| pair.input != test.input));
    }
}

#[test]
fn test_pairs_in_disguise_are_left_out() {
    let held = pair("1203/0010", "12/34");
    let mut evaluation = task("held", &["1>2", "1>2"]);
    evaluation.test.push(TestPair {
        input: held.input.clone(),
        output: Some(held.output.clone()),
    });
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..100 {
        let hidden = Augmentation::random(&mut rng).apply_to_pair(&held);
        let mut training = task("other", &["123>4", "5>6"]);
        training.train.push(hidden.clone());
        let selected =
            TrainingPairs::select(std::slice::from_ref(&training), &[evaluation.clone()]);
        // The pair itself, and 5>6 which is 1>2 with other colours.
        assert_eq!(selected.same_pair, 2);
        assert_eq!(selected.groups[0].pairs, [pair("123", "4")]);
        // Demonstrations of evaluation tasks are theirs to show.
        assert_eq!(selected.groups[1].pairs, [pair("1", "2")]);
        // The same question with another answer gives nothing away.
        let other = Pair {
            output: hidden.input.clone(),
            ..hidden
        };
        let mut training = task("other", &["123>4", "7>7"]);
        training.train.push(other);
        assert_eq!(
            TrainingPairs::select(&[training], &[evaluation.clone()]).same_pair,
            0
        );
    }
}

#[test]
fn training_tasks_of_the_same_name_are_left_out() {
    let (mut training, evaluation) = (set("training").tasks, set("evaluation").tasks);
    training.extend(evaluation.clone());
    let selected = TrainingPairs::select(&training, &evaluation);
    assert_eq!((selected.same_name, selected.groups.len()), (2, 6));
    let all = TrainingPairs::select(&training, &[]);
    assert_eq!((all.groups.len(), all.groups[5].pairs.len()), (6, 8));
}
