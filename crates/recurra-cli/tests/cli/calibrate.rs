//! `recurra calibrate`: settings that hold what is said of them.

use crate::common::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A trained model that comes with the repository.
fn shipped_model(name: &str) -> PathBuf {
    let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"));
    models.join(name).with_extension("safetensors")
}

fn shipped() -> PathBuf {
    shipped_model("sudoku4")
}

/// Puzzles whose solutions were never trained on.
fn unseen(dir: &Path, count: usize) -> PathBuf {
    let path = dir.join("unseen.csv");
    let flags = format!("--size 4 --count {count} --seed 71 --held-out 5 --split test -o {{}}");
    let out = recurra(&format!("generate sudoku {flags}"), &[&path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    path
}

fn one(out: &std::process::Output) -> Value {
    assert_eq!((status(out), stderr(out)), (Some(0), String::new()));
    json(out).remove(0)
}

#[test]
fn what_is_stored_is_used_and_does_what_was_measured() {
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = (shipped(), unseen(dir.path(), 150));
    let calibrated = dir.path().join("calibrated.safetensors");
    let flags = "calibrate {} {} --loss 1 --max-steps 4 -o {} --json";
    let report = one(&recurra(flags, &[&model, &data, &calibrated]));
    assert_eq!(report["file"], calibrated.to_str().unwrap());
    assert_eq!(
        (&report["count"], &report["max_steps"]),
        (&150.into(), &4.into())
    );
    let exact = report["exact"].as_f64().unwrap();
    let rules = report["rules"].as_array().unwrap();
    let names: Vec<_> = rules.iter().map(|m| m["rule"].as_str().unwrap()).collect();
    let kinds: Vec<_> = names.iter().map(|n| n.split('=').next().unwrap()).collect();
    assert_eq!(kinds, ["verified", "halt", "stable", "plateau", "residual"]);
    for (m, kind) in rules.iter().zip(kinds) {
        assert!(m["exact"].as_f64().unwrap() >= exact - 0.01 - 1e-12, "{m}");
        assert!(m["mean_steps"].as_f64().unwrap() < 4.0, "{m}");
        // The engine stops where the recorded numbers said that it would.
        let flags = format!("eval {{}} {{}} --max-steps 4 --stop {kind} --json");
        let measured = one(&recurra(&flags, &[&calibrated, &data]));
        for name in ["mean_steps", "exact"] {
            assert_eq!(measured[name], m[name], "{kind}: {m}");
        }
        assert_eq!(
            measured["steps"].as_array().unwrap().len() as u64,
            m["most_steps"]
        );
    }
    // The settings stand in the file, and the weights are those they were.
    let info = one(&recurra("info {} --json", &[&calibrated]));
    assert_eq!(info["thinking"]["rules"], report["rules"]);
    assert_eq!(info["thinking"]["loss"], 1.0);
    let table = stdout(&recurra("info {}", &[&calibrated]));
    assert!(
        table.contains("calibrated on 150 questions, 4 steps"),
        "{table}"
    );
    assert!(table.contains(names[1]), "{table}");
    assert_eq!(
        one(&recurra("info {} --json", &[&model]))["thinking"],
        Value::Null
    );
    // A model calibrated again in its place says the same; a looser one does no more steps.
    let loose = "calibrate {} {} --loss 5 --max-steps 4 --overwrite -o {} --json";
    let loose = one(&recurra(loose, &[&calibrated, &data, &calibrated]));
    for (loose, strict) in loose["rules"].as_array().unwrap().iter().zip(rules) {
        let steps = |m: &Value| m["mean_steps"].as_f64().unwrap();
        assert!(steps(loose) <= steps(strict), "{loose} {strict}");
    }
    let again = "calibrate {} {} --loss 1 --max-steps 4 --overwrite -o {} --json --threads 1";
    let again = one(&recurra(again, &[&calibrated, &data, &calibrated]));
    assert_eq!(again["rules"], report["rules"]);
    // Other weights, other settings.
    let small = dir.path().join("small.safetensors");
    let flags = "quantize {} --to bf16 --limit 4 -o {} --json";
    one(&recurra(flags, &[&calibrated, &small]));
    assert_eq!(
        one(&recurra("info {} --json", &[&small]))["thinking"],
        Value::Null
    );
}

#[test]
fn without_an_output_it_only_prints() {
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = (copying_model(dir.path()), dir.path().join("data.txt"));
    std::fs::write(&data, format!("{SOLVED}\n{PUZZLE}\n{SOLVED}\n")).unwrap();
    let before = std::fs::read(&model).unwrap();
    let out = recurra("calibrate {} {} --limit 2", &[&model, &data]);
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    let table = stdout(&out);
    for part in [
        "puzzles                   2\n",
        "loss allowed     0.1 points\n",
        "\nnone                        4.00    0.00 %    50.00 %      0      0        4      4\n",
        "\nverified                    2.50   37.50 %    50.00 %      0      0        1      4\n",
        "\nstable=1                    2.00   50.00 %    50.00 %      0      0        2      2\n",
        "not stored: --output",
    ] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert_eq!(std::fs::read(&model).unwrap(), before);
}

#[test]
fn another_shortest_path_counts_as_right() {
    let dir = tempfile::tempdir().unwrap();
    let (model, mazes) = (shipped_model("maze15"), dir.path().join("mazes.csv"));
    let made = "generate maze --size 15 --min-path 27 --count 60 --seed 5 -o {}";
    assert_eq!(status(&recurra(made, &[&mazes])), Some(0));
    let found = one(&recurra(
        "eval {} {} --stop verified --json",
        &[&model, &mazes],
    ));
    // Without such a path there would be nothing to tell.
    assert!(found["verified_other"].as_u64() > Some(0), "{found}");
    let calibrated = one(&recurra("calibrate {} {} --json", &[&model, &mazes]));
    let rule = &calibrated["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["exact"]),
        (&"verified".into(), &found["verified"])
    );
}

#[test]
fn bad_input_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let given = |flags: &str, input: &str| {
        run(
            &format!("calibrate {{}} - {flags}"),
            &[&model],
            input.as_bytes(),
        )
    };
    refused(&given("", ""), "no puzzle");
    let out = given("--json", &format!("{SOLVED}\noops\n"));
    assert_eq!(status(&out), Some(1));
    assert!(stderr(&out).starts_with("<stdin>:2: "), "{}", stderr(&out));
    assert_eq!(
        (&json(&out)[0]["count"], &json(&out)[0]["refused"]),
        (&1.into(), &1.into())
    );
    for (flags, part) in [
        ("--loss 101", "0 to 100 percentage points"),
        ("--loss NaN", "0 to 100 percentage points"),
        ("--limit 0", "--limit"),
        ("--max-steps 0", "--max-steps"),
        ("--max-steps 4194305", "expected at most 4194304 steps"),
        ("--limit 2000000", "found 8000000"),
    ] {
        let out = given(flags, SOLVED);
        assert_eq!(
            (status(&out), stdout(&out)),
            (Some(2), String::new()),
            "{flags}"
        );
        assert!(stderr(&out).contains(part), "{flags}: {}", stderr(&out));
    }
    let nowhere = dir.path().join("missing").join("model");
    let out = run(
        "calibrate {} - -o {}",
        &[&model, &nowhere],
        SOLVED.as_bytes(),
    );
    refused(&out, "missing");
}

#[test]
fn damaged_calibrations_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let out = run(
        "calibrate {} - --overwrite -o {} --json",
        &[&model, &model],
        SOLVED.as_bytes(),
    );
    one(&out);
    let bytes = std::fs::read(&model).unwrap();
    for (from, to, part) in [
        (
            "stable=1",
            "stable=0",
            "stop rule: expected 1 to 1000000 steps for `stable`, found `0`",
        ),
        ("stable=1", "sometime", "stop rule"),
        (
            r#"\"loss\":0.1"#,
            r#"\"loss\":999"#,
            "`thinking.loss`: expected 0 to 100, found 999",
        ),
        (r#"\"loss\":0.1"#, r#"\"lost\":0.1"#, "unknown field `lost`"),
    ] {
        let mut places = bytes.windows(from.len());
        let at = places.position(|w| w == from.as_bytes()).expect(from);
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        let file = dir.path().join("damaged");
        std::fs::write(&file, changed).unwrap();
        refused(&recurra("info {}", &[&file]), part);
    }
}
