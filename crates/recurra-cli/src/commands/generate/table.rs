//! The flags that puzzles of every task are generated with, and the table, or the arrays, that they are written to.

use crate::exit::{self, UsageError};
use crate::output::{Named, refuse_inputs};
use crate::progress;
use crate::puzzle_file::{Format, PuzzleFile, Written};
use crate::threads::Threads;
use anyhow::anyhow;
use indicatif::ProgressBar;
use rayon::prelude::*;
use recurra::tasks::HeldOut;
use recurra::tasks::dataset::Part;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The flags of every task.
#[derive(clap::Args)]
pub(super) struct Run {
    /// How many puzzles
    #[arg(long, value_name = "N")]
    count: u64,
    /// Seed
    #[arg(long, value_name = "S")]
    pub(super) seed: u64,
    /// Hold out one part of so many for testing, with all that would give its puzzles away: of Sudoku one solution grid in so
    /// many, of others one puzzle and what symmetries make of it; --split says which puzzles to keep
    #[arg(long, value_name = "PARTS", requires = "split", value_parser = clap::value_parser!(u64).range(2..))]
    held_out: Option<u64>,
    /// Keep only puzzles for training, or only those held out for testing
    #[arg(long, requires = "held_out")]
    split: Option<Split>,
    #[command(flatten)]
    threads: Threads,
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
    /// A puzzle that is not kept, for this reason.
    Other(Filter),
    /// No puzzle was found for this number; there may be some for others.
    NotFound(anyhow::Error),
    /// No number has a puzzle.
    Impossible(anyhow::Error),
}

/// Why a puzzle that was made is not kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// It is of the other split.
    Split,
    /// It is of another level.
    Level,
}

/// Which puzzles are kept: a value of the flag `--split`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Split {
    Train,
    Test,
}

/// What is to be known of a task before its puzzles are written.
pub(super) struct Kind<'a> {
    /// Puzzle numbers in a row without a puzzle, after which the search is hopeless.
    pub(super) most_not_found: u64,
    /// What puzzles are of that are not kept.
    pub(super) others: &'a str,
    /// What there seems to be none of, where all puzzles are of the other split.
    pub(super) things: &'a str,
    /// Tokens of a question, and size of the vocabulary.
    pub(super) tokens: (usize, usize),
    /// The flags that were given and make puzzles hard to find.
    pub(super) hard: Vec<&'a str>,
    /// Whether the table says how hard each puzzle is.
    pub(super) rated: bool,
}

/// The flags that were given, of those that may be.
pub(super) fn given<'a>(flags: &[(&'a str, bool)]) -> Vec<&'a str> {
    let given = flags.iter().filter(|(_, given)| *given);
    given.map(|(flag, _)| *flag).collect()
}

