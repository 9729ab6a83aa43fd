//! Models over groups: one file for every size, and for rules that it was not trained on.

use crate::common::*;
use std::path::{Path, PathBuf};

fn rules(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/rules")
        .join(name)
}

/// A model that has learnt next to nothing.
fn model(dir: &Path) -> PathBuf {
    let path = dir.join("model");
    let recipe = "train --task sudoku --size 4 --mixer constraints --hidden 16 --steps 3 --pool 60 --batch 4 --threads 1 -o {}";
    let out = recurra(recipe, &[&path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    path
}

#[test]
fn a_model_over_groups_takes_puzzles_of_any_size_and_rules() {
    let dir = tempfile::tempdir().unwrap();
    let model = model(dir.path());
    let out = recurra("info {}", &[&model]);
    assert!(stdout(&out).contains("messages over declared groups"));
    let nine = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79";
    let latin = "1....../......./......./......./......./......./.......";
    for (flags, puzzle, steps) in [
        (String::new(), "1.....3..2.....4", 2),
        ("--size 9".into(), nine, 2),
    ] {
        let line = format!("solve {{}} --json --max-steps {steps} --stop none {flags}");
        let out = run(&line, &[&model], puzzle.as_bytes());
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        let answer = &json(&out)[0];
        assert_eq!(answer["steps"], steps);
        assert_eq!(answer["question"], puzzle);
    }
    // A question with many answers is none for rules that prove answers right.
    let latin_rules = rules("latin-7.toml");
    let out = run(
        "solve {} --rules {}",
        &[&model, &latin_rules],
        latin.as_bytes(),
    );
    assert_eq!(status(&out), Some(1));
    let expected = "expected exactly one solution, found more than one";
    assert!(stderr(&out).contains(expected), "{}", stderr(&out));
    // Generated ones are thought about, with guesses.
    let table = dir.path().join("latin.csv");
    let out = recurra(
        "generate grid --rules {} --count 3 --seed 1 -o {}",
        &[&latin_rules, &table],
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let line = "solve {} {} --rules {} --json --restarts 2 --max-steps 3";
    let out = recurra(line, &[&model, &table, &latin_rules]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert_eq!(json(&out).len(), 3);
}

#[test]
fn training_goes_on_and_what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let model = model(dir.path());
    let out = recurra("train --resume --steps 5 --threads 1 -o {}", &[&model]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sudoku4.safetensors");
    let out = recurra("solve {} --rules {}", &[&shipped, &rules("latin-7.toml")]);
    assert_eq!(status(&out), Some(2));
    assert!(
        stderr(&out).contains("expected a model over groups"),
        "{}",
        stderr(&out)
    );
    let out = recurra(
        "train --task maze --size 5 --mixer constraints --steps 1 -o {}",
        &[&dir.path().join("maze")],
    );
    assert_ne!(status(&out), Some(0));
    assert!(
        stderr(&out).contains("a task that declares groups"),
        "{}",
        stderr(&out)
    );
    let recipe = "train --task sudoku --size 4 --mixer constraints --steps 1 -o {}";
    for flag in ["--label-smoothing 0.1", "--probabilities stablemax"] {
        let path = dir.path().join("never");
        let out = recurra(&format!("{recipe} {flag}"), &[&path]);
        refused(
            &out,
            "expected softmax without label smoothing for a model over groups",
        );
        assert!(!path.exists());
    }
}

/// A guess is a given of the question, so the answers' symbols must be able to be givens.
#[test]
fn guesses_are_for_tasks_whose_answers_can_be_givens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let maze = root.join("models/maze15.safetensors");
    let mazes = root.join("examples/maze15.txt");
    for command in ["solve", "eval"] {
        let line = format!("{command} {{}} {{}} --restarts 2 --restart-by guess");
        let out = recurra(&line, &[&maze, &mazes]);
        assert_eq!(status(&out), Some(2));
        let message = stderr(&out);
        assert!(message.starts_with("recurra: --restart-by guess: expected a task"));
        assert_eq!((message.lines().count(), stdout(&out)), (1, String::new()));
    }
    // Imported, with positions of a puzzle table in front.
    let dir = tempfile::tempdir().unwrap();
    let imported = dir.path().join("imported");
    let out = recurra(
        "import {} --config {} --task sudoku --size 6 -o {}",
        &[
            &reference("att_rope", "model.safetensors"),
            &reference("att_rope", "config.yaml"),
            &imported,
        ],
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let line = "solve {} --json --max-steps 3 --restarts 2 --restart-by guess";
    let puzzle = b"..61..3..64........6.........443...2";
    let out = run(line, &[&imported], puzzle);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let answer = &json(&out)[0];
    assert_eq!(
        (&answer["restarts"], &answer["steps"]),
        (&2.into(), &9.into())
    );
}

#[test]
fn one_model_learns_several_sizes_or_several_rules() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sizes");
    let recipe = "train --task sudoku --size 4,6 --shares 1,2 --hidden 16 --steps 3 --pool 40 --batch 4 --threads 1 -o {}";
    let out = recurra(recipe, &[&path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("sudoku 4x4, sudoku 6x6:"),
        "{}",
        stderr(&out)
    );
    assert!(
        stderr(&out).contains("80 puzzles of 2 tasks"),
        "{}",
        stderr(&out)
    );
    let info = stdout(&recurra("info {}", &[&path]));
    assert!(info.contains("sudoku 6x6"), "{info}");
    // The tasks are kept with the run.
    let out = recurra("train --resume --steps 5 --threads 1 -o {}", &[&path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("80 puzzles of 2 tasks"),
        "{}",
        stderr(&out)
    );

    let both = [rules("latin-7.toml"), rules("jigsaw-9.toml")];
    let path = dir.path().join("rules");
    let recipe = "train --task grid --rules {} --rules {} --hidden 16 --steps 1 --pool 20 --batch 2 --threads 1 -o {}";
    let out = recurra(recipe, &[&both[0], &both[1], &path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("grid 7x7, grid 9x9:"),
        "{}",
        stderr(&out)
    );
}

#[test]
fn each_task_of_a_mixture_has_puzzles_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let [four, six, path] = ["four.csv", "six.csv", "model"].map(|name| dir.path().join(name));
    for (size, file) in [("4", &four), ("6", &six)] {
        let make = format!("generate sudoku --size {size} --count 30 --seed 3 -o {{}}");
        assert_eq!(status(&recurra(&make, &[file])), Some(0));
    }
    let recipe = "train --task sudoku --size 4,6 --think 7 --data {} --data {} --hidden 16 --steps 1 --batch 2 --threads 1 -o {}";
    let out = recurra(recipe, &[&four, &six, &path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    // One solution grid in five is held out of both.
    let said = stderr(&out);
    let trained: usize = said
        .split(" puzzles of 2 tasks")
        .next()
        .and_then(|begin| begin.rsplit(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{said}"));
    assert!((30..60).contains(&trained), "{said}");
    let info = json(&recurra("info {} --json", &[&path]));
    assert_eq!(info[0]["architecture"]["halt_max_steps"], 7, "{}", info[0]);

    let resume = "train --resume --task sudoku --size 4,6 --steps 2 --data {} --data {} --think 7 --threads 1 -o {}";
    let out = recurra(resume, &[&four, &six, &path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let out = recurra(resume, &[&six, &four, &path]);
    assert_eq!(status(&out), Some(2));
    assert!(stderr(&out).contains("--data"), "{}", stderr(&out));

    let one = "train --task sudoku --size 4 --data {} --data {} --steps 1 -o {}";
    let never = dir.path().join("never");
    let out = recurra(one, &[&four, &six, &never]);
    assert_eq!(status(&out), Some(2));
    let expected = "--data: expected at most one file for each of 1 task, found 2";
    assert!(stderr(&out).contains(expected), "{}", stderr(&out));
    // Puzzles of another size are told by their task.
    let out = recurra(recipe, &[&six, &four, &never]);
    assert_eq!(status(&out), Some(1));
    assert!(!never.exists());
}

#[test]
fn mixtures_that_cannot_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("never");
    for (flags, expected) in [
        (
            "--size 4,6 --mixer mlp",
            "several tasks: expected --mixer constraints",
        ),
        (
            "--size 4,6 --shares 1",
            "--shares: expected 2 numbers, one for each task, found 1",
        ),
        (
            "--size 4,6 --shares 1,0",
            "--shares: expected positive numbers, found 0",
        ),
        ("--size 4,5", "expected 4, 6, 9 or 16, found 5"),
        (
            "--task maze --size 5,6",
            "--size: expected one size; several are for Sudokus",
        ),
    ] {
        let out = recurra(
            &format!("train {flags} --pool 4 --steps 1 -o {{}}"),
            &[&path],
        );
        assert!(matches!(status(&out), Some(1 | 2)));
        assert!(stderr(&out).contains(expected), "{}", stderr(&out));
        assert!(!path.exists());
    }
}

#[test]
fn candidates_are_drawn_small_and_regions_have_lines() {
    let dir = tempfile::tempdir().unwrap();
    let model = model(dir.path());
    let (rules, table) = (rules("jigsaw-9.toml"), dir.path().join("jigsaw.csv"));
    let out = recurra(
        "generate grid --rules {} --count 1 --seed 1 -o {}",
        &[&rules, &table],
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let (svg, gif) = (dir.path().join("a.svg"), dir.path().join("a.gif"));
    let out = recurra(
        "trace {} --rules {} --data {} --steps 2 --svg {} --gif {}",
        &[&model, &rules, &table, &svg, &gif],
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.contains("small: symbols considered"));
    // Such a model knows next to nothing: most cells show several symbols.
    let small = svg.matches("font-size=\"11\"").count();
    assert!(small > 2 * 81, "{small}");
    assert!(gif.is_file());
}
