//! Nothing is lost and nothing is silent: what is replaced, resumed, interrupted or refused.

use crate::common::*;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

/// A tiny training of so many steps.
fn train(output: &Path, more: &[&str]) -> Output {
    let mut command = program();
    command.args(["train", "--threads", "1", "-o"]).arg(output);
    command.args(more).output().unwrap()
}

const TINY: [&str; 10] = [
    "--size",
    "4",
    "--hidden",
    "16",
    "--batch",
    "4",
    "--pool",
    "50",
    "--l-cycles",
    "1",
];

fn begin(output: &Path, more: &[&str]) -> Output {
    train(output, &[&TINY[..], more].concat())
}

#[track_caller]
fn ends(output: &Output, code: i32, parts: &[&str]) {
    let text = stderr(output);
    assert_eq!(status(output), Some(code), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sends a signal to a program that a test has started.
#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_training_is_replaced_with_overwrite_only() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    ends(&begin(&model, &["--steps", "2"]), 0, &[]);
    let before = std::fs::read(&model).unwrap();
    ends(
        &begin(&model, &["--steps", "2", "--seed", "1"]),
        1,
        &["`--resume`", "`--overwrite`"],
    );
    assert_eq!(std::fs::read(&model).unwrap(), before);
    // A model that was not trained here.
    let copied = dir.path().join("copied");
    std::fs::copy(&model, &copied).unwrap();
    ends(
        &begin(&copied, &["--steps", "1"]),
        1,
        &["there already", "`--overwrite`"],
    );
    assert!(!dir.path().join("copied.training").exists());
    ends(
        &begin(&model, &["--steps", "1", "--seed", "1", "--overwrite"]),
        0,
        &[],
    );
    assert_ne!(std::fs::read(&model).unwrap(), before);
    // Of two trainings one file for TensorBoard is left, and it is the second's.
    let events = |name: &String| name.starts_with("events.out.tfevents.");
    let found = names(&dir.path().join("model.training"));
    assert_eq!(found.iter().filter(|name| events(name)).count(), 1);
    // What is left of an interrupted run goes with the next.
    let left = dir.path().join("model.training/log.csv.1.tmp");
    std::fs::write(&left, "half").unwrap();
    ends(&train(&model, &["--resume", "--steps", "2"]), 0, &[]);
    assert!(!left.exists());
    let files = [
        "best.safetensors",
        "checkpoint.safetensors",
        "config.json",
        "exact.svg",
        "log.csv",
        "loss.svg",
        "metrics.jsonl",
    ];
    let found = names(&dir.path().join("model.training"));
    for file in files {
        assert!(found.contains(&file.to_owned()), "{file}: {found:?}");
    }
    assert!(
        !found
            .iter()
            .any(|name| name == "lock" || name.ends_with(".tmp")),
        "{found:?}"
    );
}

/// Begins an endless training and waits until it has written a checkpoint.
fn endless(model: &Path) -> Child {
    let mut command = program();
    command.args([
        "train",
        "--threads",
        "1",
        "--steps",
        "1000000000",
        "--save-every",
        "0.0005",
    ]);
    command
        .args(TINY)
        .arg("-o")
        .arg(model)
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let checkpoint = dir_of(model).join("checkpoint.safetensors");
    while !checkpoint.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    child
}

fn dir_of(model: &Path) -> PathBuf {
    let mut name = model.file_name().unwrap().to_owned();
    name.push(".training");
    model.with_file_name(name)
}

#[cfg(unix)]
#[test]
fn signals_save_a_training_and_a_second_process_is_kept_away() {
    let dir = tempfile::tempdir().unwrap();
    for (name, code) in signals() {
        let model = dir.path().join(name);
        let child = endless(&model);
        for more in [&["--overwrite", "--steps", "1"][..], &["--resume"]] {
            let id = format!("process {}", child.id());
            ends(
                &train(&model, more),
                1,
                &["another process is training it", &id],
            );
        }
        signal(&child, name);
        let out = child.wait_with_output().unwrap();
        ends(&out, code, &["interrupted", "`--resume`"]);
        let steps = |model: &Path| {
            let info = json(&recurra("info {} --json", &[model])).remove(0);
            info["provenance"]["steps"].as_u64().unwrap()
        };
        let done = steps(&model);
        assert!(done > 0);
        // Everything of it is in the checkpoint.
        let more = (done + 1).to_string();
        let out = train(&model, &["--resume", "--steps", &more]);
        ends(
            &out,
            0,
            &[&format!("going on after {done} steps"), "1000000000 steps"],
        );
        assert_eq!(steps(&model), done + 1);
    }
}

#[test]
fn a_resumed_training_keeps_its_budget_and_refuses_contradictions() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    ends(&begin(&model, &["--steps", "6", "--lr", "0.001"]), 0, &[]);
    let before = std::fs::read(&model).unwrap();
    // Without flags, with the same, and with fewer.
    ends(
        &train(&model, &["--resume"]),
        0,
        &["nothing left to do", "6 steps"],
    );
    ends(
        &train(
            &model,
            &[
                "--resume", "--steps", "6", "--lr", "1e-3", "--size", "4", "--seed", "0",
            ],
        ),
        0,
        &["nothing left to do"],
    );
    ends(
        &train(&model, &["--resume", "--steps", "3"]),
        2,
        &["--steps", "6 steps", "3 steps in all"],
    );
    assert_eq!(std::fs::read(&model).unwrap(), before);
    for (flag, value, has) in [
        ("--lr", "0.1", "0.001"),
        ("--hidden", "32", "16"),
        ("--seed", "7", "0"),
        ("--task", "maze", "sudoku"),
        ("--size", "6", "4x4"),
        ("--batch", "8", "4"),
        ("--pool", "9", "50"),
        ("--mixer", "attention", "mlp"),
        ("--optimizer", "muon", "another"),
        ("--held-out", "9", "5"),
        ("--data", "other.csv", "none"),
        ("--min-path", "9", "none"),
        ("--ema", "0.5", "0.995"),
    ] {
        let out = train(&model, &["--resume", "--steps", "9", flag, value]);
        ends(&out, 2, &[flag, has]);
    }
    let both = train(&model, &["--resume", "--lr", "0.1", "--layers", "9"]);
    ends(&both, 2, &["--lr 0.1", "--layers 9"]);
    assert_eq!(std::fs::read(&model).unwrap(), before);
    // Half of a training, interrupted, goes to the end that it was begun with.
    let half = dir.path().join("half");
    ends(&begin(&half, &["--steps", "4"]), 0, &[]);
    ends(
        &train(&half, &["--resume", "--steps", "7"]),
        0,
        &["going on after 4 steps of 7 steps in all (it was 4 steps)"],
    );
    std::fs::remove_file(&half).unwrap();
    // The budget that was asked for last; a model that is missing is written.
    ends(
        &train(&half, &["--resume"]),
        0,
        &["going on after 7 steps of 7 steps"],
    );
    assert!(half.exists());
}

