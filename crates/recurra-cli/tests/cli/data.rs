//! `recurra data check`.

use crate::common::{json, recurra, refused, status, stderr, stdout};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn write(dir: &Path, name: &str, lines: &[&str]) -> PathBuf {
    let path = dir.join(name);
    let text = format!("question,answer\n{}\n", lines.join("\n"));
    std::fs::write(&path, text).unwrap();
    path
}

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/npy")).join(name)
}

/// The problems as (line, kind).
fn problems(report: &Value) -> Vec<(u64, &str)> {
    let all = report["problems"].as_array().unwrap().iter();
    all.map(|p| (p["line"].as_u64().unwrap(), p["kind"].as_str().unwrap()))
        .collect()
}

const A: &str = "1.3..2......2..1,1432321441232341";
const B: &str = ".2.4....3....4..,1234432131422413";

#[test]
fn good_puzzles_are_good() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "good.csv", &[A, B]);
    let out = recurra("data check {}", &[&file]);
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    let text = stdout(&out);
    assert!(text.contains("good.csv: sudoku 4x4"), "{text}");
    assert!(
        text.contains("givens") && text.contains("4 to 5, median 4, mean 4.5"),
        "{text}"
    );
    let out = recurra("data check {} --json", &[&file]);
    let report = &json(&out)[0];
    assert_eq!((status(&out), &report["good"]), (Some(0), &json!(true)));
    let part = &report["parts"][0];
    assert_eq!(
        (&part["puzzles"], &part["duplicates"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        part["measures"]["givens"]["counts"],
        json!({"4": 1, "5": 1})
    );
}

#[test]
fn every_kind_of_wrong_is_named_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(
        dir.path(),
        "bad.csv",
        &[
            A,
            "1...............,",
            "12.....3........,",
            "1y3..2......2..1,",
            B,
            A,
            // The digits 1 and 2 of A exchanged.
            "2.3..1......1..2,",
            "1.3..2......2..1,1432321441232314",
        ],
    );
    let out = recurra("data check {} --json", &[&file]);
    let report = &json(&out)[0];
    assert_eq!(status(&out), Some(1));
    assert_eq!(
        problems(report),
        [
            (3, "several_solutions"),
            (4, "no_solution"),
            (5, "refused"),
            (9, "wrong_answer"),
            (7, "duplicate"),
            (9, "duplicate"),
        ]
    );
    let part = &report["parts"][0];
    for (name, count) in [
        ("puzzles", 7),
        ("refused", 1),
        ("wrong_answers", 1),
        ("several_solutions", 1),
        ("no_solution", 1),
        ("duplicates", 2),
        ("symmetric_duplicates", 3),
        ("repeated_solutions", 2),
    ] {
        assert_eq!(part[name], json!(count), "{name}");
    }
    let told = stderr(&out);
    assert!(
        told.contains("bad.csv:7: expected each question once, found that of line 2"),
        "{told}"
    );
    assert!(
        told.contains("bad.csv:3: expected exactly one solution, found more than one"),
        "{told}"
    );
}

#[test]
fn leaks_are_found_as_they_are_under_symmetries_and_by_solution() {
    let dir = tempfile::tempdir().unwrap();
    let train = write(dir.path(), "train.csv", &[A, B]);
    let test = write(
        dir.path(),
        "test.csv",
        &[
            "2.3..1......1..2,",
            B,
            // A with one given more.
            "143..2......2..1,",
        ],
    );
    let out = recurra("data check {} {} --json", &[&train, &test]);
    let report = &json(&out)[0];
    assert_eq!(status(&out), Some(1));
    assert_eq!(
        problems(report),
        [(3, "leak"), (2, "symmetric_leak"), (4, "solution_leak")]
    );
    let leaks = &report["leaks"][0];
    assert_eq!(leaks["questions"], json!(1));
    assert_eq!(leaks["symmetric"], json!(2));
    assert_eq!(leaks["solutions"], json!(2));
    let told = stderr(&out);
    let place = format!("{}:2", train.display());
    let text = format!("test.csv:4: expected a puzzle of its own, found the solution of {place}");
    assert!(told.contains(&text), "{told}");
    // A set has everything in common with itself.
    let same = recurra("data check {} {} --json", &[&train, &train]);
    assert_eq!(json(&same)[0]["leaks"][0]["questions"], json!(2));
}

#[test]
fn folders_need_no_flag() {
    let out = recurra("data check {} --json", &[&fixture("sudoku4")]);
    let report = &json(&out)[0];
    let parts = report["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(
        (&parts[0]["puzzles"], &parts[1]["puzzles"]),
        (&json!(6), &json!(2))
    );
    assert_eq!(parts[0]["task"], json!("sudoku 4x4"));
    // The fixture's training puzzles stand there with renamed digits too, on purpose.
    assert_eq!(parts[0]["duplicates"], json!(0));
    assert!(parts[0]["symmetric_duplicates"].as_u64().unwrap() >= 3);
    let grids = recurra("data check {} --json", &[&fixture("grids")]);
    assert_eq!(status(&grids), Some(0), "{}", stderr(&grids));
    let report = &json(&grids)[0];
    assert_eq!(report["parts"][0]["task"], json!("9 tokens of 12"));
    assert_eq!(report["leaks"][0]["solutions"], Value::Null);
}

