//! Votes, attempts and scores, by hand.

use super::super::score::rank;
use super::super::submission::Attempts;
use super::super::{Ballot, Candidate, Grid, Score, Submission};
use super::{any_grid, grid, set};
use crate::testing::cases;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[test]
fn votes_go_before_confidence() {
    let mut ballot = Ballot::new();
    for (answer, logit) in [
        (Some("1"), 9.0),
        (Some("2"), -2.0),
        (Some("3"), -1.0),
        (None, 50.0),
        (Some("2"), -2.0),
        (Some("3"), -1.5),
        (Some("4"), 9.0),
    ] {
        ballot.add(answer.map(grid), logit);
    }
    let ranking = ballot.ranking();
    let order: Vec<String> = ranking.iter().map(|c| c.grid.to_string()).collect();
    // 3 is more confident than 2; 1 came before 4.
    assert_eq!(order, ["3", "2", "1", "4"]);
    assert_eq!(
        (ranking[0].votes, ranking[2].votes, ballot.blank()),
        (2, 1, 1)
    );
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mean = (sigmoid(-1.0) + sigmoid(-1.5)) / 2.0;
    assert!((ranking[0].confidence - mean).abs() < 1e-12);
}

#[test]
fn probabilities_are_averaged_and_not_logits() {
    let mut ballot = Ballot::new();
    for (answer, logit) in [("1", 3.0), ("2", 1.0), ("1", -4.0), ("2", -1.0)] {
        ballot.add(Some(grid(answer)), logit);
    }
    // Mean logits -0.5 and 0, mean probabilities 0.485 and 0.5.
    assert_eq!(ballot.ranking()[0].grid, grid("2"));
    let mut ballot = Ballot::new();
    for (answer, logit) in [("1", 9.0), ("2", 1.0), ("1", -20.0), ("2", -3.0)] {
        ballot.add(Some(grid(answer)), logit);
    }
    // Mean logits -5.5 and -1, mean probabilities 0.500 and 0.389.
    assert_eq!(ballot.ranking()[0].grid, grid("1"));
}

#[test]
fn strange_logits_count_as_certain() {
    let mut ballot = Ballot::new();
    for (answer, logit) in [
        ("1", f32::NAN),
        ("2", f32::INFINITY),
        ("3", f32::NEG_INFINITY),
    ] {
        ballot.add(Some(grid(answer)), logit);
    }
    let confidence: Vec<f64> = ballot.ranking().iter().map(|c| c.confidence).collect();
    assert_eq!(confidence, [1.0, 0.0, 0.0]);
}

