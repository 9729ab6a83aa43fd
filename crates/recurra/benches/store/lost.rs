//! How much a kill loses of what was put, with the options as they are by default.

use super::itself;
use super::records::{MODEL, key, next, value};
use recurra::cache::{Store, StoreOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Puts ten records a millisecond, from this number on, until it is killed.
pub(crate) fn write_on(path: &Path, from: u64) {
    let store = Store::open(path, StoreOptions::default()).expect("a store");
    let mut out = std::io::stdout().lock();
    for number in from.. {
        store.put(&MODEL, &key(number), &value(number));
        if number % 10 == 9 {
            writeln!(out, "{}", number + 1).expect("somebody listens");
            out.flush().expect("somebody listens");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Kills so many writers at random times and says how old the oldest record was that was not there afterwards.
pub(crate) fn table(folder: &Path, count: u64) {
    let path = folder.join("lost");
    let mut random = 0x006c_6f73_7400;
    let mut ages = Vec::new();
    let mut from = 0;
    for _ in 0..count {
        let mut child = itself("lost-writer", &path, &[&from.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a writer");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let reader = std::thread::spawn(move || -> Vec<(Instant, u64)> {
            let number = |line: std::io::Result<String>| line.ok()?.parse().ok();
            let lines = out.lines().map_while(number);
            lines.map(|number| (Instant::now(), number)).collect()
        });
        std::thread::sleep(Duration::from_millis(600 + next(&mut random) % 1400));
        child.kill().expect("a living writer");
        let killed = Instant::now();
        child.wait().expect("an end");
        let put = reader.join().expect("lines");
        let store = Store::open(&path, StoreOptions::default()).expect("a store");
        let known = |number: u64| {
            let found = store.get(&MODEL, &key(number)).expect("a readable file");
            found.is_some_and(|found| found == value(number))
        };
        let lost = put.iter().find(|&&(_, number)| !known(number - 1));
        ages.push(lost.map_or(Duration::ZERO, |(at, _)| {
            killed.saturating_duration_since(*at)
        }));
        from = put.last().map_or(from, |&(_, number)| number);
    }
    ages.sort();
    let (median, most) = (ages[ages.len() / 2], ages[ages.len() - 1]);
    println!(
        "\n{count} kills of a program that puts 10 records a millisecond: the oldest lost record was {:.0} ms old (median), {:.0} ms at most",
        median.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3,
    );
}