#[test]
fn no_command_writes_over_what_it_reads() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let data = dir.path().join("data.csv");
    std::fs::write(&data, format!("question,answer\n{PUZZLE},{SOLVED}\n")).unwrap();
    let rules = dir.path().join("rules.toml");
    std::fs::write(&rules, "").unwrap();
    let kept: Vec<_> = [&model, &data]
        .map(|path| std::fs::read(path).unwrap())
        .into();
    // The same file by another name.
    let other = dir.path().join(".").join("copying.safetensors");
    let cases: [(&str, &[&Path]); 14] = [
        ("quantize {} --to q8 -o {}", &[&model, &model]),
        ("quantize {} --to q8 -o {}", &[&model, &other]),
        (
            "quantize {} --to q8 --calibrate {} -o {}",
            &[&model, &data, &data],
        ),
        ("calibrate {} {} -o {}", &[&model, &data, &model]),
        ("calibrate {} {} --overwrite -o {}", &[&model, &data, &data]),
        ("import {} --config {} -o {}", &[&model, &data, &model]),
        ("import {} --config {} -o {}", &[&model, &data, &data]),
        ("train --size 4 --data {} -o {}", &[&data, &data]),
        (
            "train --size 4 --from {} --overwrite -o {}",
            &[&model, &model],
        ),
        (
            "generate grid --rules {} --count 1 --seed 1 -o {}",
            &[&rules, &rules],
        ),
        ("trace {} --data {} --svg {}", &[&model, &data, &data]),
        (
            "trace {} --data {} --svg {} --gif {}",
            &[&model, &data, &rules, &rules],
        ),
        ("solve {} {} -o {}", &[&model, &data, &data]),
        ("solve {} {} -o {}", &[&model, &data, &model]),
    ];
    for (arguments, paths) in cases {
        let out = recurra(arguments, paths);
        ends(&out, 2, &["expected another file than"]);
    }
    let now: Vec<_> = [&model, &data]
        .map(|path| std::fs::read(path).unwrap())
        .into();
    assert!(now == kept);
    let out = recurra(
        "calibrate {} {} --overwrite -o {}",
        &[&model, &data, &model],
    );
    ends(&out, 0, &[]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_evaluation_tells_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let data = dir.path().join("data.csv");
    // The first is right at once, the others would take for ever.
    let endless = format!("{PUZZLE},{SOLVED}\n").repeat(50);
    std::fs::write(
        &data,
        format!("question,answer\n{SOLVED},{SOLVED}\n{endless}"),
    )
    .unwrap();
    let mut command = program();
    command.args([
        "eval",
        "-v",
        "--json",
        "--threads",
        "1",
        "--max-steps",
        "1000000000",
        "--stop",
        "verified",
    ]);
    let mut child = command
        .arg(&model)
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line.contains("first answer")));
    let (name, code) = signals()[0];
    signal(&child, name);
    let rest: Vec<String> = lines.collect();
    assert!(
        rest.iter()
            .any(|line| line.contains("interrupted") && line.contains("of 1 ")),
        "{rest:?}"
    );
    let out = child.wait_with_output().unwrap();
    assert_eq!(
        (status(&out), &json(&out)[0]["count"]),
        (Some(code), &1.into())
    );
}

