//! The canonical form of a Sudoku: how long it takes, and that it is exact.
//!
//! `cargo bench -p recurra --bench canonical -- [DATA] [--puzzles N] [--variants M]`
//!
//! DATA is a table of puzzles of 9x9 (CSV); without it, puzzles with no givens to spare are generated. Times
//! are told for all of them by source and, without DATA, for grids of other sorts and sizes too. Then the first N
//! (10,000; of DATA: evenly spread) are put through M (100) random symmetries each, and every form is checked.

mod exactness;
mod matching;
mod sorts;
mod timing;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use recurra::tasks::sudoku::{Grid, PuzzleReader, Sudoku};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut data, mut puzzles, mut variants) = (None, 10_000, 100);
    // `cargo bench` adds an argument of its own.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word}: expected a value"));
        match word.as_str() {
            "--puzzles" => puzzles = value()?.parse::<usize>()?.max(1),
            "--variants" => variants = value()?.parse()?,
            _ => data = Some(word),
        }
    }
    let questions = match data {
        Some(path) => {
            let sources = read(&path)?;
            timing::print(
                sources
                    .iter()
                    .map(|(name, grids)| (name.as_str(), &grids[..])),
            );
            let all: Vec<Grid> = sources.into_values().flatten().collect();
            let count = puzzles.min(all.len());
            let spread = (0..count).map(|i| all[i * all.len() / count].clone());
            spread.collect()
        }
        None => {
            let questions = sorts::minimal(9, puzzles)?;
            let sorts = sorts::all()?;
            let first = [("9x9, no givens to spare", &questions[..])];
            let sorts = sorts.iter().map(|(name, grids)| (*name, &grids[..]));
            timing::print(first.into_iter().chain(sorts));
            questions
        }
    };
    exactness::check(&questions, variants)
}

/// The questions of a table by their source.
fn read(path: &str) -> Result<BTreeMap<String, Vec<Grid>>, Box<dyn Error>> {
    let mut sources: BTreeMap<String, Vec<Grid>> = BTreeMap::new();
    let file = BufReader::new(File::open(path)?);
    for entry in PuzzleReader::new(file, Sudoku::new(9)) {
        let puzzle = entry.result?;
        let source = puzzle.source.unwrap_or_default();
        sources.entry(source).or_default().push(puzzle.question);
    }
    Ok(sources)
}