#[test]
fn the_three_scores_differ() {
    let mut two = Score::new(2);
    let mut one = Score::new(1);
    // A task with one test input, solved at the second attempt; one with three, of which one is solved at the first and
    // one at the third; one with none, which does not count.
    for ranks in [&[Some(1)][..], &[Some(0), Some(2), None], &[]] {
        two.add(ranks);
        one.add(ranks);
    }
    assert_eq!(
        (two.tasks, two.outputs, two.solved, two.whole_tasks),
        (2, 4, 2, 1)
    );
    assert!((two.by_task() - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
    assert_eq!((two.by_output(), two.by_whole_task()), (0.5, 0.5));
    assert!((one.by_task() - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!((one.by_output(), one.by_whole_task()), (0.25, 0.0));
    let none = Score::new(2);
    assert_eq!(
        (none.by_task(), none.by_output(), none.by_whole_task()),
        (0.0, 0.0, 0.0)
    );
}

fn candidates(rows: &[&str]) -> Vec<Candidate> {
    let one = |rows: &&str| Candidate {
        grid: grid(rows),
        votes: 1,
        confidence: 0.5,
    };
    rows.iter().map(one).collect()
}

#[test]
fn attempts_are_the_two_best() {
    let best = |rows| Attempts::best(&candidates(rows)).0;
    assert_eq!(best(&["1", "2", "3"]), [grid("1"), grid("2")]);
    assert_eq!(best(&["1"]), [grid("1"), grid("1")]);
    assert_eq!(best(&[]), [grid("0"), grid("0")]);
    let attempts = best(&["1", "2"]);
    assert_eq!(rank(&attempts, &grid("2")), Some(1));
    assert_eq!(rank(&attempts, &grid("22")), None);
}

#[test]
fn a_submission_is_scored() {
    let tasks = set("evaluation").tasks;
    let right = |task: usize, test: usize| tasks[task].test[test].output.clone().unwrap();
    let wrong = || grid("0");
    let mut submission = Submission::default();
    let score = |submission: &Submission, attempts| {
        let score = submission.score(&tasks, attempts);
        assert_eq!((score.tasks, score.outputs), (2, 3));
        (score.by_task(), score.solved, score.whole_tasks)
    };
    assert_eq!(score(&submission, 2), (0.0, 0, 0));
    let made = vec![Attempts([wrong(), right(0, 0)])];
    submission.tasks.insert(tasks[0].name.clone(), made);
    assert_eq!(score(&submission, 1), (0.0, 0, 0));
    assert_eq!(score(&submission, 2), (0.5, 1, 1));
    // The other task has two test inputs; attempts for the second are missing.
    let made = vec![Attempts([right(1, 0), wrong()])];
    submission.tasks.insert(tasks[1].name.clone(), made);
    assert_eq!(score(&submission, 2), (0.75, 2, 1));
    // Solutions in the wrong order solve nothing.
    let made = [1, 0].map(|test| Attempts([right(1, test), wrong()]));
    submission
        .tasks
        .insert(tasks[1].name.clone(), made.to_vec());
    assert_eq!(score(&submission, 2), (0.5, 1, 1));
    let mut unknown = tasks.clone();
    unknown[1].test[1].output = None;
    assert_eq!(submission.score(&unknown, 2).outputs, 2);
}

#[test]
fn the_form_of_the_competition() {
    let mut submission = Submission::default();
    let made = vec![Attempts([grid("01/23"), grid("4")])];
    submission.tasks.insert("b".into(), made);
    assert_eq!(
        submission.to_json(),
        r#"{"b":[{"attempt_1":[[0,1],[2,3]],"attempt_2":[[4]]}]}"#
    );
}

#[test]
fn other_submissions_are_refused() {
    for (attempts, expected) in [
        (
            r#"[{"attempt_1":[[1]]}]"#,
            "task `t`, test 1: expected `attempt_2`, found none",
        ),
        (
            r#"[{"attempt_1":[[1]],"attempt_2":[[1,2],[11,2]]}]"#,
            "task `t`, test 1, attempt 2, row 2, column 1: expected a colour from 0 to 9, found 11",
        ),
        (
            r#"[{"attempt_1":[]}]"#,
            "task `t`, test 1, attempt 1: expected 1 to 30 rows, found none",
        ),
        (
            "[]",
            "task `t`: expected a list of at least one entry, found none",
        ),
    ] {
        let text =
            format!(r#"{{"s":[{{"attempt_1":[[1]],"attempt_2":[[1]],"x":[]}}],"t":{attempts}}}"#);
        let (submission, errors) = Submission::read(text.as_bytes());
        assert_eq!((submission.tasks.len(), errors.len()), (1, 1));
        assert_eq!(errors[0].to_string(), expected);
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn submissions_come_back(
        tasks in btree_map("[a-f0-9]{1,8}", vec((any_grid(), any_grid()), 1..3), 0..4)
    ) {
        let attempts = |pairs: Vec<(Grid, Grid)>| pairs.into_iter().map(|(a, b)| Attempts([a, b])).collect();
        let tasks = tasks.into_iter().map(|(name, pairs)| (name, attempts(pairs))).collect();
        let submission = Submission { tasks };
        let (read, errors) = Submission::read(submission.to_json().as_bytes());
        prop_assert_eq!((read, errors), (submission, vec![]));
    }
}