#[test]
fn what_does_not_fit_into_memory_is_refused_with_the_bound() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    for flags in [
        "--side-by-side 100000000000 --restarts 100000000000",
        "--restarts 10000000000000",
    ] {
        let out = run(&format!("solve {{}} {flags}"), &[&model], PUZZLE.as_bytes());
        ends(&out, 2, &["expected at most", "of memory are free"]);
    }
    let output = dir.path().join("new");
    for flags in [
        &["--size", "4", "--pool", "100000000000000"][..],
        &["--task", "maze", "--batch", "1000000", "--hidden", "2048"],
        &["--size", "9", "--hidden", "8192", "--layers", "60"],
    ] {
        let out = train(&output, flags);
        ends(&out, 2, &["expected", "free"]);
    }
    assert!(names(dir.path()) == ["copying.safetensors"]);
    let out = run("solve {} --threads 1000000", &[&model], b"");
    ends(&out, 2, &["1..=1024"]);
    // More than are ever begun cost nothing.
    let out = run(
        "solve {} --restarts 2 --side-by-side 100000000000",
        &[&model],
        PUZZLE.as_bytes(),
    );
    ends(&out, 0, &[]);
}

#[test]
fn solve_writes_files_reads_several_and_tells_scripts() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let [one, two, answers] =
        ["one.txt", "two.txt", "answers.txt"].map(|name| dir.path().join(name));
    std::fs::write(&one, format!("{SOLVED}\n")).unwrap();
    std::fs::write(&two, format!("{PUZZLE}\n")).unwrap();
    let out = recurra("solve {} {} {} -o {}", &[&model, &one, &two, &answers]);
    ends(&out, 0, &[]);
    assert_eq!(stdout(&out), "");
    let text = std::fs::read_to_string(&answers).unwrap();
    let verdicts: Vec<_> = text
        .lines()
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    assert_eq!(verdicts, ["verified", "unverified"]);
    let objects = json(&recurra("solve {} {} {} --json", &[&model, &one, &two]));
    let files: Vec<_> = objects
        .iter()
        .map(|o| o["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, [one.to_str().unwrap(), two.to_str().unwrap()]);
    assert!(
        json(&recurra("solve {} {} --json", &[&model, &one]))[0]
            .get("file")
            .is_none()
    );
    let unverified =
        |file: &Path| status(&recurra("solve {} {} --fail-unverified", &[&model, file]));
    assert_eq!((unverified(&one), unverified(&two)), (Some(0), Some(3)));
    refused(
        &recurra("solve {} {} {}", &[&model, &one, &dir.path().join("none")]),
        "none",
    );
}

#[test]
fn the_general_flags() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    assert!(stdout(&recurra("--version", &[])).starts_with("recurra 0."));
    let memory = |flag: &str| {
        let flags = format!("solve {{}} --cache-memory 1 {flag}");
        stderr(&run(&flags, &[&model], PUZZLE.as_bytes()))
    };
    assert!(memory("").contains("cache: ") && memory("-q").is_empty());
    assert!(memory("-v").contains(" s in all"));
    let svg = recurra(&format!("trace {{}} {PUZZLE} --svg -"), &[&model]);
    assert!(stdout(&svg).starts_with("<svg"));
    let gif = recurra(&format!("trace {{}} {PUZZLE} --gif -"), &[&model]);
    assert!(gif.stdout.starts_with(b"GIF89a"));
    let words = recurra("solve {} --max-steps 0", &[&model]);
    ends(&words, 2, &["--max-steps"]);
    assert!(
        stderr(&words).contains("above 0") && !stderr(&words).contains("non-zero"),
        "{}",
        stderr(&words)
    );
    let words = recurra("train -o nowhere/model --hidden x", &[]);
    ends(&words, 2, &["--hidden", "expected a whole number"]);
}

