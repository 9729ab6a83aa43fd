use super::format::{FILE_HEAD, SEGMENT, segment_start};
use super::{Report, Store, StoreOptions};
use crate::model::ModelId;
use crate::testing::cases;
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const A: ModelId = ModelId([7; 32]);
const B: ModelId = ModelId([9; 32]);

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    (folder, path)
}

fn small(max_bytes: u64) -> StoreOptions {
    StoreOptions {
        max_bytes,
        // The tests say when to write.
        commit_every: Duration::from_secs(3600),
        ..StoreOptions::default()
    }
}

fn open(path: &Path) -> Store {
    Store::open(path, small(64 << 20)).unwrap()
}

fn key(i: u64) -> Vec<u8> {
    let mut key = i.to_le_bytes().to_vec();
    key.resize(8 + (i % 90) as usize, b'k');
    key
}

fn value(i: u64) -> Vec<u8> {
    let byte = |n: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 57)) as u8;
    (0..i.wrapping_mul(37) % 500).map(byte).collect()
}

/// A store of this many answers of `A` as its file's bytes.
fn filled(path: &Path, count: u64) -> Vec<u8> {
    let store = open(path);
    (0..count).for_each(|i| store.put(&A, &key(i), &value(i)));
    store.flush().unwrap();
    drop(store);
    std::fs::read(path).unwrap()
}

#[track_caller]
fn refused(path: &Path, part: &str) {
    for error in [
        Store::open(path, small(1 << 20)).unwrap_err(),
        Report::of(path, true).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(message.contains(part), "{message}");
        assert!(message.contains("answers"), "{message}");
    }
}

#[test]
fn answers_are_known_at_once_and_after_reopening() {
    let (_folder, path) = folder();
    let long = vec![3; Store::MOST.0 - 5];
    let store = open(&path);
    store.put(&A, b"key", b"one");
    store.put(&A, b"key", b"two");
    store.put(&B, b"key", b"other");
    store.put(&A, b"", b"");
    store.put(&A, b"large", &long);
    store.put(&A, b"larger", &vec![0; Store::MOST.0]);
    store.put(&A, &vec![0; Store::MOST.1 + 1], b"");
    let check = |store: &Store| {
        let get = |model, key: &[u8]| store.get(&model, key).unwrap();
        assert_eq!(get(A, b"key").unwrap(), b"two");
        assert_eq!(get(B, b"key").unwrap(), b"other");
        assert_eq!(get(A, b"").unwrap(), b"");
        assert_eq!(get(A, b"large").unwrap(), long);
        assert_eq!(get(A, b"larger"), None);
        assert_eq!(get(B, b"large"), None);
        assert_eq!(get(A, b"ke"), None);
    };
    check(&store);
    let stat = store.stat().unwrap();
    assert_eq!((stat.waiting, stat.entries(), stat.dropped), (4, 0, 2));
    assert_eq!((stat.hits, stat.misses), (4, 3));
    store.flush().unwrap();
    check(&store);
    let stat = store.stat().unwrap();
    assert_eq!((stat.waiting, stat.entries(), stat.written), (0, 4, 4));
    drop(store);
    check(&open(&path));
}

#[test]
fn dropping_writes_what_waits() {
    let (_folder, path) = folder();
    open(&path).put(&A, b"key", b"value");
    assert_eq!(open(&path).get(&A, b"key").unwrap().unwrap(), b"value");
    let report = Report::of(&path, true).unwrap();
    assert_eq!((report.entries(), report.unfinished.len()), (1, 0));
}

#[test]
fn too_many_waiting_answers_are_dropped() {
    let (_folder, path) = folder();
    let options = StoreOptions {
        max_waiting: 2000,
        ..small(1 << 20)
    };
    let store = Store::open(&path, options).unwrap();
    store.put(&A, b"key", &[0; 3000]);
    assert_eq!(store.get(&A, b"key").unwrap(), None);
    store.put(&A, b"key", &[0; 300]);
    store.flush().unwrap();
    let stat = store.stat().unwrap();
    assert_eq!((stat.dropped, stat.written), (1, 1));
}

