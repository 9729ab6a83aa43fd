//! Programs that write to a store and are killed in the middle of it, or cannot write.
//! `cargo bench -p recurra --bench store -- kill` does the same more often.

#![cfg(feature = "store")]

#[path = "../benches/store/kill.rs"]
mod kill;
#[path = "../benches/store/records.rs"]
mod records;

use recurra::cache::{Store, StoreOptions};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Says that this program is a writer, and what it is to write.
const WRITER: &str = "RECURRA_TEST_STORE_WRITER";

/// Runs a test of this file as a program of its own, with this in its surroundings.
fn itself(test: &str, what: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(WRITER, what);
    command
}

/// One test at a time: a process that another thread starts holds this one's open files, and their locks, until it
/// runs its own program.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
#[ignore = "the program that `a_killed_writer_leaves_whole_records` kills"]
fn writer() {
    let Ok(what) = std::env::var(WRITER) else {
        return;
    };
    let mut what = what.splitn(3, ' ');
    let full = what.next() == Some("true");
    let from = what.next().unwrap().parse().unwrap();
    kill::write_on(Path::new(what.next().unwrap()), full, from);
}

#[test]
fn a_killed_writer_leaves_whole_records() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let summary = kill::rounds(folder.path(), 10, |path, full, from| {
        itself("writer", &format!("{full} {from} {}", path.display()))
    });
    assert!(
        summary.safe > 100 && summary.served >= summary.safe,
        "{summary:?}"
    );
}

/// How many records the program below puts.
const PUT: u64 = 2000;

#[test]
#[ignore = "the program that `a_file_that_cannot_grow_is_told_of` runs"]
fn limited() {
    let Ok(path) = std::env::var(WRITER) else {
        return;
    };
    let options = StoreOptions {
        // Only when told to.
        commit_every: Duration::from_secs(3600),
        ..StoreOptions::default()
    };
    let store = Store::open(&path, options).unwrap();
    let mut failures = Vec::new();
    for number in 0..PUT {
        store.put(
            &records::MODEL,
            &records::key(number),
            &records::value(number),
        );
        if number % 100 == 99 {
            failures.extend(store.flush().err());
        }
    }
    let stat = store.stat().unwrap();
    assert_eq!(stat.written + stat.dropped, PUT);
    assert_eq!(stat.evicted, 0);
    assert!(stat.failure.is_some_and(|why| why.contains("too large")));
    for number in 0..PUT {
        let found = store.get(&records::MODEL, &records::key(number)).unwrap();
        let expected = (number < stat.written).then(|| records::value(number));
        assert_eq!(found, expected);
    }
    assert_eq!(failures.len() as u64, stat.dropped / 100);
    println!("wrote {} and {}", stat.written, failures[0]);
}

/// A limit on the size of files stands for a full disk.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_grow_is_told_of() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    let writer = itself("limited", path.to_str().unwrap());
    let mut shell = Command::new("sh");
    // 1000 units of 512 or 1024 bytes; without the trap the system would end the program.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$@\"", "sh"]);
    shell.arg(writer.get_program()).args(writer.get_args());
    let output = shell.env(WRITER, &path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("answers: File too large"), "{text}");
    let store = Store::open(&path, StoreOptions::default()).unwrap();
    let written = store.stat().unwrap().entries();
    assert!((100..PUT).contains(&written), "{written}");
    store.put(&records::MODEL, b"with", b"room");
    store.flush().unwrap();
    assert!(store.verify().unwrap().damaged.is_empty());
}