#[test]
fn mazes_are_known_in_both_forms() {
    let dir = tempfile::tempdir().unwrap();
    let flags = "generate maze --size 6 --min-path 4 --count 10 --seed 1";
    let (table, folder) = (dir.path().join("mazes.csv"), dir.path().join("mazes"));
    assert_eq!(
        status(&recurra(&format!("{flags} -o {{}}"), &[&table])),
        Some(0)
    );
    let npy = format!("{flags} --format npy -o {{}}");
    assert_eq!(status(&recurra(&npy, &[&folder])), Some(0));
    let out = recurra("data check {} {} --json", &[&table, &folder]);
    let report = &json(&out)[0];
    for part in report["parts"].as_array().unwrap() {
        assert_eq!(
            (&part["task"], &part["puzzles"]),
            (&json!("maze 6x6"), &json!(10))
        );
        assert!(part["measures"]["moves"]["min"].as_u64().unwrap() > 4);
    }
    assert_eq!(report["leaks"][0]["questions"], json!(10));
    // A mark beside the path, a path in a question, a goal walled in, and none.
    let wrong = write(
        dir.path(),
        "wrong.csv",
        &[
            "S....#.#G,S..o.#o#G",
            "S...oo..G,",
            "S..#..##G,",
            "S........,",
        ],
    );
    let good = write(dir.path(), "good.csv", &["S....#..G,S..o.#ooG"]);
    assert_eq!(status(&recurra("data check {}", &[&good])), Some(0));
    let out = recurra("data check {}", &[&wrong]);
    assert_eq!(status(&out), Some(1), "{}", stderr(&out));
}

#[test]
fn wrong_answers_of_a_folder_are_told_by_rule() {
    let dir = tempfile::tempdir().unwrap();
    let flags = "generate sudoku --size 4 --count 3 --seed 5 --format npy -o {}";
    assert_eq!(status(&recurra(flags, &[dir.path()])), Some(0));
    let file = dir.path().join("train/all__labels.npy");
    let mut bytes = std::fs::read(&file).unwrap();
    let start = bytes.len() - 48;
    // A row gets a digit twice, another a token that no vocabulary has, the third a blank.
    bytes[start] = bytes[start + 1];
    bytes[start + 16 + 5] = 99;
    bytes[start + 32 + 15] = 1;
    std::fs::write(&file, bytes).unwrap();
    let out = recurra("data check {} --json", &[dir.path()]);
    let report = &json(&out)[0];
    assert_eq!(
        problems(report),
        [(1, "wrong_answer"), (2, "refused"), (3, "wrong_answer")]
    );
    let told = stderr(&out);
    assert!(
        told.contains("train:2: column 6: expected a token from 0 to 5"),
        "{told}"
    );
    assert!(
        told.contains("a digit at row 4, column 4, found none"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.txt");
    std::fs::write(&empty, "# nothing\n").unwrap();
    refused(&recurra("data check {}", &[&empty]), "no puzzle in it");
    refused(&recurra("data check {}", &[dir.path()]), "dataset.json");
    refused(
        &recurra("data check {}", &[&dir.path().join("no.csv")]),
        "no.csv",
    );
    let four = write(dir.path(), "four.csv", &[A]);
    let other = "data check {} {}";
    let grids = fixture("grids/test");
    refused(
        &recurra(other, &[&four, &grids]),
        "expected sudoku 4x4 as in",
    );
}

#[test]
fn tables_of_your_own_are_checked_by_their_rules_and_symmetries() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("latin.toml");
    let declared = "blank = '.'\nkeep = 'givens'\npermutation = ['row', 'column']\nproof = true\n\
                    symmetries = ['permute symbols']\n";
    std::fs::write(&rules, declared).unwrap();
    let lines = [
        "1../.3./..2,123/231/312",
        "12./..1/...,123/231/312",
        "12./..1/...,123/231/312",
        // A row with two equal symbols, and a given that is not kept.
        ".2./2../..2,321/213/122",
        "3../.1./..2,123/231/312",
    ];
    let table = write(dir.path(), "table.csv", &lines);
    let check = |table: &Path, other: &Path, rules: &Path| {
        recurra(
            "data check {} {} --task grid --rules {} --json",
            &[table, other, rules],
        )
    };
    // The first question with other symbols.
    let other = write(dir.path(), "other.csv", &["2../.1./..3,231/312/123"]);
    let out = check(&table, &other, &rules);
    assert_eq!(status(&out), Some(1), "{}", stderr(&out));
    let report = &json(&out)[0];
    let found = problems(report);
    assert!(found.contains(&(4, "duplicate")), "{found:?}");
    for line in [5, 6] {
        let wrong = found.iter().filter(|(at, _)| *at == line);
        assert_eq!(wrong.count(), 1, "{found:?}");
    }
    assert!(found.contains(&(2, "symmetric_leak")), "{found:?}");
    // Nothing in common, and nothing wrong.
    let good = write(dir.path(), "good.csv", &lines[..1]);
    let other = write(dir.path(), "others.csv", &lines[1..2]);
    let out = check(&good, &other, &rules);
    assert_eq!(status(&out), Some(0), "{} {}", stdout(&out), stderr(&out));
    // Broken rules, and no table.
    std::fs::write(&rules, "permutations = ['row']\n").unwrap();
    refused(&check(&good, &other, &rules), "latin.toml: line 1");
    let out = check(&rules, &other, &rules);
    assert_eq!((status(&out), stdout(&out).as_str()), (Some(1), ""));
    let message = stderr(&out);
    assert!(
        message.contains("expected questions with answers, found none"),
        "{message}"
    );
    let out = recurra("data check {} --rules {}", &[&good, &rules]);
    assert_eq!(status(&out), Some(2));
}