#[test]
fn a_file_belongs_to_one_program() {
    let (_folder, path) = folder();
    let store = open(&path);
    refused(&path, "found it in use");
    drop(store);
    open(&path);
    Report::of(&path, true).unwrap();
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let (folder, path) = folder();
    let good = filled(&path, 3);
    let mut version = good.clone();
    version[8] = 2;
    let mut damaged = good.clone();
    damaged[40] = 1;
    let cases: [(&[u8], &str); 5] = [
        (
            b"53.|..1\n",
            "expected the mark `RECURRAC`, found `53.|..1\\n`",
        ),
        (b"RECURRAK12345678", "found `RECURRAK`"),
        (&[0; 5000], "expected the mark"),
        (&version, "expected version 1, found 2"),
        (&damaged, "expected a whole head"),
    ];
    for (bytes, part) in cases {
        std::fs::write(&path, bytes).unwrap();
        refused(&path, part);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    let inside = folder.path().join("no folder").join("answers");
    let message = Store::open(&inside, small(0)).unwrap_err().to_string();
    assert!(message.contains("No such file"), "{message}");
    let directory = folder.path().join("answers of others");
    std::fs::create_dir(&directory).unwrap();
    refused(&directory, "expected a regular file, found a directory");
    let sparse = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut &sparse, &good).unwrap();
    sparse.set_len(1 << 40).unwrap();
    refused(&path, "expected at most 34359738368 bytes");
}

#[test]
fn what_a_crash_leaves_of_a_new_file_is_begun_again() {
    let (_folder, path) = folder();
    let good = filled(&path, 1);
    for begun in [&good[..0], &good[..5], &good[..63], &[0; FILE_HEAD]] {
        std::fs::write(&path, begun).unwrap();
        assert!(Report::of(&path, true).is_err());
        filled(&path, 2);
        assert_eq!(Report::of(&path, true).unwrap().entries(), 2);
    }
}

#[test]
fn a_full_file_forgets_the_oldest_and_does_not_grow() {
    let (_folder, path) = folder();
    let store = Store::open(&path, small(1 << 20)).unwrap();
    let limit = store.stat().unwrap().max_bytes;
    assert_eq!(limit, segment_start(3));
    let count = 8000;
    for i in 0..count {
        store.put(&A, &key(i), &value(i));
        if i % 500 == 499 {
            store.flush().unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() <= 1 << 20);
        }
    }
    let stat = store.stat().unwrap();
    assert_eq!(stat.entries() + stat.evicted, count);
    assert!(stat.evicted > count / 2, "{stat:?}");
    let kept = |store: &Store| -> Vec<u64> {
        let known = |&i: &u64| {
            let found = store.get(&A, &key(i)).unwrap();
            found.is_some_and(|found| found == value(i))
        };
        (0..count).filter(known).collect()
    };
    let before = kept(&store);
    assert_eq!(before.len() as u64, stat.entries());
    assert!(before.iter().copied().eq(stat.evicted..count), "the newest");
    let report = store.verify().unwrap();
    assert_eq!((report.damaged.len(), report.unfinished.len()), (0, 0));
    drop(store);
    let store = Store::open(&path, small(1 << 20)).unwrap();
    assert_eq!(kept(&store), before);
}

#[test]
fn a_smaller_limit_keeps_what_was_written_last() {
    let (_folder, path) = folder();
    let store = open(&path);
    for i in 0..8000 {
        store.put(&A, &key(i), &value(i));
        if i % 500 == 499 {
            store.flush().unwrap();
        }
    }
    drop(store);
    assert!(std::fs::metadata(&path).unwrap().len() > 2 << 20);
    let store = Store::open(&path, small(1 << 20)).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() <= 1 << 20);
    let kept = store.stat().unwrap().entries();
    assert!(kept > 1000, "{kept}");
    for i in 0..8000 {
        let expected = (i >= 8000 - kept).then(|| value(i));
        assert_eq!(store.get(&A, &key(i)).unwrap(), expected);
    }
    store.put(&A, b"and", b"on");
    drop(store);
    let report = Report::of(&path, true).unwrap();
    assert_eq!((report.damaged.len(), report.unfinished.len()), (0, 0));
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1
    );
}

