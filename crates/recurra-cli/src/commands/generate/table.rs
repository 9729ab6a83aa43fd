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
    /// The flags that make puzzles easier to find.
    pub(super) easier: &'a str,
    /// Whether the table says how hard each puzzle is.
    pub(super) rated: bool,
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
        let (found, (working, over)) = (AtomicU64::new(0), channel());
        let outlook = Outlook {
            count: self.count,
            kind,
            bar: &bar,
            found: &found,
        };
        let not_found = std::thread::scope(|scope| {
            scope.spawn(|| outlook.tell(over));
            let make = |number| {
                let made = make(number);
                if matches!(made, Made::Puzzle(_)) {
                    found.fetch_add(1, Ordering::Relaxed);
                    bar.inc(1);
                }
                made
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
                    Made::Other => {
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

/// Says while puzzles are generated how fast that goes, where it would take long or may never end.
struct Outlook<'a> {
    count: u64,
    kind: &'a Kind<'a>,
    bar: &'a ProgressBar,
    found: &'a AtomicU64,
}

impl Outlook<'_> {
    /// Until `over` is hung up.
    fn tell(&self, over: Receiver<()>) {
        let (began, mut next) = (Instant::now(), FIRST_LOOK);
        let rest = |next: Duration| next.saturating_sub(began.elapsed());
        while over.recv_timeout(rest(next)) == Err(RecvTimeoutError::Timeout) {
            let found = self.found.load(Ordering::Relaxed);
            if let Some(text) = self.text(found, began.elapsed().as_secs_f64()) {
                self.bar.suspend(|| exit::note(&text));
            }
            next *= 2;
        }
    }

    fn text(&self, found: u64, seconds: f64) -> Option<String> {
        let (rate, easier) = (found as f64 / seconds, self.kind.easier);
        let left = self.count.saturating_sub(found) as f64 / rate;
        match found {
            0 => Some(format!(
                "none of {} found in {seconds:.0} s: this is unlikely to end; ask for less with {easier}",
                exit::count(self.count, "puzzle")
            )),
            _ if left > LONG => Some(format!(
                "{found} of {} found in {seconds:.0} s, {rate:.2} a second: the others would take {:.1} hours; ask for less with {easier}",
                exit::count(self.count, "puzzle"),
                left / 3600.0
            )),
            _ => None,
        }
    }
}
