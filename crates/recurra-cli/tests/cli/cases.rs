//! Inputs in the shape of files that people have (`tests/data/cases`): what they get.

use crate::common::{json, program, status, stderr, stdout};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A case that was run.
struct Case {
    folder: tempfile::TempDir,
    runs: Vec<Output>,
}

impl Case {
    /// Runs the commands of the case whose folder begins with this number.
    fn run(number: &str) -> Self {
        let cases = Path::new(ROOT).join("tests/data/cases");
        let begins = |path: &PathBuf| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(&format!("{number}-"))
        };
        let case = fs::read_dir(cases)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(begins)
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(&case, folder.path());
        fs::create_dir(folder.path().join("OUT")).unwrap();
        let commands = fs::read_to_string(case.join("cmd")).unwrap();
        let models = Path::new(ROOT).join("models");
        let run = |line: &str| {
            let words = line
                .split_whitespace()
                .map(|word| word.replace("MODELS", models.to_str().unwrap()));
            let words: Vec<String> = words.collect();
            let mut command = program();
            command
                .args(&words[1..])
                .current_dir(folder.path())
                .stdin(Stdio::null());
            let output = command.output().unwrap();
            assert!(
                !stderr(&output).contains("panicked"),
                "{number}: {}",
                stderr(&output)
            );
            output
        };
        let lines = commands.lines().filter(|line| line.starts_with("RECURRA "));
        let runs = lines.map(run).collect();
        Case { folder, runs }
    }

    /// The answers that the first command printed, and its refusals.
    fn answers(&self) -> (Vec<Value>, Vec<Value>) {
        json(&self.runs[0])
            .into_iter()
            .partition(|line| line["error"].is_null())
    }

    /// Fails unless the first command gave so many verified answers and nothing else.
    #[track_caller]
    fn verified(&self, count: usize) {
        let (answers, refused) = self.answers();
        assert_eq!(refused, [] as [Value; 0]);
        assert_eq!(answers.len(), count);
        assert!(
            answers.iter().all(|answer| answer["verified"] == true),
            "{answers:?}"
        );
        assert_eq!(status(&self.runs[0]), Some(0), "{}", stderr(&self.runs[0]));
    }

    /// Fails unless a command ended with this status and one message with all these parts, and printed nothing.
    #[track_caller]
    fn refused(&self, run: usize, parts: &[&str]) {
        let message = stderr(&self.runs[run]);
        assert_eq!(status(&self.runs[run]), Some(1), "{message}");
        assert_eq!(stdout(&self.runs[run]), "", "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    }

    /// Fails unless `data check` found nothing wrong; what it printed.
    #[track_caller]
    fn good(&self, run: usize) -> String {
        assert_eq!(
            status(&self.runs[run]),
            Some(0),
            "{}",
            stderr(&self.runs[run])
        );
        stdout(&self.runs[run])
    }

    fn wrote(&self, file: &str) -> bool {
        self.folder.path().join("OUT").join(file).exists()
    }
}

/// The count in a line of the report of `data check`.
#[track_caller]
fn count(report: &str, name: &str) -> String {
    let line = report
        .lines()
        .find(|line| line.starts_with(&format!("  {name}")));
    line.unwrap_or_else(|| panic!("no {name} in {report}"))
        .trim_start()[name.len()..]
        .trim()
        .to_owned()
}

#[test]
fn prints_of_other_programs() {
    for (number, puzzles, told) in [
        ("01", 1, vec![]),
        ("02", 1, vec![]),
        ("03", 1, vec![14, 15]),
        ("05", 2, vec![13, 14, 15, 16, 30, 31, 32, 33]),
    ] {
        let case = Case::run(number);
        let (answers, refused) = case.answers();
        assert_eq!(answers.len(), puzzles, "{number}: {answers:?}");
        assert!(
            answers.iter().all(|answer| answer["verified"] == true),
            "{number}: {answers:?}"
        );
        let lines: Vec<u64> = refused
            .iter()
            .map(|line| line["line"].as_u64().unwrap())
            .collect();
        assert_eq!(lines, told, "{number}: {refused:?}");
        assert_eq!(
            status(&case.runs[0]),
            Some(i32::from(!told.is_empty())),
            "{number}"
        );
    }
    for number in ["07", "08", "09", "18", "19", "20", "21"] {
        Case::run(number).verified(1);
    }
    Case::run("06").verified(3);
    let (answers, refused) = Case::run("56").answers();
    assert!(answers.is_empty() && refused.len() == 1);
    assert_eq!(
        refused[0]["error"],
        "expected 81 cells, found 729, which look like nine candidates a cell"
    );
}

#[test]
fn tables_and_arrays() {
    for number in ["11", "12"] {
        let case = Case::run(number);
        case.verified(3);
        let report: Value = serde_json::from_str(&case.good(1)).unwrap();
        assert_eq!(
            (
                report["count"].as_u64(),
                report["exact"].as_f64(),
                report["refused"].as_u64()
            ),
            (Some(3), Some(1.0), Some(0))
        );
    }
    let case = Case::run("12");
    // The column that is not used is told once, and the names come back.
    assert_eq!(
        stderr(&case.runs[0]),
        "recurra: note: sudoku-3m.csv: columns that are not used: 'clues'\n"
    );
    assert_eq!(case.answers().0[2]["id"], "3");
    assert_eq!(count(&case.good(2), "wrong answers"), "0");
    Case::run("13").verified(3);
    let case = Case::run("23");
    case.verified(3);
    assert_eq!(count(&case.good(1), "puzzles"), "3");
    let packed = Case::run("24");
    packed.verified(packed.answers().0.len());
    assert!(packed.answers().0.len() > 3);
    let case = Case::run("55");
    case.verified(3);
    assert_eq!(count(&case.good(1), "wrong answers"), "0");
}

#[test]
fn sixteen_by_sixteen() {
    for (number, answers) in [
        ("14", "not checked"),
        ("15", "0"),
        ("16", "not checked"),
        ("17", "not checked"),
    ] {
        let report = Case::run(number).good(0);
        assert!(report.contains("sudoku 16x16"), "{number}: {report}");
        assert_eq!(count(&report, "puzzles"), "1", "{number}");
        assert_eq!(
            count(&report, "questions with several solutions"),
            "0",
            "{number}"
        );
        assert_eq!(count(&report, "wrong answers"), answers, "{number}");
    }
    let case = Case::run("65");
    let [spaced, tight] = [0, 1].map(|run| case.good(run));
    let after = |report: &str| report.split_once('\n').unwrap().1.to_owned();
    assert_eq!(after(&spaced), after(&tight));
    assert_eq!(count(&tight, "puzzles"), "1");
    let case = Case::run("60");
    assert_eq!(status(&case.runs[0]), Some(1));
    let message = stderr(&case.runs[0]);
    assert!(
        message.starts_with("puzzle.txt:1: expected 16, 36, 81 or 256 cells, found 144\n"),
        "{message}"
    );
}

#[test]
fn mazes() {
    Case::run("25").verified(1);
    let (answers, refused) = Case::run("26").answers();
    assert!(answers.is_empty() && refused.len() == 1);
    let message = refused[0]["error"].as_str().unwrap();
    assert!(
        message.starts_with("line 6: column 7: expected a cell: #")
            && message.ends_with("found 'X'"),
        "{message}"
    );
    // The case wants one message, as an `o` may be a path mark; but mazes with posts are to be read, and between walls an `o` has one meaning.
    let (answers, refused) = Case::run("28").answers();
    assert!(refused.is_empty() && answers.len() == 1);
    let question = answers[0]["question"].as_str().unwrap();
    assert_eq!(question.len(), 15 * 15);
    assert!(
        question.starts_with("################            G#"),
        "{question}"
    );
    let case = Case::run("29");
    assert_eq!(count(&stdout(&case.runs[0]), "wrong answers"), "0");
    let report: Value = serde_json::from_str(&case.good(1)).unwrap();
    assert_eq!(
        (
            report["verified"].as_f64(),
            report["verified_other"].as_u64()
        ),
        (Some(1.0), Some(2))
    );
}

#[test]
fn folders_of_arrays() {
    // Big-endian integers, Fortran order, signed bytes, floats: all have one meaning.
    for number in ["32", "33", "34", "35"] {
        let case = Case::run(number);
        let report = stdout(&case.runs[0]);
        assert_eq!(count(&report, "wrong answers"), "0", "{number}: {report}");
        // The puzzles of case 33 stand both in its train and in its test, which is told.
        let leaks = i32::from(number == "33");
        assert_eq!(status(&case.runs[0]), Some(leaks), "{number}: {report}");
        assert_eq!(json(&case.runs[1])[0]["exact"], 1.0, "{number}");
    }
    let case = Case::run("36");
    for (run, part) in [(0, "train"), (1, "test"), (2, "train")] {
        case.refused(
            run,
            &[&format!("set/{part}/dataset.json: missing field `pad_id`")],
        );
    }
    let case = Case::run("37");
    let report = case.good(0);
    assert!(report.contains("16 tokens of 7"), "{report}");
    for name in [
        "wrong answers",
        "questions without a solution",
        "questions with several solutions",
    ] {
        assert_eq!(count(&report, name), "not checked");
    }
    case.refused(
        1,
        &["set/test/dataset.json: ", "vocab_size 6", "found 16 and 7"],
    );
    let case = Case::run("38");
    case.refused(0, &["set: ", "`test/dataset.json`"]);
    assert_eq!(status(&case.runs[1]), Some(0), "{}", stderr(&case.runs[1]));
    assert!(stderr(&case.runs[1]).contains("0 held-out ones"));
}

#[test]
fn checkpoints() {
    for (number, runs) in [
        ("39", vec![1]),
        ("44", vec![1, 3, 5]),
        ("45", vec![1]),
        ("46", vec![1]),
    ] {
        let case = Case::run(number);
        for run in runs {
            assert_eq!(
                status(&case.runs[run - 1]),
                Some(0),
                "{number}: {}",
                stderr(&case.runs[run - 1])
            );
            assert!(case.good(run).contains("sudoku 4x4"), "{number}");
        }
    }
    for (number, parts) in [
        (
            "40",
            [
                "all_config.yaml: ",
                "`arch.name`",
                "hrm@HierarchicalReasoningModel_ACTV1",
            ],
        ),
        ("41", ["trm.yaml: ", "`all_config.yaml`", "found no `arch`"]),
        (
            "42",
            [
                "all_config.yaml: ",
                "`arch.hidden_size`: expected a whole number",
                "found `${model.width}`",
            ],
        ),
        (
            "43",
            ["cfg_pretrain.yaml: ", "found no `arch`", "`defaults`"],
        ),
        (
            "68",
            [
                "model-00002-of-00002.safetensors: ",
                "`embed_tokens.embedding_weight`",
                "this is file 2 of 2",
            ],
        ),
    ] {
        let case = Case::run(number);
        case.refused(0, &parts);
        assert!(!case.wrote("m.safetensors"), "{number}");
    }
    let case = Case::run("48");
    assert!(
        case.good(1).contains("sudoku 4x4"),
        "{}",
        stderr(&case.runs[0])
    );
    case.refused(
        2,
        &[
            "model-00001-of-00002.safetensors: ",
            "`L_level.layers.0.mlp_t.down_proj.weight`",
            "this is file 1 of 2",
        ],
    );
    let case = Case::run("49");
    case.refused(
        0,
        &[
            "model.safetensors: expected a model file",
            "a pointer of Git LFS",
        ],
    );
    case.refused(1, &["step_1: ", "a pointer of Git LFS"]);
    Case::run("50").refused(
        0,
        &[
            "model.safetensors: expected a model file",
            "a web page (HTML)",
        ],
    );
    let case = Case::run("67");
    for run in 0..2 {
        case.refused(run, &["step_1: ", "torch.save", "`recurra import`"]);
    }
}

#[test]
fn tables_of_ones_own() {
    let case = Case::run("51");
    // Each of eight questions stands there three times, which is told.
    let report = stdout(&case.runs[0]);
    assert_eq!(
        (count(&report, "puzzles"), count(&report, "duplicates ")),
        ("24".to_owned(), "16".to_owned())
    );
    assert_eq!(status(&case.runs[1]), Some(0), "{}", stderr(&case.runs[1]));
    let case = Case::run("52");
    assert_eq!(count(&case.good(0), "puzzles"), "6");
    assert_eq!(
        stderr(&case.runs[0]),
        "recurra: note: table.json: keys that are not used: 'metadata'\n"
    );
    assert_eq!(status(&case.runs[1]), Some(0));
    let case = Case::run("53");
    assert_eq!(status(&case.runs[0]), Some(1));
    let message = stderr(&case.runs[0]);
    assert!(message.starts_with("recurra: samples.jsonl: line 1, column 12: expected a row as text or as an array of cells in `input`, found map\n"), "{message}");
    assert_eq!(message.lines().count(), 4, "{message}");
    let case = Case::run("63");
    assert_eq!(count(&case.good(0), "wrong answers"), "0");
    assert_eq!(status(&case.runs[1]), Some(0));
    case.refused(2, &["digits.toml: line 5: ", "`regions`"]);
    assert_eq!(count(&Case::run("69").good(0), "puzzles"), "2");
}

#[test]
fn wrong_and_mixed() {
    let case = Case::run("54");
    let report = &json(&case.runs[0])[0];
    assert_eq!(
        (
            report["count"].as_u64(),
            report["exact"].as_f64(),
            report["refused"].as_u64()
        ),
        (Some(2), Some(1.0), Some(2))
    );
    for run in 0..2 {
        assert_eq!(status(&case.runs[run]), Some(1));
        let message = stderr(&case.runs[run]);
        assert!(
            message.contains("bench.csv:3: ") && message.contains("found 36: this looks like 6x6"),
            "{message}"
        );
        assert!(
            message.contains("bench.csv:4: ") && message.contains("found 81: this looks like 9x9"),
            "{message}"
        );
    }
    assert_eq!(count(&stdout(&case.runs[1]), "wrong answers"), "0");
    let case = Case::run("61");
    assert_eq!(status(&case.runs[0]), Some(1));
    let report = stdout(&case.runs[0]);
    assert_eq!(
        (
            count(&report, "wrong answers"),
            count(&report, "lines that cannot be read")
        ),
        ("3".to_owned(), "0".to_owned())
    );
    assert_eq!(status(&case.runs[1]), Some(1));
    assert!(
        stderr(&case.runs[1]).contains("puzzles.csv:2: answer: "),
        "{}",
        stderr(&case.runs[1])
    );
    let case = Case::run("64");
    let (answers, refused) = case.answers();
    assert_eq!((answers.len(), refused.len()), (2, 1));
    assert!(answers.iter().all(|answer| answer["verified"] == true));
    assert_eq!(refused[0]["line"], 1);
    assert_eq!(
        (status(&case.runs[0]), status(&case.runs[1])),
        (Some(1), Some(1))
    );
    assert!(
        stderr(&case.runs[1])
            .starts_with("top.txt:1: expected exactly one solution, found more than one\n")
    );
}

#[test]
fn tasks_of_arc() {
    let case = Case::run("30");
    case.refused(
        0,
        &[
            "tasks/aa01.json: ",
            "an object with `train` and `test`",
            "found a list",
        ],
    );
    assert!(!case.wrote("m.safetensors"));
    let case = Case::run("57");
    case.refused(1, &["as many as there are identifiers, 4, found 5"]);
    case.refused(2, &["as many as there are identifiers, 6, found 5"]);
    assert_eq!(json(&case.runs[3])[0]["tasks"], 2);
    let case = Case::run("58");
    let message = stderr(&case.runs[0]);
    for says in [
        "data/arc-agi_training_solutions.json: task `bb02`: expected 2 solutions, one for each test input, found 1\n",
        "task `zz09`: expected the name of a task of the challenges, found another\n",
        "task `cc03`: expected 1 solutions, one for each test input, found none",
    ] {
        assert!(message.contains(says), "{message}");
    }
    let case = Case::run("59");
    assert_eq!(status(&case.runs[0]), Some(0), "{}", stderr(&case.runs[0]));
    assert!(
        stderr(&case.runs[0]).contains("of 2 tasks"),
        "{}",
        stderr(&case.runs[0])
    );
}

#[test]
fn the_folder_of_the_competition() {
    let case = Case::run("31");
    for run in &case.runs {
        assert_eq!(status(run), Some(0), "{}", stderr(run));
    }
    let text = fs::read_to_string(case.folder.path().join("OUT/sub.json")).unwrap();
    let submission: Value = serde_json::from_str(&text).unwrap();
    let attempts = submission["dd04"].as_array().unwrap();
    assert!(
        attempts.len() == 1
            && attempts[0]["attempt_1"].is_array()
            && attempts[0]["attempt_2"].is_array()
    );
    assert_eq!(json(&case.runs[2])[0]["refused"], 0);
}