/// A puzzle on a terminal: `script` gives the program one.
#[cfg(target_os = "linux")]
#[test]
fn a_puzzle_is_drawn_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let file = dir.path().join("puzzles.txt");
    std::fs::write(&file, format!("{PUZZLE}\n{SOLVED}\n{PUZZLE}\n")).unwrap();
    let line = format!(
        "{} solve --threads 2 {} {}",
        env!("CARGO_BIN_EXE_recurra"),
        model.display(),
        file.display()
    );
    let screen = |more: &str| {
        let out = std::process::Command::new("script")
            .args(["-qec", &format!("{line} {more}"), "/dev/null"])
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .output();
        stdout(&out.unwrap())
    };
    let colored = screen("");
    assert_eq!(colored.matches("not verified").count(), 2, "{colored}");
    assert_eq!(
        colored.matches("verified: the rules hold").count(),
        1,
        "{colored}"
    );
    assert!(
        colored.contains("--restarts") && colored.contains("\x1b[1;32m"),
        "{colored}"
    );
    let plain = screen("--color never");
    assert!(
        !plain.contains("\x1b[1m") && plain.contains("not verified"),
        "{plain}"
    );
}

#[test]
fn puzzles_of_a_level() {
    for (level, ratings) in [
        ("easy", 0..=0),
        ("medium", 1..=4),
        ("extreme", 20..=u64::MAX),
    ] {
        let flags = format!("generate sudoku --size 9 --count 3 --seed 5 --level {level}");
        let out = recurra(&flags, &[]);
        ends(&out, 0, &[]);
        let text = stdout(&out);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("question,answer,rating"));
        let found: Vec<u64> = lines
            .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
            .collect();
        assert!(
            found.len() == 3 && found.iter().all(|rating| ratings.contains(rating)),
            "{level}: {found:?}"
        );
    }
    // There are none.
    let out = recurra(
        "generate sudoku --size 4 --count 1 --seed 5 --level extreme",
        &[],
    );
    ends(&out, 1, &["puzzle of this level"]);
}

/// The first look at the rate comes after three seconds, when no such maze can have been found.
#[test]
fn generation_that_is_unlikely_to_end_says_so() {
    let mut command = program();
    command.args(["generate", "maze", "--size", "30", "--min-path", "400"]);
    let mut child = command
        .args(["--count", "5", "--seed", "1", "--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        line.contains("none of 5 puzzles found in 3 s")
            && line.contains("unlikely to end")
            && line.contains("--min-path"),
        "{line}"
    );
}

#[test]
fn numbers_are_written_as_people_write_them() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    ends(&begin(&model, &["--steps", "1"]), 0, &["1 thread,"]);
    let config = std::fs::read_to_string(dir_of(&model).join("config.json")).unwrap();
    let info = stdout(&recurra("info {}", &[&model]));
    let shipped = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/sudoku4.safetensors"
    );
    let shipped = stdout(&recurra("info {}", &[Path::new(shipped)]));
    for text in [&config, &info, &shipped] {
        let mut numbers = text.split(|c: char| !(c.is_ascii_digit() || ".e-".contains(c)));
        let long = numbers.find(|number| number.contains('.') && number.len() > 12);
        assert_eq!(long, None, "{text}");
    }
    // What compares trainings.
    for key in ["command", "version", "host", "began"] {
        assert!(config.contains(&format!("\"{key}\": ")), "{key}: {config}");
    }
}

