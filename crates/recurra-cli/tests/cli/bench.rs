//! `recurra bench`: what it tells, and its answers to another program.

use crate::common::*;
use serde_json::Value;

#[test]
fn it_measures_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let out = recurra(
        "bench {} --json --threads 2 --batch 4 --seconds 0 --against scalar",
        &[&model],
    );
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    let report = &json(&out)[0];
    let rows = |name: &str, keys: &[&str]| -> Vec<Value> {
        let rows = report[name].as_array().unwrap().iter();
        rows.map(|row| keys.iter().map(|key| row[key].clone()).collect())
            .collect()
    };
    assert!(report["cpu"].is_string() || report["cpu"].is_null());
    assert!(report["instruction_set"].is_string());
    assert!(report["rounds"].as_u64().unwrap() >= 3);
    // All weights are used by every step but the tables; packing may round up.
    let bytes = |i: usize| report["packed"][i]["bytes"].as_u64().unwrap();
    assert_eq!(report["packed"][2]["precision"], "q8");
    assert!(bytes(0) > 10_000 && bytes(2) < bytes(0));
    assert_eq!(
        rows("peak", &["arithmetic", "threads"])[..2],
        [serde_json::json!(["f32", 1]), serde_json::json!(["f32", 2])]
    );
    assert_eq!(
        rows("memory", &["level", "threads"]),
        [("L2", 1), ("memory", 1), ("L2", 2), ("memory", 2)].map(|row| serde_json::json!(row))
    );
    assert_eq!(
        rows("step", &["precision", "batch", "threads"]),
        ["f32", "bf16", "q8", "q4"]
            .iter()
            .flat_map(
                |p| [(1, 1), (1, 2), (4, 1), (4, 2)].map(|(b, t)| serde_json::json!([p, b, t]))
            )
            .collect::<Vec<_>>()
    );
    let positive = |row: &Value, keys: &[&str]| {
        for key in keys {
            assert!(row[key].as_f64().unwrap() > 0.0, "{key}: {row}");
        }
    };
    for peak in report["peak"].as_array().unwrap() {
        positive(peak, &["gflops"]);
    }
    for memory in report["memory"].as_array().unwrap() {
        positive(memory, &["bytes", "gb_per_s"]);
    }
    for step in report["step"].as_array().unwrap() {
        positive(step, &["ms_per_step", "ms_per_sample", "gflops"]);
        positive(step, &["share_of_peak", "buffer_bytes"]);
        let number = |key: &str| step[key].as_f64().unwrap();
        let samples = number("ms_per_step") / number("ms_per_sample");
        assert!((samples - number("batch")).abs() < 1e-6);
    }
    assert_eq!(report["against"]["instruction_set"], "scalar");
    positive(&report["against"], &["ms_per_step", "times"]);
}

#[test]
fn it_prints_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let out = recurra(
        "bench {} --threads 1 --batch 1 --seconds 0 --against scalar",
        &[&model],
    );
    let table = stdout(&out);
    for part in ["of peak", "read L2", "GB/s", "MiB a worker", "\nscalar: "] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

