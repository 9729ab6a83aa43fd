//! `recurra eval`.

mod common;

use common::*;

/// The copying model is right on the two solved grids and wrong on the puzzle.
fn data() -> String {
    format!(
        "question,answer,rating\n{SOLVED},{SOLVED},0\n{PUZZLE},{SOLVED},4\n{SOLVED},,25\n{PUZZLE},,x\n"
    )
}

#[test]
fn counts_are_right() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let out = run("eval {} - --json", &[&model], data().as_bytes());
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    let report = &json(&out)[0];
    let number = |name: &str| report[name].as_f64().unwrap();
    let givens = PUZZLE.chars().filter(|c| *c != '.').count() as f64;
    assert_eq!(report["count"], 4);
    assert_eq!((number("exact"), number("verified")), (0.5, 0.5));
    assert_eq!(number("cell"), (32.0 + 2.0 * givens) / 64.0);
    assert_eq!(number("mean_steps"), 2.5);
    assert_eq!(report["steps"], serde_json::json!([2, 0, 0, 2]));
    assert_eq!(report["refused"], 0);
    assert!(number("seconds") > 0.0 && number("puzzles_per_second") > 0.0);
    assert!(report.get("mean_restarts").is_none());
    let level =
        |count, right| serde_json::json!({"count": count, "exact": right, "verified": right});
    assert_eq!(
        report["levels"],
        serde_json::json!({"easy": level(1, 1.0), "medium": level(1, 0.0), "extreme": level(1, 1.0)})
    );
}

#[test]
fn flags_and_refusals() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let limited = run("eval {} - --json --limit 2", &[&model], data().as_bytes());
    assert_eq!(json(&limited)[0]["count"], 2);
    let restarted = run(
        "eval {} - --json --restarts 2 --max-steps 3",
        &[&model],
        data().as_bytes(),
    );
    let report = &json(&restarted)[0];
    assert_eq!(
        (&report["mean_restarts"], &report["mean_steps"]),
        (&1.0.into(), &5.0.into())
    );
    let file = dir.path().join("bad.txt");
    std::fs::write(&file, format!("{SOLVED}\noops\n1234............\n")).unwrap();
    let out = recurra("eval {} {} --json", &[&model, &file]);
    assert_eq!(status(&out), Some(1));
    let report = &json(&out)[0];
    assert_eq!(
        (&report["count"], &report["refused"]),
        (&1.into(), &2.into())
    );
    assert!(report.get("levels").is_none());
    let messages = stderr(&out);
    let place = |line: u32| format!("{}:{line}: ", file.display());
    assert!(
        messages.contains(&place(2)) && messages.contains(&place(3)),
        "{messages}"
    );
    refused(&run("eval {} -", &[&model], b""), "no puzzle");
}

#[test]
fn the_table_for_people() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let out = run("eval {} -", &[&model], data().as_bytes());
    let table = stdout(&out);
    for part in [
        "puzzles                   4\n",
        "exact               50.00 %\n",
        "\nextreme ",
        "\n4 ",
    ] {
        assert!(table.contains(part), "{part:?} in\n{table}");
    }
}

#[test]
fn the_same_with_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let puzzles = recurra(
        "generate sudoku --size 4 --count 200 --seed 5 --givens 14",
        &[],
    );
    let report = |threads: usize| {
        let flags = format!("eval {{}} - --json --restarts 2 --threads {threads}");
        let mut report = json(&run(&flags, &[&model], &puzzles.stdout)).remove(0);
        let fields = report.as_object_mut().unwrap();
        fields.remove("seconds").unwrap();
        fields.remove("puzzles_per_second").unwrap();
        report
    };
    assert_eq!(report(1), report(3));
}
