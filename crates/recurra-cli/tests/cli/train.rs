//! `recurra train` end to end: it learns, goes on where it stopped, and the same seed gives the same bytes.

use crate::common::{program, stderr};
use std::path::Path;

/// Trains a tiny model for so many steps.
fn train(output: &Path, steps: &str, more: &[&str]) -> std::process::Output {
    let output = output.to_str().unwrap();
    let mut args = vec![
        "train",
        "--size",
        "4",
        "--steps",
        steps,
        "-o",
        output,
        "--threads",
        "2",
    ];
    if !more.contains(&"--resume") {
        args.extend([
            "--hidden",
            "16",
            "--batch",
            "8",
            "--pool",
            "200",
            "--l-cycles",
            "1",
        ]);
    }
    args.extend(more);
    program().args(args).output().unwrap()
}

/// A model file without the entries that tell how long it took.
fn weights(path: &Path) -> Vec<u8> {
    let mut model = recurra::model::TrmModel::open(path).unwrap();
    model.header.provenance.clear();
    model.to_bytes()
}

#[test]
fn the_same_seed_gives_the_same_weights_and_resuming_goes_on_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, parts, other] = ["one", "two", "parts", "other"].map(|n| folder.path().join(n));
    // Nothing that depends on how long the training is to be.
    let constant = ["--constant-lr", "--curriculum", "false"];
    for (path, steps, more) in [
        (&one, "12", &[][..]),
        (&two, "12", &[]),
        (&other, "12", &["--seed", "1"]),
        (&parts, "5", &constant),
    ] {
        let out = train(path, steps, more);
        assert!(out.status.success(), "{}", stderr(&out));
    }
    assert!(weights(&one) == weights(&two));
    assert!(weights(&one) != weights(&other));
    let whole = folder.path().join("whole");
    assert!(train(&whole, "12", &constant).status.success());
    let out = train(&parts, "12", &["--resume"]);
    assert!(
        out.status.success() && stderr(&out).contains("going on after 5 steps of 12"),
        "{}",
        stderr(&out)
    );
    assert!(weights(&parts) == weights(&whole));
    let info = program()
        .args(["info", one.to_str().unwrap(), "--json"])
        .output()
        .unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["provenance"]["steps"], 12);
    // A training that begins with another's weights has learnt what that had.
    let further = folder.path().join("further");
    let one_path = one.to_str().unwrap();
    let args = [
        "train",
        "--size",
        "4",
        "--steps",
        "1",
        "--pool",
        "200",
        "--threads",
        "2",
        "--overwrite",
    ];
    let run = |more: &[&str]| {
        let command = program()
            .args(args)
            .args(more)
            .arg("-o")
            .arg(&further)
            .output();
        command.unwrap()
    };
    let out = run(&["--from", one_path, "--lr", "1e-12"]);
    assert!(out.status.success(), "{}", stderr(&out));
    let embedding = |path: &Path| {
        let model = recurra::model::TrmModel::open(path).unwrap();
        model.weights.embed_tokens.to_vec()
    };
    let pairs = embedding(&one).into_iter().zip(embedding(&further));
    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-6));
    assert_eq!(
        run(&["--from", one_path, "--h-cycles", "3"]).status.code(),
        Some(0)
    );
    assert_eq!(
        run(&["--from", one_path, "--hidden", "32"]).status.code(),
        Some(2)
    );
    assert_eq!(run(&["--from", "nowhere"]).status.code(), Some(1));
    // The weights of a convolution do not depend on the size of a maze, those of an MLP do.
    for (mixer, status) in [("conv", 0), ("mlp", 1)] {
        let train = |size: &str, args: &[&str]| {
            let mut command = program();
            command.args(["train", "--task", "maze", "--size", size, "--min-path", "3"]);
            command.args(["--steps", "1", "--batch", "2", "--pool", "9", "--overwrite"]);
            command.args(args).output().unwrap()
        };
        let small = folder.path().join("small");
        let small = small.to_str().unwrap();
        let out = train("5x6", &["--mixer", mixer, "--hidden", "8", "-o", small]);
        assert!(out.status.success(), "{}", stderr(&out));
        let large = folder.path().join("large");
        let out = train("7x8", &["--from", small, "-o", large.to_str().unwrap()]);
        assert_eq!(out.status.code(), Some(status), "{mixer}: {}", stderr(&out));
    }
    let larger = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/sudoku6.safetensors"
    );
    let out = run(&["--from", larger]);
    assert_eq!(out.status.code(), Some(1));
    assert!(
        stderr(&out).contains("a model of sudoku 4x4"),
        "{}",
        stderr(&out)
    );
    // The folder of the run.
    let run = folder.path().join("parts.training");
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    assert!(read("config.json").contains("\"l_cycles\": 1"));
    let log = read("log.csv");
    let last = log.lines().last().unwrap();
    assert!(last.starts_with("12,96,") && !last.ends_with(','), "{log}");
    assert!(read("loss.svg").starts_with("<svg") && read("exact.svg").contains("held out"));
    let best = recurra::model::TrmModel::open(run.join("best.safetensors")).unwrap();
    // It says how it was made, as the model does.
    let origin = &best.header.provenance;
    let steps = origin["steps"].as_u64().unwrap();
    assert!((1..=12).contains(&steps), "{origin:?}");
    assert!(origin["held_out_exact"].is_number(), "{origin:?}");
}

