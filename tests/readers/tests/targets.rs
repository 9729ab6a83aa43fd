//! Readers and the targets that fuzz them.
#![cfg(unix)]

use recurra_fuzz_readers::READERS;

/// Each is fuzzed by the target of its name, and there is no other target.
#[test]
fn every_reader_has_its_target() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/fuzz_targets");
    let targets = std::fs::read_dir(folder).unwrap();
    let mut targets: Vec<_> = targets
        .map(|target| target.unwrap().file_name().into_string().unwrap())
        .collect();
    targets.sort();
    let readers: Vec<_> = READERS
        .iter()
        .map(|(name, _)| format!("{name}.rs"))
        .collect();
    assert_eq!(targets, readers);
}