#[test]
fn clearing_forgets_one_model_or_all() {
    let (_folder, path) = folder();
    let store = open(&path);
    for i in 0..100 {
        store.put(&A, &key(i), &value(i));
        store.put(&B, &key(i), &value(i + 1));
    }
    assert_eq!(store.clear(Some(&A)).unwrap(), 100);
    assert_eq!(store.clear(Some(&A)).unwrap(), 0);
    let small = std::fs::metadata(&path).unwrap().len();
    drop(store);
    let store = open(&path);
    assert_eq!(store.get(&A, &key(5)).unwrap(), None);
    assert_eq!(store.get(&B, &key(5)).unwrap().unwrap(), value(6));
    store.put(&A, &key(5), &value(5));
    assert_eq!(store.clear(None).unwrap(), 101);
    assert_eq!(store.get(&A, &key(5)).unwrap(), None);
    assert!(std::fs::metadata(&path).unwrap().len() < small);
    store.put(&A, &key(5), &value(5));
    drop(store);
    let store = open(&path);
    assert_eq!(store.stat().unwrap().entries(), 1);
    assert_eq!(store.get(&A, &key(5)).unwrap().unwrap(), value(5));
}

/// Opens a broken file, asks for everything, and checks that nothing wrong was served. Writes on if told to, which waits
/// for the disk.
fn survives(path: &Path, bytes: &[u8], count: u64, write: bool) -> (Option<Report>, u64) {
    std::fs::write(path, bytes).unwrap();
    let report = Report::of(path, true).ok();
    let Ok(store) = Store::open(path, small(64 << 20)) else {
        return (None, 0);
    };
    let mut known = 0;
    for i in 0..count {
        if let Some(found) = store.get(&A, &key(i)).unwrap() {
            assert_eq!(found, value(i));
            known += 1;
        }
    }
    if !write {
        return (report, known);
    }
    store.put(&B, b"more", b"of it");
    drop(store);
    let store = Store::open(path, small(64 << 20)).unwrap();
    assert_eq!(store.get(&B, b"more").unwrap().unwrap(), b"of it");
    assert_eq!(
        store.stat().unwrap().damaged,
        store.verify().unwrap().damaged.len() as u64
    );
    (report, known)
}

#[test]
fn cut_off_anywhere_it_serves_what_is_whole() {
    let (_folder, path) = folder();
    let count = 60;
    let good = filled(&path, count);
    let mut last = 0;
    for length in (0..FILE_HEAD).chain((FILE_HEAD..good.len()).step_by(83)) {
        let (report, known) = survives(&path, &good[..length], count, length % 32 == 0);
        assert!(known >= last && known <= count);
        last = known;
        if let Some(report) = report.filter(|_| length > 4096) {
            assert_eq!((report.entries(), report.damaged.len()), (known, 0));
            assert_eq!(report.unfinished.len(), 1);
        }
    }
    assert!(last >= count - 1);
}

#[test]
fn a_flipped_bit_costs_one_record_and_is_told() {
    let (_folder, path) = folder();
    let count = 60;
    let good = filled(&path, count);
    for at in (4096..good.len()).step_by(43) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let (report, known) = survives(&path, &bad, count, at % 32 == 0);
        let report = report.unwrap();
        if at < 4096 + 16 {
            assert_eq!((known, report.damaged.len()), (0, 1));
            continue;
        }
        // In the padding a bit changes nothing.
        assert!(known + 1 >= count, "{at}: {known}");
        assert_eq!(report.entries(), known);
        let told = report.damaged.iter();
        let told = told
            .map(|d| d.at..d.at + d.bytes)
            .chain(report.unfinished.iter().map(|&u| u..good.len() as u64))
            .any(|range| range.contains(&(at as u64)));
        let in_end_mark = report.damaged.is_empty() && known == count;
        assert!(told || in_end_mark, "{at}: {report:?}");
    }
}

