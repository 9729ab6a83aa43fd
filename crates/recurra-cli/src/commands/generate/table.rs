//! The table, or the arrays, that the puzzles of every task are written to.

use crate::progress;
use crate::puzzle_file::{Format, PuzzleFile, Written};
use anyhow::anyhow;
use rayon::prelude::*;
use recurra::tasks::dataset::Part;
use std::path::PathBuf;

/// The flags that say where puzzles go.
#[derive(clap::Args)]
pub(super) struct Output {
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// File to write, or folder for --format npy; `-` is standard output
    #[arg(short, long, value_name = "OUTPUT", default_value = "-")]
    output: PathBuf,
}

/// What became of a puzzle number.
pub(super) enum Made<P> {
    /// A puzzle.
    Puzzle(P),
    /// A puzzle of the other split.
    Other,
    /// No puzzle was found for this number; there may be some for others.
    NotFound(anyhow::Error),
    /// No number has a puzzle.
    Impossible(anyhow::Error),
}

/// Which puzzles are kept: a value of the flag `--split`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Split {
    Train,
    Test,
}

impl Split {
    /// Of how many puzzles one is kept, where one part of so many is held out.
    pub(super) fn share(split: Option<Split>, parts: u64) -> u64 {
        match split {
            Some(Split::Test) => parts,
            _ => 1,
        }
    }

    /// Whether a puzzle is kept.
    pub(super) fn keeps(split: Option<Split>, is_held_out: bool) -> bool {
        split.is_none_or(|split| is_held_out == (split == Split::Test))
    }
}

/// A table to be written.
pub(super) struct Table<'a> {
    /// Puzzles.
    pub(super) count: u64,
    /// Of how many puzzles one is kept.
    pub(super) share: u64,
    /// Puzzle numbers in a row without a puzzle, after which the search is hopeless.
    pub(super) most_not_found: u64,
    /// What there seems to be none of, where all puzzles are of the other split.
    pub(super) things: &'a str,
    /// Where they go.
    pub(super) output: &'a Output,
    /// Which were asked for: the name of a folder of arrays.
    pub(super) split: Option<Split>,
    /// Tokens of a question, and size of the vocabulary.
    pub(super) tokens: (usize, usize),
}

impl Table<'_> {
    /// Writes the puzzles with the first numbers that have one, on so many threads. Returns how many numbers had none.
    pub(super) fn write<P: Written + Send>(
        &self,
        threads: usize,
        make: impl Fn(u64) -> Made<P> + Sync,
    ) -> anyhow::Result<u64> {
        let part = match self.split {
            Some(Split::Test) => Part::Test,
            _ => Part::Train,
        };
        let Output { format, output } = self.output;
        let mut file = PuzzleFile::create(output, *format, part, self.tokens)?;
        let not_found = self.write_to(&mut file, threads, make)?;
        file.finish()?;
        Ok(not_found)
    }

    fn write_to<P: Written + Send>(
        &self,
        out: &mut PuzzleFile,
        threads: usize,
        make: impl Fn(u64) -> Made<P> + Sync,
    ) -> anyhow::Result<u64> {
        // Where none is kept in thirty times as many as should do (one chance in 10^13), there is none to be had.
        let most_misses = self.share.saturating_mul(30).saturating_add(1000);
        let bar = progress::bar(Some(self.count), "puzzles");
        let (mut next, mut written) = (0u64, 0u64);
        let (mut misses, mut not_found, mut not_found_in_a_row) = (0, 0, 0);
        // Few at first: where none is to be found, that takes long for each.
        let mut chunk = threads as u64;
        while written < self.count {
            let wanted = (self.count - written).saturating_mul(self.share);
            let end = next.saturating_add(wanted.min(chunk));
            let make = |number| {
                let made = make(number);
                if matches!(made, Made::Puzzle(_)) {
                    bar.inc(1);
                }
                made
            };
            let puzzles: Vec<_> = (next..end).into_par_iter().map(make).collect();
            for puzzle in puzzles {
                if written == self.count {
                    break;
                }
                match puzzle {
                    Made::Puzzle(puzzle) => {
                        out.puzzle(&puzzle)?;
                        written += 1;
                        (misses, not_found_in_a_row) = (0, 0);
                    }
                    Made::Other => {
                        (misses, not_found_in_a_row) = (misses + 1, 0);
                        if misses > most_misses {
                            return Err(anyhow!(
                                "{misses} puzzles in a row were of the other split: \
                                 there seems to be no {} left for this one",
                                self.things
                            ));
                        }
                    }
                    Made::NotFound(error) => {
                        (not_found, not_found_in_a_row) = (not_found + 1, not_found_in_a_row + 1);
                        if not_found_in_a_row == self.most_not_found {
                            return Err(error);
                        }
                    }
                    Made::Impossible(error) => return Err(error),
                }
            }
            next = end;
            chunk = (2 * chunk).min(32 * threads as u64);
            bar.set_position(written);
        }
        bar.finish_and_clear();
        Ok(not_found)
    }
}