#[test]
fn training_takes_puzzles_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.csv");
    let made = program()
        .args([
            "generate",
            "sudoku",
            "--size",
            "4",
            "--count",
            "60",
            "--seed",
            "3",
            "-o",
            data.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert!(made.status.success());
    let mut text = std::fs::read_to_string(&data).unwrap();
    text.push_str("12x4,1234\n");
    std::fs::write(&data, text).unwrap();
    let model = folder.path().join("model");
    let args = [
        "train", "--size", "4", "--steps", "3", "--hidden", "16", "--batch", "4", "--data",
    ];
    let out = program()
        .args(args)
        .arg(&data)
        .arg("-o")
        .arg(&model)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("line 62") && stderr(&out).contains("left out 1 bad lines"),
        "{}",
        stderr(&out)
    );
}

#[test]
fn bad_trainings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    let model = model.to_str().unwrap();
    for (args, status, expected) in [
        (&["--size", "5"][..], 1, "expected 4, 6, 9 or 16"),
        (&["--size", "4", "--minutes=-1"], 2, "--minutes"),
        (&["--size", "4", "--lr", "1e9"], 1, "`lr`"),
        (&["--size", "4", "--hidden", "0"], 1, "`hidden_size`"),
        (
            &["--size", "4", "--mixer", "attention", "--heads", "5"],
            1,
            "`num_heads`",
        ),
        (&["--size", "4", "--data", "nowhere.csv"], 1, "nowhere.csv"),
        (&["--resume"], 1, "model.training"),
        (
            &["--size", "4", "--in-turn"],
            2,
            "--in-turn: expected --task vectors",
        ),
        (
            &["--size", "4", "--neighbours", "2", "--dry-run"],
            2,
            "--neighbours: expected --task vectors",
        ),
        (&["--size", "4", "--think", "65"], 2, "--think"),
        (&["--task", "arc"], 2, "--data"),
        (&["--task", "arc", "--data", "nowhere"], 1, "nowhere"),
        (
            &["--task", "arc", "--augmentations", "9999999"],
            2,
            "--augmentations",
        ),
        (&["--size", "4", "--starts", "0"], 1, "`starts`"),
        (&["--size", "4", "--positions", "grid"], 2, "--positions"),
        (
            &["--size", "4", "--mixer", "conv", "--positions", "line"],
            2,
            "`grid`",
        ),
    ] {
        let out = program()
            .args(["train", "--steps", "1", "-o", model])
            .args(args)
            .output()
            .unwrap();
        assert_eq!(
            out.status.code(),
            Some(status),
            "{args:?}: {}",
            stderr(&out)
        );
        assert!(
            stderr(&out).contains(expected),
            "{args:?}: {}",
            stderr(&out)
        );
    }
    let run = folder.path().join("model.training");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("checkpoint.safetensors"), b"no checkpoint").unwrap();
    let out = program()
        .args(["train", "--resume", "-o", model])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(
        stderr(&out).contains("not a checkpoint"),
        "{}",
        stderr(&out)
    );
}

/// Whoever pulls the plug, twenty times, loses time and nothing else.
#[test]
fn a_training_killed_at_any_moment_ends_with_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    const STEPS: &str = "2000";
    let recipe = [
        "--curriculum",
        "--random-start",
        "0.5",
        "--optimizer",
        "muon",
    ];
    assert!(train(&whole, STEPS, &recipe).status.success());
    let checkpoint = folder.path().join("killed.training/checkpoint.safetensors");
    let written = || {
        let written = std::fs::metadata(&checkpoint).and_then(|m| m.modified());
        written.ok()
    };
    let mut cut_short = 0;
    for kill in 0..20 {
        let before = written();
        let mut command = program();
        command.args(["train", "--threads", "2", "--steps", STEPS]);
        command.args(["--save-every", "0.0005", "-o"]).arg(&killed);
        if kill == 0 {
            command.args(["--size", "4", "--hidden", "16", "--batch", "8"]);
            command
                .args(["--pool", "200", "--l-cycles", "1"])
                .args(recipe);
        } else {
            command.arg("--resume");
        }
        let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
        // Somewhere after its first checkpoint, or while that is being written.
        while written() == before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // Busy, not yielding: on a machine with other work the training would end meanwhile.
        for _ in 0..7919 * kill * kill % 8_000 {
            written();
        }
        child.kill().unwrap();
        // Who has ended by himself has a status.
        cut_short += usize::from(child.wait().unwrap().code().is_none());
    }
    assert!(cut_short >= 10, "{cut_short}");
    let out = train(&killed, STEPS, &["--resume"]);
    assert!(out.status.success(), "{}", stderr(&out));
    assert!(weights(&killed) == weights(&whole));
}
