//! `recurra generate maze`.

use crate::common::{recurra, status, stderr, stdout};
use recurra::tasks::HeldOut;
use recurra::tasks::maze::{Maze, MazeReader, Shape, rules, solve, split};

fn mazes(text: &str, rows: usize, cols: usize) -> Vec<(Maze, Maze)> {
    MazeReader::new(text.as_bytes(), Shape::new(rows, cols))
        .map(|entry| {
            let puzzle = entry.result.unwrap();
            (puzzle.question, puzzle.answer.unwrap())
        })
        .collect()
}

#[test]
fn a_seed_gives_the_same_mazes_with_any_number_of_threads() {
    for flags in [
        "--size 30 --min-path 70 --count 20 --seed 7",
        "--size 5x9 --min-path 8 --count 150 --seed 7",
        "--size 64 --count 3 --seed 7",
        "--size 10 --min-path 12 --count 20 --seed 7 --held-out 5 --split test",
    ] {
        let one = recurra(&format!("generate maze {flags} --threads 1"), &[]);
        assert_eq!(status(&one), Some(0), "{}", stderr(&one));
        let more = recurra(&format!("generate maze {flags} --threads 3"), &[]);
        assert_eq!(stdout(&one), stdout(&more), "{flags}");
        assert!(stdout(&one).starts_with("question,answer\n"));
        assert_eq!(stderr(&one), "");
    }
    let run = |flags: &str| stdout(&recurra(&format!("generate maze --size 8 {flags}"), &[]));
    let first = run("--count 5 --seed 7");
    assert!(run("--count 9 --seed 7").starts_with(&first));
    assert_ne!(run("--count 5 --seed 8"), first);
}

#[test]
fn mazes_are_as_asked_for() {
    for (size, rows, cols, longer_than) in [("12", 12, 12, 25), ("6x20", 6, 20, 18)] {
        let flags = format!("--size {size} --min-path {longer_than} --count 40 --seed 1");
        let out = recurra(&format!("generate maze {flags}"), &[]);
        let all = mazes(&stdout(&out), rows, cols);
        assert_eq!(all.len(), 40);
        for (question, answer) in all {
            assert!(rules::check_question(&question).unwrap() > longer_than);
            assert_eq!(solve::solve(&question), Some(answer));
        }
    }
}

#[test]
fn the_splits_share_no_maze() {
    for (split, held) in [("train", false), ("test", true)] {
        let flags = format!("--size 9 --count 60 --seed 2 --held-out 4 --split {split}");
        let all = mazes(
            &stdout(&recurra(&format!("generate maze {flags}"), &[])),
            9,
            9,
        );
        assert_eq!(all.len(), 60);
        let set = HeldOut::new(4);
        assert!(
            all.iter()
                .all(|(question, _)| set.contains(split::question_class(question)) == held)
        );
    }
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mazes.csv");
    let flags = "generate maze --size 6 --count 5 --seed 3";
    let out = recurra(&format!("{flags} -o {{}}"), &[&file]);
    assert_eq!((status(&out), stdout(&out)), (Some(0), String::new()));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, stdout(&recurra(flags, &[])));
    // None of the few mazes of 2x2 is in the test set.
    let none = recurra(
        "generate maze -q --size 2 --count 5 --seed 3 --held-out 1999 --split test -o {}",
        &[&dir.path().join("none.csv")],
    );
    crate::common::refused(&none, "no maze left");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn impossible_wishes_are_usage_errors() {
    for (flags, part) in [
        (
            "--size 5 --count 1 --seed 0 --min-path 16",
            "shortest path of a 5x5 maze: expected a threshold of at most 15 moves, found 16",
        ),
        (
            "--size 1 --count 1 --seed 0",
            "expected a number from 2 to 64, or two such",
        ),
        (
            "--size 65 --count 1 --seed 0",
            "expected a number from 2 to 64, or two such",
        ),
        (
            "--size 5x --count 1 --seed 0",
            "expected a number from 2 to 64, or two such",
        ),
        ("--size 4 --seed 0", "--count"),
        ("--size 4 --count 1 --seed 0 --min-path x", "--min-path"),
        ("--size 4 --count 1 --seed 0 --held-out 4", "--split"),
        ("--size 4 --count 1 --seed 0 --split train", "--held-out"),
    ] {
        let out = recurra(&format!("generate maze {flags}"), &[]);
        assert_eq!(status(&out), Some(2), "{flags}");
        assert!(stderr(&out).contains(part), "{flags}: {}", stderr(&out));
        assert_eq!(stdout(&out), "");
    }
}

/// The example is what the command in its comment makes, drawn.
#[test]
fn the_example_is_generated() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/maze10.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let command = text
        .lines()
        .find_map(|line| line.strip_prefix("; recurra "))
        .unwrap();
    let made = mazes(&stdout(&recurra(command, &[])), 10, 10);
    let shown: Vec<Maze> = MazeReader::new(text.as_bytes(), None)
        .map(|entry| entry.result.unwrap().question)
        .collect();
    assert!(shown.iter().eq(made.iter().map(|(question, _)| question)));
}
