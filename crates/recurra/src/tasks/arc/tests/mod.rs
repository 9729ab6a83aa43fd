//! Tasks read, encoded, turned, voted over and scored.

mod augmenting;
mod encoding;
mod reading;
mod scoring;
mod splitting;

use super::grid::{COLOURS, SIDE};
use super::{ArcTask, Grid, Pair, TaskSet, TestPair};
use proptest::collection::vec;
use proptest::prelude::*;

/// A grid from its rows: `"012/345"`.
fn grid(rows: &str) -> Grid {
    let lines: Vec<&str> = rows.split('/').collect();
    let cells = lines.concat().bytes().map(|digit| digit - b'0').collect();
    Grid::new(lines.len(), lines[0].len(), cells).unwrap()
}

fn pair(input: &str, output: &str) -> Pair {
    Pair {
        input: grid(input),
        output: grid(output),
    }
}

/// A task from pairs of `"input>output"`; the last is its test pair.
fn task(name: &str, pairs: &[&str]) -> ArcTask {
    let mut pairs: Vec<Pair> = (pairs.iter())
        .map(|text| {
            let (input, output) = text.split_once('>').unwrap();
            pair(input, output)
        })
        .collect();
    let Pair { input, output } = pairs.pop().unwrap();
    ArcTask {
        name: name.into(),
        train: pairs,
        test: vec![TestPair {
            input,
            output: Some(output),
        }],
    }
}

fn any_grid() -> impl Strategy<Value = Grid> {
    (1..=SIDE, 1..=SIDE).prop_flat_map(|(rows, cols)| {
        vec(0..COLOURS, rows * cols).prop_map(move |cells| Grid::new(rows, cols, cells).unwrap())
    })
}

/// A file of `tests/data/arc`.
fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/arc");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

/// A set of `tests/data/arc` with its solutions.
fn set(name: &str) -> TaskSet {
    let mut set = TaskSet::read(&file(&format!("{name}_challenges.json")));
    set.add_solutions(&file(&format!("{name}_solutions.json")));
    set
}
