//! `recurra eval`.

use crate::common::*;

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
    assert_eq!(report["verified_other"], 0);
    assert_eq!(number("cell"), (32.0 + 2.0 * givens) / 64.0);
    assert_eq!(number("mean_steps"), 2.5);
    assert_eq!(report["steps"], serde_json::json!([2, 0, 0, 2]));
    assert_eq!(report["refused"], 0);
    assert_eq!(
        report["exact_by_steps"],
        serde_json::json!([1.0, null, null, 0.0])
    );
    assert_eq!(
        report["stopped"],
        serde_json::json!({"verified": 2, "max_steps": 2})
    );
    let (mean, p99) = (number("mean_seconds"), number("p99_seconds"));
    assert!(0.0 < mean && mean <= p99 && p99 <= number("seconds"));
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
fn a_verified_answer_that_is_not_the_known_one_is_counted() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let model = root.join("models/sudoku4.safetensors");
    // A puzzle with two solutions, each of which is once said to be the only one.
    let question = "..343412..434321";
    let data =
        format!("question,answer\n{question},1234341221434321\n{question},2134341212434321\n");
    let out = run("eval {} - --json", &[&model], data.as_bytes());
    let report = &json(&out)[0];
    assert_eq!(report["verified"], 1.0, "{}", stderr(&out));
    assert_eq!(
        (&report["exact"], &report["verified_other"]),
        (&0.5.into(), &1.into())
    );
    let out = run("eval {} -", &[&model], data.as_bytes());
    let row = ["of", "them", "other", "answers", "1"];
    assert!(
        stdout(&out)
            .lines()
            .any(|line| line.split_whitespace().eq(row))
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
fn flags_may_stand_between_models_and_puzzles() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let inputs = data();
    for (line, models) in [
        ("eval {} --json --threads 1 -", 1),
        ("eval --json {} --threads 1 {} --max-steps 2 -", 2),
    ] {
        let paths = vec![model.as_path(); models];
        let out = run(line, &paths, inputs.as_bytes());
        assert_eq!(status(&out), Some(0), "{line}: {}", stderr(&out));
        assert!(!json(&out).is_empty(), "{line}");
    }
    let out = run("eval {}", &[&model], b"");
    assert_eq!(status(&out), Some(2));
    assert!(stderr(&out).contains("<DATA>"), "{}", stderr(&out));
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
        "\nmax_steps                 2    50.00 %\n",
        "\n1                         2   100.00 %  ####################\n",
        "\n2                         0\n",
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
        for name in ["puzzles_per_second", "mean_seconds", "p99_seconds"] {
            fields.remove(name).unwrap();
        }
        report
    };
    assert_eq!(report(1), report(3));
}

/// A table's rows without its head, as columns.
fn table(file: &std::path::Path, head: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(head));
    let columns = |line: &str| line.split(',').map(str::to_owned).collect();
    lines.map(columns).collect()
}

#[test]
fn curves_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let curves = dir.path().join("a").join("b");
    let data = data();
    let flags = "eval {} - --restarts 3 --max-steps 5 --curves {}";
    let out = run(flags, &[&model, &curves], data.as_bytes());
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    let needed = table(&curves.join("steps_needed.csv"), "steps,puzzles");
    let expected = [
        ["1", "2"],
        ["2", "0"],
        ["3", "0"],
        ["4", "0"],
        ["5", "0"],
        ["never", "2"],
    ];
    assert_eq!(needed, expected);
    let restarts = table(&curves.join("restarts.csv"), "restarts,exact,verified");
    assert_eq!(restarts, ["0", "1", "2", "3"].map(|r| [r, "0.5", "0.5"]));
    let stopping = table(&curves.join("stopping.csv"), "rule,mean_steps,exact");
    let row = |rule: &str| stopping.iter().find(|row| row[0] == rule).unwrap()[1..].to_vec();
    assert_eq!(row("verified"), ["3", "0.5"]);
    assert_eq!(row("none"), ["5", "0.5"]);
    // This model never changes its answer.
    assert_eq!(row("stable=1"), ["2", "0.5"]);
    assert_eq!(row("stable=4"), ["5", "0.5"]);
    for rule in ["halt=", "plateau=", "residual="] {
        assert!(
            stopping.iter().any(|row| row[0].starts_with(rule)),
            "{rule}"
        );
    }
    for name in ["stopping", "steps_needed", "restarts"] {
        let svg = std::fs::read_to_string(curves.join(name).with_extension("svg")).unwrap();
        assert!(
            svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
            "{name}"
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
    // Without restarts there is nothing to show of them.
    let other = dir.path().join("other");
    let out = run("eval {} - --curves {}", &[&model, &other], data.as_bytes());
    assert_eq!(status(&out), Some(0));
    assert!(other.join("stopping.svg").exists() && !other.join("restarts.svg").exists());
}

#[test]
fn curves_that_cannot_be_drawn_are_refused_before_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let in_a_file = model.join("curves");
    let out = run(
        "eval {} - --curves {}",
        &[&model, &in_a_file],
        data().as_bytes(),
    );
    refused(&out, "curves");
    let flags = "eval {} - --max-steps 5000000 --curves {}";
    let out = run(flags, &[&model, dir.path()], data().as_bytes());
    assert_eq!(status(&out), Some(2));
    assert!(stderr(&out).contains("expected at most 4194304 steps, found 5000000"));
}
