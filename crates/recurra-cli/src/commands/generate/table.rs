//! The table that the puzzles of every task are written to.

use crate::output::OutputFile;
use crate::progress;
use anyhow::anyhow;
use rayon::prelude::*;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What became of a puzzle number.
pub(super) enum Made {
    /// A puzzle, as the row of a table.
    Row(String),
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
    /// The file, or `-`.
    pub(super) output: &'a Path,
}

impl Table<'_> {
    /// Writes the puzzles with the first numbers that have one, on so many threads. Returns how many numbers had none.
    pub(super) fn write(
        &self,
        threads: usize,
        make: impl Fn(u64) -> Made + Sync,
    ) -> anyhow::Result<u64> {
        if self.output == Path::new("-") {
            let mut out = BufWriter::new(io::stdout().lock());
            let not_found = self.write_to(&mut out, &|e| e.into(), threads, make)?;
            out.flush()?;
            Ok(not_found)
        } else {
            let mut file = OutputFile::create(self.output)?;
            let name = self.output.display();
            let failed = |e: io::Error| anyhow!("{name}: {e}");
            let not_found = self.write_to(&mut file, &failed, threads, make)?;
            file.finish()?;
            Ok(not_found)
        }
    }

    fn write_to(
        &self,
        out: &mut dyn Write,
        failed: &dyn Fn(io::Error) -> anyhow::Error,
        threads: usize,
        make: impl Fn(u64) -> Made + Sync,
    ) -> anyhow::Result<u64> {
        // Where none is kept in thirty times as many as should do (one chance in 10^13), there is none to be had.
        let most_misses = self.share.saturating_mul(30).saturating_add(1000);
        let bar = progress::bar(Some(self.count), "puzzles");
        let (mut next, mut written) = (0u64, 0u64);
        let (mut misses, mut not_found, mut not_found_in_a_row) = (0, 0, 0);
        // Few at first: where none is to be found, that takes long for each.
        let mut chunk = threads as u64;
        writeln!(out, "question,answer").map_err(failed)?;
        while written < self.count {
            let wanted = (self.count - written).saturating_mul(self.share);
            let end = next.saturating_add(wanted.min(chunk));
            let make = |number| {
                let made = make(number);
                if matches!(made, Made::Row(_)) {
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
                    Made::Row(row) => {
                        writeln!(out, "{row}").map_err(failed)?;
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