#[test]
fn damage_in_an_open_file_is_a_miss_and_counted() {
    let (_folder, path) = folder();
    filled(&path, 100);
    let store = open(&path);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    super::place::write_at(&file, &[0xff; 20000], 5000).unwrap();
    let known = (0..100)
        .filter_map(|i| Some((i, store.get(&A, &key(i)).unwrap()?)))
        .inspect(|(i, found)| assert_eq!(*found, value(*i)))
        .count();
    assert!((1..100).contains(&known), "{known}");
    let stat = store.stat().unwrap();
    assert_eq!(stat.damaged + known as u64, 100);
    assert_eq!(stat.entries(), known as u64);
    assert!(!store.verify().unwrap().damaged.is_empty());
    // Those that are gone can be put again.
    (0..100).for_each(|i| store.put(&A, &key(i), &value(i)));
    store.flush().unwrap();
    assert!((0..100).all(|i| store.get(&A, &key(i)).unwrap() == Some(value(i))));
    // What is copied into a new file is whole.
    store.put(&B, b"key", b"value");
    assert_eq!(store.clear(Some(&B)).unwrap(), 1);
    assert!(store.verify().unwrap().damaged.is_empty());
    assert!((0..100).all(|i| store.get(&A, &key(i)).unwrap() == Some(value(i))));
}

#[test]
fn a_torn_write_ends_before_its_first_broken_record() {
    let (_folder, path) = folder();
    let before = filled(&path, 20);
    let store = open(&path);
    (20..40).for_each(|i| store.put(&A, &key(i), &value(i)));
    drop(store);
    let after = std::fs::read(&path).unwrap();
    // The write that made the one from the other, cut off: what stood there before comes behind it.
    for cut in (before.len() - 64..after.len()).step_by(31) {
        let mut torn = after[..cut].to_vec();
        torn.extend(&before[cut.min(before.len())..]);
        let (report, known) = survives(&path, &torn, 40, cut % 32 == 0);
        assert!((20..=40).contains(&known), "{cut}: {known}");
        assert!(report.unwrap().damaged.is_empty());
    }
}

#[test]
fn records_of_a_segments_earlier_life_do_not_count() {
    let (_folder, path) = folder();
    let store = Store::open(&path, small(1 << 20)).unwrap();
    let large = vec![1; SEGMENT / 3];
    for i in 0..30_u64 {
        store.put(&A, &key(i), &large);
        store.flush().unwrap();
    }
    let stat = store.stat().unwrap();
    drop(store);
    let report = Report::of(&path, true).unwrap();
    assert_eq!(report.models, stat.models);
    assert_eq!(report.models[0].entries, 6);
    assert_eq!((report.damaged.len(), report.unfinished.len()), (0, 0));
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8, u16),
    Flush,
    Reopen,
    Clear(Option<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (0..3_u8, 0..30_u8, 0..3000_u16).prop_map(|(m, k, v)| Step::Put(m, k, v)),
        2 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => proptest::option::weighted(0.8, 0..3_u8).prop_map(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn it_is_a_map(steps in proptest::collection::vec(step(), 1..80)) {
        let (_folder, path) = folder();
        let mut store = open(&path);
        let mut map = HashMap::new();
        for step in steps {
            match step {
                Step::Put(m, k, v) => {
                    let value = vec![v as u8; v.into()];
                    store.put(&ModelId([m; 32]), &[k], &value);
                    map.insert((m, k), value);
                }
                Step::Flush => store.flush().unwrap(),
                Step::Reopen => {
                    drop(store);
                    store = open(&path);
                }
                Step::Clear(model) => {
                    let before = map.len();
                    map.retain(|(m, _), _| model.is_some_and(|cleared| cleared != *m));
                    let removed = store.clear(model.map(|m| ModelId([m; 32])).as_ref()).unwrap();
                    prop_assert_eq!(removed, (before - map.len()) as u64);
                }
            }
            for m in 0..3 {
                for k in 0..30 {
                    let found = store.get(&ModelId([m; 32]), &[k]).unwrap();
                    prop_assert_eq!(found.as_ref(), map.get(&(m, k)));
                }
            }
        }
        store.flush().unwrap();
        let report = store.verify().unwrap();
        prop_assert_eq!(report.entries(), map.len() as u64);
        prop_assert!(report.damaged.is_empty() && report.unfinished.is_empty());
    }

    #[test]
    fn any_bytes_behind_a_head_are_survived(
        noise in proptest::collection::vec(any::<u8>(), 0..2000),
        at in 64..9000_usize,
    ) {
        let (_folder, path) = folder();
        let mut bytes = filled(&path, 20);
        let end = bytes.len().min(at + noise.len());
        let at = at.min(end);
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        survives(&path, &bytes, 20, true);
    }
}
