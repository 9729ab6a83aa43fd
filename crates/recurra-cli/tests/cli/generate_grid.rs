//! `recurra generate grid`, and what rules alone are enough for.

use crate::common::{json, recurra, refused, run, status, stderr, stdout};
use recurra::tasks::grid::{GridTask, RulesFile};
use recurra::tasks::task::Pair;
use recurra::tasks::{HeldOut, Task};
use std::path::{Path, PathBuf};

fn example(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/rules");
    Path::new(folder).join(format!("{name}.toml"))
}

fn task(rules: &Path) -> GridTask {
    let rules = RulesFile::read(&std::fs::read_to_string(rules).unwrap()).unwrap();
    GridTask::new(rules.alone(None).unwrap()).unwrap()
}

fn generate(rules: &Path, flags: &str) -> String {
    let out = recurra(&format!("generate grid --rules {{}} {flags}"), &[rules]);
    assert_eq!(status(&out), Some(0), "{flags}: {}", stderr(&out));
    stdout(&out)
}

fn puzzles(task: &GridTask, table: &str) -> Vec<(Pair, u32)> {
    let entries = task.read(Box::new(table.as_bytes()));
    let puzzle = |entry: recurra::tasks::task::Entry| {
        let puzzle = entry.result.unwrap();
        let answer = puzzle.answer.unwrap();
        let question = puzzle.question;
        (Pair { question, answer }, puzzle.rating.unwrap())
    };
    entries.map(puzzle).collect()
}

#[test]
fn a_seed_gives_the_same_puzzles_with_any_number_of_threads() {
    for (name, flags) in [
        ("sudoku-diagonals", "--count 20 --seed 7"),
        ("jigsaw-9", "--count 20 --seed 7 --givens 30"),
        (
            "latin-7",
            "--count 20 --seed 7 --held-out 5 --split test --min-rating 1",
        ),
        ("sudoku-16", "--count 2 --seed 7 --givens 130"),
    ] {
        let rules = example(name);
        let one = generate(&rules, &format!("{flags} --threads 1"));
        let more = generate(&rules, &format!("{flags} --threads 3"));
        assert_eq!(one, more, "{flags}");
        assert!(one.starts_with("question,answer,rating\n"));
    }
    let rules = example("latin-7");
    let first = generate(&rules, "--count 5 --seed 7");
    assert!(generate(&rules, "--count 9 --seed 7").starts_with(&first));
    assert_ne!(generate(&rules, "--count 5 --seed 8"), first);
}

#[test]
fn puzzles_are_as_asked_for() {
    for (name, flags, givens, rating) in [
        ("sudoku-four-boxes", "--givens 28", Some(28), 0),
        ("sudoku-8x8", "--min-rating 3", None, 3),
        ("jigsaw-overlapping", "", None, 0),
    ] {
        let rules = example(name);
        let task = task(&rules);
        let table = generate(&rules, &format!("--count 6 --seed 1 {flags}"));
        let puzzles = puzzles(&task, &table);
        assert_eq!(puzzles.len(), 6);
        for (pair, rated) in puzzles {
            assert_eq!(task.solve(&pair.question), Some(Ok(pair.answer.clone())));
            assert_eq!(task.rating(&pair.question), Some(rated.into()));
            assert!(rated >= rating);
            let given = pair.question.iter().filter(|&&token| task.is_given(token));
            assert!(givens.is_none_or(|givens| given.count() == givens));
        }
    }
}

#[test]
fn what_is_generated_passes_the_check_and_bad_lines_do_not() {
    let dir = tempfile::tempdir().unwrap();
    // Rules with a size, which read a table by themselves, and with a drawing, which are added to what a table has.
    for name in ["sudoku-diagonals", "jigsaw-9"] {
        let rules = example(name);
        let path = |part: &str| dir.path().join(format!("{name}-{part}.csv"));
        for part in ["train", "test"] {
            let flags = format!("--count 30 --seed 1 --held-out 3 --split {part}");
            std::fs::write(path(part), generate(&rules, &flags)).unwrap();
        }
        let check = |one: &Path, other: &Path| {
            let command = "data check {} {} --task grid --rules {} --json";
            recurra(command, &[one, other, &rules])
        };
        let out = check(&path("train"), &path("test"));
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        let report = &json(&out)[0];
        assert_eq!(report["parts"][0]["several_solutions"], 0);
        let guesses = &report["parts"][0]["measures"]["wrong guesses"];
        assert_eq!(guesses, &report["parts"][0]["measures"]["rating"]);
        // A given less, and one that leaves no solution.
        let table = std::fs::read_to_string(path("train")).unwrap();
        let line = table.lines().nth(1).unwrap();
        let (question, answer) = line.split_once(',').unwrap();
        let given = question.find(|c: char| c.is_ascii_digit()).unwrap();
        let mut several = question.to_owned();
        several.replace_range(given..=given, ".");
        let task = task(&rules);
        let tokens = task.parse(question).unwrap();
        let none = (0..tokens.len()).find_map(|cell| {
            let mut spoiled = tokens.clone();
            spoiled[cell] = *task
                .parse(answer.split(',').next().unwrap())
                .unwrap()
                .first()?;
            let bad = task.solutions(&spoiled)? == recurra::tasks::grid::Solutions::None;
            // Digits that clash are refused as the line is read.
            let line = task.line(&spoiled);
            (bad && task.parse(&line).is_ok()).then_some(line)
        });
        let bad = format!(
            "question,answer\n{several},{}\n{},\n",
            answer.split(',').next().unwrap(),
            none.unwrap()
        );
        std::fs::write(path("bad"), bad).unwrap();
        let out = check(&path("train"), &path("bad"));
        assert_eq!(status(&out), Some(1));
        let part = &json(&out)[0]["parts"][1];
        assert_eq!(part["several_solutions"], 1, "{part}");
        assert_eq!(part["no_solution"], 1, "{part}");
    }
}

