//! All tasks of ARC data sets: read, augmented, encoded, and back again.
//!
//! `cargo bench -p recurra --bench arc -- [FOLDER] [AUGMENTATIONS]` reads every `NAME_challenges.json` of the folder, with
//! `NAME_solutions.json` beside it, and prints a line for each: what was read, and of how many augmented grids how many did
//! not come back the same. Then, for every set with "training" in its name and every one with "evaluation", what of the
//! former must not be trained on for the latter. The folder is `tests/data/arc` and the augmentations are 100 where they are
//! not given; the reference implementation makes 1000.

use recurra::tasks::arc::{Grid, Identifiers, Shift, TaskSet, TrainingPairs, crop, encode};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Seed of the augmentations.
const SEED: u64 = 42;

fn main() {
    // `cargo bench` adds an argument of its own.
    let args = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/arc");
    let (mut folder, mut augmentations) = (PathBuf::from(here), 100);
    for arg in args {
        match arg.parse() {
            Ok(number) => augmentations = number,
            Err(_) => folder = arg.into(),
        }
    }
    let sets = read(&folder);
    println!(
        "set | tasks | demonstrations | tests | known outputs | errors | rows | grids checked | not the same | seconds"
    );
    for (name, set) in &sets {
        let start = Instant::now();
        let (rows, grids, bad) = check(set, augmentations);
        let known = |task: &recurra::tasks::arc::ArcTask| {
            task.test
                .iter()
                .filter(|pair| pair.output.is_some())
                .count()
        };
        println!(
            "{name} | {} | {} | {} | {} | {} | {rows} | {grids} | {bad} | {:.1}",
            set.tasks.len(),
            set.tasks.iter().map(|task| task.train.len()).sum::<usize>(),
            set.tasks.iter().map(|task| task.test.len()).sum::<usize>(),
            set.tasks.iter().map(known).sum::<usize>(),
            set.errors.len(),
            start.elapsed().as_secs_f64(),
        );
        set.errors.iter().for_each(|error| println!("  {error}"));
    }
    println!(
        "\ntrained on | evaluated on | tasks of the same name | other pairs that are test pairs | pairs left"
    );
    let of = |kind: &'static str| sets.iter().filter(move |(name, _)| name.contains(kind));
    for (training, learnt) in of("training") {
        for (evaluation, asked) in of("evaluation") {
            let selected = TrainingPairs::select(&learnt.tasks, &asked.tasks);
            let left: usize = selected.groups.iter().map(|group| group.pairs.len()).sum();
            let (names, pairs) = (selected.same_name, selected.same_pair);
            println!("{training} | {evaluation} | {names} | {pairs} | {left}");
        }
    }
}

/// The sets of a folder with their names.
fn read(folder: &Path) -> Vec<(String, TaskSet)> {
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix("_challenges.json").map(String::from))
        .collect();
    names.sort();
    let sets = names.into_iter().map(|name| {
        let file = |kind: &str| std::fs::read(folder.join(format!("{name}_{kind}.json")));
        let mut set = TaskSet::read(&file("challenges").expect("a file"));
        if let Ok(solutions) = file("solutions") {
            set.add_solutions(&solutions);
        }
        (name, set)
    });
    sets.collect()
}

/// Rows of a table of these tasks, augmented grids, and how many of them did not come back the same.
fn check(set: &TaskSet, augmentations: usize) -> (usize, usize, usize) {
    let mut table = Identifiers::new();
    let (mut grids, mut bad) = (0, 0);
    let mut tokens = Vec::new();
    for task in &set.tasks {
        table.add(task, augmentations, SEED);
        let shown = task
            .train
            .iter()
            .flat_map(|pair| [&pair.input, &pair.output]);
        let asked = (task.test.iter()).flat_map(|pair| [Some(&pair.input), pair.output.as_ref()]);
        let all: Vec<&Grid> = shown.chain(asked.flatten()).collect();
        for (_, augmentation) in table.rows(&task.name) {
            for grid in &all {
                encode(&augmentation.apply(grid), Shift::default(), &mut tokens);
                let back = crop(&tokens).map(|image| augmentation.inverse().apply(&image));
                grids += 1;
                bad += usize::from(back.as_ref() != Some(*grid));
            }
        }
    }
    let again = Identifiers::from_json(table.to_json().as_bytes()).expect("what was written");
    assert!((0..=table.count()).all(|row| again.get(row) == table.get(row)));
    (table.count(), grids, bad)
}
