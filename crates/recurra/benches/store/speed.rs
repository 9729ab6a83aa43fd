//! Times with a file of 100 MB: keys of 100 bytes, values of 200.

use super::itself;
use super::records::{MODEL, bytes, next};
use recurra::cache::store::Report;
use recurra::cache::{Store, StoreOptions};
use std::path::Path;
use std::time::{Duration, Instant};

const RECORDS: u64 = 270_000;
/// Records that are written together.
const BATCH: u64 = 5000;

fn key(number: u64) -> Vec<u8> {
    bytes(number, 100)
}

fn value(number: u64) -> Vec<u8> {
    bytes(!number, 200)
}

/// Fills a store, and goes on until it is killed.
pub(crate) fn write_on(path: &Path) {
    let store = Store::open(path, StoreOptions::default()).expect("a store");
    for number in 0.. {
        store.put(&MODEL, &key(number % RECORDS), &value(number % RECORDS));
        if number % BATCH == BATCH - 1 {
            store.flush().expect("written");
        }
        if number == RECORDS {
            println!("full");
        }
    }
}

/// Prints everything.
pub(crate) fn table(folder: &Path) {
    let path = folder.join("speed");
    let open = || Store::open(&path, StoreOptions::default()).expect("a store");
    let store = open();
    let (mut puts, mut commits) = (Vec::new(), Vec::new());
    for number in 0..RECORDS {
        let (key, value) = (key(number), value(number));
        puts.push(timed(|| store.put(&MODEL, &key, &value)));
        if number % BATCH == BATCH - 1 {
            commits.push(timed(|| store.flush().expect("written")));
        }
    }
    store.flush().expect("written");
    let stat = store.stat().expect("a readable file");
    assert_eq!((stat.entries(), stat.dropped), (RECORDS, 0));
    println!(
        "{RECORDS} records of 300 bytes: {:.1} MB, {:.1} bytes a record",
        stat.file_bytes as f64 / 1e6,
        stat.file_bytes as f64 / RECORDS as f64,
    );
    println!("{:36} |   median |   99.9 %", "");
    row("put", &mut puts);
    row(&format!("commit of {BATCH}"), &mut commits);
    let single = |number: u64| {
        store.put(&MODEL, &key(number), &value(number));
        timed(|| store.flush().expect("written"))
    };
    row("commit of 1", &mut (0..200).map(single).collect());

    let mut random = 0x0073_7065_6564;
    let mut hit = || {
        let number = next(&mut random) % RECORDS;
        let (key, expected) = (key(number), value(number));
        let mut found = None;
        let time = timed(|| found = store.get(&MODEL, &key).expect("a readable file"));
        assert_eq!(found, Some(expected));
        time
    };
    row("get, known", &mut (0..200_000).map(|_| hit()).collect());
    let miss = |number: u64| {
        let key = key(RECORDS + number);
        timed(|| assert!(store.get(&MODEL, &key).is_ok_and(|v| v.is_none())))
    };
    row("get, unknown", &mut (0..200_000).map(miss).collect());
    row(
        "verify",
        &mut vec![timed(|| {
            let report = store.verify().expect("a readable file");
            assert!(report.damaged.is_empty());
        })],
    );
    drop(store);

    let before = resident();
    let mut kept = None;
    let mut opens = vec![timed(|| kept = Some(open()))];
    if let (Some(before), Some(after)) = (before, resident()) {
        let bytes = after.saturating_sub(before) as f64;
        println!(
            "memory of the open store: {:.1} MB, {:.0} bytes a record",
            bytes / 1e6,
            bytes / RECORDS as f64
        );
    }
    drop(kept);
    for _ in 0..10 {
        opens.push(timed(|| drop(open())));
    }
    row("open and close", &mut opens);
    let mut after_kill = Vec::new();
    for _ in 0..5 {
        std::fs::remove_file(&path).expect("a file");
        let mut child = itself("speed-writer", &path, &[])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a writer");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).expect("text");
        child.kill().expect("a living writer");
        child.wait().expect("an end");
        after_kill.push(timed(|| drop(open())));
        let report = Report::of(&path, true).expect("a store");
        assert!(report.damaged.is_empty() && report.entries() == RECORDS);
    }
    row("open and close after a kill", &mut after_kill);
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn row(name: &str, times: &mut Vec<Duration>) {
    times.sort();
    let at =
        |part: usize| 1e6 * times[(times.len() * part / 1000).min(times.len() - 1)].as_secs_f64();
    println!("  {name:34} | {:8.1} | {:8.1} µs", at(500), at(999));
}

/// Bytes of memory of this program, where the system says.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}