#[test]
fn arrays_are_checked_by_rules_with_a_size() {
    let dir = tempfile::tempdir().unwrap();
    let rules = example("latin-7");
    let folder = dir.path().join("latin");
    let flags = "generate grid --rules {} --count 20 --seed 4 --format npy -o {}";
    let out = recurra(flags, &[&rules, &folder]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let check = "data check {} --task grid --rules {} --json";
    let out = recurra(check, &[&folder, &rules]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert_eq!(json(&out)[0]["parts"][0]["puzzles"], 20);
}

#[test]
fn the_splits_share_no_puzzle() {
    let rules = example("latin-7");
    let task = task(&rules);
    for (split, held) in [("train", false), ("test", true)] {
        let flags = format!("--count 40 --seed 2 --held-out 4 --split {split}");
        let set = HeldOut::new(4);
        for (pair, _) in puzzles(&task, &generate(&rules, &flags)) {
            assert_eq!(set.contains(task.split_class(&pair)), held);
        }
    }
}

/// Training needs no data, and the program that answers refuses what rules refuse.
#[test]
fn rules_alone_train_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("latin.safetensors");
    let rules = example("latin-7");
    let flags = "--pool 40 --steps 3 --hidden 32 --batch 8 --layers 1 --h-cycles 1 --l-cycles 1";
    let command = format!("train --task grid --rules {{}} {flags} -o {{}}");
    let out = recurra(&command, &[&rules, &model]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let table = generate(&rules, "--count 1 --seed 5");
    let question = table.lines().nth(1).unwrap().split(',').next().unwrap();
    let several = ["......."; 7].join("/");
    let input = format!("{question}\n{several}\n");
    let out = run("solve {} --json", &[&model], input.as_bytes());
    assert_eq!(status(&out), Some(1));
    let lines = json(&out);
    assert!(lines[0]["verified"].is_boolean(), "{}", lines[0]);
    let error = lines[1]["error"].as_str().unwrap();
    assert!(error.contains("exactly one solution"), "{error}");
}

#[test]
fn impossible_wishes_and_bad_rules_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rules = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let one = "generate grid --rules {} --count 1 --seed 0";
    let latin = example("latin-7");
    for (flags, part) in [
        ("--givens 49", "--givens: expected less than 49, found 49"),
        (
            "--size 0x3",
            "--size: expected rows and columns from 1 to 64",
        ),
        ("--held-out 4", "--split"),
        ("--min-rating x", "--min-rating"),
    ] {
        let out = recurra(&format!("{one} {flags}"), &[&latin]);
        assert_eq!(status(&out), Some(2), "{flags}");
        assert!(stderr(&out).contains(part), "{flags}: {}", stderr(&out));
    }
    let out = recurra(&format!("{one} --size 6"), &[&latin]);
    refused(
        &out,
        "latin-7.toml: line 2: expected 6x6, as asked for, for `size`, found 7x7",
    );
    let head = "fill = '123'\nblank = '.'\nkeep = 'givens'\n";
    let open = rules(
        "open.toml",
        &format!("{head}permutation = ['row', 'column']\nproof = true"),
    );
    refused(
        &recurra(one, &[&open]),
        "open.toml: line 1: expected rows and columns",
    );
    let out = recurra(&format!("{one} --size 3"), &[&open]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let unproven = rules(
        "unproven.toml",
        &format!("size = '3x3'\n{head}permutation = 'row'"),
    );
    refused(
        &recurra(one, &[&unproven]),
        "for `proof`, to make puzzles of rules alone",
    );
    let text =
        format!("size = '3x3'\n{head}permutation = ['row', 'column', 'diagonal']\nproof = true");
    let contradictory = rules("none.toml", &text);
    let text =
        format!("size = '3x3'\n{head}different = 'box 1x1'\npermutation = 'row'\nproof = true");
    let loose = rules("loose.toml", &text);
    let table = dir.path().join("none.csv");
    for (rules, flags, says) in [
        (&contradictory, "", "found that there is none"),
        (&loose, "--givens 1", "no puzzle with 1 found"),
        (
            &latin,
            "--givens 45 --min-rating 9",
            "rating: no puzzle of 9 found",
        ),
    ] {
        let out = recurra(&format!("{one} {flags} -o {{}}"), &[rules, &table]);
        refused(&out, says);
        assert!(!table.exists());
    }
    refused(&recurra(one, &[&dir.path().join("no.toml")]), "no.toml");
    let out = recurra("train --rules {} -o {}", &[&latin, &dir.path().join("m")]);
    assert_eq!(status(&out), Some(2), "{}", stderr(&out));
}