#[test]
fn several_models_answer_the_same_puzzles_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let (copying, random) = (copying_model(dir.path()), random_model(dir.path()));
    let data = dir.path().join("data.csv");
    let text = format!("question,answer,rating\n{SOLVED},{SOLVED},0\n{PUZZLE},{SOLVED},4\n");
    std::fs::write(&data, text).unwrap();
    let out = recurra("eval {} {} {} --json", &[&copying, &random, &data]);
    ends(&out, 0, &[]);
    let versus = &json(&out)[0];
    let alone = |model: &Path| json(&recurra("eval {} {} --json", &[model, &data])).remove(0);
    for (i, model) in [&copying, &random].into_iter().enumerate() {
        let (told, alone) = (&versus["models"][i], alone(model));
        assert_eq!(told["file"], model.to_str().unwrap());
        for key in ["count", "exact", "verified", "cell", "mean_steps", "levels"] {
            assert_eq!(told[key], alone[key], "{key}");
        }
        let exact = told["exact"].as_f64().unwrap();
        let end = |end: usize| told["exact_interval"][end].as_f64().unwrap();
        assert!(end(0) <= exact && exact <= end(1), "{told}");
    }
    // One of them is right about the solved grid, none about the puzzle.
    let against = &versus["against_first"][0];
    let counts = ["both", "only_first", "only_this", "neither"].map(|key| &against[key]);
    assert_eq!(counts, [0, 1, 0, 1]);
    assert_eq!(against["difference"], -0.5);
    let table = stdout(&recurra("eval {} {} {}", &[&copying, &random, &data]));
    assert!(
        table.contains("random against copying: -50.00 points"),
        "{table}"
    );
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    let file = dir.path().join("failures.csv");
    let out = recurra("eval {} {} --failures {}", &[&copying, &data, &file]);
    ends(&out, 0, &[]);
    let failures = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        failures,
        format!("question,answer,rating\n{PUZZLE},{SOLVED},4\n")
    );
    assert_eq!(
        json(&recurra("eval {} {} --json", &[&copying, &file]))[0]["exact"],
        0.0
    );
    for (arguments, paths) in [
        (
            "eval {} {} {} --failures {}",
            &[&*copying, &random, &data, &file][..],
        ),
        (
            "eval {} {} {} --curves {}",
            &[&copying, &random, &data, &file],
        ),
        ("eval {} {} --failures {}", &[&copying, &data, &data]),
    ] {
        ends(&recurra(arguments, paths), 2, &["expected"]);
    }
}

#[test]
fn a_shipped_model_is_found_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("models");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(copying_model(dir.path()), folder.join("copier.safetensors")).unwrap();
    for (key, value) in [("RECURRA_MODELS", &folder), ("UNUSED", &folder)] {
        let mut command = program();
        command.args(["info", "copier"]).env(key, value);
        let out = command.current_dir(dir.path()).output().unwrap();
        ends(&out, 0, &[]);
        assert!(stdout(&out).contains("copier.safetensors"));
    }
    refused(&recurra("info copier", &[]), "copier");
}

#[test]
fn trainings_are_told_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    for (name, lr) in [("one", "0.001"), ("two", "0.002")] {
        let out = begin(&dir.path().join(name), &["--steps", "3", "--lr", lr]);
        ends(&out, 0, &[]);
    }
    let svg = dir.path().join("runs.svg");
    let out = recurra("runs {} --json --svg {}", &[dir.path(), &svg]);
    ends(&out, 0, &[]);
    let trainings = json(&out);
    let mut told: Vec<_> = trainings
        .iter()
        .map(|t| (t["name"].as_str().unwrap(), &t["differs"]))
        .collect();
    told.sort_by_key(|(name, _)| *name);
    let lr = |lr: f64| serde_json::json!({ "lr": lr });
    assert_eq!(told, [("one", &lr(0.001)), ("two", &lr(0.002))]);
    assert!(
        trainings
            .iter()
            .all(|t| t["steps"] == 3 && t["samples"] == 12)
    );
    let chart = std::fs::read_to_string(&svg).unwrap();
    assert!(chart.starts_with("<svg") && chart.contains("one") && chart.contains("two"));
    let table = stdout(&recurra("runs {}", &[dir.path()]));
    assert!(table.contains("  lr 0.001\n"), "{table}");
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    refused(&recurra("runs {}", &[&dir.path().join("none")]), "none");
}

