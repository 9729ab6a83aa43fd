//! Two processes over MPI train what one does. Needs the feature `mpi` and `mpirun`.
#![cfg(feature = "mpi")]

#[path = "cli/common/mod.rs"]
mod common;

use common::stderr;
use std::path::Path;
use std::process::{Command, Output};

const RECIPE: &str =
    "--size 4 --hidden 16 --batch 7 --pool 100 --l-cycles 1 --constant-lr --threads 1";

fn train(processes: usize, model: &Path, arguments: &str) -> Output {
    let mut command = Command::new("mpirun");
    // A test may run as root, on fewer cores than processes.
    command.args(["--allow-run-as-root", "--oversubscribe", "-np"]);
    command.arg(processes.to_string());
    command.arg(env!("CARGO_BIN_EXE_recurra")).arg("train");
    command
        .args(arguments.split_whitespace())
        .arg("-o")
        .arg(model);
    command.output().unwrap()
}

/// Loss and norm of the gradient in the last line of the log.
fn last(model: &Path) -> [f64; 2] {
    let folder = format!("{}.training", model.display());
    let log = std::fs::read_to_string(format!("{folder}/log.csv")).unwrap();
    let fields: Vec<&str> = log.lines().last().unwrap().split(',').collect();
    [4, 7].map(|field| fields[field].parse().unwrap())
}

#[test]
fn two_processes_train_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let out = train(1, &one, &format!("{RECIPE} --steps 6"));
    assert!(out.status.success(), "{}", stderr(&out));
    let out = train(2, &two, &format!("{RECIPE} --steps 6"));
    assert!(out.status.success(), "{}", stderr(&out));
    let told = stderr(&out);
    assert_eq!(told.matches("in each of 2 processes").count(), 1, "{told}");
    let (one, two) = (last(&one), last(&two));
    for (one, two) in one.into_iter().zip(two) {
        assert!((one - two).abs() < 1e-3 * one.abs(), "{one} and {two}");
    }
    // What two have saved, one or two go on with.
    for processes in [1, 2] {
        let out = train(
            processes,
            &folder.path().join("two"),
            "--resume --steps 8 --threads 1",
        );
        assert!(out.status.success(), "{}", stderr(&out));
    }
}
