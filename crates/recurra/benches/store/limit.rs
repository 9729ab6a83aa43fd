//! A long run of records of random sizes against a limit of the file.

use super::records::{MODEL, bytes, next};
use recurra::cache::{Store, StoreOptions};
use std::path::Path;

const LIMIT: u64 = 64 << 20;
/// Bytes put in all.
const PUT: u64 = 1 << 30;

/// Says how large the file was at most, and how much of it is used in the end.
pub(crate) fn table(folder: &Path) {
    let path = folder.join("limit");
    let options = StoreOptions {
        max_bytes: LIMIT,
        ..StoreOptions::default()
    };
    let store = Store::open(&path, options).expect("a store");
    let mut random = 0x6c69_6d69_7400;
    let (mut put, mut number, mut unflushed, mut most) = (0, 0, 0, 0);
    while put < PUT {
        // Every order of magnitude from 1 byte to 100 KB as often as any other.
        let magnitude = next(&mut random) % 1000;
        let length = 10_f64.powf(magnitude as f64 / 200.0) as usize;
        store.put(&MODEL, &bytes(number, 100), &bytes(!number, length));
        put += length as u64 + 100;
        unflushed += length + 100;
        number += 1;
        if unflushed > 2 << 20 {
            store.flush().expect("written");
            unflushed = 0;
            most = most.max(std::fs::metadata(&path).expect("a file").len());
        }
    }
    store.flush().expect("written");
    let stat = store.stat().expect("a readable file");
    let report = store.verify().expect("a readable file");
    assert!(most <= LIMIT && report.damaged.is_empty() && stat.dropped == 0);
    let live: u64 = stat.models.iter().map(|used| used.bytes).sum();
    println!(
        "\n{} MiB in {number} records, limit {} MiB: the file had at most {:.2} % of it; in the end {:.1} % of the file are {} records, {} were evicted",
        put >> 20,
        LIMIT >> 20,
        100.0 * most as f64 / LIMIT as f64,
        100.0 * live as f64 / stat.file_bytes as f64,
        stat.entries(),
        stat.evicted,
    );
}