#[test]
fn a_dry_run_tells_what_a_training_would_take_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    let told = |more: &[&str]| {
        let out = begin(
            &model,
            &[&["--dry-run", "--precision", "f32"], more].concat(),
        );
        ends(&out, 0, &[]);
        assert!(names(dir.path()).is_empty());
        stdout(&out)
    };
    let text = told(&["--steps", "600"]);
    for part in [
        "sudoku 4x4: ",
        " weights, f32, 1 thread, 4 samples in a batch",
        "memory: about ",
        " more are free",
        "training steps a second on average (",
        "600 steps: ",
        " minutes, 2400 samples",
        "puzzles: 50 to generate first",
        "nothing was written",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    let text = told(&["--minutes", "2", "--curriculum", "false"]);
    assert!(
        text.contains("2 minutes: ") && !text.contains("on average"),
        "{text}"
    );
    // A table is read.
    let data = dir.path().join("data.csv");
    std::fs::write(&data, format!("question,answer\n{PUZZLE},{SOLVED}\n")).unwrap();
    let data = data.to_str().unwrap();
    let out = train(
        &model,
        &[
            "--dry-run",
            "--size",
            "4",
            "--hidden",
            "16",
            "--held-out",
            "100000",
            "--data",
            data,
        ],
    );
    ends(&out, 0, &[]);
    assert!(
        stdout(&out).contains("data: 1 puzzle to train on"),
        "{}",
        stdout(&out)
    );
    assert_eq!(names(dir.path()), ["data.csv"]);
    ends(
        &train(&model, &["--dry-run", "--resume"]),
        2,
        &["--dry-run"],
    );
    // What writes nothing needs no place to write to; everything else does.
    let tiny = TINY.join(" ");
    let out = recurra(&format!("train {tiny} --steps 2 --dry-run"), &[]);
    assert!(stdout(&out).contains("2 steps: "), "{}", stderr(&out));
    let out = recurra(&format!("train {tiny} --steps 2"), &[]);
    ends(&out, 2, &["--output"]);
}

/// The time is up after the first puzzles that are asked.
#[test]
fn measuring_takes_no_more_of_a_training_than_its_share() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    ends(
        &begin(&model, &["--minutes", "0.0001"]),
        0,
        &[
            "512 held-out ones to measure",
            "32 held-out puzzles of each task measure it from now on",
        ],
    );
    // It goes on with the same ones, and a new training by steps asks all.
    ends(
        &train(&model, &["--resume", "--steps", "20"]),
        0,
        &["32 held-out ones to measure"],
    );
    let out = begin(&model, &["--steps", "1", "--overwrite"]);
    ends(&out, 0, &["512 held-out ones to measure"]);
    assert!(!stderr(&out).contains("from now on"));
}

/// With a learning rate of almost nothing no measurement is better than the first.
#[test]
fn a_training_that_no_longer_gets_better_ends_early_where_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    let flags = [
        "--steps",
        "1000",
        "--lr",
        "1e-12",
        "--curriculum",
        "false",
        "--patience",
        "2",
    ];
    let out = begin(&model, &flags);
    ends(
        &out,
        0,
        &[
            "ends early after 2 measurements in a row",
            "ended early: no better held-out share in 2 measurements",
            "next: recurra eval",
        ],
    );
    let config = std::fs::read_to_string(dir_of(&model).join("config.json")).unwrap();
    assert!(config.contains("\"patience\": 2"), "{config}");
    let log = std::fs::read_to_string(dir_of(&model).join("log.csv")).unwrap();
    let measured = log.lines().skip(1).filter(|line| !line.ends_with(','));
    // The first is better than none, two are not better than it, and the last of them is not made twice.
    assert_eq!(measured.count(), 3, "{log}");
    let steps = || {
        let info = json(&recurra("info {} --json", &[&model])).remove(0);
        assert_eq!(info["provenance"]["ended_early"], true);
        info["provenance"]["steps"].as_u64().unwrap()
    };
    let before = steps();
    assert_eq!(before, 300);
    // It stays so, until more patience is asked for.
    ends(
        &train(&model, &["--resume"]),
        0,
        &["nothing left to do", "ended early", "more --patience"],
    );
    ends(
        &train(&model, &["--resume", "--patience", "3"]),
        0,
        &["ended early", "3 measurements"],
    );
    assert_eq!(steps(), 400);
}