#[test]
fn a_worker_answers_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let request = r#"{"batch":3,"threads":2,"seconds":0}"#;
    let input = format!("{request}\n{request}\n");
    let out = run("bench {} --worker --threads 2", &[&model], input.as_bytes());
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    let [hello, first, second] = &json(&out)[..] else {
        panic!("{}", stdout(&out));
    };
    assert_eq!(hello["precision"], "f32");
    assert_eq!(hello["threads"], 2);
    assert!(hello["flops_per_step"].as_u64().unwrap() > 1000);
    for answer in [first, second] {
        assert_eq!(answer["steps"], 1);
        assert!(answer["ms_per_step"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn a_worker_goes_on_after_a_bad_request() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let cases = [
        (
            r#"{"batch":0,"threads":1,"seconds":0}"#,
            "batch: expected 1 to 65536, found 0",
        ),
        (
            r#"{"batch":1,"threads":2,"seconds":0}"#,
            "threads: expected 1 to 1, found 2",
        ),
        (
            r#"{"batch":1,"threads":1,"seconds":-1}"#,
            "seconds: expected 0 to 86400, found -1",
        ),
        (r#"{"batch":1,"threads":1}"#, "seconds"),
        (r#"{"batch":1,"threads":1,"seconds":0,"more":1}"#, "more"),
        ("", "EOF"),
        ("step!", "expected"),
    ];
    let mut input: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    input += r#"{"batch":1,"threads":1,"seconds":0}"#;
    let out = run("bench {} --worker --threads 1", &[&model], input.as_bytes());
    assert_eq!((status(&out), stderr(&out)), (Some(1), String::new()));
    let answers = &json(&out)[1..];
    for ((line, part), answer) in cases.iter().zip(answers) {
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(part), "{line}: {error}");
    }
    assert_eq!(answers.last().unwrap()["steps"], 1);
}

#[test]
fn arguments_that_make_no_sense() {
    for (arguments, part) in [
        ("bench --reference chess", "sudoku"),
        ("bench x --reference maze", "cannot be used with"),
        ("bench --against mmx", "scalar"),
        ("bench --worker --json", "cannot be used with"),
        ("bench --seconds=-1", "seconds"),
        ("bench --batch 0", "batch"),
    ] {
        let out = recurra(arguments, &[]);
        assert_eq!(status(&out), Some(2), "{arguments}");
        assert!(stderr(&out).contains(part), "{arguments}: {}", stderr(&out));
    }
}

#[test]
fn reports_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    let report = |gain: f64, target: f64| {
        let verdict = if gain >= target {
            "holds"
        } else {
            "falls-short"
        };
        serde_json::json!({
            "version": 1, "program": "0", "cpu": null, "instruction_set": "scalar", "threads": 1, "load": null, "quick": true,
            "command": "", "models": [], "accuracy": [], "checks": [],
            "rows": [{"name": "simd", "title": "", "guide": "", "at_least": target, "tolerance": 0.0, "reason": null, "verdict": verdict,
                "gain": {"median": gain, "low": gain, "high": gain, "rounds": 3, "of": ""}}],
        })
        .to_string()
    };
    let files: Vec<_> = [(4.0, 3.0), (2.0, 3.0), (4.0, 1.0)]
        .iter()
        .enumerate()
        .map(|(i, &(gain, target))| {
            let path = dir.path().join(format!("{i}.json"));
            std::fs::write(&path, report(gain, target)).unwrap();
            path
        })
        .collect();
    let out = recurra("bench diff {} {}", &[&files[0], &files[1]]);
    assert_eq!(status(&out), Some(1));
    assert!(
        stdout(&out).contains("4.00 -> 2.00, changed; holds before, falls short now"),
        "{}",
        stdout(&out)
    );
    let out = recurra("bench diff {} {}", &[&files[0], &files[2]]);
    assert_eq!(status(&out), Some(0));
    assert!(
        stdout(&out).contains("THE TARGET CHANGED: 3 before, 1 now"),
        "{}",
        stdout(&out)
    );
    // What is no report is told so.
    std::fs::write(&files[2], "{}").unwrap();
    let out = recurra("bench diff {} {}", &[&files[0], &files[2]]);
    assert_eq!(status(&out), Some(1));
    assert!(
        stderr(&out).contains("2.json: expected a report of `recurra bench guide --json`"),
        "{}",
        stderr(&out)
    );
}

#[test]
fn a_guide_without_models_says_which_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let out = recurra("bench guide --quick --models {}", &[dir.path()]);
    assert_eq!(status(&out), Some(1));
    assert!(
        stderr(&out).contains("sudoku9.safetensors"),
        "{}",
        stderr(&out)
    );
}

#[test]
fn shells_and_manuals_know_all_commands() {
    let out = recurra("completions bash", &[]);
    assert!(
        stdout(&out).contains("recurra__subcmd__solve") || stdout(&out).contains("recurra__solve")
    );
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_path_buf();
    assert_eq!(status(&recurra("man {}", &[&folder])), Some(0));
    let page = std::fs::read_to_string(folder.join("recurra-bench-guide.1")).unwrap();
    assert!(page.contains("what each optimisation gains"), "{page}");
    let out = recurra("man {}", &[&folder.join("none")]);
    assert_eq!(status(&out), Some(1));
    assert!(stderr(&out).contains("none: "), "{}", stderr(&out));
}
