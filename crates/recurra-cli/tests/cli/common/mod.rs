//! What the tests of the program share: running it, and models to run it with.

// Each test file is a program of its own and uses a part of this.
#![allow(dead_code)]

use recurra::model::{TrmModel, TrmWeights};
use recurra::tasks::TaskSpec;
use recurra::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program, with nothing of the caller's surroundings that changes what it prints.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recurra"));
    command.env_remove("NO_COLOR").env_remove("RECURRA_ISA");
    command
}

/// Runs the program with arguments separated by blanks; paths are put in place of `{}`.
pub(crate) fn recurra(arguments: &str, paths: &[&Path]) -> Output {
    run(arguments, paths, b"")
}

/// The same with something on standard input.
pub(crate) fn run(arguments: &str, paths: &[&Path], input: &[u8]) -> Output {
    let mut paths = paths.iter();
    let mut command = program();
    for argument in arguments.split_whitespace() {
        match argument {
            "{}" => command.arg(paths.next().expect("a path for every {}")),
            _ => command.arg(argument),
        };
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The program may end before it has read everything.
        scope.spawn(move || stdin.write_all(input).ok());
        child.wait_with_output().unwrap()
    })
}

/// Signals that end a program, and its status then. A shell's background jobs ignore INT, and `nohup` makes them ignore HUP;
/// what they start ignores these, too.
#[cfg(unix)]
pub(crate) fn signals() -> Vec<(&'static str, i32)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    let heeded: Vec<_> = [("INT", 2), ("TERM", 15), ("HUP", 1)]
        .into_iter()
        .filter(|(_, number)| (ignored >> (number - 1)) & 1 == 0)
        .map(|(name, number)| (name, 128 + number))
        .collect();
    assert!(!heeded.is_empty(), "all signals are ignored");
    heeded
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

/// The JSON objects on standard output, one a line.
pub(crate) fn json(output: &Output) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    stdout(output).lines().map(parse).collect()
}

/// Fails unless the program refused with one message that holds `part`.
#[track_caller]
pub(crate) fn refused(output: &Output, part: &str) {
    let message = stderr(output);
    assert_eq!(status(output), Some(1), "{message}");
    assert_eq!(stdout(output), "");
    assert!(message.starts_with("recurra: "), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(!message.contains("panicked"), "{message}");
    assert!(message.contains(part), "{message}");
}

/// The smallest architecture for a 4x4 Sudoku.
pub(crate) fn config() -> TrmConfig {
    TrmConfig {
        vocab_size: 6,
        seq_len: 16,
        hidden_size: 16,
        num_heads: 2,
        expansion: 1.0,
        swiglu_multiple: SWIGLU_MULTIPLE,
        num_layers: 1,
        h_cycles: 1,
        l_cycles: 1,
        mixer: Mixer::Attention,
        positions: Positions::Rotary,
        puzzle_emb_ndim: 0,
        puzzle_emb_len: 0,
        num_puzzle_identifiers: 1,
        halt_max_steps: 4,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    }
}

fn save(dir: &Path, name: &str, weights: TrmWeights) -> PathBuf {
    let path = dir.join(name);
    let task = TaskSpec::Sudoku { size: 4 };
    TrmModel::new(config(), Some(task), weights)
        .save(&path)
        .unwrap();
    path
}

/// A model that knows nothing.
pub(crate) fn random_model(dir: &Path) -> PathBuf {
    save(dir, "random.safetensors", TrmWeights::random(&config(), 1))
}

/// A model that says what it was asked: right exactly where the question has no blank.
pub(crate) fn copying_model(dir: &Path) -> PathBuf {
    let mut weights = TrmWeights::zeros(&config());
    for token in 0..config().vocab_size {
        weights.embed_tokens.row_mut(token)[token] = 1.0;
        weights.lm_head.row_mut(token)[token] = 1.0;
    }
    weights.q_bias.row_mut(0).fill(-5.0);
    save(dir, "copying.safetensors", weights)
}

/// A fixture of the reference implementation.
pub(crate) fn reference(model: &str, file: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/reference");
    Path::new(root).join(model).join(file)
}

/// A solved 4x4 grid, and a puzzle with that solution.
pub(crate) const SOLVED: &str = "3142241342311324";
pub(crate) const PUZZLE: &str = "...22.1...3.1...";
