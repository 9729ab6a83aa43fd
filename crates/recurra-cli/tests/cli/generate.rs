//! `recurra generate`.

use crate::common::{recurra, status, stderr, stdout};
use recurra::tasks::HeldOut;
use recurra::tasks::data::Puzzles;
use recurra::tasks::dataset::Part;
use recurra::tasks::sudoku::{Grid, PuzzleReader, Sudoku, rules, split};
use std::path::Path;

fn puzzles(text: &str, size: usize) -> Vec<(Grid, Grid)> {
    PuzzleReader::new(text.as_bytes(), Sudoku::new(size))
        .map(|entry| {
            let puzzle = entry.result.unwrap();
            (puzzle.question, puzzle.answer.unwrap())
        })
        .collect()
}

#[test]
fn a_seed_gives_the_same_puzzles_with_any_number_of_threads() {
    for flags in [
        "--size 4 --count 150 --seed 7",
        "--size 6 --count 70 --seed 7 --givens 14",
        "--size 9 --count 70 --seed 7",
        "--size 16 --count 2 --seed 7",
        "--size 9 --count 20 --seed 7 --held-out 5 --split test",
    ] {
        let one = recurra(&format!("generate sudoku {flags} --threads 1"), &[]);
        assert_eq!(status(&one), Some(0), "{}", stderr(&one));
        let more = recurra(&format!("generate sudoku {flags} --threads 3"), &[]);
        assert_eq!(stdout(&one), stdout(&more), "{flags}");
        assert!(stdout(&one).starts_with("question,answer\n"));
        assert_eq!(stderr(&one), "");
    }
    let first = stdout(&recurra("generate sudoku --size 9 --count 5 --seed 7", &[]));
    let longer = stdout(&recurra("generate sudoku --size 9 --count 9 --seed 7", &[]));
    let other = stdout(&recurra("generate sudoku --size 9 --count 5 --seed 8", &[]));
    assert!(longer.starts_with(&first));
    assert_ne!(first, other);
}

#[test]
fn puzzles_are_as_asked_for() {
    let out = recurra(
        "generate sudoku --size 9 --count 12 --seed 1 --givens 30",
        &[],
    );
    let all = puzzles(&stdout(&out), 9);
    assert_eq!(all.len(), 12);
    for (question, answer) in all {
        assert_eq!(question.givens(), 30);
        assert!(rules::verifies(&question, &answer));
    }
}

#[test]
fn the_splits_share_no_solution() {
    for (split, held) in [("train", false), ("test", true)] {
        let flags = format!("--size 4 --count 60 --seed 2 --held-out 4 --split {split}");
        let all = puzzles(
            &stdout(&recurra(&format!("generate sudoku {flags}"), &[])),
            4,
        );
        assert_eq!(all.len(), 60);
        let set = HeldOut::new(4);
        let held_out = |answer| set.contains(split::solution_class(answer));
        assert!(all.iter().all(|(_, answer)| held_out(answer) == held));
    }
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("puzzles.csv");
    let flags = "generate sudoku --size 4 --count 5 --seed 3";
    let out = recurra(&format!("{flags} -o {{}}"), &[&file]);
    assert_eq!((status(&out), stdout(&out)), (Some(0), String::new()));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, stdout(&recurra(flags, &[])));
    // No 4x4 grid has a class that is a multiple of this many: the search gives up.
    let none = recurra(
        "generate sudoku -q --size 4 --count 5 --seed 3 --held-out 1999 --split test -o {}",
        &[&dir.path().join("none.csv")],
    );
    crate::common::refused(&none, "no solution grid left");
    let nowhere = dir.path().join("nowhere/puzzles.csv");
    crate::common::refused(
        &recurra(&format!("{flags} -o {{}}"), &[&nowhere]),
        "nowhere",
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_of_arrays_holds_the_same_puzzles() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for (split, part, folder) in [
        ("train", Part::Train, "train"),
        ("test", Part::Test, "test"),
    ] {
        let flags =
            format!("generate sudoku --size 4 --count 40 --seed 2 --held-out 4 --split {split}");
        let out = recurra(&format!("{flags} --format npy -o {{}}"), &[&data]);
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        assert_eq!(stdout(&out), "");
        let table = puzzles(&stdout(&recurra(&flags, &[])), 4);
        let tokens: Vec<_> = table
            .iter()
            .map(|(q, a)| (q.encode(), a.encode()))
            .collect();
        let task = Sudoku::new(4).unwrap();
        let read = Puzzles::open(&data, part, Some(&task)).unwrap();
        let read: Vec<_> = read.map(|e| e.result.unwrap()).collect();
        let pairs: Vec<_> = read
            .into_iter()
            .map(|p| (p.question, p.answer.unwrap()))
            .collect();
        assert_eq!(pairs, tokens);
        // Five arrays and what they mean.
        assert_eq!(std::fs::read_dir(data.join(folder)).unwrap().count(), 6);
    }
    let names = std::fs::read_to_string(data.join("identifiers.json")).unwrap();
    assert_eq!(names, "[\"<blank>\"]");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 3);
    let json = std::fs::read_to_string(data.join("train/dataset.json")).unwrap();
    assert_eq!(
        json,
        "{\"pad_id\": 0, \"ignore_label_id\": 0, \"blank_identifier_id\": 0, \"vocab_size\": 6, \"seq_len\": 16, \
         \"num_puzzle_identifiers\": 1, \"total_groups\": 40, \"mean_puzzle_examples\": 1.0, \"total_puzzles\": 40, \
         \"sets\": [\"all\"]}"
    );
}

#[test]
fn devices_are_written_to_and_not_replaced() {
    let null = Path::new("/dev/null");
    if null.exists() {
        let out = recurra("generate sudoku --size 4 --count 5 --seed 3 -o {}", &[null]);
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        assert!(!std::fs::metadata(null).unwrap().is_file());
    }
}

#[test]
fn impossible_wishes_are_usage_errors() {
    for (flags, part) in [
        (
            "--size 9 --count 1 --seed 0 --givens 16",
            "givens of a 9x9 puzzle: expected 17 to 80, found 16",
        ),
        ("--size 5 --count 1 --seed 0", "expected 4, 6, 9 or 16"),
        ("--size 4 --seed 0", "--count"),
        ("--size 4 --count 1 --seed 0 --held-out 4", "--split"),
        ("--size 4 --count 1 --seed 0 --split train", "--held-out"),
        (
            "--size 4 --count 1 --seed 0 --held-out 1 --split test",
            "--held-out",
        ),
        ("--size 4 --count 1 --seed 0 --threads 0", "--threads"),
        (
            "--size 4 --count 1 --seed 0 --format npy",
            "--format npy: expected a folder",
        ),
    ] {
        let out = recurra(&format!("generate sudoku {flags}"), &[]);
        assert_eq!(status(&out), Some(2), "{flags}");
        assert!(stderr(&out).contains(part), "{flags}: {}", stderr(&out));
        assert_eq!(stdout(&out), "");
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    use std::io::{BufRead, BufReader, Read};
    let mut child = crate::common::program()
        .args(["generate", "sudoku", "--size", "4", "--count", "1000000"])
        .args(["--seed", "0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // The reader is dropped with the pipe after one line.
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let mut messages = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut messages)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(
        (line.as_str(), messages.as_str()),
        ("question,answer\n", "")
    );
}
