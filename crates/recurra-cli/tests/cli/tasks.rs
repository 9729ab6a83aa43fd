//! Tasks besides Sudoku, from data to answers: a few steps of training are enough to see that all commands know them.

use crate::common::{json, recurra, run, status, stderr, stdout};
use std::path::Path;

const FEW_STEPS: &str =
    "--steps 2 --hidden 16 --layers 1 --h-cycles 1 --l-cycles 1 --batch 4 --threads 1";

/// Latin squares of 3x3 with some cells blank.
const TABLE: &str = "question,answer\n\
    1../.3./..2,123/231/312\n\
    .2./2../..2,321/213/132\n\
    12./..1/...,123/231/312\n\
    ..3/3../.3.,213/321/132\n\
    ..1/3.2/...,231/312/123\n";

#[test]
fn mazes_are_trained_solved_and_judged() {
    let dir = tempfile::tempdir().unwrap();
    let (model, mazes) = (dir.path().join("maze"), dir.path().join("mazes.csv"));
    let flags = "--task maze --size 5x6 --min-path 4 --pool 12";
    let out = recurra(&format!("train {flags} {FEW_STEPS} -o {{}}"), &[&model]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let info = recurra("info {} --json", &[&model]);
    assert_eq!(json(&info)[0]["task"]["name"], "maze");
    let out = recurra(
        "generate maze --size 5x6 --min-path 4 --count 6 --seed 1 -o {}",
        &[&mazes],
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let report = &json(&recurra(
        "eval {} {} --json --max-steps 2",
        &[&model, &mazes],
    ))[0];
    assert_eq!(report["count"], 6);
    let share = |key: &str| report[key].as_f64().unwrap();
    assert!(share("shortest") <= share("valid") && share("valid") <= 1.0);
    assert_eq!(share("verified"), share("shortest"));
    // A drawn maze, and one whose goal is walled in.
    let drawn =
        b"S.#...\n..#.#.\n.....#\n#.##..\n....G.\n\nS#....\n##....\n......\n......\n.....G\n";
    let out = run("solve {} --json --max-steps 1", &[&model], drawn);
    assert_eq!(status(&out), Some(1));
    let lines = json(&out);
    assert_eq!(lines[0]["answer"].as_str().unwrap().chars().count(), 30);
    let error = lines[1]["error"].as_str().unwrap();
    assert!(
        error.contains("no way from S at row 1, column 1"),
        "{error}"
    );
}

#[test]
fn a_table_of_your_own_is_trained_on_and_checked_by_its_rules() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (model, table, rules) = (path("latin"), path("latin.csv"), path("latin.toml"));
    std::fs::write(&table, TABLE).unwrap();
    let declared = "blank = '.'\nkeep = 'givens'\npermutation = ['row', 'column']\nproof = true\n\
                    symmetries = ['permute symbols', 'transpose']\n";
    std::fs::write(&rules, declared).unwrap();
    let train = |rules: &Path| {
        let command =
            format!("train --task grid --data {{}} --rules {{}} {FEW_STEPS} --overwrite -o {{}}");
        recurra(&command, &[&table, rules, &model])
    };
    let out = train(&rules);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert_eq!(
        json(&recurra("info {} --json", &[&model]))[0]["task"]["name"],
        "grid"
    );
    let report = &json(&recurra("eval {} {} --json", &[&model, &table]))[0];
    assert_eq!(
        (&report["count"], &report["refused"]),
        (&5.into(), &0.into())
    );
    let out = run(
        "solve {} --json --restarts 2",
        &[&model],
        b"1../.3./..2\n1..x.....\n",
    );
    assert_eq!(status(&out), Some(1));
    let lines = json(&out);
    assert!(lines[0]["verified"].is_boolean());
    assert!(lines[1]["error"].is_string());
    // Where the rules prove nothing, nobody can learn how many steps are needed.
    let partial = path("partial.toml");
    std::fs::write(&partial, "blank = '.'\npermutation = ['row', 'column']\n").unwrap();
    assert_eq!(status(&train(&partial)), Some(0));
    let out = recurra("solve {} {} --adaptive {}", &[&model, &table, &path("k")]);
    assert_eq!(status(&out), Some(2));
    assert!(stderr(&out).contains("--adaptive"), "{}", stderr(&out));
    // A rule that is none is told by line and key.
    let wrong = path("wrong.toml");
    std::fs::write(&wrong, "blank = '.'\npermutations = ['row']\n").unwrap();
    let out = train(&wrong);
    assert_eq!(status(&out), Some(1));
    assert!(
        stderr(&out).contains("wrong.toml: line 2"),
        "{}",
        stderr(&out)
    );
    let out = recurra(
        &format!("train --task grid {FEW_STEPS} --overwrite -o {{}}"),
        &[&model],
    );
    assert_eq!(status(&out), Some(2));
    assert!(stderr(&out).contains("--data"), "{}", stdout(&out));
}
