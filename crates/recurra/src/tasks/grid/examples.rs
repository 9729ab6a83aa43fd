//! The rules files that come with the project: each is enough to make puzzles.

use super::{GridTask, RulesFile, ShapeRule, Solutions, Wish};
use crate::tasks::task::Task;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::path::PathBuf;

/// Names and tasks of all of them.
fn all() -> Vec<(String, GridTask)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/rules"));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let task = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert_eq!(
            text.lines().filter(|l| l.starts_with('#')).count(),
            1,
            "{name}"
        );
        let file = RulesFile::read(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let spec = file.alone(None).unwrap_or_else(|e| panic!("{name}: {e}"));
        file.check_generates(&spec).unwrap();
        (name, GridTask::new(spec).unwrap())
    };
    paths.into_iter().map(task).collect()
}

#[test]
fn all_examples_make_puzzles() {
    let all = all();
    assert_eq!(all.len(), 9);
    for (name, task) in all {
        let groups = task.groups().unwrap();
        groups.check().unwrap();
        let lessons: Vec<_> = (0..6)
            .map(|number| task.generate(1, number, &|_| true).unwrap())
            .collect();
        for pair in &lessons {
            let (question, answer) = (&pair.question, &pair.answer);
            assert_eq!(task.verify(question, answer), Some(true), "{name}");
            assert_eq!(task.solve(question), Some(Ok(answer.clone())), "{name}");
            task.admit(question).unwrap();
            assert!(question.contains(&groups.blank));
            assert_eq!(task.parse(&task.line(question)).unwrap(), *question);
        }
        let questions: HashSet<_> = lessons.iter().map(|pair| &pair.question).collect();
        assert_eq!(questions.len(), 6, "{name}");
        // Each number is a puzzle of its own.
        assert_eq!(task.generate(1, 4, &|_| true).as_ref(), Some(&lessons[4]));
        assert_ne!(task.generate(2, 4, &|_| true).as_ref(), Some(&lessons[4]));
        let wish = Wish {
            givens: Some(task.seq_len() * 6 / 10),
            min_rating: 0,
        };
        let made = task.generator(3).unwrap().puzzle(0, wish).unwrap();
        assert_eq!(task.rating(&made.pair.question), made.rating);
        let open = made
            .pair
            .question
            .iter()
            .filter(|&&token| token == groups.blank);
        assert_eq!(open.count(), task.seq_len() - wish.givens.unwrap());
        assert_eq!(task.solve(&made.pair.question), Some(Ok(made.pair.answer)));
    }
}

/// A symmetry leads from solutions to solutions, so it changes neither their number nor on which side a puzzle is.
#[test]
fn symmetries_keep_the_number_of_solutions() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (name, task) in all() {
        let pair = task.generate(4, 1, &|_| true).unwrap();
        let blank = task.groups().unwrap().blank;
        let given = pair.question.iter().position(|&token| token != blank);
        let mut less = pair.question.clone();
        less[given.unwrap()] = blank;
        for _ in 0..5 {
            let symmetry = task.random_symmetry(&pair.question, &mut rng).unwrap();
            let image = task.image(&pair, &symmetry);
            assert_eq!(task.solve(&image.question), Some(Ok(image.answer.clone())));
            assert_eq!(task.split_class(&image), task.split_class(&pair), "{name}");
            let images = [&less, &symmetry.apply(&less)]
                .map(|question| matches!(task.solutions(question), Some(Solutions::One(_))));
            assert_eq!(images[0], images[1], "{name}");
        }
    }
}

#[test]
fn training_and_tests_are_told_apart() {
    let (_, task) = all().swap_remove(0);
    let class_is = |odd: u64| move |class: u64| class % 2 == odd;
    for number in 0..10 {
        for odd in [0, 1] {
            let pair = task.generate(1, number, &class_is(odd)).unwrap();
            assert_eq!(task.split_class(&pair) % 2, odd);
        }
    }
    assert_eq!(task.generate(1, 0, &|_| false), None);
}

#[test]
fn groups_are_those_of_the_rules() {
    let counts: Vec<(String, usize)> = all()
        .into_iter()
        .map(|(name, task)| (name, task.groups().unwrap().groups.len()))
        .collect();
    let counts: Vec<(&str, usize)> = counts.iter().map(|(n, c)| (&n[..], *c)).collect();
    assert_eq!(
        counts,
        [
            ("diagonals-8x8", 18),
            ("jigsaw-9", 27),
            ("jigsaw-overlapping", 31),
            ("latin-7", 14),
            ("sudoku-12", 36),
            ("sudoku-16", 48),
            ("sudoku-8x8", 24),
            ("sudoku-diagonals", 29),
            ("sudoku-four-boxes", 31),
        ]
    );
    for (name, task) in all() {
        let groups = task.groups().unwrap();
        let spec = task.grid_spec();
        assert_eq!(spec.answer, ShapeRule::Fixed(spec.frame));
        assert!(
            (0..groups.groups.len()).all(|group| groups.is_permutation(group)),
            "{name}"
        );
    }
}
