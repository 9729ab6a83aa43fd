//! `recurra cache`: whole files of answers, broken ones, and files that are something else.

use crate::common::*;
use recurra::cache::{Store, StoreOptions};
use recurra::model::{ModelId, TrmModel};
use std::path::{Path, PathBuf};

/// Where a file's first record stands.
const FIRST: usize = 4096 + 16;
/// Answers of the first model in a file that [`filled`] made.
const COUNT: u32 = 40;

fn question(i: u32) -> Vec<u8> {
    format!("question {i}").into_bytes()
}

fn answer(i: u32) -> Vec<u8> {
    format!("answer {i} ").repeat(1 + i as usize % 20).into()
}

/// A file of 40 answers of `model` and one of another. All are written at once.
fn filled(dir: &Path, model: &ModelId) -> PathBuf {
    let path = dir.join("answers");
    let store = Store::open(&path, StoreOptions::default()).unwrap();
    (0..COUNT).for_each(|i| store.put(model, &question(i), &answer(i)));
    store.put(&ModelId([0xab; 32]), b"question", b"answer");
    path
}

fn entries(path: &Path) -> u64 {
    let out = recurra("cache stat {} --json", &[path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    json(&out)[0]["entries"].as_u64().unwrap()
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
fn stat_tells_what_each_model_has() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let id = TrmModel::open(random_model(dir.path())).unwrap().digest();
    let path = filled(dir.path(), &id);
    let out = recurra("cache stat {} --json", &[&path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let stat = &json(&out)[0];
    let length = std::fs::metadata(&path).unwrap().len();
    assert_eq!(stat["bytes"].as_u64().unwrap(), length);
    assert_eq!(stat["entries"].as_u64().unwrap(), 41);
    let models = stat["models"].as_array().unwrap();
    let of = |id: &str| models.iter().find(|m| m["model"] == id).unwrap();
    assert_eq!(of(&id.to_string())["entries"], COUNT);
    assert_eq!(of(&"ab".repeat(32))["entries"], 1);
    assert_eq!(of(&"ab".repeat(32))["bytes"], 64 + 16);
    let out = recurra("cache stat {}", &[&path]);
    let text = stdout(&out);
    assert!(text.contains(&format!("{id} (40 answers, ")), "{text}");
    assert!(text.contains("answers          41\n"), "{text}");
    let out = recurra("cache verify {}", &[&path]);
    assert_eq!((status(&out), stdout(&out)), (Some(0), text));
}

#[test]
fn clear_forgets_one_model_or_all() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let (random, copying) = (random_model(dir.path()), copying_model(dir.path()));
    let path = filled(dir.path(), &TrmModel::open(&random).unwrap().digest());
    let clear = |flags: &str, paths: &[&Path], forgotten: &str| {
        let out = recurra(&format!("cache clear {{}} {flags}"), paths);
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        assert_eq!(stdout(&out), format!("forgotten        {forgotten}\n"));
    };
    clear("--model {}", &[&path, &copying], "0 answers");
    assert_eq!(entries(&path), 41);
    clear(
        &format!("--model {}", "ab".repeat(32)),
        &[&path],
        "1 answer",
    );
    assert_eq!(entries(&path), 40);
    clear("--model {}", &[&path, &random], "40 answers");
    assert_eq!(entries(&path), 0);
    let path = filled(dir.path(), &ModelId([1; 32]));
    clear("", &[&path], "41 answers");
    assert_eq!(entries(&path), 0);
    assert!(std::fs::metadata(&path).unwrap().len() < 4096);
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let other = dir.path().join("other");
    let mut version = std::fs::read(filled(dir.path(), &ModelId([1; 32]))).unwrap();
    version[8] = 9;
    let cases: [(Vec<u8>, &str); 4] = [
        (
            b"1.|.3\n".repeat(100),
            "expected the mark `RECURRAC`, found `1.|.3\\n1.`",
        ),
        (vec![0; 10_000], "expected the mark `RECURRAC`"),
        (version, "expected version 1, found 9"),
        (std::fs::read(&model).unwrap(), "expected the mark"),
    ];
    for (bytes, part) in cases {
        std::fs::write(&other, &bytes).unwrap();
        for command in ["stat", "verify", "clear"] {
            let out = recurra(&format!("cache {command} {{}}"), &[&other]);
            refused(&out, part);
            assert!(stderr(&out).contains("other: store of answers"));
        }
        assert_eq!(std::fs::read(&other).unwrap(), bytes);
    }
    std::fs::write(&other, "").unwrap();
    refused(&recurra("cache stat {}", &[&other]), "found an empty file");
    refused(
        &recurra("cache verify {}", &[&other]),
        "found an empty file",
    );
    std::fs::remove_file(&other).unwrap();
    for command in ["stat", "verify", "clear"] {
        let run = |path: &Path| recurra(&format!("cache {command} {{}}"), &[path]);
        refused(&run(&other), "No such file");
        assert!(!other.exists());
        refused(&run(dir.path()), "found a directory");
    }
    let path = filled(dir.path(), &ModelId([1; 32]));
    let out = recurra("cache clear {} --model {}", &[&path, &other]);
    refused(&out, "No such file");
    assert_eq!(entries(&path), 41);
}

#[test]
fn a_file_in_use_is_refused() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path(), &ModelId([1; 32]));
    let store = Store::open(&path, StoreOptions::default()).unwrap();
    for command in ["stat", "verify", "clear"] {
        let out = recurra(&format!("cache {command} {{}}"), &[&path]);
        refused(&out, "found it in use");
    }
    drop(store);
    assert_eq!(entries(&path), 41);
}

/// What `verify` says of a broken file, after checking that it says it well.
fn verify(path: &Path, bytes: &[u8]) -> (Option<i32>, serde_json::Value) {
    std::fs::write(path, bytes).unwrap();
    let out = recurra("cache verify {} --json", &[path]);
    let message = stderr(&out);
    assert!(!message.contains("panicked"), "{message}");
    let Some(report) = json(&out).pop() else {
        refused(&out, "store of answers: expected");
        return (None, serde_json::Value::Null);
    };
    let damaged = report["damaged"].as_array().unwrap();
    assert_eq!(status(&out), Some((!damaged.is_empty()).into()));
    if let Some(first) = damaged.first() {
        let place = format!("at byte {}\n", first["at"]);
        assert!(message.contains("damaged in 1 place, "), "{message}");
        assert!(message.ends_with(&place), "{message}");
    } else {
        assert_eq!(message, "");
    }
    (status(&out), report)
}

/// Answers that a file still has, all of them right.
fn right_answers(path: &Path, model: &ModelId) -> u32 {
    let store = Store::open(path, StoreOptions::default()).unwrap();
    let mut right = 0;
    for i in 0..COUNT {
        if let Some(found) = store.get(model, &question(i)).unwrap() {
            assert_eq!(found, answer(i));
            right += 1;
        }
    }
    right
}

#[test]
fn verify_says_which_byte_was_changed() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let model = ModelId([1; 32]);
    let path = filled(dir.path(), &model);
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(101) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let (code, report) = verify(&path, &bad);
        if at < 64 {
            assert_eq!(code, None, "the head is refused");
            continue;
        }
        let right = right_answers(&path, &model);
        if at < 4096 {
            // Nothing is there.
            assert_eq!((code, right), (Some(0), COUNT));
        } else if at < FIRST {
            assert_eq!((code, right), (Some(1), 0));
        } else if code == Some(1) {
            let place = report["damaged"][0].clone();
            let (begin, bytes) = (
                place["at"].as_u64().unwrap(),
                place["bytes"].as_u64().unwrap(),
            );
            assert!(
                (begin..begin + bytes).contains(&(at as u64)),
                "{at}: {place}"
            );
            assert!(right >= COUNT - 1);
        } else {
            // Between two records, in the end mark, or in zeros that fill a record up.
            assert_eq!(right, COUNT, "{at}");
        }
    }
}

#[test]
fn a_file_that_was_cut_off_keeps_its_whole_answers() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let model = ModelId([1; 32]);
    let path = filled(dir.path(), &model);
    let good = std::fs::read(&path).unwrap();
    let mut before = 0;
    for length in (0..64).step_by(9).chain((64..good.len()).step_by(151)) {
        let (code, report) = verify(&path, &good[..length]);
        let right = right_answers(&path, &model);
        assert!(right >= before && right <= COUNT, "{length}");
        before = right;
        if length < 64 {
            assert_eq!(code, None);
            continue;
        }
        assert_eq!(code, Some(0));
        // The other model's answer is the last.
        let entries = report["entries"].as_u64().unwrap();
        assert_eq!(entries.min(COUNT.into()), u64::from(right), "{length}");
        let unfinished = report["unfinished"].as_array().unwrap().len();
        assert_eq!(unfinished, usize::from(length > 4096), "{length}");
    }
    assert!(before >= COUNT - 2, "{before}");
}
