//! Kills a program that writes to a store, again and again, and looks at what it left.
//!
//! The writer says on its standard output how far it is going to put records (`to N`) and up to which they are on the disk
//! (`safe N`). It is killed after a number of lines, and a while later, that follow from the seed, wherever it is then.

use super::records::{MODEL, key, next, value};
use recurra::cache::store::{Report, Store, StoreOptions};
use recurra::model::ModelId;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The limit of the file that is always full, and of the one that never is.
const LIMITS: [u64; 2] = [1 << 20, 1 << 30];
/// A model whose records are cleared now and then, so that the full file is rewritten.
const CLEARED: ModelId = ModelId([0xc1; 32]);
/// Rounds after which the file that is never full is begun anew.
const ROUNDS_A_FILE: usize = 20;
/// Of the records that the full file had safely, so many of the last must be there.
const LAST: u64 = 200;

/// Puts records from number `from` on, until it is killed.
pub(crate) fn write_on(path: &Path, full: bool, from: u64) {
    let options = StoreOptions {
        max_bytes: LIMITS[usize::from(!full)],
        commit_every: Duration::from_millis(2),
        ..StoreOptions::default()
    };
    let store = Store::open(path, options).expect("a store");
    let mut out = std::io::stdout().lock();
    let mut say = |what: &str, number: u64| {
        writeln!(out, "{what} {number}").expect("somebody listens");
        out.flush().expect("somebody listens");
    };
    let mut random = from ^ 0x5eed | 1;
    let mut number = from;
    for turn in 1_u64.. {
        let to = number + 1 + next(&mut random) % 200;
        say("to", to);
        for number in number..to {
            store.put(&MODEL, &key(number), &value(number));
        }
        number = to;
        if !next(&mut random).is_multiple_of(3) {
            say("to", number);
            store.flush().expect("written");
            say("safe", number);
        }
        if full && turn % 8 == 0 {
            store.put(&CLEARED, b"key", b"value");
            say("to", number);
            store.clear(Some(&CLEARED)).expect("cleared");
            // To clear is to flush.
            say("safe", number);
        }
    }
}

/// What the rounds showed.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Records that were on the disk when the writer was killed, and were looked for.
    pub(crate) safe: u64,
    /// Records that the killed writers had put or were about to.
    pub(crate) put: u64,
    /// Records served afterwards, all of them whole.
    pub(crate) served: u64,
    /// Files with a write cut off in the middle.
    pub(crate) torn: u64,
    /// Kills in the middle of rewriting a file.
    pub(crate) rewriting: u64,
}

/// Kills so many writers. `writer` makes the command that runs [`write_on`] with these arguments.
///
/// # Panics
/// If a store does not open, serves something wrong, is damaged, or lost what was safe.
pub(crate) fn rounds(
    folder: &Path,
    count: usize,
    writer: impl Fn(&Path, bool, u64) -> Command,
) -> Summary {
    let mut summary = Summary::default();
    let mut random = 0x006b_696c_6c00;
    // Of the files of each kind: the next number, and which numbers below were there the last time.
    let mut files: [(u64, Vec<bool>); 2] = Default::default();
    for round in 0..count {
        let full = round % 2 == 1;
        let path = folder.join(if full { "full" } else { "roomy" });
        let (from, there) = &mut files[usize::from(full)];
        if !full && round / 2 % (ROUNDS_A_FILE / 2) == 0 {
            std::fs::remove_file(&path).ok();
            (*from, *there) = (0, Vec::new());
        }
        let (to, safe) = kill(writer(&path, full, *from), &mut random, *from);
        let rewriting = path.with_file_name("full.rewrite.tmp");
        summary.rewriting += u64::from(full && rewriting.exists());

        let report = Report::of(&path, true).ok();
        // A writer may be killed before it has begun its file.
        if let Some(report) = &report {
            assert_eq!(report.damaged, [], "round {round}");
            summary.torn += u64::from(!report.unfinished.is_empty());
        }
        let options = StoreOptions {
            max_bytes: LIMITS[usize::from(!full)],
            ..StoreOptions::default()
        };
        let store = Store::open(&path, options).expect("a store that was killed");
        there.resize(to as usize, false);
        let must = |number: u64| (*from..safe).contains(&number);
        for number in 0..to {
            let found = store.get(&MODEL, &key(number)).expect("a readable file");
            let before = &mut there[number as usize];
            match &found {
                Some(found) => assert_eq!(*found, value(number), "round {round}: {number}"),
                None if full => {
                    let last = must(number) && number + LAST >= safe;
                    assert!(!last, "round {round}: {number} of {from}..{safe} is lost");
                }
                None => assert!(
                    !must(number) && !*before,
                    "round {round}: {number} of {from}..{safe} is lost"
                ),
            }
            *before = found.is_some();
            summary.served += u64::from(found.is_some());
        }
        assert_eq!(store.stat().expect("a readable file").damaged, 0);
        summary.safe += if full {
            (safe - *from).min(LAST)
        } else {
            safe - *from
        };
        summary.put += to - *from;
        *from = to;
        drop(store);
        let length = std::fs::metadata(&path).expect("a file").len();
        assert!(length <= LIMITS[usize::from(!full)], "{length} bytes");
    }
    summary
}

/// Runs a writer, kills it, and says how far it went and what was safe.
fn kill(mut writer: Command, random: &mut u64, from: u64) -> (u64, u64) {
    let (lines, turns) = (1 + next(random) % 60, next(random) % (1 << 22));
    let mut child = writer.stdout(Stdio::piped()).spawn().expect("a writer");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let (mut to, mut safe, mut seen) = (from, from, 0);
    for line in out.lines() {
        let line = line.expect("text");
        // What a test program says of itself is not meant.
        match line.split_once(' ') {
            Some(("to", number)) => to = number.parse().expect("a number"),
            Some(("safe", number)) => safe = number.parse().expect("a number"),
            _ => continue,
        }
        seen += 1;
        if seen == lines {
            // A few milliseconds at most.
            (0..turns).for_each(|_| _ = std::hint::black_box(next(random)));
            child.kill().expect("a living writer");
        }
    }
    let status = child.wait().expect("an end");
    assert!(
        !status.success() && seen >= lines,
        "the writer ended: {status}"
    );
    (to, safe)
}