impl Run {
    /// Refuses to write over what is read.
    pub(super) fn refuse_inputs(&self, inputs: &[Named<'_>]) -> Result<(), UsageError> {
        refuse_inputs(&[("--output", &self.output)], inputs)
    }

    /// Whether puzzles of this split class were asked for.
    pub(super) fn keeps(&self, class: u64) -> bool {
        let held_out = HeldOut::new(self.held_out.unwrap_or(0));
        let wanted = |split| held_out.contains(class) == (split == Split::Test);
        self.split.is_none_or(wanted)
    }

    /// Of how many puzzles one is kept.
    fn share(&self) -> u64 {
        match self.split {
            Some(Split::Test) => self.held_out.unwrap_or(1),
            _ => 1,
        }
    }

    /// Writes the puzzles with the first numbers that have one. Returns how many numbers had none.
    pub(super) fn write<P: Written + Send>(
        &self,
        kind: &Kind<'_>,
        make: impl Fn(u64) -> Made<P> + Sync,
    ) -> anyhow::Result<u64> {
        let part = match self.split {
            Some(Split::Test) => Part::Test,
            _ => Part::Train,
        };
        let threads = self.threads.start()?;
        let (tokens, rated) = (kind.tokens, kind.rated);
        let mut file = PuzzleFile::create(&self.output, self.format, part, tokens, rated)?;
        let bar = progress::bar(Some(self.count), "puzzles");
        let (made, (working, over)) = (Counts::default(), channel());
        let outlook = Outlook {
            count: self.count,
            kind,
            bar: &bar,
            counts: &made,
        };
        let not_found = std::thread::scope(|scope| {
            scope.spawn(|| outlook.tell(over));
            let make = |number| {
                let puzzle = make(number);
                let counter = match puzzle {
                    Made::Puzzle(_) => &made.found,
                    Made::Other(Filter::Split) => &made.other_split,
                    Made::Other(Filter::Level) => &made.other_level,
                    Made::NotFound(_) | Made::Impossible(_) => return puzzle,
                };
                counter.fetch_add(1, Ordering::Relaxed);
                if matches!(puzzle, Made::Puzzle(_)) {
                    bar.inc(1);
                }
                puzzle
            };
            let not_found = self.write_to(&mut file, kind, threads, &bar, make);
            drop(working);
            not_found
        })?;
        bar.finish_and_clear();
        file.finish()?;
        Ok(not_found)
    }

    fn write_to<P: Written + Send>(
        &self,
        out: &mut PuzzleFile,
        kind: &Kind<'_>,
        threads: usize,
        bar: &ProgressBar,
        make: impl Fn(u64) -> Made<P> + Sync,
    ) -> anyhow::Result<u64> {
        // Where none is kept in thirty times as many as should do (one chance in 10^13), there is none to be had.
        let share = self.share();
        let most_misses = share.saturating_mul(30).saturating_add(1000);
        let (mut next, mut written) = (0u64, 0u64);
        let (mut misses, mut not_found, mut not_found_in_a_row) = (0, 0, 0);
        // Few at first: where none is to be found, that takes long for each.
        let mut chunk = threads as u64;
        while written < self.count {
            let wanted = (self.count - written).saturating_mul(share);
            let end = next.saturating_add(wanted.min(chunk));
            let puzzles: Vec<_> = (next..end).into_par_iter().map(&make).collect();
            for puzzle in puzzles {
                if written == self.count {
                    break;
                }
                match puzzle {
                    Made::Puzzle(puzzle) => {
                        out.puzzle(&puzzle, kind.rated)?;
                        written += 1;
                        (misses, not_found_in_a_row) = (0, 0);
                    }
                    Made::Other(_) => {
                        (misses, not_found_in_a_row) = (misses + 1, 0);
                        if misses > most_misses {
                            return Err(anyhow!(
                                "{misses} puzzles in a row were of {}: \
                                 there seems to be no {} left for this one",
                                kind.others,
                                kind.things
                            ));
                        }
                    }
                    Made::NotFound(error) => {
                        (not_found, not_found_in_a_row) = (not_found + 1, not_found_in_a_row + 1);
                        if not_found_in_a_row == kind.most_not_found {
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
        Ok(not_found)
    }
}

/// How long the first look at the rate is waited for; each further one twice as long.
const FIRST_LOOK: Duration = Duration::from_secs(3);
/// What may take longer than this is told.
const LONG: f64 = 3600.0;

/// What has become of puzzle numbers.
#[derive(Default)]
struct Counts {
    found: AtomicU64,
    other_split: AtomicU64,
    other_level: AtomicU64,
}

/// Says while puzzles are generated how fast that goes, where it would take long or may never end.
struct Outlook<'a> {
    count: u64,
    kind: &'a Kind<'a>,
    bar: &'a ProgressBar,
    counts: &'a Counts,
}

impl Outlook<'_> {
    /// Until `over` is hung up.
    fn tell(&self, over: Receiver<()>) {
        let (began, mut next) = (Instant::now(), FIRST_LOOK);
        let rest = |next: Duration| next.saturating_sub(began.elapsed());
        while over.recv_timeout(rest(next)) == Err(RecvTimeoutError::Timeout) {
            let counts = self.counts;
            let counts = [&counts.found, &counts.other_split, &counts.other_level];
            let counts = counts.map(|count| count.load(Ordering::Relaxed));
            if let Some(text) = self.text(counts, began.elapsed().as_secs_f64()) {
                self.bar.suspend(|| exit::note(&text));
            }
            next *= 2;
        }
    }

    /// What is told when so many puzzles were found and so many left out, by their split and by their level.
    fn text(&self, [found, split, level]: [u64; 3], seconds: f64) -> Option<String> {
        let rate = found as f64 / seconds;
        let left = self.count.saturating_sub(found) as f64 / rate;
        let (left_out, things, flag) = if split >= level {
            (split, "of the other split", "--held-out")
        } else {
            (level, "of another level", "--level")
        };
        // Puzzles are made, but hardly any is kept; or they are hard to make.
        let (made, flags) = if left_out > found {
            (format!(" ({left_out} were {things})"), flag.to_owned())
        } else if self.kind.hard.is_empty() {
            (String::new(), "--count".to_owned())
        } else {
            (String::new(), self.kind.hard.join(" or "))
        };
        let all = exit::count(self.count, "puzzle");
        match found {
            0 if left_out > 0 => Some(format!(
                "none of {all} found in {seconds:.0} s{made}; ask for less with {flags}"
            )),
            0 => Some(format!(
                "none of {all} found in {seconds:.0} s: this is unlikely to end; ask for less with {flags}"
            )),
            _ if left > LONG => Some(format!(
                "{found} of {all} found in {seconds:.0} s{made}, {rate:.2} a second: the others would take {:.1} hours; ask for less with {flags}",
                left / 3600.0
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_that_is_the_cause_is_named() {
        let text = |hard: &[&str], counts, seconds| {
            let kind = Kind {
                most_not_found: 1,
                others: "",
                things: "",
                tokens: (1, 2),
                hard: hard.to_vec(),
                rated: false,
            };
            let outlook = Outlook {
                count: 100,
                kind: &kind,
                bar: &ProgressBar::hidden(),
                counts: &Counts::default(),
            };
            outlook.text(counts, seconds)
        };
        for (hard, counts, told) in [
            (
                &["--givens"][..],
                [0, 0, 0],
                "unlikely to end; ask for less with --givens",
            ),
            (&[], [0, 0, 0], "unlikely to end; ask for less with --count"),
            (
                &["--givens"],
                [0, 7, 0],
                "s (7 were of the other split); ask for less with --held-out",
            ),
            (
                &["--givens", "--level"],
                [1, 5, 90],
                "(90 were of another level), 0.01 a second: the others would take 2.8 hours; ask for less with --level",
            ),
            (
                &["--givens", "--level"],
                [1, 1, 0],
                "hours; ask for less with --givens or --level",
            ),
        ] {
            let found = text(hard, counts, 100.0).unwrap();
            assert!(found.contains(told), "{told}: {found}");
        }
        assert_eq!(text(&[], [50, 0, 0], 100.0), None);
    }
}
